// SPDX-License-Identifier: MIT
/** The screen of --watch as lines. A pure function of what is to be shown. */
import { type Paint, printable, type Style } from '../../../output/table.ts';
import type { TrackedSocket } from '../../../smc/socket-tracker.ts';
import { stateName } from '../../../smc/sockets.ts';
import type { SmcssOptions } from '../options.ts';
import { rateText } from '../rates.ts';
import { cell, reasonText, type ScreenColumn, screenColumns } from './columns.ts';
import type { Mark, Picture } from './picture.ts';
import { sparkline } from './sparkline.ts';
import { shownTop, type WatchState } from './state.ts';

/** Characters of the terminal. */
export interface Size {
  width: number;
  height: number;
}

/** How it is shown. */
export interface Look {
  options: SmcssOptions;
  paint: Paint;
  /** the terminal shows UTF-8 */
  isUnicode: boolean;
}

export interface Screen {
  /** at most as many as the terminal has, each at most as wide as it is; colours aside */
  lines: string[];
  /** where a filter is typed, from 0 */
  cursor: { row: number; column: number } | undefined;
}

/** No terminal that shows anything is narrower. */
const NARROWEST = 4;

/** Screens that are lower have no summary, so that there are rows. */
const SUMMARY_FROM = 10;

/** Lines above the rows. */
const headHeight = ({ notices }: WatchState, { height }: Size): number =>
  height < SUMMARY_FROM ? 2 : 5 + Math.min(notices.length, 2);

/** Lines below them. */
const footHeight = ({ edit }: WatchState): number => (edit?.error === undefined ? 1 : 2);

/** Rows that are shown at once. */
export const pageOf = (state: WatchState, size: Size): number =>
  Math.max(1, size.height - headHeight(state, size) - footHeight(state));

export function view(state: WatchState, size: Size, look: Look): Screen {
  const { paint, options } = look;
  const { height } = size;
  const width = Math.max(size.width, NARROWEST);
  const page = pageOf(state, size);
  const columns = screenColumns(options, width - MARK_WIDTH);
  const top = shownTop(state, page);
  const shown = state.rows.slice(top, top + page);
  const line = (text: string, style?: Style): string => {
    const cut = printable(text).slice(0, width);
    return style ? paint(style, cut) : cut;
  };
  const summary =
    height < SUMMARY_FROM
      ? []
      : [
          line(connectionsText(state.picture)),
          line(fallbacksText(state.picture)),
          line(ratesText(state, width, look.isUnicode)),
          ...state.notices.slice(0, 2).map((notice) => line(notice, 'alarm')),
        ];
  const rows = shown.map((tracked) =>
    rowText(columns, tracked, state.picture.marks.get(tracked), look, width),
  );
  const lines = [
    line(titleText(state), 'heading'),
    ...summary,
    line(' '.repeat(MARK_WIDTH) + columns.map((column) => cell(column, column.title)).join(' '), 'heading'),
    ...rows,
    ...Array<string>(Math.max(0, page - rows.length)).fill(''),
  ];
  const { edit } = state;
  const typed = edit && printable(`/${edit.text}`).slice(1 - width);
  const foot = [
    ...(edit?.error === undefined ? [] : [line(edit.error, 'alarm')]),
    typed ?? line(footText(state, top, shown.length, width), 'dim'),
  ];
  const all = [...lines, ...foot].slice(-Math.max(1, height));
  return {
    lines: all,
    cursor: typed === undefined ? undefined : { row: all.length - 1, column: typed.length },
  };
}

const two = (number: number): string => String(number).padStart(2, '0');

function titleText({ picture: { at, interrupted }, seconds, sort, isPaused, filter }: WatchState): string {
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return [
    `smcss  ${time}  every ${seconds} s  sort ${sort}`,
    ...(isPaused ? ['PAUSED'] : []),
    ...(interrupted ? ['INCOMPLETE'] : []),
    ...(filter === '' ? [] : [`filter ${filter}`]),
  ].join('  ');
}

function connectionsText({ summary }: Picture): string {
  const { connections, smcr, smcd, tcp } = summary.connections;
  const share = connections === 0 ? '' : ` (${((100 * (smcr + smcd)) / connections).toFixed(1)}%)`;
  const states = [...summary.states]
    .sort(([, one], [, other]) => other.total - one.total)
    .map(([state, { total }]) => `${stateName(state)} ${total}`);
  return [
    `Connections ${connections}  over SMC ${smcr + smcd}${share}: SMC-R ${smcr}, SMC-D ${smcd}  fallbacks ${tcp}`,
    ...states,
  ].join('  ');
}

function fallbacksText({ summary }: Picture): string {
  const reasons = summary.reasons();
  if (reasons.length === 0) return 'Fallbacks  none';
  const texts = reasons.map(({ code, client, server, byPeer }) => {
    const peers = byPeer > 0 ? ` (${byPeer} by the peer)` : '';
    return `${reasonText(code)} ${client + server}${peers}`;
  });
  return ['Fallbacks', ...texts].join('  ');
}

/** The total rates, and what is left of the line for how they were. */
function ratesText({ picture: { traffic }, history }: WatchState, width: number, isUnicode: boolean): string {
  const { rx, tx, unknown } = traffic;
  // connections whose rates are not known may move more
  const sign = unknown > 0 ? '>' : '';
  const rate = (value: number): string => `${sign}${rateText(value)}`.padStart(7);
  const text = `RX ${rate(rx)} B/s  TX ${rate(tx)} B/s  `;
  return text + sparkline(history, width - text.length, isUnicode);
}

/** A sign in front of each row, for terminals without colours, and a blank. */
const MARK_WIDTH = 2;

const SIGNS: Readonly<Record<Mark, string>> = { new: '+', changed: '*', gone: '-' };
const STYLES: Readonly<Record<Mark, Style>> = { new: 'good', changed: 'heading', gone: 'dim' };

function rowText(
  columns: readonly ScreenColumn[],
  tracked: TrackedSocket,
  mark: Mark | undefined,
  { paint }: Look,
  width: number,
): string {
  const sign = `${mark ? SIGNS[mark] : ' '} `;
  const cells = columns.map((column) => cell(column, column.text(tracked, column.width)));
  if (mark) return paint(STYLES[mark], (sign + cells.join(' ')).slice(0, width));
  let line = sign;
  let room = width - MARK_WIDTH;
  for (const [at, column] of columns.entries()) {
    const text = cells[at]!.slice(0, Math.max(0, room));
    const style = column.style?.(tracked);
    line += style && text !== '' ? paint(style, text) : text;
    room -= text.length + 1;
    if (at < columns.length - 1 && room >= 0) line += ' ';
  }
  return line;
}

function footText({ rows, isPaused }: WatchState, top: number, shown: number, width: number): string {
  const keys = `q quit  space ${isPaused ? 'resume' : 'pause'}  s sort  / filter  arrows PgUp PgDn Home End`;
  const place = rows.length === 0 ? 'no sockets' : `${top + 1}-${top + shown} of ${rows.length}`;
  const room = width - place.length;
  return room < 2 ? place.slice(0, width) : `${keys.slice(0, room - 2).padEnd(room)}${place}`;
}
