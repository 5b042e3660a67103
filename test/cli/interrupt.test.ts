// SPDX-License-Identifier: MIT
import { spawnSync } from 'node:child_process';
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
  const days = 20 * 86_400_000;
  const waiting = pause(days, controller.signal);
  controller.abort();
  await waiting;
  await pause(days, controller.signal);
  t.equal(getEventListeners(controller.signal, 'abort').length, 0);
});

/** Sends itself a signal, in a process of its own: the test runner has listeners, too. */
function terminate(
  before: string,
  sent: NodeJS.Signals = 'SIGTERM',
): { signal: NodeJS.Signals | null; stdout: string } {
  const source = new URL('../../src/cli/interrupt.ts', import.meta.url).href;
  const script = `import { cleanUpOnSignal } from '${source}';
    process.removeAllListeners('${sent}'); // those of tsx
    const staying = setInterval(() => {}, 1e6);
    cleanUpOnSignal(() => console.log('cleaned'));
    ${before}
    process.kill(process.pid, '${sent}');`;
  const { signal, stdout } = spawnSync(
    process.execPath,
    ['--import=tsx', '--input-type=module', '--eval', script],
    { encoding: 'utf8', env: { PATH: process.env['PATH'] } }, // without what the test runner adds
  );
  return { signal, stdout };
}

t.test('what is to be cleaned up is, and the process dies of the signal', (t) => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const)
    t.same(terminate('', signal), { signal, stdout: 'cleaned\n' });
  t.end();
});

t.test('a command that handles signals itself has its way', (t) => {
  t.same(terminate("process.on('SIGTERM', () => { console.log('went on'); clearInterval(staying); });"), {
    signal: null,
    stdout: 'went on\n',
  });
  t.end();
});

t.test('a body that ends in good order is told by Ctrl-C, SIGTERM and SIGHUP', (t) => {
  const source = new URL('../../src/cli/interrupt.ts', import.meta.url).href;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    const script = `import { untilInterrupted } from '${source}';
      process.removeAllListeners('${signal}');
      await untilInterrupted(async (stop) => {
        process.kill(process.pid, '${signal}');
        const staying = setInterval(() => {}, 1e6);
        await new Promise((resolve) => stop.addEventListener('abort', resolve));
        clearInterval(staying);
        console.log('in good order');
      });`;
    const { status, stdout } = spawnSync(
      process.execPath,
      ['--import=tsx', '--input-type=module', '--eval', script],
      { encoding: 'utf8', env: { PATH: process.env['PATH'] } },
    );
    t.same({ status, stdout }, { status: 0, stdout: 'in good order\n' }, signal);
  }
  t.end();
});
