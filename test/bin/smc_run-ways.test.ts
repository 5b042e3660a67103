// SPDX-License-Identifier: MIT
// smc_run as it is installed, with programs that the preload library cannot reach, and with the launcher between.
// Needs `npm run build`; no SMC, without it the sockets stay TCP.
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { ENDS_BY_SIGINT, tied } from '../helpers/tied.ts';
import { PATIENCE_S } from '../helpers/wait.ts';
import { compile, here, NARROW, runsNarrow, scratchDir } from '../native/helpers.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const bin = join(root, 'bin/smc_run.js');
const WAIT_FOR = join(root, 'test/helpers/wait_for');
const PATH = process.env['PATH'] ?? '/usr/bin:/bin';
const directory = scratchDir(t);
chmodSync(directory, 0o755);

const source = join(directory, 'socket.c');
writeFileSync(
  source,
  `#include <stdio.h>
#include <sys/socket.h>
int main(void) { int fd = socket(AF_INET, SOCK_STREAM, 0); printf("socket %s\\n", fd < 0 ? "failed" : "opened"); return 4; }
`,
);
const built = (name: string, flags: string[] = [], compiler?: string): string =>
  compile(join(directory, name), [source], flags, compiler);
const dynamic = built('dynamic');
const fixed = built('static', ['-static']);
const probe = compile(join(directory, 'exec-probe'), [here('exec-probe.c')]);
const fixedProbe = compile(join(directory, 'static-probe'), [here('exec-probe.c')], ['-static']);

type Result = SpawnSyncReturns<string>;

/** By env, since the test runner adds variables of its own to what is started from Node. */
function start(argv: readonly string[], variables: readonly string[] = [], cwd = directory): Result {
  return spawnSync(...tied('env', ['-i', `PATH=${PATH}`, ...variables, ...argv]), {
    encoding: 'utf8',
    timeout: PATIENCE_S * 1000,
    cwd,
  });
}
const smcRun = (argv: readonly string[], variables: readonly string[] = []): Result =>
  start([bin, ...argv], variables);

const outcome = ({ status, signal, stdout, stderr }: Result) => ({ status, signal, stdout, stderr });
const ran = { status: 4, signal: null, stdout: 'socket opened\n' };
const STATIC = 'is linked statically, so no library can be preloaded';

t.test('the way is told only when it is not the usual one', async (t) => {
  t.strictSame(outcome(smcRun([dynamic])), { ...ran, stderr: '' });
  t.strictSame(outcome(smcRun(['--via', 'preload', dynamic])), { ...ran, stderr: '' });
  t.strictSame(outcome(smcRun(['--via', 'seccomp', dynamic])), { ...ran, stderr: '' });
  t.strictSame(outcome(smcRun([fixed])), {
    ...ran,
    stderr: `smc_run: ${fixed} ${STATIC}: taking the seccomp way\n`,
  });
  t.strictSame(outcome(smcRun(['./static'])), {
    ...ran,
    stderr: `smc_run: ./static ${STATIC}: taking the seccomp way\n`,
  });
  t.strictSame(outcome(smcRun(['--via', 'preload', fixed])), {
    ...ran,
    stderr: `smc_run: ${fixed} ${STATIC}: it runs over TCP\n`,
  });
  t.strictSame(outcome(smcRun(['--via', 'seccomp', fixed])), { ...ran, stderr: '' });
  t.strictSame(outcome(smcRun(['env', '-i', dynamic])), {
    ...ran,
    stderr: "smc_run: 'env -i' does not pass LD_PRELOAD on: taking the seccomp way\n",
  });
  writeFileSync(join(directory, 'script'), `#!${fixed}\n`);
  chmodSync(join(directory, 'script'), 0o755);
  t.strictSame(outcome(smcRun(['./script'])), {
    ...ran,
    stderr: `smc_run: ${fixed} ${STATIC}: taking the seccomp way\n`,
  });
});

t.test('--strict', async (t) => {
  t.strictSame(outcome(smcRun(['--strict', '--via', 'preload', fixed])), {
    status: 125,
    signal: null,
    stdout: '',
    stderr: `smc_run: --strict: ${fixed} ${STATIC}\n`,
  });
  t.match(smcRun(['--strict', 'true']), { status: 0, stderr: '' }, 'a way that works');
  copyFileSync(dynamic, join(directory, 'docker'));
  t.strictSame(outcome(smcRun(['--strict', './docker', 'run', 'x'])), {
    status: 125,
    signal: null,
    stdout: '',
    stderr: "smc_run: --strict: 'docker' asks a service to start its programs, which smc_run cannot reach\n",
  });
  // without SMC here, the program's socket() fails instead of becoming TCP
  if (!readFileSync('/proc/net/protocols', 'utf8').includes('SMC'))
    for (const way of ['preload', 'seccomp'])
      t.strictSame(outcome(smcRun(['--strict', '--via', way, dynamic])), {
        ...ran,
        stdout: 'socket failed\n',
        stderr: '',
      });
});

t.test('32-bit programs', async (t) => {
  const small = built('small', NARROW);
  if (!runsNarrow(small)) {
    for (const way of ['preload', 'seccomp'])
      t.strictSame(outcome(smcRun(['--via', way, small])), {
        status: 126,
        signal: null,
        stdout: '',
        stderr: `smc_run: ${small}: not a program for this machine (exec format error)\n`,
      });
    return;
  }
  t.strictSame(outcome(smcRun([small])), { ...ran, stderr: '' });
  t.match(smcRun(['-d', small]).stderr, /^libsmc-preload: IPv4 socket 3 /, 'get the library of their class');
  t.strictSame(outcome(smcRun(['sh', '-c', `"$0"; exec "$1"`, dynamic, small])), {
    ...ran,
    stdout: 'socket opened\nsocket opened\n',
    stderr: '',
  });
  t.strictSame(outcome(smcRun(['--via', 'seccomp', small])), { ...ran, stderr: '' });
});

t.test('programs for another machine', async (t) => {
  const foreign = built('foreign', [], 's390x-linux-gnu-gcc');
  const { status, stderr } = smcRun([foreign]);
  // whether there is an emulator is not our business, what we say before is
  t.match(
    stderr,
    `smc_run: ${foreign} is made for s390x and runs in an emulator, which cannot load a library of this machine: taking the seccomp way\n`,
  );
  t.ok(status === 126 || status === 4 || status === 255, `status ${status}`);
});

t.test('setuid programs and those with capabilities', async (t) => {
  if (process.geteuid?.() !== 0) return t.pass('not root here');
  // ordinary users cannot get at the checkout, so root acts for the user, who is nobody
  const helper = join(directory, 'setuid');
  copyFileSync(dynamic, helper);
  chownSync(helper, 65534, 65534);
  chmodSync(helper, 0o4755);
  t.strictSame(outcome(smcRun([helper])), {
    ...ran,
    stderr: `smc_run: ${helper} is setuid user 65534, so the dynamic loader ignores preloaded libraries: taking the seccomp way\n`,
  });
  t.match(smcRun(['--strict', '--via', 'preload', helper]), {
    status: 125,
    stderr: `smc_run: --strict: ${helper} is setuid user 65534, so the dynamic loader ignores preloaded libraries\n`,
  });
});

const inherited = (text: string): string => text.replace(/^(pid|environment) \d+\n/gm, '');

t.test('the state of the process arrives through the launcher, too', async (t) => {
  for (const how of ['quiet', 'prepare'])
    for (const [program, ...options] of [
      [fixedProbe],
      [probe, '--via', 'seccomp'],
      [probe, '--log', '/dev/null'],
      [probe, '-j', '--log', '/dev/null'],
      [fixedProbe, '--require-smc', '--via', 'preload'],
    ] as const) {
      const expected = inherited(start([probe, how, program, 'show', 'x']).stdout);
      t.match(expected, how === 'quiet' ? 'SigIgn:\t0000000000000000\n' : /fd 9\nfd 12\nfd 40\n$/);
      const { stdout } = start([probe, how, bin, ...options, program, 'show', 'x']);
      t.equal(inherited(stdout), expected, `${how} ${options.join(' ')}`);
    }
});

t.test('the environment is that of the program', async (t) => {
  const variables = [
    'A=1',
    'LD_LIBRARY_PATH=/x',
    'NODE_OPTIONS=--require=/no/such/module',
    'SMC_RUN_STATE=x',
    'Z=',
  ];
  const expected = `A=1\nLD_LIBRARY_PATH=/x\nNODE_OPTIONS=--require=/no/such/module\nPATH=${PATH}\nZ=\n`;
  for (const options of [
    ['--via', 'seccomp'],
    ['--via', 'seccomp', '--log', '/dev/null'],
  ]) {
    const { stdout } = smcRun([...options, 'env'], variables);
    t.equal(stdout.split('\n').filter(Boolean).sort().join('\n'), expected.trim());
  }
});

t.test('reports', async (t) => {
  const report = smcRun(['--report', dynamic]);
  t.strictSame([report.status, report.stdout], [4, 'socket opened\n']);
  t.match(report.stderr, /^smc_run: (1 socket opened as SMC|0 sockets opened as SMC, 1 as TCP)\n/);
  t.match(report.stderr, /^smc_run: 0 connections$/m);
  const { stdout, stderr } = smcRun(['-j', dynamic]);
  t.equal(stdout, 'socket opened\n');
  t.match(JSON.parse(stderr), {
    event: 'report',
    command: dynamic,
    way: 'preload',
    status: 4,
    observed: true,
  });
  t.match(JSON.parse(smcRun(['-j', '--via', 'seccomp', dynamic]).stderr), { way: 'seccomp', status: 4 });

  const log = join(directory, 'log');
  t.strictSame(outcome(smcRun(['-j', '--log', log, dynamic])), { ...ran, stderr: '' });
  const events = readFileSync(log, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).event);
  t.strictSame(events, ['socket', 'end', 'report']);
  writeFileSync(log, '');
  t.strictSame(outcome(smcRun(['--log', 'log', dynamic])), { ...ran, stderr: '' }, 'a relative name');
  t.match(readFileSync(log, 'utf8'), /^20\S+Z \S+dynamic \(preload\)\nsmc_run: /);
  t.match(smcRun(['--log', '/no/such/log', dynamic]), { status: 1, stdout: '' }, 'before the program starts');
});

t.test('how the program ends', async (t) => {
  const options = [
    ['--log', '/dev/null'],
    ['--require-smc'],
    ['--via', 'seccomp', '--log', '/dev/null'],
    ['--via', 'seccomp'],
  ];
  for (const option of options) {
    for (const status of [1, 2, 123, 255])
      t.equal(smcRun([...option, 'sh', '-c', `exit ${status}`]).status, status, option.join(' '));
    for (const signal of ['TERM', 'KILL', 'HUP', 'INT', 'PIPE', 'XFSZ', 'USR1', 'SEGV'])
      t.equal(smcRun([...option, 'sh', '-c', `kill -${signal} $$`]).signal, `SIG${signal}`, option.join(' '));
    const realTime = 64;
    t.equal(
      smcRun(['sh', '-c', `"$0" ${option.join(' ')} sh -c 'kill -${realTime} $$'; echo $?`, bin]).stdout,
      `${128 + realTime}\n`,
    );
  }
  t.match(smcRun(['--require-smc', 'true']), {
    status: 123,
    stdout: '',
    stderr: 'smc_run: --require-smc: no connection over SMC was seen\n',
  });
  t.equal(smcRun(['--via', 'seccomp', 'true']).status, 0);
});

t.test('signals reach a program that is watched', async (t) => {
  const child = spawn(...tied('env', ['-i', `PATH=${PATH}`, bin, '--log', '/dev/null', ...ENDS_BY_SIGINT]));
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    if (stdout === '') child.kill('SIGINT');
    stdout += text;
  });
  const status = await new Promise((resolve) => child.on('close', resolve));
  t.strictSame([stdout, status], ['ready\ngot it\n', 7]);
});

t.test('as process 1 of a container', async (t) => {
  const first = (words: readonly string[]): Result =>
    start([
      'unshare',
      ...(process.getuid?.() === 0 ? [] : ['-r']),
      ...['--pid', '--kill-child', '--mount-proc', bin, ...words],
    ]);
  t.equal(first(['sh', '-c', 'echo $$']).stdout, '1\n');
  t.equal(first(['--via', 'seccomp', 'sh', '-c', 'echo $$']).stdout, '1\n');
  const orphans = `for i in 1 2 3; do (sh -c 'exit 3' &); done
${WAIT_FOR} '! ps -o stat= --ppid 1 | grep -q Z'
echo $?; exit 5`;
  t.match(first(['--report', 'sh', '-c', orphans]), { status: 5, stdout: '0\n' }, 'orphans are reaped');
  // a signal from itself does not end process 1, so the status has the signal
  for (const signal of ['TERM', 'KILL', 'HUP'] as const)
    t.equal(
      first(['--report', 'sh', '-c', `kill -${signal} $$`]).status,
      128 + constants.signals[`SIG${signal}`],
    );
  const ended = first(['--report', 'sh', '-c', '(kill -TERM 1); sleep infinity & wait']);
  t.equal(ended.status, 128 + constants.signals.SIGTERM, 'SIGTERM from elsewhere reaches the program');
});

t.test('programs that cannot be started', async (t) => {
  writeFileSync(join(directory, 'lost'), '#!/no/such/interpreter\n');
  writeFileSync(join(directory, 'text'), 'echo "text: $1 $0"\n');
  writeFileSync(join(directory, 'garbage'), '\0\0\0');
  writeFileSync(join(directory, 'plain'), 'x');
  for (const name of ['lost', 'text', 'garbage']) chmodSync(join(directory, name), 0o755);
  const options = ['--via', 'seccomp', '--log', '/dev/null'];
  t.match(smcRun([...options, './text', 'a b']), { stdout: 'text: a b ./text\n', stderr: '', status: 0 });
  t.match(smcRun([...options, 'nosuch']), { status: 127, stderr: 'smc_run: nosuch: command not found\n' });
  t.match(smcRun([...options, './plain']), { status: 126, stderr: 'smc_run: ./plain: permission denied\n' });
  for (const name of ['./lost', './garbage']) {
    const { status, stderr } = smcRun([...options, name]);
    t.equal(status, 126, name);
    t.match(stderr, /^smc_run: \.\/\w+: .+\n$/, stderr);
  }
});

t.test('smc_run in smc_run', async (t) => {
  const { status, stdout, stderr } = smcRun(['--via', 'seccomp', bin, '--via', 'seccomp', dynamic]);
  t.strictSame([status, stdout], [4, 'socket opened\n']);
  t.match(stderr, /^(smc-launch: .*\n)?$/, 'one line at most');
});
