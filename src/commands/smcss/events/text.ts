// SPDX-License-Identifier: MIT
/** The records of --events as lines for people: time, event, state, mode, ends, and what else is known as `name=value`. */
import type { Paint } from '../../../output/table.ts';
import { fallbackReasons, formatReasonCode } from '../../../smc/fallback-reasons.ts';
import { fallbackOf, type SeenSocket } from '../../../smc/seen-socket.ts';
import { type ConnectionEvent, UNKNOWN_FD } from '../../../smc/socket-events.ts';
import { connectionMode, type Endpoint, STATE_LISTEN, stateName } from '../../../smc/sockets.ts';
import { holdersText, namespaceText, word } from '../additions.ts';
import { type EventRecord, missed, type RecordWriter } from './records.ts';

/** @param isEverywhere records have the network namespace */
export function textWriter(paint: Paint, isEverywhere: boolean): RecordWriter {
  return (record, timeOf) =>
    [timeOf(record.at), ...words(record, paint, isEverywhere).filter(Boolean)].join(' ');
}

const EVENT_WIDTH = 'appeared'.length;
const STATE_WIDTH = 'APPFINCLOSEWAIT1'.length;

const event = (name: string): string => name.padEnd(EVENT_WIDTH);

function words(record: EventRecord, paint: Paint, isEverywhere: boolean): string[] {
  switch (record.kind) {
    case 'start':
      return [
        event('start'),
        `sockets=${record.sockets}`,
        `interval=${record.seconds}s`,
        `missed: ${missed(record)}`,
      ];
    case 'stop':
      return [event('stop'), `records=${record.records}`];
    case 'lost':
      return [event('lost'), `count=${record.count ?? '?'}`, `cause=${record.cause}`, 'source=trace'];
    case 'link down':
      return [
        event('link-down'),
        `ib-device=${word(record.device)}`,
        isEverywhere ? `netns=${namespaceText(record.netns) || '?'}` : '',
        'source=trace',
      ];
    default:
      return connectionWords(record, paint, isEverywhere);
  }
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(3)}s`;

function connectionWords(record: ConnectionEvent, paint: Paint, isEverywhere: boolean): string[] {
  const { kind, source, socket, before, isListed, end } = record;
  const mode = connectionMode(socket);
  const style = mode === 'TCP' ? 'bad' : mode === 'SMCD' ? 'info' : 'good';
  const ends = isListed ? endsText(socket) : '? ?';
  const fallback = fallbackOf(socket);
  const oldMode = before && connectionMode(before);
  return [
    event(kind),
    (isListed ? stateName(socket.state) : '?').padEnd(STATE_WIDTH),
    mode === undefined ? '-   ' : paint(style, mode.padEnd(4)),
    ends,
    socket.side ?? '',
    fallback ? `reason=${reasonText(fallback.reason)}` : '',
    fallback && fallback.peerDiagnosis !== 0 ? `peer-reason=${reasonText(fallback.peerDiagnosis)}` : '',
    kind === 'changed' && before!.state !== socket.state ? `was=${stateName(before!.state)}` : '',
    kind === 'changed' && oldMode !== mode ? `was-mode=${oldMode ?? '-'}` : '',
    ...(end
      ? [
          end.rxBytes === undefined ? '' : `rx=${end.rxBytes}`,
          end.txBytes === undefined ? '' : `tx=${end.txBytes}`,
          end.livedMs === undefined ? '' : `lived=${seconds(end.livedMs)}`,
        ]
      : []),
    isEverywhere ? `netns=${namespaceText(socket.netns) || '?'}` : '',
    ownerWords(socket),
    `source=${source}`,
  ];
}

const endText = ({ address, port }: Endpoint): string => {
  const text = address ?? 'unknown';
  return `${text.includes(':') ? `[${text}]` : text}:${port}`;
};

const endsText = ({ local, peer, state }: SeenSocket): string =>
  state === STATE_LISTEN ? endText(local) : `${endText(local)} ${endText(peer)}`;

const reasonText = (code: number): string => {
  const name = fallbackReasons.get(code)?.name;
  return formatReasonCode(code) + (name === undefined ? '' : `/${name}`);
};

function ownerWords({ ownership }: SeenSocket): string {
  if (ownership?.state !== 'held') return '';
  return holdersText(
    ownership.holders.map((one) => ({ ...one, fd: one.fd === UNKNOWN_FD ? undefined : one.fd })),
  );
}
