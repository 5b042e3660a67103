// SPDX-License-Identifier: MIT
/** The records of --events as JSON, one object a line. */
import type { EventConnection, SocketEventRecord } from '../../../documents/smcss.ts';
import type { Made } from '../../../output/document.ts';
import { type Json, stringify } from '../../../output/json.ts';
import { numberIfExact } from '../../../output/json-values.ts';
import { hex } from '../../../output/numbers.ts';
import { namedReason } from '../../../smc/fallback-reasons.ts';
import { fallbackOf, type SeenSocket } from '../../../smc/seen-socket.ts';
import { type ConnectionEvent, isTraced, UNKNOWN_FD } from '../../../smc/socket-events.ts';
import {
  connectionMode,
  type Endpoint,
  STATE_LISTEN,
  socketCookie,
  stateName,
} from '../../../smc/sockets.ts';
import { namespaceJson, ownerJson } from '../additions.ts';
import { type EventRecord, missed, type RecordWriter } from './records.ts';

/** @param isEverywhere records have the network namespace */
export function jsonWriter(isEverywhere: boolean): RecordWriter {
  return (record, timeOf) => stringify(documentOf(record, timeOf, isEverywhere) as Json);
}

function documentOf(
  record: EventRecord,
  timeOf: (at: number) => string,
  isEverywhere: boolean,
): Made<SocketEventRecord> {
  const time = timeOf(record.at);
  switch (record.kind) {
    case 'start':
      return {
        event: 'start',
        time,
        interval_seconds: record.seconds,
        sources: record.withoutTrace === undefined ? ['list', 'trace'] : ['list'],
        missed: missed(record),
        sockets: record.sockets,
      };
    case 'stop':
      return { event: 'stop', time, records: record.records };
    case 'lost':
      return { event: 'lost', time, source: 'trace', cause: record.cause, count: record.count ?? null };
    case 'link down': {
      const netns = isEverywhere ? { netns: record.netns ? namespaceJson(record.netns) : null } : {};
      return { event: 'link_down', time, source: 'trace', ib_device: record.device, ...netns };
    }
    default:
      return connectionDocument(record, timeOf, isEverywhere);
  }
}

function connectionDocument(
  record: ConnectionEvent,
  timeOf: (at: number) => string,
  isEverywhere: boolean,
): Made<SocketEventRecord> {
  const { source, before, end } = record;
  const time = timeOf(record.at);
  const connection = connectionJson(record, isEverywhere);
  switch (record.kind) {
    case 'appeared':
    case 'fallback':
      return { event: record.kind, time, source, ...connection };
    case 'changed':
      return {
        event: 'changed',
        time,
        source: 'list',
        previous_state: stateName(before!.state),
        previous_mode: connectionMode(before!) ?? null,
        ...connection,
      };
    case 'ended':
      return {
        event: 'ended',
        time,
        source: 'list',
        last_seen: timeOf(end!.lastSeenAt),
        lived_seconds: end!.livedMs === undefined ? null : Math.round(end!.livedMs) / 1000,
        rx_bytes: end!.rxBytes ?? null,
        tx_bytes: end!.txBytes ?? null,
        ...connection,
      };
  }
}

const endJson = ({ address, port }: Endpoint): Made<NonNullable<EventConnection['local']>> => ({
  address: address ?? null,
  port,
});

function connectionJson(event: ConnectionEvent, isEverywhere: boolean): Made<EventConnection> {
  const { socket, isListed } = event;
  const fallback = fallbackOf(socket);
  return {
    state: isListed ? stateName(socket.state) : null,
    mode: connectionMode(socket) ?? null,
    family: socket.addressFamily ?? null,
    local: isListed ? endJson(socket.local) : null,
    peer: isListed && socket.state !== STATE_LISTEN ? endJson(socket.peer) : null,
    side: socket.side ?? null,
    fallback: fallback
      ? {
          reason: namedReason(fallback.reason),
          peer_diagnosis: fallback.peerDiagnosis === 0 ? null : namedReason(fallback.peerDiagnosis),
        }
      : null,
    uid: Number.isNaN(socket.uid) ? null : socket.uid,
    inode: isListed ? numberIfExact(socket.inode) : null,
    cookie: isListed ? hex(socketCookie(socket.id), 16) : null,
    ...ownersJson(socket),
    ...(isEverywhere && { netns: socket.netns ? namespaceJson(socket.netns) : null }),
  };
}

function ownersJson({ ownership }: SeenSocket): Made<Pick<EventConnection, 'ownership' | 'owners'>> {
  if (!ownership) return { ownership: 'not read', owners: [] };
  const { state, holders } = ownership;
  return {
    ownership: isTraced(ownership) ? 'traced' : state,
    owners: holders.map((holder) => ({
      ...ownerJson(holder),
      fd: holder.fd === UNKNOWN_FD ? null : holder.fd,
    })),
  };
}
