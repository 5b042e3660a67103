// SPDX-License-Identifier: MIT
/** The records of --events: what happened, with what is told of it. */
import type { NetworkNamespace } from '../../../host/network-namespaces.ts';
import type { ConnectionEvent } from '../../../smc/socket-events.ts';

/** The output begins. */
export interface StartRecord {
  kind: 'start';
  at: number;
  seconds: number;
  /** why there is no trace, if there is none */
  withoutTrace: string | undefined;
  /** sockets that are there already, and selected */
  sockets: number;
}

/** The output ends, because somebody ended it. */
export interface StopRecord {
  kind: 'stop';
  at: number;
  /** how many records came between */
  records: number;
}

/** An RDMA link failed. */
export interface LinkDownRecord {
  kind: 'link down';
  at: number;
  device: string;
  /** the network namespace of its link group, with -A */
  netns?: NetworkNamespace | undefined;
}

/** Events of the trace are missing. */
export interface LostRecord {
  kind: 'lost';
  at: number;
  cause: 'overflow' | 'reload';
  count: number | undefined;
}

export type EventRecord = StartRecord | StopRecord | LinkDownRecord | LostRecord | ConnectionEvent;

/** Makes the line of a record. @param timeOf makes the time of day, see `timesOfDay` */
export type RecordWriter = (record: EventRecord, timeOf: (at: number) => string) => string;

/** What is missed, in words: for standard error, and for the first record. */
export function missed({ withoutTrace }: Pick<StartRecord, 'withoutTrace'>): string {
  return withoutTrace === undefined
    ? 'connections over SMC that begin and end between two lists'
    : 'connections that begin and end between two lists, and why they fell back';
}

/** Makes the time of day, ISO 8601 in UTC, of milliseconds of `performance.now()`. The same for all records that belong together. */
export function timesOfDay(): (at: number) => string {
  // what delays the second call makes the difference smaller
  const start = Math.max(...[0, 0, 0].map(() => Date.now() - performance.now()));
  return (at) => new Date(start + at).toISOString();
}
