// SPDX-License-Identifier: MIT
/** --watch on a terminal. */
import { cleanUpOnSignal } from '../../../cli/interrupt.ts';
import { UsageError } from '../../../cli/options.ts';
import type { Context } from '../../../cli/run.ts';
import { explain } from '../../../smc/explain.ts';
import type { SocketFilter } from '../../../smc/socket-filter.ts';
import type { FilterNeed } from '../../../smc/socket-filter-fields.ts';
import { readFilter } from '../filter.ts';
import { type FollowedList, SocketFollower } from '../follow.ts';
import type { SmcssOptions } from '../options.ts';
import { isWanted } from '../selection.ts';
import { type Picture, pictureOf } from './picture.ts';
import { isUnicode, TerminalScreen } from './screen.ts';
import { press, startState, type WatchState, type Wish, withPicture } from './state.ts';
import { eachTick } from './ticks.ts';
import { type Look, pageOf, view } from './view.ts';
import type { WatchGiven } from './watch.ts';

/** Shows the sockets until somebody leaves. @throws what a list throws */
export async function watchOnScreen(
  context: Context,
  options: SmcssOptions,
  given: WatchGiven,
): Promise<void> {
  await new Session(context, options, given).run();
}

class Session {
  readonly #context: Context;
  readonly #options: SmcssOptions;
  readonly #given: WatchGiven;
  readonly #look: Look;
  readonly #screen: TerminalScreen;
  readonly #follower: SocketFollower;
  #needs: ReadonlySet<FilterNeed>;
  #filter: SocketFilter | undefined;
  #state: WatchState | undefined;
  #last: FollowedList | undefined;
  /** what the last list was made for */
  #good: { needs: ReadonlySet<FilterNeed>; filter: SocketFilter | undefined; text: string } | undefined;
  #isOver = false;
  /** the next list is wanted at once */
  #isUrgent = false;
  /** ends a wait for it, if there is one */
  #endWait: () => void = () => {};
  /** failure of something that a key or a signal began */
  #failure: unknown;
  /** dangers, each once; and what could not be found out in the last list */
  readonly #warnings = new Set<string>();
  #remarks: string[] = [];

  constructor(context: Context, options: SmcssOptions, given: WatchGiven) {
    this.#context = context;
    this.#options = options;
    this.#given = given;
    this.#look = { options, paint: context.paint, isUnicode: isUnicode(context.io) };
    this.#filter = given.filter;
    this.#needs = given.needs(given.filter);
    this.#follower = new SocketFollower({ ...context, note: (text, hint) => this.#warn(text, hint) });
    this.#screen = new TerminalScreen(context.io, {
      key: (key) => this.#guard(() => this.#press(key)),
      redraw: () => this.#guard(() => this.#draw()),
      end: () => this.#quit(),
    });
  }

  async run(): Promise<void> {
    const release = cleanUpOnSignal(() => this.#screen.leave());
    const clock = {
      seconds: this.#given.seconds,
      isOver: () => this.#isOver,
      wait: (ms: number) => this.#wait(ms),
    };
    try {
      await eachTick(this.#follower, clock, () => this.#list());
    } finally {
      this.#screen.leave();
      release();
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #list(): Promise<void> {
    const asked = { needs: this.#needs, filter: this.#filter, text: this.#state?.filter ?? '' };
    try {
      this.#show(await this.#follower.list(asked.needs));
      this.#good = asked;
    } catch (error) {
      const explanation = explain(error);
      const { state, good } = { state: this.#state, good: this.#good };
      if (!state || !good || !explanation || asked.needs === good.needs) throw error;
      // what a new filter needs cannot be had: back to the last one
      this.#needs = good.needs;
      this.#filter = good.filter;
      this.#state = { ...state, filter: good.text, edit: { text: asked.text, error: explanation.text } };
      await this.#list();
    }
  }

  /** Handlers of events have no caller who would see a failure. */
  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#failure ??= error;
      this.#quit();
    }
  }

  #quit(): void {
    this.#isOver = true;
    this.#wake();
  }

  #wake(): void {
    this.#isUrgent = true;
    this.#endWait();
  }

  /** While it is paused, no list is made. @returns false if it was woken, also before */
  #wait(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#endWait = () => {};
        resolve(!this.#isUrgent);
        this.#isUrgent = false;
      };
      const timer = setTimeout(() => {
        // otherwise it goes on when it is woken
        if (!this.#state?.isPaused) end();
      }, ms);
      this.#endWait = end;
      if (this.#isUrgent) end();
    });
  }

  #warn(text: string, hint?: string): void {
    // in front of the screen, where it can be read afterwards
    if (!this.#state) this.#context.note(text, hint);
    this.#warnings.add(hint === undefined ? text : `${text}; ${hint}`);
  }

  #picture(list: FollowedList): Picture {
    return pictureOf(this.#follower.tracker, list, (socket) => isWanted(socket, this.#options, this.#filter));
  }

  #show(list: FollowedList): void {
    this.#last = list;
    const picture = this.#picture(list);
    const { seconds, sort, words } = this.#given;
    if (this.#state) this.#state = withPicture(this.#state, picture);
    else {
      this.#state = startState(picture, { seconds, sort, filter: words.join(' ') });
      this.#screen.enter();
    }
    this.#collectRemarks(list);
    this.#draw();
  }

  #collectRemarks({ remark }: FollowedList): void {
    const warnings = [...this.#warnings];
    remark();
    this.#remarks = [...this.#warnings].filter((text) => !warnings.includes(text));
    for (const text of this.#remarks) this.#warnings.delete(text);
  }

  #draw(): void {
    if (!this.#state) return;
    this.#state = { ...this.#state, notices: [...this.#warnings, ...this.#remarks] };
    this.#screen.draw(view(this.#state, this.#screen.size, this.#look));
  }

  #press(key: string): void {
    if (!this.#state) return;
    const { state, wish } = press(this.#state, key, pageOf(this.#state, this.#screen.size));
    this.#state = state;
    if (wish !== undefined) this.#grant(wish);
    this.#draw();
  }

  #grant(wish: Wish): void {
    if (wish === 'quit') this.#quit();
    else if (wish === 'suspend') this.#screen.suspend();
    else if (wish === 'redraw') this.#screen.clear();
    else if (wish === 'resume') this.#wake();
    else this.#setFilter(wish.filter);
  }

  #setFilter(text: string): void {
    const state = this.#state!;
    try {
      this.#filter = text === '' ? undefined : readFilter(this.#context, [text], this.#options);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      this.#state = { ...state, edit: { text: state.edit?.text ?? text, error: error.message } };
      return;
    }
    const next = { ...state, filter: text, edit: undefined, top: 0 };
    const needs = this.#given.needs(this.#filter);
    const isKnown = [...needs].every((need) => this.#needs.has(need));
    if (!isKnown) this.#needs = needs;
    // what was listed without it does not match yet
    this.#state = this.#last ? withPicture(next, this.#picture(this.#last), false) : next;
    if (!isKnown && !next.isPaused) this.#wake();
  }
}
