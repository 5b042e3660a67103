// SPDX-License-Identifier: MIT
/** Changes the page to what it should be, and leaves alone what is so already: focus, selection, opened details. */
import { Idiomorph } from 'idiomorph';
import type { Html } from '../html.ts';

const before = new WeakMap<Element, string>();

export function update(element: HTMLElement | null, { text }: Html): void {
  if (!element || before.get(element) === text) return;
  before.set(element, text);
  Idiomorph.morph(element, text, {
    morphStyle: 'innerHTML',
    ignoreActiveValue: true,
    callbacks: {
      // what the reader has opened stays open
      beforeAttributeUpdated: (name: string) => name !== 'open',
    },
  });
}

/** Times as the reader's clock has them. */
export function localTimes(): void {
  for (const element of document.querySelectorAll('time')) {
    const text = new Date(element.dateTime).toLocaleString(undefined, {
      dateStyle: 'medium',
      timeStyle: 'medium',
    });
    if (element.textContent !== text) element.textContent = text;
  }
}
