// SPDX-License-Identifier: MIT
/** smc_conf as it is installed: signals while it waits for the text of its file. Needs `npm run build`. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdirSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { tied } from '../helpers/tied.ts';
import { waitUntil } from '../helpers/wait.ts';
import { scratchDir } from '../native/helpers.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const program = join(root, 'dist/native/bin/smc_conf');
const directory = scratchDir(t);
const archive = join(directory, 'archive.tar');
spawnSync('tar', ['-cf', archive, '-C', join(root, 'test/fixtures'), '6.12-smcr']);
const temporary = join(directory, 'tmp');
mkdirSync(temporary, { mode: 0o700 });

/** With --from, the signals are handled, since an archive is unpacked. */
function start(t: Test, words: readonly string[]): { child: ChildProcess; stderr: () => string } {
  const child = spawn(...tied(program, ['--from', archive, ...words]), {
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { ...process.env, TMPDIR: temporary },
  });
  t.teardown(() => child.kill('SIGKILL'));
  let stderr = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return { child, stderr: () => stderr };
}

/** The other end of a FIFO, once somebody waits at its end for reading. */
const writeEnd = (fifo: string, hasEnded: () => boolean): Promise<number> =>
  waitUntil('a reader of the FIFO', () => {
    try {
      return openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENXIO' || hasEnded()) throw error;
      return undefined;
    }
  });

for (const signal of ['SIGTERM', 'SIGINT'] as const)
  t.test(`${signal} ends what waits for a FIFO`, async (t) => {
    for (const action of ['check', 'diff']) {
      const fifo = join(directory, `${signal}-${action}`);
      t.equal(spawnSync('mkfifo', [fifo]).status, 0);
      const { child, stderr } = start(t, [action, '-f', fifo]);
      const ended = once(child, 'exit');
      const end = await writeEnd(fifo, () => child.exitCode !== null);
      t.teardown(() => closeSync(end));
      t.equal(readdirSync(temporary).length, 1, 'the archive is unpacked');
      child.kill(signal);
      t.strictSame(await ended, [null, signal], action);
      t.strictSame([stderr(), readdirSync(temporary)], ['', []], 'and nothing is left');
    }
  });

t.test('SIGTERM ends what waits for standard input', async (t) => {
  const { child } = start(t, ['check', '-f', '-']);
  const ended = once(child, 'exit');
  await waitUntil('the archive', () => readdirSync(temporary).length > 0);
  child.kill('SIGTERM');
  t.strictSame(await ended, [null, 'SIGTERM']);
});

t.test('what comes in pieces is read to its end', async (t) => {
  const fifo = join(directory, 'pieces');
  t.equal(spawnSync('mkfifo', [fifo]).status, 0);
  const { child, stderr } = start(t, ['check', '-f', fifo]);
  const ended = once(child, 'exit');
  const end = await writeEnd(fifo, () => child.exitCode !== null);
  const text = readFileSync(join(root, 'test/fixtures/6.12-smcr/smc.yaml'));
  writeSync(end, text.subarray(0, 20));
  writeSync(end, text.subarray(20));
  closeSync(end);
  t.strictSame(await ended, [0, null], stderr());
});
