// SPDX-License-Identifier: MIT
// What `npm install smc-tools` gives: commands that run, man pages, and a library with types.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const root = fileURLToPath(new URL('..', import.meta.url));
const { bin, man, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  bin: Record<string, string>;
  man: string[];
  version: string;
};

const scratch = mkdtempSync(join(tmpdir(), 'smc-tools-package-'));
t.teardown(() => rmSync(scratch, { recursive: true, force: true }));

// tap's own settings for child processes are not for npm, tsc and what they start
const { NODE_OPTIONS: _, ...env } = process.env;

function npm(...words: string[]): string {
  return execFileSync('npm', words, { cwd: root, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

// --ignore-scripts: dist/ is built already, and a build now would disturb tests that run beside this one
const [{ filename, files }] = JSON.parse(
  npm('pack', '--ignore-scripts', '--json', '--pack-destination', scratch),
) as [{ filename: string; files: { path: string }[] }];

t.test('what is packed', async (t) => {
  const paths = files.map(({ path }) => path);
  for (const path of [...Object.values(bin), ...man, 'LICENSE', 'README.md', 'dist/THIRD-PARTY-NOTICES'])
    t.ok(paths.includes(path), path);
  t.notOk(
    paths.some((path) => /^(src|test|dist\/native)\/|\.cache$/.test(path)),
    'no sources, tests, or things made for one machine',
  );
});

t.test('what is installed', async (t) => {
  writeFileSync(join(scratch, 'package.json'), '{ "type": "module" }');
  npm('install', '--prefix', scratch, '--no-audit', '--no-fund', join(scratch, filename));
  for (const command of Object.keys(bin)) {
    const { stdout, status } = spawnSync(join(scratch, 'node_modules/.bin', command), ['-v'], {
      encoding: 'utf8',
    });
    t.equal(stdout, `${command} utility, smc-tools-${version}\n`);
    t.equal(status, 0);
  }
  const shim = spawnSync(join(scratch, 'node_modules/.bin/smc_run'), ['sh', '-c', 'echo $LD_PRELOAD'], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] },
  });
  t.equal(
    shim.stdout,
    `${join(scratch, 'node_modules/smc-tools/dist/native/libsmc-preload.so')}\n`,
    'the C part is built',
  );
  t.ok(
    existsSync(join(scratch, 'node_modules/smc-tools/dist/commands/smcss.cache')),
    'the code cache is made',
  );
});

t.test('the library and its types', async (t) => {
  const program = `
import { SmcClient, SmcError, connectionMode, type SmcSocket } from 'smc-tools';
const client: SmcClient = new SmcClient({ hostRoot: '/nowhere' });
const mode = (socket: SmcSocket): string | undefined => connectionMode(socket);
console.log(typeof mode, typeof SmcError, typeof client.pnet.list);
client.close();
`;
  writeFileSync(join(scratch, 'program.ts'), program);
  const tsc = spawnSync(
    'env', // a fresh environment: tap enters the Nodes that it sees started, and tsc does not survive that
    [
      '-i',
      `PATH=${process.env['PATH']}`,
      join(root, 'node_modules/.bin/tsc'),
      ...'--noEmit --strict --module nodenext --target es2022 --types node'.split(' '),
      ...['--typeRoots', join(root, 'node_modules/@types'), 'program.ts'],
    ],
    { cwd: scratch, encoding: 'utf8' },
  );
  t.equal(tsc.stdout + tsc.stderr, '');
  t.equal(tsc.status, 0);
  const plain = program
    .replace(', type SmcSocket', '')
    .replace(/: (SmcClient|SmcSocket|string \| undefined)/g, '');
  writeFileSync(join(scratch, 'program.js'), plain);
  const { stdout } = spawnSync(process.execPath, ['program.js'], { cwd: scratch, encoding: 'utf8' });
  t.equal(stdout, 'function function function\n');
});
