// SPDX-License-Identifier: MIT
import { spawnSync } from 'node:child_process';
import t from 'tap';
import { inheritedState, rawArguments, rawEnvironment } from '../../src/host/process-state.ts';

t.test('inherited state', async (t) => {
  t.strictSame(inheritedState('ign=0000000000001000,blk=F,nofile=1024,fds=3 4 10'), {
    ignoredSignals: '0000000000001000',
    blockedSignals: 'F',
    openFilesSoft: 1024,
    inheritedFds: [3, 4, 10],
  });
  t.strictSame(inheritedState(undefined), {});
  t.strictSame(inheritedState(''), {});
  t.strictSame(inheritedState('fds='), { inheritedFds: [] });
});

t.test('what is malformed is left out', async (t) => {
  t.strictSame(inheritedState('ign=xyz,blk=,nofile=unlimited,fds=3 x 1.5  7,more=1,=,ign'), {
    inheritedFds: [3, 7],
  });
  t.strictSame(inheritedState('ign=00000000000000001,nofile=1234567890123456'), {}, 'too long');
});

t.test('arguments that Node can spell stay strings', async (t) => {
  t.strictSame(rawArguments(['a', '', 'ü']), ['a', '', 'ü']);
  t.strictSame(rawArguments([]), []);
});

t.test('arguments that are not UTF-8 keep their bytes', async (t) => {
  const script = `import(${JSON.stringify(new URL('../../src/host/process-state.ts', import.meta.url).href)}).then(({ rawArguments }) =>
    console.log(JSON.stringify(rawArguments(process.argv.slice(1)).map((one) => Buffer.from(one).toString('hex')))))`;
  const { stdout, stderr } = spawnSync(
    '/bin/sh',
    ['-c', `exec "$0" --import=tsx -e "$1" x '' "$(printf 'a\\377')" y`, process.execPath, script],
    {
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '' },
    },
  );
  t.equal(stdout, '["78","","61ff","79"]\n', stderr);
});

t.test('an environment that is not the process’s own', async (t) => {
  t.strictSame(rawEnvironment({ B: '2', A: '=1' }), ['B=2', 'A==1']);
});

t.test('the process’s own comes from /proc, in its order', async (t) => {
  const names = rawEnvironment(process.env).map((entry) => entry.toString().split('=')[0]);
  t.ok(names.includes('PATH'));
});
