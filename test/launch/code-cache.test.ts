// SPDX-License-Identifier: MIT
// The code caches in a user's cache directory: when they are left there, and which ones are taken. Those of other users
// are tried in test/as-root/. The bundle is made up, so that nothing has to be built.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { cacheStage, PATH } from '../helpers/code-cache.ts';
import { tied } from '../helpers/tied.ts';

t.test('the first run leaves it for the next', async (t) => {
  const { commands, directory, files, file, run, isTaken, HOME } = cacheStage(t.testdir());
  t.notOk(isTaken());
  for (const word of ['-v', '-h', '--version', '--help']) run({ HOME }, [word]);
  t.strictSame(files(), [], 'not where nothing has run that others need');
  run();
  t.equal(files().length, 1);
  t.match(files()[0], /^smcss-v.*\.cache$/);
  t.equal(statSync(directory).mode & 0o777, 0o700);
  t.equal(statSync(file()).mode & 0o777, 0o600);
  t.ok(isTaken());
  const { ino } = statSync(file());
  run();
  t.equal(statSync(file()).ino, ino, 'it is written once');
  t.notOk(
    readdirSync(commands).some((name) => name.endsWith('.cache')),
    'and not into the package',
  );
});

t.test('where it lies', async (t) => {
  const { commands, HOME, run } = cacheStage(t.testdir());
  const other = join(HOME, 'other');
  mkdirSync(other, { mode: 0o700 });
  run({ HOME, XDG_CACHE_HOME: other });
  t.equal(readdirSync(join(other, 'smc-tools')).length, 1);
  t.notOk(existsSync(join(HOME, '.cache')));
  // without a home; with one that is none; where nothing can be written
  for (const env of [{}, { HOME: 'home' }, { HOME: '/nonexistent' }, { HOME: '/proc/self' }, { HOME: '' }])
    run(env as Record<string, string>);
  t.notOk(readdirSync(commands).some((name) => name.endsWith('.cache')));
});

t.test('a umask that leaves nothing', async (t) => {
  const { HOME, files, main } = cacheStage(t.testdir());
  const strange = spawnSync('sh', ['-c', 'umask 777; exec "$@"', '', process.execPath, main], {
    env: { PATH, HOME },
    encoding: 'utf8',
  });
  t.match(strange, { status: 0, stdout: 'ran\n', stderr: '' });
  t.equal(statSync(join(HOME, '.cache')).mode & 0o777, 0o700);
  t.equal(files().length, 1);
});

t.test('a disk that is full', async (t) => {
  const { HOME, files, main } = cacheStage(t.testdir());
  const limited = spawnSync('prlimit', ['--fsize=100', process.execPath, main], {
    env: { PATH, HOME },
    encoding: 'utf8',
  });
  t.match(limited, { status: 0, stdout: 'ran\n', stderr: '' });
  t.strictSame(files(), [], 'nothing is left');
});

t.test('what is not taken, and replaced', async (t) => {
  const { commands, HOME, directory, file, run, isTaken } = cacheStage(t.testdir());
  run();
  const good = readFileSync(file());
  const name = file();
  const zeroed = Buffer.from(good).fill(0, 4096, 8192);
  const foreign = Buffer.from(good);
  foreign.write('0'.repeat(32), 'latin1');
  for (const [what, damage] of Object.entries({
    'cut off': () => truncateSync(name, good.length - 100),
    'a block that got lost': () => writeFileSync(name, zeroed),
    'of another bundle': () => writeFileSync(name, foreign),
    empty: () => writeFileSync(name, ''),
    longer: () => appendFileSync(name, 'x'),
    'of others to write': () => chmodSync(name, 0o620),
    'a link': () => {
      renameSync(name, join(HOME, 'elsewhere'));
      symlinkSync(join(HOME, 'elsewhere'), name);
    },
    'a pipe': () => {
      rmSync(name);
      spawnSync('mkfifo', [name]);
    },
  })) {
    damage();
    t.notOk(isTaken(), what);
    run();
    t.ok(isTaken(), `${what}: replaced`);
    t.ok(statSync(name).isFile());
  }
  for (const place of [directory, join(HOME, '.cache'), HOME]) {
    chmodSync(place, 0o770);
    t.notOk(isTaken(), `${place}: others can write there`);
    chmodSync(place, 0o700);
  }
  renameSync(directory, join(HOME, 'elsewhere.d'));
  symlinkSync(join(HOME, 'elsewhere.d'), directory);
  t.notOk(isTaken(), 'the directory is a link');
  rmSync(directory);
  renameSync(join(HOME, 'elsewhere.d'), directory);
  t.ok(isTaken());
  // an update of the package: another text of the same length
  const bundle = join(commands, 'smcss.cjs');
  const text = readFileSync(bundle, 'latin1');
  writeFileSync(bundle, `//${'1'.repeat(32)}${text.slice(34)}`, 'latin1');
  t.notOk(isTaken(), 'of an older package');
  run();
  t.ok(isTaken());
});

t.test('several at once, and old ones', async (t) => {
  const { HOME, directory, files, isTaken, main } = cacheStage(t.testdir());
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const [age, version] of ['v1', 'v2', 'v3', 'v4'].entries()) {
    writeFileSync(join(directory, `smcss-${version}.cache`), '');
    utimesSync(join(directory, `smcss-${version}.cache`), age, age);
  }
  writeFileSync(join(directory, 'smcd-smcr-v1.cache'), '');
  // one that is being written, and one of a process that was killed long ago
  writeFileSync(join(directory, 'smcss-v5.cache.1'), '');
  writeFileSync(join(directory, 'smcss-v0.cache.1'), '');
  utimesSync(join(directory, 'smcss-v0.cache.1'), 0, 0);
  await Promise.all(
    [1, 2, 3, 4].map(() =>
      once(
        spawn(...tied('env', ['-i', `PATH=${PATH}`, `HOME=${HOME}`, process.execPath, main]), {
          stdio: 'ignore',
        }),
        'close',
      ),
    ),
  );
  t.ok(isTaken());
  t.strictSame(
    files().filter((name) => /-v[1-4]\./.test(name)),
    ['smcd-smcr-v1.cache', 'smcss-v3.cache', 'smcss-v4.cache'],
    'the newest of each command are kept',
  );
  t.strictSame(
    files().filter((name) => !name.endsWith('.cache')),
    ['smcss-v5.cache.1'],
    'what is being written is left alone',
  );
  t.equal(files().length, 5, 'and nothing else is left');
});
