// SPDX-License-Identifier: MIT
// The built programs show the recorded scenes as they did on the Node that recorded them, and write nothing else: a
// warning of Node would be on stderr. Run by test/nodes/run.ts, with the Node that is tried first in PATH.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { extract } from 'tar';
import type { BundleManifest } from '../../src/documents/smc_dbg.ts';
import { NODE } from '../helpers/node.ts';
import { ownDirectory } from '../helpers/own-directory.ts';
import { tied } from '../helpers/tied.ts';
import type { Expected } from '../vm/record-fixtures.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const fixtures = join(root, 'test/fixtures');
const PATH = process.env['PATH'] ?? '/usr/bin:/bin';

interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program with PATH as its whole environment. */
async function start(file: string, argv: readonly string[]): Promise<Outcome> {
  const child = spawn(...tied('env', ['-i', `PATH=${PATH}`, file, ...argv]), {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const outcome: Outcome = { status: null, stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text) => {
      outcome[name] += text;
    });
  outcome.status = await new Promise((resolve, reject) => child.on('close', resolve).on('error', reject));
  return outcome;
}

const program = (name: string): string => join(root, 'dist/native/bin', name);

t.test('the programs find the Node that is tried', async (t) => {
  const found = spawnSync(...tied('env', ['-i', `PATH=${PATH}`, 'sh', '-c', 'command -v node']), {
    encoding: 'utf8',
  });
  t.equal(found.stdout.trim(), NODE);
});

const scenes = readdirSync(fixtures).filter((name) => existsSync(join(fixtures, name, 'expected.json')));
t.ok(scenes.length >= 3, 'recordings of several kernels');

for (const scene of scenes.sort())
  t.test(scene, async (t) => {
    const directory = join(fixtures, scene);
    const { runs } = JSON.parse(readFileSync(join(directory, 'expected.json'), 'utf8')) as Expected;
    // a bundle takes no changes
    const left = runs.filter(({ recording }) => !recording);
    t.ok(left.length > 50);
    const next = async (): Promise<void> => {
      for (let run = left.pop(); run; run = left.pop()) {
        const { argv, status, stdout, stderr } = run;
        const [name = '', ...words] = argv;
        const outcome = await start(program(name), [...words, '--from', directory]);
        t.strictSame(outcome, { status, stdout, stderr }, argv.join(' '));
      }
    };
    await Promise.all(Array.from({ length: availableParallelism() }, next));

    const { parts, missing } = JSON.parse(
      readFileSync(join(directory, 'manifest.json'), 'utf8'),
    ) as BundleManifest;
    for (const redact of [false, true]) {
      const archive = join(ownDirectory(t), 'again.tgz');
      const options = redact ? ['--redact'] : [];
      const { status, stdout, stderr } = await start(program('smc_dbg'), [
        ...['-o', archive, '--from', directory],
        ...options,
      ]);
      t.strictSame([status, stdout], [0, `${archive}\n`]);
      t.match(
        stderr,
        missing.length > 0 || stderr ? /^smc_dbg: [^\n]*could not be collected[^\n]*\n$/ : /^$/,
      );
      const again = join(ownDirectory(t), 'again');
      mkdirSync(again);
      extract({ file: archive, cwd: again, sync: true, strip: 1 });
      const anew = JSON.parse(readFileSync(join(again, 'manifest.json'), 'utf8')) as BundleManifest;
      t.equal(anew.redacted, redact);
      if (!redact) t.strictSame(anew.parts, parts, 'smc_dbg says the same of the bundle as of the system');
    }
  });
