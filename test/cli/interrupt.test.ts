// SPDX-License-Identifier: MIT
import { getEventListeners } from 'node:events';
import t from 'tap';
import { pause } from '../../src/cli/interrupt.ts';

t.test('any number of pauses leaves nothing behind on the signal', async (t) => {
  const controller = new AbortController();
  for (let i = 0; i < 20; i++) await pause(0, controller.signal);
  t.equal(getEventListeners(controller.signal, 'abort').length, 0);
});

t.test('an abort ends a pause, and those after it', async (t) => {
  const controller = new AbortController();
  const start = performance.now();
  setTimeout(() => controller.abort(), 5);
  await pause(60_000, controller.signal);
  await pause(60_000, controller.signal);
  t.ok(performance.now() - start < 30_000);
  t.equal(getEventListeners(controller.signal, 'abort').length, 0);
});
