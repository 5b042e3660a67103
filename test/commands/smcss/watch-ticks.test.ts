// SPDX-License-Identifier: MIT
/** In which order smcss --watch makes lists, probes and pauses, with a clock that nobody waits for. */
import t from 'tap';
import { eachTick } from '../../../src/commands/smcss/watch/ticks.ts';

/** @param woken the waits, by number from 0, that somebody ends */
async function ticks(lists: number, needsProbe: boolean, woken: readonly number[] = []): Promise<string[]> {
  const log: string[] = [];
  let made = 0;
  let waits = 0;
  let running = 0;
  const only = async (what: string): Promise<void> => {
    log.push(running++ === 0 ? what : `${what}, beside another one`);
    await new Promise(setImmediate);
    running--;
  };
  await eachTick(
    { needsProbe: () => needsProbe, probe: () => only('probe') },
    {
      seconds: 60,
      isOver: () => made >= lists,
      wait: async (ms) => {
        log.push(ms <= 100 ? 'short' : 'wait');
        return !woken.includes(waits++);
      },
    },
    async () => {
      await only('list');
      made++;
    },
  );
  return log;
}

t.test('a list, and a probe where it is needed', async (t) => {
  t.strictSame(await ticks(3, false), ['list', 'wait', 'list', 'wait', 'list']);
  t.strictSame(await ticks(2, true), ['list', 'short', 'probe', 'wait', 'list']);
});

t.test('somebody does not want to wait', async (t) => {
  t.strictSame(await ticks(2, true, [0]), ['list', 'short', 'list'], 'not even for the probe');
  t.strictSame(await ticks(3, false, [0]), ['list', 'wait', 'list', 'wait', 'list']);
});
