// SPDX-License-Identifier: MIT
/** The columns of the full screen, as many as its width allows. */
import { printable, type Style } from '../../../output/table.ts';
import { fallbackReasons, formatReasonCode } from '../../../smc/fallback-reasons.ts';
import { fallbackOf } from '../../../smc/seen-socket.ts';
import type { TrackedSocket } from '../../../smc/socket-tracker.ts';
import { connectionMode, STATE_LISTEN, stateName } from '../../../smc/sockets.ts';
import { namespaceText, ownerText } from '../additions.ts';
import { addressText } from '../columns.ts';
import type { SmcssOptions } from '../options.ts';
import { percent, rateText, trafficText } from '../rates.ts';

/** A column of a certain width. */
export interface ScreenColumn {
  title: string;
  width: number;
  /** numbers end below each other */
  isNumber?: boolean;
  /** at most `width` characters are shown */
  text(tracked: TrackedSocket, width: number): string;
  style?(tracked: TrackedSocket): Style | undefined;
}

/** How long a socket has been there, as far as it was seen: `12s`; `>12s` if it was there before. */
function ageText({ firstSeenAt, lastSeenAt, fromStart }: TrackedSocket): string {
  const seconds = (lastSeenAt - firstSeenAt) / 1000;
  return `${fromStart ? '' : '>'}${durationText(seconds)}`;
}

function durationText(seconds: number): string {
  if (seconds < 100) return `${Math.floor(seconds)}s`;
  if (seconds < 6000) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 360_000) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** Name of a reason code, or the code; that of the peer if it declined. */
export function reasonText(code: number): string {
  return fallbackReasons.get(code)?.name ?? formatReasonCode(code);
}

function reasonsText({ socket }: TrackedSocket): string {
  const fallback = fallbackOf(socket);
  if (!fallback) return '';
  const { reason, peerDiagnosis } = fallback;
  return peerDiagnosis === 0 ? reasonText(reason) : `${reasonText(reason)}/${reasonText(peerDiagnosis)}`;
}

const BASE: readonly ScreenColumn[] = [
  {
    title: 'RX-B/s',
    width: 6,
    isNumber: true,
    text: ({ socket }) => trafficText(socket, ({ rx }) => rateText(rx)),
  },
  {
    title: 'TX-B/s',
    width: 6,
    isNumber: true,
    text: ({ socket }) => trafficText(socket, ({ tx }) => rateText(tx)),
  },
  {
    title: 'Mode',
    width: 4,
    text: ({ socket }) => connectionMode(socket) ?? '-',
    style({ socket }) {
      const mode = connectionMode(socket);
      return mode === undefined ? undefined : mode === 'TCP' ? 'bad' : mode === 'SMCD' ? 'info' : 'good';
    },
  },
  { title: 'State', width: 11, text: ({ socket }) => stateName(socket.state) },
];

/** The two ends get what is left, from the smallest width to the largest. */
const END_MIN = 14;
/** Most IPv4 addresses with their ports. Columns that nobody asked for make an end no smaller. */
const END_USUAL = 20;
const END_MAX = 23;
const END_WIDE = 45;

const local = (width: number): ScreenColumn => ({
  title: 'Local Address',
  width,
  text: ({ socket }) => addressText(socket.local, width),
});

const peer = (width: number): ScreenColumn => ({
  title: 'Peer Address',
  width,
  text: ({ socket }) => (socket.state === STATE_LISTEN ? '' : addressText(socket.peer, width)),
});

/** So much more of the owner is shown before other columns are. */
const OWNER_MORE = 24;

/** Shown as long as there is room, in this order. The last one gets what is left at the end of the line. */
function moreColumns({ allNetns, processes }: SmcssOptions): ScreenColumn[] {
  return [
    ...(allNetns
      ? [{ title: 'Netns', width: 12, text: ({ socket }: TrackedSocket) => namespaceText(socket.netns) }]
      : []),
    ...(processes
      ? [{ title: 'Owner', width: 16, text: ({ socket }: TrackedSocket) => ownerText(socket) }]
      : []),
    { title: 'Age', width: 4, isNumber: true, text: ageText },
    { title: 'Reason', width: 10, text: reasonsText },
    {
      title: 'Filled',
      width: 6,
      isNumber: true,
      text: ({ socket }) => trafficText(socket, ({ fill }) => percent(fill)),
    },
    {
      title: 'RX-blk',
      width: 6,
      isNumber: true,
      text: ({ socket }) => trafficText(socket, ({ rxBlocked }) => percent(rxBlocked)),
    },
    {
      title: 'TX-blk',
      width: 6,
      isNumber: true,
      text: ({ socket }) => trafficText(socket, ({ txBlocked }) => percent(txBlocked)),
    },
  ];
}

/** Columns that are text come last, so that they can use the rest of the line. */
const isFixed = ({ title }: ScreenColumn): boolean => title !== 'Owner' && title !== 'Reason';

const isAskedFor = ({ title }: ScreenColumn): boolean => title === 'Netns' || title === 'Owner';

/** @param width of the lines in characters */
export function screenColumns(options: SmcssOptions, width: number): ScreenColumn[] {
  const used = (columns: readonly ScreenColumn[]): number =>
    columns.reduce((sum, column) => sum + column.width + 1, 0);
  const more: ScreenColumn[] = [];
  for (const column of moreColumns(options)) {
    const need = isAskedFor(column) ? 2 * END_MIN : 2 * END_USUAL + (options.processes ? OWNER_MORE : 0);
    if (used([...BASE, ...more, column]) + need + 2 > width + 1) break;
    more.push(column);
  }
  const left = width + 1 - used([...BASE, ...more]) - 2;
  const end = Math.max(END_MIN, Math.min(options.wide ? END_WIDE : END_MAX, Math.floor(left / 2)));
  const columns = [
    ...BASE,
    local(end),
    peer(end),
    ...more.filter(isFixed),
    ...more.filter((column) => !isFixed(column)),
  ];
  const last = columns.at(-1)!;
  if (isFixed(last)) return columns;
  return [...columns.slice(0, -1), { ...last, width: last.width + Math.max(0, width + 1 - used(columns)) }];
}

/** A text in exactly so many characters. */
export function cell({ isNumber, width }: ScreenColumn, text: string): string {
  const shown = printable(text);
  if (shown.length > width) return `${shown.slice(0, Math.max(0, width - 2))}..`.slice(0, width);
  return isNumber ? shown.padStart(width) : shown.padEnd(width);
}
