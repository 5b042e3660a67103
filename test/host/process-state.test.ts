// SPDX-License-Identifier: MIT
import { spawnSync } from 'node:child_process';
import t from 'tap';
import { inheritedState, rawArguments, rawEnvironment } from '../../src/host/process-state.ts';

/** As od -An -v -tx1 prints it. */
const dump = (text: string): string =>
  Buffer.from(text).toString('hex').replace(/../g, ' $&').replace(/.{48}/g, '$&\n');

const STATUS = 'Name:\tod\nSigBlk:\t000000000000000F\nSigIgn:\t0000000000001000\nSigCgt:\t0000000000000000\n';
const LIMITS =
  'Limit                     Soft Limit           Hard Limit           Units     \n' +
  'Max open files            1024                 524288               files     \n';
const ENVIRONMENT = 'A=1\0SigIgn:\n=x\0B=\n\0';

t.test('inherited state', async (t) => {
  const expected = {
    inheritedFds: [3, 4, 10],
    closedFds: [0],
    ignoredSignals: '0000000000001000',
    blockedSignals: '000000000000000F',
    openFilesSoft: 1024,
  };
  for (const rest of [`all=${dump(ENVIRONMENT + STATUS + LIMITS)}`, `status=${dump(STATUS + LIMITS)}`])
    t.strictSame(inheritedState(`closed= 0,fds= 3 4 10,${rest}`), expected);
  t.strictSame(inheritedState(`all=${dump(STATUS + LIMITS)}`).openFilesSoft, 1024, 'an empty environment');
  t.strictSame(inheritedState(undefined), {});
  t.strictSame(inheritedState(''), {});
  t.strictSame(inheritedState('closed=,fds='), { inheritedFds: [], closedFds: [] });
});

t.test('what is malformed is left out', async (t) => {
  t.strictSame(inheritedState('fds=3 x 1.5  7,more=1,=,all,status=xyz'), { inheritedFds: [3, 7] });
  const long =
    'SigIgn:\t00000000000000001\nSigBlk:\tx\nMax open files            unlimited            unlimited\n';
  t.strictSame(inheritedState(`status=${dump(long)}`), {});
});

t.test('the environment that the shell was given', async (t) => {
  const given = (state: string): string[] => rawEnvironment({ SMC_RUN_STATE: state }).map(String);
  t.strictSame(given(`fds=,all=${dump(ENVIRONMENT + STATUS + LIMITS)}`), ['A=1', 'SigIgn:\n=x', 'B=\n']);
  t.strictSame(given(`all=${dump(STATUS + LIMITS)}`), []);
  const without = `status=${dump(STATUS + LIMITS)}`;
  t.strictSame(given(without), [`SMC_RUN_STATE=${without}`]);
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
