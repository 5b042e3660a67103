// SPDX-License-Identifier: MIT
/** The terminal as a screen: raw keys, an alternate screen, and everything as it was afterwards. */
import type { ReadStream } from 'node:tty';
import type { Io } from '../../../cli/io.ts';
import { type Key, KeyDecoder } from './keys.ts';
import type { Screen, Size } from './view.ts';

const CSI = '\x1b[';
/** Alternate screen, no cursor, no line wrap: a character that is wider than it counts must not move the rest. */
const ENTER = `${CSI}?1049h${CSI}?25l${CSI}?7l${CSI}H${CSI}2J`;
const LEAVE = `${CSI}?7h${CSI}?25h${CSI}?1049l`;

/** After an Escape, what belongs to the same key has come by then. Milliseconds. */
const ESCAPE_MS = 50;

/** Where nothing can be found out. */
const USUAL: Size = { width: 80, height: 24 };

/** What happens at a terminal. */
export interface ScreenEvents {
  key(key: Key): void;
  /** everything has to be drawn again */
  redraw(): void;
  /** nobody types any more */
  end(): void;
}

/** Whether there is a screen and a keyboard, which need not be the same device. */
export const hasScreen = (io: Io): boolean =>
  io.isTerminal && process.stdin.isTTY === true && io.env['TERM'] !== 'dumb';

/** The terminal shows UTF-8, as far as the locale tells. */
export function isUnicode({ env }: Io): boolean {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return /utf-?8/i.test(locale);
}

/** The terminal of this process. It is changed between `enter` and `leave` only. */
export class TerminalScreen {
  readonly #io: Io;
  readonly #events: ScreenEvents;
  readonly #input: ReadStream = process.stdin;
  readonly #decoder = new KeyDecoder();
  #timer: NodeJS.Timeout | undefined;
  /** lines that are on the screen */
  #shown: string[] = [];
  #isEntered = false;
  /** raw and on the alternate screen: always between `enter` and `leave`, except while the job is stopped */
  #isTaken = false;
  #ignoreSize: (() => void) | undefined;

  constructor(io: Io, events: ScreenEvents) {
    this.#io = io;
    this.#events = events;
  }

  get size(): Size {
    const { columns, rows } = this.#io;
    return { width: columns || USUAL.width, height: rows || USUAL.height };
  }

  /** Takes the terminal. */
  enter(): void {
    this.#isEntered = true;
    this.#input.on('data', this.#read);
    // a terminal that is closed is an error, too
    for (const event of ['end', 'error']) this.#input.on(event, this.#events.end);
    this.#ignoreSize = this.#io.onResize?.(this.#redraw);
    process.on('SIGTSTP', this.suspend);
    process.on('SIGCONT', this.#continue);
    this.#take();
  }

  /** Gives it back; a second call does nothing. */
  leave(): void {
    if (!this.#isEntered) return;
    this.#isEntered = false;
    clearTimeout(this.#timer);
    this.#input.off('data', this.#read);
    this.#input.off('end', this.#events.end);
    // 'error' keeps its listener: nobody else wants to know
    this.#ignoreSize?.();
    process.off('SIGTSTP', this.suspend);
    process.off('SIGCONT', this.#continue);
    this.#give();
    this.#input.pause();
  }

  #take(): void {
    this.#isTaken = true;
    // Node does nothing if it believes that the terminal is raw; a shell may have changed that meanwhile
    this.#input.setRawMode(false);
    this.#input.setRawMode(true);
    this.#input.resume();
    this.#shown = [];
    this.#io.write(ENTER);
    this.#io.flush();
  }

  #give(): void {
    if (!this.#isTaken) return;
    this.#isTaken = false;
    try {
      this.#input.setRawMode(false);
      this.#io.write(LEAVE);
      this.#io.flush();
    } catch {
      // the terminal is gone
    }
  }

  /** Ctrl-Z: gives the terminal back and stops, with the whole job as a terminal does it, until it is continued. */
  readonly suspend = (): void => {
    process.off('SIGTSTP', this.suspend);
    process.off('SIGCONT', this.#continue);
    this.#give();
    // stops here; where nobody could continue us (an orphaned process group) the kernel ignores it
    process.kill(0, 'SIGTSTP');
    // first the signals that came meanwhile: one that ends us must find the terminal as it is, which may be in use by others
    setImmediate(() =>
      setImmediate(() => {
        if (!this.#isEntered) return;
        process.on('SIGTSTP', this.suspend);
        process.on('SIGCONT', this.#continue);
        this.#continue();
      }),
    );
  };

  /** Somebody else stopped us, and may have used the terminal. */
  readonly #continue = (): void => {
    this.#take();
    this.#events.redraw();
  };

  readonly #redraw = (): void => {
    this.clear();
    this.#events.redraw();
  };

  readonly #read = (data: Buffer): void => {
    clearTimeout(this.#timer);
    for (const key of this.#decoder.push(data.toString())) this.#events.key(key);
    if (this.#decoder.isPending)
      this.#timer = setTimeout(() => {
        for (const key of this.#decoder.flush()) this.#events.key(key);
      }, ESCAPE_MS);
  };

  /** Forgets what is on the screen, so that all of it is drawn. */
  clear(): void {
    this.#shown = [];
    if (this.#isTaken) this.#io.write(`${CSI}2J`);
  }

  /** Draws the lines that differ from those on the screen. A line is erased first: behind one that is full, its end would go. */
  draw({ lines, cursor }: Screen): void {
    if (!this.#isTaken) return;
    let text = `${CSI}?25l`;
    for (const [row, line] of lines.entries())
      if (line !== this.#shown[row]) text += `${CSI}${row + 1};1H${CSI}2K${line}`;
    if (lines.length < this.#shown.length) text += `${CSI}${lines.length + 1};1H${CSI}J`;
    if (cursor) text += `${CSI}${cursor.row + 1};${cursor.column + 1}H${CSI}?25h`;
    this.#shown = [...lines];
    this.#io.write(text);
    this.#io.flush();
  }
}
