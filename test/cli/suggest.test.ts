// SPDX-License-Identifier: MIT
import t from 'tap';
import { didYouMean } from '../../src/cli/suggest.ts';

const WORDS = ['device', 'linkgroup', 'info', 'stats', 'ueid'];

t.test('words with one or two mistakes', async (t) => {
  for (const [given, meant] of [
    ['linkgrup', 'linkgroup'],
    ['linkgorup', 'linkgroup'],
    ['LinkGroups', 'linkgroup'],
    ['dveice', 'device'],
    ['devices', 'device'],
    ['inof', 'info'],
  ] as const)
    t.equal(didYouMean(given, WORDS), ` (did you mean ${meant}?)`);
});

t.test('other words', async (t) => {
  for (const given of ['', 'x', 'in', 'xyz', 'nothing', '100', 'group'])
    t.equal(didYouMean(given, WORDS), '', given);
  t.equal(didYouMean('linkgrup', []), '');
});
