// SPDX-License-Identifier: MIT
/** The charts of the last hour. They take the place of the pictures that the server has drawn. */
import uPlot from 'uplot';
import type { ChartPoint } from '../chart-points.ts';
import { countText, rateText } from '../format.ts';

/** As far as the history of the server reaches. */
const SPAN_SECONDS = 3600;
const HEIGHT = 160;

interface Series {
  label: string;
  /** custom property with the colour */
  colour: string;
  /** index in a point */
  at: 1 | 2 | 3 | 4 | 5;
  dash?: number[];
}

const CHARTS: readonly { id: string; series: readonly Series[]; text: (value: number) => string }[] = [
  {
    id: 'chart-open',
    series: [
      { label: 'SMC-R', colour: '--accent', at: 1 },
      { label: 'SMC-D', colour: '--tint', at: 2 },
      { label: 'TCP', colour: '--warm', at: 3, dash: [6, 3] },
    ],
    text: countText,
  },
  {
    id: 'chart-bytes',
    series: [
      { label: 'received', colour: '--accent', at: 4 },
      { label: 'sent', colour: '--tint', at: 5 },
    ],
    text: rateText,
  },
];

const colour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export class Charts {
  #points: ChartPoint[] = [];
  #plots: uPlot[] = [];

  constructor() {
    // a canvas does not follow the colour scheme by itself
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#draw());
    addEventListener('resize', () => this.#fit());
  }

  begin(points: readonly ChartPoint[]): void {
    this.#points = [...points];
    this.#draw();
  }

  add(point: ChartPoint): void {
    // the last point of the history is the reading that follows it
    if (this.#points.at(-1)?.[0] === point[0]) this.#points.pop();
    this.#points.push(point);
    while (this.#points.length > 1 && this.#points[0]![0] < point[0] - SPAN_SECONDS) this.#points.shift();
    if (this.#plots.length === 0) this.#draw();
    else for (const [index, { series }] of CHARTS.entries()) this.#plots[index]?.setData(this.#data(series));
    this.#legends();
  }

  #data(series: readonly Series[]): uPlot.AlignedData {
    return [
      this.#points.map(([seconds]) => seconds),
      ...series.map(({ at }) => this.#points.map((point) => point[at])),
    ] as uPlot.AlignedData;
  }

  #draw(): void {
    for (const plot of this.#plots) plot.destroy();
    this.#plots = [];
    if (this.#points.length < 2) return;
    for (const { id, series, text } of CHARTS) {
      const place = document.getElementById(id);
      if (!place) continue;
      place.replaceChildren();
      this.#plots.push(new uPlot(this.#options(place, series, text), this.#data(series), place));
      describe(place);
    }
    this.#legends();
  }

  #options(place: HTMLElement, series: readonly Series[], text: (value: number) => string): uPlot.Options {
    const axis = {
      stroke: colour('--dim'),
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { show: false },
    };
    return {
      width: place.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { drag: { x: false, y: false } },
      scales: { y: { range: (_plot, _min, max) => [0, Math.max(1, max * 1.1)] } },
      axes: [
        { ...axis, size: 28, values: (plot, seconds) => seconds.map((value) => clockText(value, plot)) },
        {
          ...axis,
          size: 72,
          values: (_plot, values) => values.map((value) => (Number.isInteger(value) ? text(value) : '')),
        },
      ],
      series: [
        {},
        ...series.map(({ label, colour: name, dash }) => ({
          label,
          stroke: colour(name),
          width: 2,
          ...(dash && { dash }),
          points: { show: false },
        })),
      ],
      hooks: { setCursor: [(plot) => this.#legend(plot, plot.cursor.idx ?? undefined)] },
    };
  }

  #fit(): void {
    for (const plot of this.#plots) {
      const width = plot.root.parentElement?.clientWidth ?? 0;
      if (width > 0) plot.setSize({ width, height: HEIGHT });
    }
  }

  #legends(): void {
    for (const plot of this.#plots) this.#legend(plot, undefined);
  }

  /** Values at the pointer, or the last ones. */
  #legend(plot: uPlot, index: number | undefined): void {
    const chart = CHARTS[this.#plots.indexOf(plot)];
    const point = this.#points[index ?? this.#points.length - 1];
    if (!chart || !point) return;
    const items = document.querySelectorAll(`#${chart.id}-now li`);
    for (const [at, { label, at: place }] of chart.series.entries()) {
      const value = point[place];
      const text = document.createTextNode(`${label} ${value === null ? '–' : chart.text(value)}`);
      items[at]?.lastChild?.replaceWith(text);
    }
  }
}

/** With seconds where a minute is wide. */
function clockText(seconds: number, { scales: { x } }: uPlot): string {
  const isShort = (x?.max ?? 0) - (x?.min ?? 0) < 300;
  return new Date(seconds * 1000).toLocaleTimeString(undefined, {
    hour: '2-digit',
    minute: '2-digit',
    ...(isShort && { second: '2-digit' }),
    hourCycle: 'h23',
  });
}

/** The numbers stand in the list below the chart. */
function describe(place: HTMLElement): void {
  place.querySelector('.uplot')?.setAttribute('aria-hidden', 'true');
}
