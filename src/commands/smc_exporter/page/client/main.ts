// SPDX-License-Identifier: MIT
/** The script of the page: follows the readings of the server and renders each by the code that the server uses, too. */
import type { OverviewDocument } from '../../../../documents/smc_exporter-page.ts';
import { type ChartPoint, chartPointOf } from '../chart-points.ts';
import { titleOf } from '../page-title.ts';
import { sections } from '../sections.ts';
import { Charts } from './charts.ts';
import { localTimes, update } from './dom.ts';
import { type Connection, follow } from './events.ts';

const charts = new Charts();
const status = document.getElementById('connection')!;
const news = document.getElementById('news')!;
let state: string | undefined;

/** A screen reader reads this out, so it changes only when there is something to say. */
function say(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

function show(overview: OverviewDocument): void {
  for (const [id, part] of Object.entries(sections(overview))) update(document.getElementById(id), part);
  localTimes();
  document.title = titleOf(overview);
  const { verdict } = overview;
  if (state !== undefined && state !== verdict.state) say(news, verdict.sentence);
  ({ state } = verdict);
  say(status, 'live');
  status.dataset['state'] = 'live';
  charts.add(chartPointOf(overview));
}

function lost(text: string): void {
  say(status, text);
  status.dataset['state'] = 'lost';
}

const connection: Connection = {
  onHistory: (points: readonly ChartPoint[]) => charts.begin(points),
  onReading: show,
  onLost: lost,
};

localTimes();
follow(new URL('events', location.href), connection);
