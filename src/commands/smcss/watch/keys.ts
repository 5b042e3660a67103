// SPDX-License-Identifier: MIT
/** Keys from the bytes of a terminal. */

/** A character as it is, or the name of a key. */
export type Key = string;

/** What terminals send behind ESC, in either mode of the cursor keys. */
const SEQUENCES: Readonly<Record<string, Key>> = {
  '[A': 'up',
  '[B': 'down',
  '[C': 'right',
  '[D': 'left',
  '[H': 'home',
  '[F': 'end',
  OA: 'up',
  OB: 'down',
  OC: 'right',
  OD: 'left',
  OH: 'home',
  OF: 'end',
  '[1~': 'home',
  '[7~': 'home',
  '[4~': 'end',
  '[8~': 'end',
  '[5~': 'page-up',
  '[6~': 'page-down',
  '[3~': 'delete',
};

const CONTROLS: Readonly<Record<string, Key>> = {
  '\r': 'enter',
  '\n': 'enter',
  '\x7f': 'backspace',
  '\b': 'backspace',
  '\x03': 'ctrl-c',
  '\x0c': 'ctrl-l',
  '\x15': 'ctrl-u',
  '\x17': 'ctrl-w',
  '\x1a': 'ctrl-z',
  '\x1c': 'ctrl-\\',
};

const ESC = '\x1b';

/** A sequence that has an end: CSI with its parameters, or SS3 and one character (ECMA-48). */
const WHOLE = /^(?:\[[0-?]*[ -/]*[@-~]|O[ -~])/;
/** The beginning of one. */
const PART = /^(?:\[[0-?]*[ -/]*|O)?$/;

/** Takes what a terminal sends, which may end within a key. */
export class KeyDecoder {
  #rest = '';

  /** Something has come that may be the Escape key, or the beginning of another one: call `flush` if nothing follows. */
  get isPending(): boolean {
    return this.#rest !== '';
  }

  /** @returns the keys that are complete; unknown ones are left out */
  push(text: string): Key[] {
    const keys: Key[] = [];
    let rest = this.#rest + text;
    this.#rest = '';
    while (rest !== '') {
      if (rest.startsWith(ESC)) {
        const tail = rest.slice(1);
        if (PART.test(tail)) {
          this.#rest = rest;
          break;
        }
        const [sequence] = WHOLE.exec(tail) ?? [];
        const key = sequence === undefined ? 'escape' : SEQUENCES[sequence];
        if (key) keys.push(key);
        rest = tail.slice(sequence?.length ?? 0);
      } else {
        const [character = ''] = rest;
        const key = character < ' ' || character === '\x7f' ? CONTROLS[character] : character;
        if (key) keys.push(key);
        rest = rest.slice(character.length);
      }
    }
    return keys;
  }

  /** Nothing has followed. */
  flush(): Key[] {
    const isEscape = this.#rest === ESC;
    this.#rest = '';
    return isEscape ? ['escape'] : [];
  }
}
