// SPDX-License-Identifier: MIT
/** Lines of trace_pipe. */

/** An event. */
export interface TraceLine {
  /** of the thread in which it happened: at most 15 bytes of any characters; `undefined` if the kernel did not note it */
  command: string | undefined;
  /** number of that thread */
  pid: number;
  /** seconds of the clock of the trace */
  seconds: number;
  /** name of the event */
  event: string;
  /** what the event prints */
  text: string;
}

/** What was read: an event, or how many were lost because nobody read them in time, if the kernel knows. */
export type TraceRecord = TraceLine | { lost: number | undefined };

/**
 * `         python3-333     [000] .....   12.345678: smc_switch_to_fallback: …`; with a name of 16 bytes, padded on the left, the
 * process in parentheses if the option record-tgid is set, and flags if irq-info is.
 */
const EVENT = /^(.{16,}?)-(\d+) +(?:\([ \d-]+\) +)?\[\d+\] +(?:\S+ +)?(\d+\.\d+): (\w+): (.*)$/s;

/** `CPU:0 [LOST 123 EVENTS]`, or without the number if the page before it had no room for it */
const LOST = /^CPU:\d+ \[LOST (?:(\d+) )?EVENTS\]$/;

/** What the kernel writes if it does not know the name of the thread. */
const UNKNOWN = '<...>';

/** What is kept of a line that is none by itself: a name can contain line ends, but has 15 bytes. */
const REST_LIMIT = 64;

/** Makes records of the pieces in which a trace is read. */
export class TraceLines {
  /** the end of the last piece, without a line end */
  #rest = '';
  /** lines that were none: the begin of the next one, if the name in it has line ends */
  #begin = '';

  /** @param piece bytes, as latin1 */
  add(piece: string): TraceRecord[] {
    const lines = (this.#rest + piece).split('\n');
    this.#rest = lines.pop() ?? '';
    return lines.flatMap((line) => this.#line(line) ?? []);
  }

  #line(line: string): TraceRecord | undefined {
    const lost = LOST.exec(line);
    const found = lost ? undefined : EVENT.exec(this.#begin + line);
    if (!lost && !found) {
      this.#begin = `${this.#begin}${line}\n`.slice(-REST_LIMIT);
      return undefined;
    }
    this.#begin = '';
    if (lost) return { lost: lost[1] === undefined ? undefined : Number(lost[1]) };
    const [, name = '', pid, seconds, event = '', text = ''] = found!;
    const command = utf8(name.replace(/^ +/, ''));
    return {
      command: command === UNKNOWN ? undefined : command,
      pid: Number(pid),
      seconds: Number(seconds),
      event,
      text: utf8(text),
    };
  }
}

const utf8 = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8');
