// SPDX-License-Identifier: MIT
/** Reads what `smcss -jE` prints in a guest. */
import type { GuestProcess } from './guest.ts';
import { waitForOutput } from './suite.ts';

/** A line of `smcss -jE`, with the fields that tests use. */
export interface EventRecord {
  event: string;
  source?: string;
  mode?: string;
  local?: { port: number } | null;
  peer?: { port: number } | null;
  side?: string;
  fallback?: { reason: { code: string; name: string } };
  owners?: { command: string; pid: number }[];
  netns?: { name: string };
  rx_bytes?: number;
  tx_bytes?: number;
  lived_seconds?: number;
  sources?: string[];
  ib_device?: string;
  cause?: string;
  count?: number | null;
}

const recordsIn = (stdout: string): EventRecord[] =>
  stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));

/** Whether a record is of a socket with this port, at either end. */
export const isOn =
  (port: number) =>
  ({ local, peer }: EventRecord): boolean =>
    local?.port === port || peer?.port === port;

/** Waits until so many records are as wanted. */
export const records = (
  run: GuestProcess,
  what: string,
  count: number,
  isWanted: (record: EventRecord) => unknown,
) =>
  waitForOutput(run, what, (stdout) => {
    const found = recordsIn(stdout).filter(isWanted);
    return found.length >= count && found;
  });

/** Waits for the first record. */
export const begins = (run: GuestProcess) =>
  records(run, 'the first record', 1, ({ event }) => event === 'start');

/** Ends it, and gives all that it has printed. */
export async function ended(run: GuestProcess, signal: NodeJS.Signals = 'SIGTERM') {
  run.kill(signal);
  const { status, stdout, stderr } = await run.wait();
  return { status, stdout, stderr, all: recordsIn(stdout) };
}
