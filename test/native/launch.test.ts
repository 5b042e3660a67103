// SPDX-License-Identifier: MIT
// smc-launch on this machine's kernel, which has seccomp notifications but no SMC: launch-stand-in.c plays that part.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { buildNative, targets } from '../../native/build.mjs';
import { tied } from '../helpers/tied.ts';
import { PATIENCE_S, waitUntil } from '../helpers/wait.ts';
import { adopt, compile, here, NARROW, nativeSource, type Result, run, scratchDir } from './helpers.ts';

const directory = scratchDir(t);
await buildNative({ outDir: directory, extraFlags: ['-Werror'] });
const sources = [
  ...targets.find(({ output }) => output === 'smc-launch')!.sources.map(nativeSource),
  here('launch-stand-in.c'),
];
const real = join(directory, 'smc-launch');
const launch = compile(join(directory, 'launch'), sources);
const sanitized = compile(join(directory, 'launch-sanitized'), sources, [
  '-g',
  '-fsanitize=address,undefined',
  '-fno-sanitize-recover=all',
]);
const tester = compile(join(directory, 'tester'), [here('launch-tester.c')]);
const staticTester = compile(join(directory, 'tester-static'), [here('launch-tester.c')], ['-static']);
const preloadTester = compile(join(directory, 'preload-tester'), [here('preload-tester.c')]);
const probe = compile(join(directory, 'exec-probe'), [here('exec-probe.c')]);
const without = compile(join(directory, 'without'), [here('without.c')]);

/** Runs the tester under a launcher with options. */
function under(
  options: string[],
  args: string[],
  env: Record<string, string> = {},
  launcher = launch,
): Result {
  return run(launcher, [...options, '--', tester, tester, ...args], env);
}

const sh = (options: string[], script: string, env = {}): Result =>
  run(launch, [...options, '--', '/bin/sh', 'sh', '-c', script], env);

/** A shell script that prints the result document on stderr, as the script of `--finish`. */
const showResult = join(directory, 'show-result');
writeFileSync(showResult, 'cat <&$SMC_RUN_RESULT >&2\n');
const finish = ['--observe', '--finish', '/bin/sh', showResult];

/** Processes whose command line begins with this file; the supervisor is the one whose parent is another of them. */
function processesOf(file: string): { pid: number; parent: number }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        if (readFileSync(`/proc/${name}/cmdline`, 'latin1').split('\0')[0] !== file) return [];
        const parent = /\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'latin1'))?.[1];
        return [{ pid: Number(name), parent: Number(parent) }];
      } catch {
        return []; // ended meanwhile
      }
    });
}

/** Nothing of it is left. A zombie has no command line, so it does not count. */
const gone = (file: string) =>
  waitUntil(`the end of ${file}`, () => processesOf(file).length === 0, { seen: () => processesOf(file) });

for (const [name, launcher] of [
  ['as built', launch],
  ['with AddressSanitizer and UBSan', sanitized],
] as const) {
  t.test(`all sorts of processes, ${name}`, async (t) => {
    for (const options of [[], ['--observe'], ['--convert', 'inet'], ['--convert', 'af_smc'], finish]) {
      const result = under(
        options,
        ['one', 'main', 'fork', 'vfork', 'threads', 'limit', 'flags', 'signals', 'lowest'],
        {},
        launcher,
      );
      const [main, fork, vfork, threads, limit, highest, after, ...rest] = result.stdout.split('\n');
      const title = options.join(' ').replaceAll(directory, '') || 'no options';
      t.strictSame(
        [main, fork, vfork, threads, after],
        ['main: smc', 'fork: smc', 'vfork: smc', 'threads: 1280 smc 0 others', 'after limit: smc'],
        title,
      );
      t.strictSame(
        [limit, highest],
        ['limit: errno 24', 'limit: highest 7'],
        'EMFILE is that of the program',
      );
      t.strictSame(rest, [
        'flags: number 3 cloexec 0 nonblock 0 smc',
        'flags: number 3 cloexec 1 nonblock 0 smc',
        'flags: number 3 cloexec 0 nonblock 1 smc',
        'flags: number 3 cloexec 1 nonblock 1 smc',
        'signals: 500 smc, 0 leaked',
        'lowest: 0',
        '',
      ]);
      if (options !== finish) t.equal(result.stderr, '', 'silent');
      t.equal(result.status, 0);
    }
    await gone(launcher);
  });

  t.test(`every kind of call, and a storm of them, ${name}`, async (t) => {
    const args = ['--marked', '--expect', 'converted'];
    const tests = (...words: string[]) =>
      run(launcher, ['--', preloadTester, preloadTester, ...args, ...words], {});
    adopt(t, tests('table'));
    adopt(t, tests('storm', '50'));
    await gone(launcher);
  });
}

t.test('a daemon is covered after its parent has ended', async (t) => {
  t.equal(under([], ['daemon']).stdout, 'daemon: smc\n');
  t.match(under(['--log', '3'], ['daemon']), { status: 125, stderr: /--log|descriptor/ });
  const result = run('/bin/sh', ['-c', '"$0" --log 3 -- "$1" "$1" daemon 3>&2', launch, tester]);
  t.match(result.stdout, 'daemon: smc\n');
  t.match(result.stderr, '{"event":"end","status":0,"signal":null}\n');
  await gone(launch);
});

t.test('static programs, and the machine without SMC', async (t) => {
  t.equal(run(launch, ['--', staticTester, staticTester, 'one']).stdout, 'one: smc\n');
  t.strictSame(
    [real, launch].map(
      (file) =>
        run(file, ['--debug', '--', tester, tester, 'one'], { STAND_IN_REFUSE: '97' }).stderr.split('\n')[0],
    ),
    Array(2).fill('smc-launch: IPv4 socket stays TCP: AF_SMC gave errno 97'),
  );
});

t.test('the program is what it would be without us', async (t) => {
  const env = { PATH: process.env.PATH ?? '', PROBE_A: '1' };
  const words = [probe, 'show', '', 'a b', '-x'];
  const withoutPid = (shown: string) => shown.replace(/^pid \d+\n/, '');
  for (const start of ['quiet', 'prepare']) {
    const direct = run(probe, [start, ...words], env);
    const inPlace = run(probe, [start, launch, '--', probe, ...words], env);
    t.equal(inPlace.stderr, '');
    t.equal(withoutPid(inPlace.stdout), withoutPid(direct.stdout), start);
    t.match(inPlace.stdout, `pid ${inPlace.pid}\n`, 'the process is the program');
    const asChild = run(probe, [start, launch, ...finish, '--', probe, ...words], env);
    t.equal(withoutPid(asChild.stdout), withoutPid(direct.stdout), `${start}, with --finish`);
  }
  const passing = (script: string, options: string[] = []) => {
    const { status, signal } = sh(options, script);
    return status ?? signal;
  };
  for (const options of [[], finish.slice(0, 1)]) {
    t.equal(passing('exit 37', options), 37);
    t.equal(passing('kill -TERM $$', options), 'SIGTERM');
    t.equal(passing('kill -KILL $$', options), 'SIGKILL');
    t.equal(passing('kill -SEGV $$', options), 'SIGSEGV');
  }
  t.match(sh([], 'ps -o ppid= | grep -cx " *$$"').stdout, /^[012]\n$/, 'no child that it has not made');
});

t.test('a file that cannot be run', async (t) => {
  const text = join(directory, 'text');
  writeFileSync(text, 'no program\n', { mode: 0o755 });
  for (const [file, status, message] of [
    ['/no/such/file', 127, 'No such file or directory'],
    [text, 126, 'not a program for this machine (exec format error)'],
    [directory, 126, 'Permission denied'],
  ] as const)
    for (const options of [[], ['--strict', '--observe']])
      t.match(run(launch, [...options, '--', file, 'name']), {
        status,
        stderr: `smc_run: ${file}: ${message}\n`,
      });
  await gone(launch);
});

t.test('command line', async (t) => {
  for (const words of [
    [],
    ['--'],
    ['--', '/bin/true'],
    ['--convert', 'x', '--', '/bin/true', 'true'],
    ['--sndbuf', '0', '--', '/bin/true', 'true'],
    ['--sndbuf', '1x', '--', '/bin/true', 'true'],
    ['--rcvbuf', '2147483648', '--', '/bin/true', 'true'],
    ['--log', '2', '--', '/bin/true', 'true'],
    ['--log', '99', '--', '/bin/true', 'true'],
    ['--wrong', '--', '/bin/true', 'true'],
    ['--finish'],
  ]) {
    const { status, stdout, stderr } = run(launch, words);
    t.equal(status, 125, words.join(' '));
    t.equal(stdout, '');
    t.match(stderr, /^smc-launch: .*; this program is run by smc_run, see its manual\n$/);
  }
});

t.test('signals to the waiting process', async (t) => {
  const start = (script: string): [ChildProcess, Promise<string>] => {
    const child = spawn(...tied(launch, [...finish, '--', '/bin/bash', 'bash', '-c', script]), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    return [child, text(child.stdout!)];
  };
  const once = (child: ChildProcess) =>
    new Promise<void>((resolve) => child.stdout!.once('data', () => resolve()));
  const { signals } = constants;
  const SIGRTMIN = 34;
  for (const [name, signal] of [
    ...(
      ['INT', 'TERM', 'HUP', 'QUIT', 'USR1', 'USR2', 'WINCH', 'ABRT', 'ALRM', 'IO', 'PWR', 'XCPU'] as const
    ).map((name) => [name, signals[`SIG${name}`]] as const),
    // what systemd and the containers of it end by
    ['RTMIN+3', SIGRTMIN + 3] as const,
  ]) {
    const [child, output] = start(
      // a pipe that is open for writing, too, never ends: nothing spins, and no child is left when all are killed. bash
      // looks for WINCH only between two reads.
      `exec 9<> <(:); trap 'echo got; exit 3' ${name}; echo ready; while :; do read -t 1 -u 9; done`,
    );
    await once(child);
    process.kill(child.pid!, signal);
    t.equal(await output, 'ready\ngot\n', name);
  }
  const [child, output] = start('echo ready $$; exec sleep infinity');
  await once(child);
  child.kill('SIGKILL');
  const pid = Number(/\d+/.exec(await output)?.[0]);
  // a process that ends closes its files first; who adopts it may not have noticed
  const state = () => run('ps', ['-o', 'stat=', '-p', String(pid)]).stdout;
  await waitUntil('the end of the program', () => /^Z|^$/.test(state()), { seen: state });
  await gone(launch);
});

t.test('stops are followed', async (t) => {
  const child = spawn(...tied(launch, [...finish, '--', '/bin/sh', 'sh', '-c', 'kill -STOP $$; echo on']), {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const output = text(child.stdout!);
  const state = () => /\) (\S)/.exec(readFileSync(`/proc/${child.pid}/stat`, 'latin1'))?.[1];
  await waitUntil('the stop of the launcher', () => state() === 'T', { seen: state });
  child.kill('SIGCONT');
  t.equal(await output, 'on\n');
  await gone(launch);
});

t.test('an alarm that was set before is the program’s', async (t) => {
  const script =
    'import os, signal, sys; signal.setitimer(signal.ITIMER_REAL, float(sys.argv[1])); os.execv(sys.argv[2], sys.argv[2:])';
  const words = [launch, ...finish, '--', '/bin/sleep', 'sleep', 'infinity'];
  let [seconds, told] = [0.5, ''];
  // the launcher itself ends by it if it comes before the program is there
  for (; told === '' && seconds < PATIENCE_S; seconds *= 4)
    told = run('python3', ['-c', script, String(seconds), ...words]).stderr;
  t.match(told, '"status":null,"signal":14');
});

t.test('process 1 of a container', async (t) => {
  /** As the first process of a process namespace, which ends with unshare(1). */
  const first = (words: string[], env = {}): Result =>
    run(
      'unshare',
      [...(process.getuid?.() === 0 ? [] : ['-r']), '--pid', '--kill-child', '--mount-proc', ...words],
      env,
    );
  const script = (options: string[], text: string): Result =>
    first([launch, ...options, '--', '/bin/sh', 'sh', '-c', text]);

  for (const file of [launch, sanitized])
    for (const options of [[], finish])
      t.equal(
        first([file, ...options, '--', tester, tester, 'one', 'main', 'fork']).stdout,
        'main: smc\nfork: smc\n',
        'the program, which waits for all its children, has none but its own',
      );
  t.match(first([without, '317', '0', '1', '1', launch, '--', tester, tester, 'fork']), {
    stdout: 'fork: tcp\n',
    stderr: /^smc-launch: sockets stay TCP: /,
  });
  t.equal(script([], 'echo $$').stdout, '1\n', 'the program is process 1, as it would be without us');

  // a zombie is there until somebody asks for it
  const orphans = `for i in 1 2 3 4 5; do (sh -c 'exit 3' &); done
for i in $(seq 600); do zombies=$(ps -o pid= -o stat= --ppid 1 | grep -c ' Z'); [ "$zombies" = 0 ] && break; sleep 0.1; done
echo $$ $zombies; exit 5`;
  const reaped = script(finish, orphans);
  t.match(reaped.stdout, / 0\n$/, 'orphans are reaped');
  t.match(JSON.parse(reaped.stderr), { status: 5, signal: null, observed: true });

  const byOther = (signal: string): string =>
    `(kill -${signal} 1); for i in $(seq 600); do sleep 0.1; done; echo not reached`;
  t.match(script(finish, byOther('TERM')).stderr, '"status":null,"signal":15', 'it ends the program');
  const log = ['--log', '3'];
  const logged = (text: string): Result =>
    first(['/bin/sh', '-c', 'exec "$0" "$@" 3>&2', launch, ...log, '--', '/bin/sh', 'sh', '-c', text]);
  t.match(logged(byOther('TERM')), { status: 128 + 15, stdout: '' });
  t.match(logged('kill -KILL $$'), { status: 128 + 9, stdout: '' });
  t.match(logged(`trap 'echo got; exit 4' HUP; ${byOther('HUP')}`), { status: 4, stdout: 'got\n' });
  const stopped = `(until grep -q '^State:.T' /proc/$$/status; do sleep 0.1; done; kill -CONT $$) & kill -STOP $$; echo on`;
  t.equal(
    script(finish, stopped).stdout,
    'on\n',
    'a stopped program stops alone, until somebody continues it',
  );
});

t.test('the supervisor is killed: TCP, and nothing waits', async (t) => {
  for (const options of [[], finish]) {
    const child = spawn(...tied(launch, [...options, '--', tester, tester, 'until-tcp']), {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [output, errors] = [text(child.stdout), text(child.stderr)];
    await new Promise<void>((resolve) => child.stdout!.once('data', () => resolve()));
    const ours = processesOf(launch).filter(({ pid }) => pid !== child.pid);
    const supervisor = ours.find(({ parent }) => ours.some(({ pid }) => pid === parent));
    t.equal(ours.length, 2, 'guard and supervisor');
    process.kill(supervisor!.pid, 'SIGKILL');
    t.equal(await output, 'first: smc\nfork: tcp\nlast: tcp\n');
    if (options === finish) t.match(JSON.parse(await errors), { status: 0, observed: false });
    await gone(launch);
  }
  for (const signal of ['9', '11', '6'])
    t.equal(
      under([], ['one', 'main', 'fork'], { STAND_IN_DIE: signal }).stdout,
      'main: tcp\nfork: tcp\n',
      `signal ${signal} in the midst of a call`,
    );
  await gone(launch);
});

t.test('the guard is killed: the supervisor goes on', async (t) => {
  const child = spawn(...tied(launch, ['--', '/bin/sh', 'sh', '-c', `echo; read line; exec ${tester} one`]), {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const output = text(child.stdout);
  await new Promise<void>((resolve) => child.stdout!.once('data', () => resolve()));
  const ours = processesOf(launch);
  const guard = ours.find(({ pid }) => ours.some(({ parent }) => pid === parent));
  process.kill(guard!.pid, 'SIGKILL');
  child.stdin!.end('go\n');
  t.equal(await output, '\none: smc\n');
  await gone(launch);
});

t.test('guard and supervisor hold nothing of the program', async (t) => {
  const file = join(directory, 'held');
  const fd = openSync(file, 'w');
  const child = spawn(...tied(launch, ['--', '/bin/sh', 'sh', '-c', 'echo; read line']), {
    stdio: ['pipe', 'pipe', 'inherit', fd],
    cwd: directory,
  });
  closeSync(fd);
  await new Promise<void>((resolve) => child.stdout!.once('data', () => resolve()));
  const ours = processesOf(launch);
  t.equal(ours.length, 2);
  for (const { pid } of ours) {
    const links = readFileSync(`/proc/${pid}/maps`, 'latin1') && readdirSync(`/proc/${pid}/fd`).length;
    t.ok(Number(links) <= 6, `${links} descriptors`);
    t.notMatch(run('ls', ['-l', `/proc/${pid}/fd`]).stdout, /held|pipe:/);
    t.match(run('readlink', [`/proc/${pid}/cwd`]).stdout, /^\/\n$/);
    t.not(run('ps', ['-o', 'sid=', String(pid)]).stdout, run('ps', ['-o', 'sid=', String(child.pid)]).stdout);
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1'] as const) process.kill(pid, signal);
  }
  t.equal(processesOf(launch).length, 2, 'signals are ignored');
  child.stdin!.end();
  await gone(launch);
});

t.test('kernels that lack a piece', async (t) => {
  const SECCOMP = '317'; // asm/unistd_64.h
  const IOCTL = '16';
  const ADDFD = '0x40182103';
  const { ENOSYS, EINVAL, EPERM, EACCES, EOPNOTSUPP } = constants.errno;
  const lack = (call: string, argument: number, value: string | number, errno: number) =>
    [without, call, argument, value, errno].map(String);
  for (const [name, prefix, message, report] of [
    ['no seccomp', lack(SECCOMP, -1, 0, ENOSYS), /no seccomp filters/, { listener: false }],
    [
      'before 5.0',
      [...lack(SECCOMP, 0, 1, EINVAL), ...lack(SECCOMP, 0, 2, EOPNOTSUPP)],
      /no seccomp notifications .*5\.0/,
      { listener: false },
    ],
    [
      'before 5.9',
      lack(IOCTL, 1, ADDFD, EINVAL),
      /cannot put a socket .*5\.9/,
      { listener: true, addfd: false },
    ],
    ['forbidden', lack(SECCOMP, 0, 1, EPERM), /forbidden/, { listener: false }],
    ['forbidden otherwise', lack(SECCOMP, 0, 1, EACCES), /forbidden/, { listener: false }],
    ['a second supervisor', [launch, '--', launch], /there can be only one/, { listener: false }],
  ] as const) {
    const [command = '', ...first] = prefix;
    const words = command === launch ? [...first, launch] : [...first, launch];
    const asked = run(command, [...words, '--probe']);
    t.match(JSON.parse(asked.stdout), { ...report, addfd_send: false, missing: message }, name);
    t.equal(asked.status, 1);
    const lenient = run(command, [...words, '--', tester, tester, 'one']);
    t.match(lenient.stderr, /^smc-launch: sockets stay TCP: /, name);
    t.match(lenient.stderr, message);
    t.equal(lenient.stdout, command === launch ? 'one: smc\n' : 'one: tcp\n');
    const waiting = run(command, [...words, ...finish, '--', tester, tester, 'one']);
    t.match(waiting.stderr, /"status":0,.*"observed":false/);
    const strict = run(command, [...words, '--strict', '--', tester, tester, 'one']);
    t.match(strict.stderr, /^smc-launch: not started: /);
    t.strictSame([strict.status, strict.stdout], [125, '']);
  }
  t.match(JSON.parse(run(launch, ['--probe']).stdout), { addfd_send: true, missing: null });

  const [file = '', ...words] = lack(SECCOMP, 1, 8 | 32, EINVAL);
  t.equal(run(file, [...words, launch, '--', tester, tester, 'one']).stdout, 'one: smc\n', 'before 5.19');
  // a flag that no kernel knows stands for one that this kernel does not know
  const old = compile(join(directory, 'launch-5.13'), sources, ['-include', here('no-addfd-send.h')]);
  t.match(JSON.parse(run(old, ['--probe']).stdout), { addfd: true, addfd_send: false, missing: null });
  t.equal(
    under([], ['one', 'main', 'threads', 'limit'], {}, old).stdout,
    'main: smc\nthreads: 1280 smc 0 others\nlimit: errno 24\nlimit: highest 7\nafter limit: smc\n',
    'before 5.14',
  );
});

t.test('without privilege', async (t) => {
  const nobody = (launcherWords: string[]) =>
    run('setpriv', [
      '--reuid=65534',
      '--regid=65534',
      '--clear-groups',
      '--inh-caps=-all',
      '--bounding-set=-all',
      ...launcherWords,
    ]);
  run('chmod', ['-R', 'a+rX', directory]);
  const words = ['--', '/bin/sh', 'sh', '-c', `${tester} one fork; grep NoNewPrivs /proc/self/status`];
  t.equal(nobody([launch, ...words]).stdout, 'fork: smc\nNoNewPrivs:\t1\n');
  t.equal(run(launch, words).stdout, 'fork: smc\nNoNewPrivs:\t0\n', 'root needs no no_new_privs');
});

t.test('SMC refused', async (t) => {
  const refuse = { STAND_IN_REFUSE: '1' };
  t.equal(under([], ['one'], refuse).stdout, 'one: tcp\n');
  t.equal(under(['--strict'], ['one'], refuse).stdout, 'one: errno 1\n');
  const debug = under(['--debug', '--strict', '--convert', 'inet', '--sndbuf', '65536'], ['one'], refuse);
  t.equal(debug.stderr, 'smc-launch: IPv4 socket not opened: IPPROTO_SMC gave errno 1\n');
  const sizes = under(['--debug', '--sndbuf', '65536', '--rcvbuf', '131072'], ['one']);
  t.equal(
    sizes.stderr,
    'smc-launch: IPv4 socket 3 uses SMC\nsmc-launch: socket 3: SO_SNDBUF 65536\nsmc-launch: socket 3: SO_RCVBUF 131072\n',
  );
  t.equal(
    under(['--debug'], ['limit']).stderr.match(/^smc-launch: IPv4 socket not opened: errno 24$/m)?.length,
    1,
  );
});

t.test('rules for commands', async (t) => {
  const outcome = (options: string[]) =>
    sh(options, `${tester} one; exec -a other ${staticTester} one`.replace('exec -a other ', ''))
      .stdout.match(/smc|tcp/g)
      ?.join(' ');
  t.equal(outcome(['--only-command', 'tester']), 'smc tcp');
  t.equal(outcome(['--only-command', 'tester*']), 'smc smc');
  t.equal(outcome(['--except-command', 'tester']), 'tcp smc');
  t.equal(outcome(['--only-command', 'x', '--only-command', '*-static']), 'tcp smc');
  t.equal(outcome(['--only-command', 'tester*', '--except-command', '*[s]tatic']), 'smc tcp');
  t.equal(outcome(['--only-command', 'sh']), 'tcp tcp', 'the command itself, not who started it');
  const script = join(directory, 'name-of-script');
  writeFileSync(
    script,
    '#!/usr/bin/python3\nimport socket\nprint(socket.socket().getsockopt(1, 12))\n', // SO_PRIORITY
    { mode: 0o755 },
  );
  const scriptUnder = (pattern: string) =>
    run(launch, ['--only-command', pattern, '--', script, script]).stdout;
  t.equal(scriptUnder('name-of-script'), '5\n', 'the name of a script');
  t.equal(scriptUnder('python3*'), '5\n', 'and of its interpreter');
  t.equal(scriptUnder('perl'), '0\n');
});

t.test('result document and events', async (t) => {
  const document = (result: Result) => JSON.parse(result.stderr.trim().split('\n').at(-1)!);
  t.strictSame(document(under(finish, ['one', 'main', 'fork'])), {
    status: 0,
    signal: null,
    observed: true,
    sockets: { smc: 2, tcp: 0 },
    refused: [],
    // this kernel has nobody to ask about them
    connections: [{ command: 'tester', mode: 'unknown', reason: null, peer_diagnosis: null, count: 2 }],
  });
  t.match(document(under(finish, ['one', 'main', 'fork'], { STAND_IN_REFUSE: '1' })), {
    sockets: { smc: 0, tcp: 2 },
    refused: [{ errno: 1, count: 2 }],
  });
  t.match(document(sh([...finish, '--convert', 'none'], `${tester} one; kill -9 $$`)), {
    status: null,
    signal: 9,
    sockets: { smc: 0, tcp: 1 },
    refused: [],
  });
  // the preload library does the work, and this only looks
  const library = join(directory, 'libsmc-preload.so');
  const preloaded = (env: Record<string, string>) =>
    run(launch, [...finish, '--convert', 'none', '--', tester, tester, 'one', 'main', 'fork'], {
      LD_PRELOAD: library,
      ...env,
    });
  t.match(document(preloaded({})), { sockets: { smc: 2, tcp: 0 }, refused: [] });
  t.match(document(preloaded({ STAND_IN_REFUSE: '1' })), {
    sockets: { smc: 0, tcp: 2 },
    refused: [{ errno: 1, count: 2 }],
  });

  const logged = run('/bin/sh', ['-c', '"$0" --log 7 -- "$1" "$1" one main lowest 7>&2', launch, tester]);
  const events = logged.stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const command = 'tester';
  t.match(events, [
    { event: 'socket', pid: Number, command, family: 'ipv4', result: 'smc', errno: null },
    { event: 'socket', pid: Number, command, family: 'ipv4', result: 'smc', errno: null },
    { event: 'end', status: 0, signal: null },
  ]);
  const odd = join(directory, 'a"\\\x01ü');
  run('cp', [tester, odd]);
  const named = run('/bin/sh', ['-c', '"$0" --log 7 -- "$1" "$1" one 7>&2', launch, odd]);
  t.equal(JSON.parse(named.stderr.split('\n')[0]!).command, 'a"\\\x01\ufffd\ufffd', 'any name makes JSON');

  const variables = join(directory, 'variables');
  writeFileSync(variables, 'env | grep -E "LD_|NODE_|KEEP" >&2; echo "$1" >&2\n');
  const { stderr } = run(
    launch,
    ['--finish', '/bin/sh', variables, '--finish-arg', 'word', '--', '/bin/true', 'true'],
    { LD_PRELOAD: library, NODE_OPTIONS: '--wrong', LD_LIBRARY_PATH: '/', KEEP: '1' },
  );
  t.equal(stderr, 'KEEP=1\nword\n', 'variables for the program are not for the script');
});

t.test('what counts as a connection', async (t) => {
  const parts = ['launch-text.c', 'launch-caller.c', 'launch-filter.c'].map(nativeSource);
  const observer = [here('observe-tester.c'), ...parts];
  adopt(t, run(compile(join(directory, 'observe-tester'), observer), []));
  const checks = ['-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
  adopt(t, run(compile(join(directory, 'observe-tester-sanitized'), observer, checks), []));
});

t.test('a log whose reader has gone does not end anybody', async (t) => {
  const script = 'mkfifo "$2"; exec 5<>"$2"; exec 6>"$2" 5<&-; exec "$0" --log 6 -- "$1" "$1" one';
  const { signal, status, stdout } = run('/bin/sh', [
    '-c',
    script,
    launch,
    tester,
    join(directory, 'unread'),
  ]);
  t.match([signal, status, stdout], [null, 0, 'one: smc\n']);
});

t.test('a log that nobody reads does not stop the program', async (t) => {
  const script =
    'mkfifo "$2"; exec 5<>"$2"; exec "$0" --log 5 --debug -- "$1" "$1" signals signals signals 2>&5';
  t.equal(
    run('/bin/sh', ['-c', script, launch, tester, join(directory, 'fifo')]).stdout,
    'signals: 500 smc, 0 leaked\n'.repeat(3),
  );
});

t.test('a service manager’s sockets go to the program', async (t) => {
  const script = `LISTEN_PID=$$ exec ${launch} "$@" -- /bin/sh sh -c 'test $LISTEN_PID = $$ && echo mine'`;
  t.equal(run('/bin/sh', ['-c', script, 'sh']).stdout, 'mine\n');
  t.equal(run('/bin/sh', ['-c', script, 'sh', ...finish]).stdout, 'mine\n');
  t.equal(sh(finish, 'echo $LISTEN_PID', { LISTEN_PID: '1' }).stdout, '1\n');
});

t.test('valgrind', async (t) => {
  // It does not know the seccomp system call, so it sees what surrounds the supervisor.
  const checked = ['-q', '--error-exitcode=99', '--leak-check=no'];
  const result = run('valgrind', [...checked, launch, ...finish, '--', tester, tester, 'one']);
  t.match(result.stdout, 'one: tcp\n');
  t.notMatch(result.stderr, /Invalid|uninitialised|definitely/);
  t.equal(result.status, 0);
  const library = join(directory, 'libsmc-preload.so');
  const table = run('valgrind', [...checked, preloadTester, '--expect', 'fallback', 'table'], {
    LD_PRELOAD: library,
    SMC_ONLY_COMMAND: 'preload-t*:memcheck*:x',
    SMC_SOCKET: 'auto',
  });
  adopt(t, table);
});

t.test('every C library and machine', async (t) => {
  const commands: [string, string[]][] = [
    ['s390x-linux-gnu-gcc', []],
    ['cc', NARROW],
  ];
  const native = targets.find(({ output }) => output === 'smc-launch')!.sources.map(nativeSource);
  for (const [compiler, flags] of commands)
    t.ok(compile(join(directory, `${compiler}${flags[0] ?? ''}`), native, flags, compiler), compiler);
  // Debian's musl comes without the kernel's headers
  const headers = join(directory, 'headers');
  run('mkdir', [headers]);
  for (const [name, target] of [
    ['linux', '/usr/include/linux'],
    ['asm-generic', '/usr/include/asm-generic'],
    ['asm', '/usr/include/x86_64-linux-gnu/asm'],
  ] as const)
    run('ln', ['-s', target, join(headers, name)]);
  const musl = compile(join(directory, 'launch-musl'), sources, ['-static', '-isystem', headers], 'musl-gcc');
  t.equal(under([], ['one', 'main', 'threads'], {}, musl).stdout, 'main: smc\nthreads: 1280 smc 0 others\n');
  t.match(under(finish, ['one'], {}, musl).stderr, /"smc":1/);
});
