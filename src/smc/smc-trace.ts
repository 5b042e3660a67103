// SPDX-License-Identifier: MIT
/**
 * What the kernel's tracepoints tell of SMC (include/trace/events: net/smc/smc_tracepoint.h, since Linux 5.16): each fallback
 * when it happens, and RDMA links that fail. Those of single messages, smc_tx_sendmsg and smc_rx_recvmsg, are not used: they
 * cost time for each message, and the cursors of a connection tell the bytes.
 */
import { processOfThread, type ThreadProcess } from '../host/thread-process.ts';
import type { TraceFields, TraceFormat } from '../host/trace-format.ts';
import { TraceInstance } from '../host/trace-instance.ts';
import type { TraceLine, TraceRecord } from '../host/trace-lines.ts';
import { openTracefs } from '../host/tracefs.ts';
import { findAddon } from './native-parts.ts';

interface Traced {
  /** milliseconds of `performance.now()` */
  at: number;
  /** number of the network namespace, see `NativeAddon.networkNamespaceCookie` */
  netnsCookie: bigint;
  /** in which it happened; of a connection only if it is none of the kernel */
  process: ThreadProcess;
}

/** A connection fell back to TCP. */
export interface TracedFallback extends Traced {
  kind: 'fallback';
  /** code, see fallback-reasons.ts */
  reason: number;
}

/** A link of SMC-R failed; its connections go on over another link, or end. */
export interface TracedLinkDown extends Traced {
  kind: 'link down';
  /** RDMA device */
  device: string;
}

/** Events of the trace are missing. */
export interface TracedLoss {
  kind: 'lost';
  at: number;
  /** nobody read them in time, or the module smc has come back, with its events switched off */
  cause: 'overflow' | 'reload';
  /** `undefined` if nobody knows */
  count: number | undefined;
}

export type TracedEvent = TracedFallback | TracedLinkDown | TracedLoss;

const FALLBACK = 'smc_switch_to_fallback';
const LINK_DOWN = 'smcr_link_down';

/** A module has been loaded, and is about to be started. */
const MODULE_LOAD = 'module_load';

/** This kernel has no tracepoint for fallbacks. */
export class NoTracepointError extends Error {}
NoTracepointError.prototype.name = 'NoTracepointError';

/** A trace of SMC that is being read. */
export interface SmcTrace {
  /** Waits until all that has happened before has been told. */
  catchUp(): Promise<void>;
  /** Ends it, and removes it from the kernel. */
  close(): Promise<void>;
  /** The same at once, for a process that is about to end. */
  remove(): void;
}

/**
 * Starts a trace. The module smc has to be loaded. When it is removed and comes back, the trace goes on, at once where the
 * kernel tells that it was loaded, otherwise with the next `catchUp`.
 * @param onEvent is told each event
 * @throws NoTracepointError; Node-like error with code, EPERM or EACCES for who may not do it
 */
export function openSmcTrace(root: string, onEvent: (event: TracedEvent) => void): SmcTrace {
  const tracefs = openTracefs(root, (type) => findAddon().openFileSystem(type));
  let instance: TraceInstance | undefined;
  try {
    const trace = new TraceInstance(tracefs.directory, root);
    instance = trace;
    const formats = new Map<string, TraceFormat>();
    const switchOn = (): void => {
      for (const event of [FALLBACK, LINK_DOWN]) {
        const format = trace.enable(`smc/${event}`);
        if (format) formats.set(event, format);
      }
    };
    const switchOnAgain = (): void => {
      if (!trace.isOff(`smc/${FALLBACK}`)) return;
      switchOn();
      onEvent({ kind: 'lost', at: performance.now(), cause: 'reload', count: undefined });
    };
    switchOn();
    if (!formats.has(FALLBACK)) throw new NoTracepointError();
    trace.enable(`module/${MODULE_LOAD}`);
    trace.start((record) => {
      if ('event' in record && record.event === MODULE_LOAD) attempt(switchOnAgain);
      const event = tracedEvent(record, formats, root);
      if (event) onEvent(event);
    });
    return {
      catchUp: async () => {
        switchOnAgain();
        await trace.catchUp();
      },
      close: async () => {
        await trace.close();
        tracefs.close();
      },
      remove: () => trace.remove(),
    };
  } catch (error) {
    instance?.remove();
    tracefs.close();
    throw error;
  }
}

/** Tries what is tried again with the next `catchUp`, which throws. */
function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // then
  }
}

/** The meaning of a record. @returns `undefined` for what is none of ours */
export function tracedEvent(
  record: TraceRecord,
  formats: ReadonlyMap<string, TraceFormat>,
  root: string,
): TracedEvent | undefined {
  if ('lost' in record) return { kind: 'lost', at: performance.now(), cause: 'overflow', count: record.lost };
  const fields = formats.get(record.event)?.(record.text);
  const netnsCookie = numberOf(fields, 'net_cookie');
  if (!fields || netnsCookie === undefined) return undefined;
  const traced = (): Traced => ({
    at: fromMonotonic(record),
    netnsCookie,
    process: processOfThread(record.pid, record.command, root),
  });
  if (record.event === FALLBACK) {
    const reason = numberOf(fields, 'fallback_rsn');
    return reason === undefined
      ? undefined
      : { kind: 'fallback', ...traced(), reason: Number(BigInt.asUintN(32, reason)) };
  }
  return { kind: 'link down', ...traced(), device: fields.get('name') ?? '' };
}

function numberOf(fields: TraceFields | undefined, name: string): bigint | undefined {
  const text = fields?.get(name) ?? '';
  return /^(-?\d+|0x[0-9a-f]+)$/i.test(text) ? BigInt(text) : undefined;
}

/** Seconds of CLOCK_MONOTONIC as milliseconds of `performance.now()`, which is the same clock from another start. */
const fromMonotonic = ({ seconds }: TraceLine): number => 1000 * seconds - START_MS;

/** The start of `performance.now()`. What delays one of the two calls makes it smaller, so the largest of some is best. */
const START_MS = Math.max(...Array.from({ length: 5 }, startNow));

function startNow(): number {
  const monotonic = Number(process.hrtime.bigint()) / 1e6;
  return monotonic - performance.now();
}
