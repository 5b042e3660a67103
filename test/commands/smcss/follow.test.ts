// SPDX-License-Identifier: MIT
import t from 'tap';
import { nextTick } from '../../../src/commands/smcss/follow.ts';

t.test('a list is due an interval after the last, or as many as have passed', async (t) => {
  t.equal(nextTick(1000, 1000, 1), 2000);
  t.equal(nextTick(1000, 1999, 1), 2000);
  t.equal(nextTick(1000, 2000, 1), 2000, 'it is due now');
  t.equal(nextTick(1000, 4500, 1), 5000, 'lists that took too long');
  t.equal(nextTick(0, 50, 0.1), 100);
});
