// SPDX-License-Identifier: MIT
/** The history as pictures that need no script; where there is one, it draws charts in their place. */
import type { ChartPoint } from './chart-points.ts';
import { countText, rateText } from './format.ts';
import { type Html, html } from './html.ts';

/** Of the coordinates; the picture is as wide as its place. */
const WIDTH = 1000;
const HEIGHT = 100;

interface Series {
  name: string;
  /** of its element */
  kind: string;
  of: (point: ChartPoint) => number | null;
}

const OPEN: readonly Series[] = [
  { name: 'SMC-R', kind: 'smcr', of: ([, smcr]) => smcr },
  { name: 'SMC-D', kind: 'smcd', of: ([, , smcd]) => smcd },
  { name: 'TCP', kind: 'tcp', of: ([, , , tcp]) => tcp },
];

const BYTES: readonly Series[] = [
  { name: 'received', kind: 'received', of: ([, , , , received]) => received },
  { name: 'sent', kind: 'sent', of: ([, , , , , sent]) => sent },
];

/** Both charts, the second one empty for a single reading. */
export function historyCharts(points: readonly ChartPoint[]): Html {
  return html`<div class="cards charts">
${chart('chart-open', 'Open connections over the last hour', points, OPEN, countText)}
${chart('chart-bytes', 'Bytes per second over the last hour', points, BYTES, rateText)}
</div>`;
}

function chart(
  id: string,
  title: string,
  points: readonly ChartPoint[],
  series: readonly Series[],
  text: (value: number) => string,
): Html {
  const most = Math.max(1, ...points.flatMap((point) => series.map(({ of }) => of(point) ?? 0)));
  const [begin] = points[0] ?? [0];
  const [end] = points.at(-1) ?? [0];
  const x = (seconds: number): string => ((WIDTH * (seconds - begin)) / Math.max(1, end - begin)).toFixed(1);
  const y = (value: number): string => (HEIGHT - (HEIGHT * value) / most).toFixed(1);
  const line = ({ kind, of }: Series): Html => {
    const known = points.flatMap((point) => {
      const value = of(point);
      return value === null ? [] : [`${x(point[0])},${y(value)}`];
    });
    return html`<polyline class="line ${kind}" points="${known.join(' ')}"/>`;
  };
  const last = points.at(-1);
  const now = ({ name, kind, of }: Series): Html =>
    html`<li><i class="key ${kind}"></i>${name} ${last && of(last) !== null ? text(of(last)!) : '–'}</li>`;
  return html`<section class="card" aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2>
<div id="${id}" class="chart">${
    points.length > 1
      ? html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${title}: at most ${text(most)}" width="100%" height="160">${series.map(line)}</svg>`
      : html`<p class="none">A chart takes two readings.</p>`
  }</div>
<ul class="legend" id="${id}-now">${series.map(now)}</ul>
</section>`;
}
