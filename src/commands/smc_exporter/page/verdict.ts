// SPDX-License-Identifier: MIT
/** Whether SMC works here: the answer that the page begins with. */
import type {
  CountsByMode,
  FallbackRow,
  OverviewDocument,
  OverviewFinding,
} from '../../../documents/smc_exporter-page.ts';
import { countText, durationText, percentText } from './format.ts';

type Parts = Pick<OverviewDocument, 'sockets' | 'recent' | 'counted' | 'fallbacks' | 'findings'>;

/** Share of connections that may fall back: peers without SMC are common. */
const TOLERATED = 0.1;

/** @param whyNoSmc why the kernel cannot be asked; `undefined` if it can */
export function verdictOf(parts: Parts, whyNoSmc: string | undefined): OverviewDocument['verdict'] {
  if (whyNoSmc !== undefined) return { state: 'fails', sentence: `No: ${whyNoSmc}.` };
  const basis = basisOf(parts);
  if (!basis) {
    if (!parts.sockets && !parts.counted)
      return { state: 'unknown', sentence: 'Unknown: neither the sockets nor the counters can be read.' };
    return withoutConnections(parts);
  }
  const { counts, what, of } = basis;
  const all = totalOf(counts);
  const share = counts.tcp / all;
  const reason = reasonText(parts.fallbacks, of);
  if (counts.tcp === 0) return { state: 'works', sentence: `Yes: ${allText(all)} ${what(all)} over SMC.` };
  if (counts.tcp === all)
    return { state: 'fails', sentence: `No: ${allText(all)} ${what(all)} over TCP only${reason}.` };
  const some = `${countText(counts.tcp)} of ${countText(all)}`;
  if (share <= TOLERATED)
    return {
      state: 'works',
      sentence: `Yes: ${percentText(1 - share)} of ${countText(all)} ${what(all)} over SMC, ${countText(counts.tcp)} fell back to TCP${reason}.`,
    };
  return {
    state: 'partly',
    sentence: `Partly: ${some} ${what(all)} over TCP only (${percentText(share)})${reason}.`,
  };
}

export const totalOf = ({ smcr, smcd, tcp }: CountsByMode): number => smcr + smcd + tcp;

interface Basis {
  counts: CountsByMode;
  /** the connections that it is about, with the verb; after a number */
  what: (count: number) => string;
  /** how many of them have a reason */
  of: (row: FallbackRow) => number | null;
}

const noun = (count: number): string => (count === 1 ? 'connection' : 'connections');
const run = (count: number): string => (count === 1 ? 'runs' : 'run');

/** A shorter time says little about a host. */
const ENOUGH_SECONDS = 300;

/** What the answer goes by: the connections of the last hour, else those that are open, else all that were counted. */
function basisOf({ recent, sockets, counted }: Parts): Basis | undefined {
  if (recent && recent.seconds >= ENOUGH_SECONDS && totalOf(recent) > 0)
    return {
      counts: recent,
      what: (count) => `${noun(count)} of the last ${durationText(recent.seconds)} ${run(count)}`,
      of: (row) => row.recent,
    };
  if (sockets && totalOf(sockets) > 0)
    return {
      counts: sockets,
      what: (count) => `open ${noun(count)} ${run(count)}`,
      of: (row) => row.open,
    };
  if (counted && totalOf(counted) > 0)
    return {
      counts: counted,
      what: (count) => `${noun(count)} ${counted.since} ran`,
      of: ({ client, server }) => (client ?? 0) + (server ?? 0),
    };
  return undefined;
}

const allText = (count: number): string => (count === 1 ? 'the only' : `all ${countText(count)}`);

/** "; most often the peer did not offer SMC" */
function reasonText(fallbacks: readonly FallbackRow[], of: Basis['of']): string {
  const rows = fallbacks
    .filter((row) => (of(row) ?? 0) > 0)
    .sort((one, other) => (of(other) ?? 0) - (of(one) ?? 0));
  const [first] = rows;
  if (!first) return '';
  const text = first.text ?? `for the reason ${first.code}`;
  return rows.length === 1 ? `: ${text}` : `; most often: ${text}`;
}

/** SMC is there, and nobody has used it. */
function withoutConnections({ findings, counted }: Parts): OverviewDocument['verdict'] {
  const failure = findings?.find(({ status }) => status === 'fail');
  const since = counted ? ` ${counted.since}` : '';
  if (failure) return { state: 'fails', sentence: `No: ${findingText(failure)}.` };
  return { state: 'unused', sentence: `Ready, but unused: no connection has asked for SMC${since}.` };
}

const findingText = ({ id, subject, finding }: OverviewFinding): string =>
  `${subject === null ? id : `${id} ${subject}`}: ${finding}`;
