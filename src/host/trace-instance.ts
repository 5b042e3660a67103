// SPDX-License-Identifier: MIT
/** A trace of our own: a buffer of the kernel that others do not use, and that does not disturb theirs. */
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  read,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeSync,
} from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { statField } from './process-stat.ts';
import { type TraceFormat, traceFormat } from './trace-format.ts';
import { TraceLines, type TraceRecord } from './trace-lines.ts';

/** What instances of this suite are called: `smc-tools-PID-START`, where START is when that process began. */
const NAME = /^smc-tools-(\d+)-(\d+)$/;

/** For each processor, in KiB: a thousand events. The kernel gives an instance 1.4 MiB for each, before it can be told. */
const BUFFER_KB = 128;

/** What an instance takes over from the settings of the machine, and how it has to be. */
const SETTINGS: Readonly<Record<string, string>> = {
  // CLOCK_MONOTONIC, the clock of performance.now()
  trace_clock: 'mono',
  buffer_size_kb: String(BUFFER_KB),
  'options/context-info': '1',
  'options/record-cmd': '1',
  'options/markers': '1',
  'options/overwrite': '1',
  'options/raw': '0',
  'options/hex': '0',
  'options/bin': '0',
  'options/verbose': '0',
  'options/fields': '0',
};

/** Settings without which lines can be read as well; kernels have different ones. */
const isRequired = (file: string): boolean => !file.startsWith('options/');

/** Files are read into a buffer of this size; the kernel gives at most a page at a time. */
const PIECE = 65_536;

/** A mark that has not been read after this time is written again. */
const MARK_MS = 1000;

/** How long an instance is removed again and again, if the kernel says that it is in use. */
const REMOVAL_MS = 2000;
const RETRY_MS = 2;

/** A trace that has ended gives nothing to read, and is asked again after this time. */
const PAUSE_MS = 100;

const MARK_EVENT = 'tracing_mark_write';

/** What an event is called within the files of tracefs: `smc/smc_switch_to_fallback`. */
export type TraceEventName = `${string}/${string}`;

export class TraceInstance {
  readonly #directory: string;
  readonly #pipe: number;
  readonly #marker: number;
  readonly #lines = new TraceLines();
  readonly #buffer = Buffer.alloc(PIECE);
  /** by number, those who wait until a mark has been read */
  readonly #marks = new Map<number, () => void>();
  #lastMark = 0;
  #isClosing = false;
  #isGone = false;
  #reading: Promise<void> | undefined;
  readonly #onExit = (): void => this.remove();

  /**
   * Makes an instance, and removes those that killed runs have left.
   * @param tracefs root of tracefs
   * @throws Node's own error, as for who may not do it
   */
  constructor(tracefs: string, root: string) {
    removeStale(tracefs, root);
    this.#directory = `${tracefs}/instances/smc-tools-${process.pid}-${statField('starttime', process.pid, root) ?? 0}`;
    mkdirSync(this.#directory);
    const opened: number[] = [];
    try {
      for (const [file, value] of Object.entries(SETTINGS))
        try {
          this.#write(file, value);
        } catch (error) {
          if (isRequired(file)) throw error;
        }
      opened.push(openSync(`${this.#directory}/trace_pipe`, 'r'));
      opened.push(openSync(`${this.#directory}/trace_marker`, constants.O_WRONLY));
    } catch (error) {
      for (const fd of opened) closeSync(fd);
      rmdirSync(this.#directory);
      throw error;
    }
    [this.#pipe, this.#marker] = opened as [number, number];
    // a read that is not over would keep the process from ending
    process.once('exit', this.#onExit);
  }

  #write(file: string, value: string): void {
    const fd = openSync(`${this.#directory}/${file}`, constants.O_WRONLY);
    try {
      writeSync(fd, value);
    } finally {
      closeSync(fd);
    }
  }

  /**
   * Switches an event on. If its module is removed and comes back, it is off again.
   * @returns reads what it prints; `undefined` if this kernel does not have the event, or its module is not loaded
   * @throws Node's own error
   */
  enable(event: TraceEventName): TraceFormat | undefined {
    return ifThere(() => {
      const format = traceFormat(readFileSync(`${this.#directory}/events/${event}/format`, 'utf8'));
      this.#write(`events/${event}/enable`, '1');
      return format;
    });
  }

  /** Whether an event is there and off. @throws Node's own error */
  isOff(event: TraceEventName): boolean {
    const read = (): string => readFileSync(`${this.#directory}/events/${event}/enable`, 'utf8');
    return ifThere(read)?.startsWith('0') ?? false;
  }

  /**
   * Reads from now on. The read waits in a thread of libuv, so that an event is known at once; what belongs to a network
   * namespace must not be read there, but a trace does not.
   * @param onRecord is told each record
   */
  start(onRecord: (record: TraceRecord) => void): void {
    this.#reading = this.#read(onRecord).finally(() => this.#settle(Number.POSITIVE_INFINITY));
  }

  async #read(onRecord: (record: TraceRecord) => void): Promise<void> {
    while (!this.#isClosing) {
      const { error, size } = await this.#readPiece();
      if (this.#isClosing || (error && error.code !== 'EINTR' && error.code !== 'EAGAIN')) return;
      for (const record of this.#lines.add(this.#buffer.toString('latin1', 0, size)))
        this.#take(record, onRecord);
      if (size === 0) await sleep(PAUSE_MS);
    }
  }

  #readPiece(): Promise<{ error: NodeJS.ErrnoException | null; size: number }> {
    return new Promise((resolve) => {
      read(this.#pipe, this.#buffer, 0, PIECE, null, (error, size = 0) => resolve({ error, size }));
    });
  }

  #take(record: TraceRecord, onRecord: (record: TraceRecord) => void): void {
    if ('lost' in record) {
      // a mark can be among them
      if (this.#marks.size > 0) this.#mark();
    } else if (record.event === MARK_EVENT) {
      this.#settle(Number(record.text));
      return;
    }
    onRecord(record);
  }

  #settle(mark: number): void {
    for (const [number, resolve] of this.#marks) {
      if (number > mark) continue;
      this.#marks.delete(number);
      resolve();
    }
  }

  #mark(): void {
    if (!this.#isGone) writeSync(this.#marker, `${++this.#lastMark}\n`);
  }

  /** Writes a mark, and another one now and then: the kernel empties the trace when a module with tracepoints is removed. */
  async #markUntil(done: Promise<void>): Promise<void> {
    this.#mark();
    const again = setInterval(() => this.#mark(), MARK_MS);
    try {
      await done;
    } finally {
      clearInterval(again);
    }
  }

  /** Waits until all that has happened before has been read. */
  async catchUp(): Promise<void> {
    if (this.#isClosing || !this.#reading) return;
    const isRead = new Promise<void>((resolve) => {
      this.#marks.set(this.#lastMark + 1, resolve);
    });
    await this.#markUntil(isRead);
  }

  /** Ends reading, and removes the instance. */
  async close(): Promise<void> {
    this.#isClosing = true;
    // a read that waits gets the mark
    if (this.#reading && !this.#isGone) await this.#markUntil(this.#reading);
    this.remove();
  }

  /** Removes the instance at once, when the process is about to end. */
  remove(): void {
    process.off('exit', this.#onExit);
    if (this.#isGone) return;
    if (!this.#isClosing) this.#mark();
    this.#isClosing = true;
    this.#isGone = true;
    closeSync(this.#pipe);
    closeSync(this.#marker);
    const end = performance.now() + REMOVAL_MS;
    for (;;)
      try {
        rmdirSync(this.#directory);
        return;
      } catch (error) {
        // until the read has ended
        if ((error as NodeJS.ErrnoException).code !== 'EBUSY' || performance.now() > end) return;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
      }
  }
}

/** What `use` makes of the files of an event; `undefined` if the event is not there, or goes away meanwhile. */
function ifThere<T>(use: () => T): T | undefined {
  try {
    return use();
  } catch (error) {
    if (['ENOENT', 'ENODEV'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** Removes instances of processes that are gone. The kernel keeps those that somebody reads, as from another PID namespace. */
function removeStale(tracefs: string, root: string): void {
  for (const name of readdirSync(`${tracefs}/instances`)) {
    const [, pid, start] = NAME.exec(name) ?? [];
    if (pid === undefined || statField('starttime', Number(pid), root) === start) continue;
    try {
      rmdirSync(`${tracefs}/instances/${name}`);
    } catch {
      // in use
    }
  }
}
