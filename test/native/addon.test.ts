// SPDX-License-Identifier: MIT
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, mkdirSync, openSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { buildNative } from '../../native/build.mjs';
import { NODE } from '../helpers/node.ts';
import { compile, here, type Result, run, scratchDir } from './helpers.ts';

const directory = scratchDir(t);
await buildNative({ outDir: directory, extraFlags: ['-Werror'] });
const addon = join(directory, 'smc-native.node');
const probe = compile(join(directory, 'exec-probe'), [here('exec-probe.c')]);

interface Job {
  file?: unknown;
  argv?: unknown;
  env?: unknown;
  state?: unknown;
  /** Streams of `process` to create before the exec. */
  touch?: string[];
  worker?: boolean;
}

/** Execs from a Node that starts with default signals, or as `exec-probe prepare` leaves it. */
function exec(job: Job, start: 'quiet' | 'prepare' = 'quiet', env: Record<string, string> = {}): Result {
  const full = { addon, file: probe, argv: [probe, 'show'], env: [], ...job };
  return run(probe, [start, NODE, here('exec-driver.mjs'), JSON.stringify(full)], env);
}

/** What `exec-probe show` prints when nothing but the shell's way of starting it lies in between. */
function direct(start: 'quiet' | 'prepare', env: Record<string, string>): Result {
  return run(probe, [start, probe, 'show'], env);
}

const withoutPid = (text: string) => text.replace(/^pid \d+\n/, '');

t.test('the program takes over the process', async (t) => {
  const result = exec({});
  t.equal(result.stderr, '');
  t.match(result.stdout, `pid ${result.pid}\n`);

  const shell = (script: string) => exec({ file: '/bin/sh', argv: ['sh', '-c', script], env: [] });
  t.equal(shell('exit 37').status, 37);
  t.equal(shell('kill -TERM $$').signal, 'SIGTERM');
  t.equal(shell('kill -PIPE $$').signal, 'SIGPIPE', 'Node would ignore it');
  t.equal(shell('kill -XFSZ $$').signal, 'SIGXFSZ', 'Node would ignore it');
});

t.test('also from a worker thread', async (t) => {
  const result = exec({ worker: true });
  t.match(result.stdout, `pid ${result.pid}\n`);
  t.match(result.stdout, 'Threads:\t1\n');
});

t.test('nothing of Node is inherited', async (t) => {
  const env = { PATH: process.env.PATH ?? '', PROBE_A: '1' };
  const list = Object.entries(env).map(([key, value]) => `${key}=${value}`);
  const expected = withoutPid(direct('quiet', env).stdout);
  t.match(expected, 'SigIgn:\t0000000000000000\n');
  t.match(expected, /fd 0\nfd 1\nfd 2\n$/);
  // direct() runs under the limit of files that Node, the test runner, has raised already.
  t.equal(withoutPid(exec({ env: list }).stdout), expected);
  for (const touch of [['stdout'], ['stderr'], ['stdin'], ['stdin', 'stdout', 'stderr']]) {
    t.equal(withoutPid(exec({ env: list, touch }).stdout), expected, `after use of ${touch.join(', ')}`);
  }
});

t.test('what the parent had prepared arrives', async (t) => {
  const env = { PATH: process.env.PATH ?? '', PROBE_A: '1' };
  const list = Object.entries(env).map(([key, value]) => `${key}=${value}`);
  const expected = withoutPid(direct('prepare', env).stdout);
  t.match(expected, 'SigBlk:\t0000000000004800\nSigIgn:\t0000008000000001\nfiles 300 ');
  t.match(expected, 'fd 0 nonblocking\nfd 1\nfd 2\nfd 9\nfd 12\nfd 40\n');
  const state = {
    ignoredSignals: '0000008000000001',
    blockedSignals: '0000000000004800',
    openFilesSoft: 300,
    inheritedFds: [9, 12, 40, 41], // 41 is not open
  };
  for (const touch of [[], ['stdout', 'stderr'], ['stdin', 'stdout', 'stderr']]) {
    t.equal(withoutPid(exec({ env: list, state, touch }, 'prepare').stdout), expected, `touched: ${touch}`);
  }
});

t.test('state', async (t) => {
  const shown = (state: unknown, start: 'quiet' | 'prepare' = 'quiet') => {
    const { stdout } = exec({ state }, start);
    const find = (key: string) => stdout.match(new RegExp(`^${key}:?\\s+(.*)$`, 'm'))?.[1];
    return { ignored: find('SigIgn'), blocked: find('SigBlk'), files: find('files')?.split(' '), stdout };
  };
  const all = 'ffffffffffffffff';
  const allowed = (
    0xffffffffffffffffn & ~[9n, 19n, 32n, 33n].reduce((mask, n) => mask | (1n << (n - 1n)), 0n)
  )
    .toString(16)
    .padStart(16, '0');

  t.equal(
    shown({ ignoredSignals: all }).ignored,
    allowed,
    'never SIGKILL, SIGSTOP and those of the C library',
  );
  t.equal(shown({ blockedSignals: all }).blocked, allowed);
  t.equal(shown({ ignoredSignals: '1000' }).ignored, '0000000000001000', 'SIGPIPE, if it was ignored before');
  t.equal(shown({ ignoredSignals: '0' }, 'prepare').ignored, '0000000000000000', 'the mask counts for all');
  t.equal(shown({}, 'prepare').ignored, '0000008000000000', 'Node keeps real-time signals');
  t.equal(shown(undefined).ignored, '0000000000000000');

  const hard = shown({}).files?.[1];
  t.strictSame(shown({ openFilesSoft: 64 }).files, ['64', hard]);
  t.strictSame(shown({ openFilesSoft: Number.MAX_SAFE_INTEGER }).files, [hard, hard]);
  t.match(shown({ inheritedFds: [12] }, 'prepare').stdout, 'fd 2\nfd 12\nfd 40\n');
});

t.test('arguments and environment', async (t) => {
  const lines = (job: Job) => exec(job).stdout.split('\n');
  t.strictSame(lines({ argv: ['-odd name', 'show', '', 'a b', 'ü', '-x'] }).slice(1, 6), [
    'argv0 -odd\\x20name',
    'argument ',
    'argument a\\x20b',
    'argument \\xc3\\xbc',
    'argument -x',
  ]);
  t.match(exec({ argv: ['', 'show'] }).stdout, /^argv0 $/m, 'argv[0] may be empty');
  t.match(
    exec({ argv: [probe, 'show', { hex: 'ff41' }] }).stdout,
    /^argument \\xffA$/m,
    'bytes, as they are',
  );
  t.match(
    exec({ env: ['PROBE=ä=b', { hex: '50524f4245fe' }] }).stdout,
    /^env PROBE=\\xc3\\xa4=b\nenv PROBE\\xfe$/m,
  );
  t.match(
    exec({ env: [] }, 'quiet', { PROBE: '1' }).stdout,
    /^environment 0$/m,
    'the environment is the given one',
  );

  const many = exec({
    file: '/bin/sh',
    argv: ['sh', '-c', 'echo $#', 'sh', ...Array(20_000).fill('x')],
    env: [],
  });
  t.equal(many.stdout, '20000\n');
});

interface Failure {
  name: string;
  code: string;
  errno?: number;
  syscall?: string;
  message: string;
  before: string;
  after: string;
}

t.test('failures', async (t) => {
  const file = (name: string, text: string, mode: number) => {
    const path = join(directory, name);
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  };
  const loop = join(directory, 'loop');
  symlinkSync(loop, loop);
  mkdirSync(join(directory, 'directory'));
  const busy = compile(join(directory, 'busy'), [here('exec-probe.c')]);
  const writer = openSync(busy, 'r+');
  t.teardown(() => closeSync(writer));

  const state = { ignoredSignals: '1', blockedSignals: '4800', openFilesSoft: 100, inheritedFds: [0] };
  for (const [name, job] of [
    ['ENOENT', { file: join(directory, 'missing') }],
    ['ENOENT', { file: '' }],
    ['ENOENT', { file: file('lost-interpreter', '#!/no/such/shell\n', 0o755) }],
    ['EACCES', { file: file('not-executable', '#!/bin/sh\n', 0o644) }],
    ['EACCES', { file: join(directory, 'directory') }],
    ['ENOEXEC', { file: file('no-format', 'echo hello\n', 0o755) }],
    ['ENOEXEC', { file: file('empty', '', 0o755) }],
    ['ENOTDIR', { file: `${probe}/x` }],
    ['ELOOP', { file: loop }],
    ['ENAMETOOLONG', { file: `/${'x'.repeat(300)}` }],
    ['ETXTBSY', { file: busy }],
    ['EINVAL', { file: 'a\0b' }],
    ['EINVAL', { argv: ['a', 'b\0'] }],
    ['EINVAL', { argv: [{ hex: '6100' }] }],
    ['EINVAL', { env: ['A=\0'] }],
    ['EINVAL', { argv: [] }],
  ] as [keyof typeof constants.errno, Job][]) {
    const result = exec({ state, touch: ['stdout'], ...job });
    const error: Failure = JSON.parse(result.stdout);
    const label = `${name} for ${JSON.stringify(job)}`.replaceAll(directory, '').slice(0, 80);
    t.match(error, { name: 'Error', code: name, errno: constants.errno[name], syscall: 'execve' }, label);
    t.match(error.message, new RegExp(`^${name}: .+, execve$`));
    t.equal(error.after, error.before, 'signals and limits are those of Node again');
    t.equal(result.status, 0);
  }
});

t.test('too much to pass on', async (t) => {
  // The driver could not be started with that, so this is a script of its own.
  const script = `
    const { execve } = require(${JSON.stringify(addon)});
    for (const env of [['A=' + 'x'.repeat(200_000)], Array(500).fill('A=' + 'x'.repeat(100_000))]) {
      try {
        execve('/bin/true', ['true'], env);
      } catch (error) {
        console.log(error.code, error.errno);
      }
    }
    execve('/bin/sh', ['sh', '-c', 'echo $A | wc -c'], ['PATH=' + process.env.PATH, 'A=' + 'x'.repeat(100_000)]);`;
  t.equal(run(NODE, ['-e', script]).stdout, 'E2BIG 7\nE2BIG 7\n100001\n');
});

t.test('wrong types', async (t) => {
  const failure = (job: Job): Failure => JSON.parse(exec(job).stdout);
  for (const job of [
    { file: null },
    { file: 1 },
    { file: ['a'] },
    { argv: null },
    { argv: 'sh' },
    { argv: {} },
    { argv: ['a', 1] },
    { argv: ['a', null] },
    { env: null },
    { env: { A: '1' } },
    { env: [['A', '1']] },
    { state: null },
    { state: 'x' },
    { state: { ignoredSignals: 1 } },
    { state: { blockedSignals: null } },
    { state: { openFilesSoft: '100' } },
    { state: { inheritedFds: 3 } },
    { state: { inheritedFds: ['3'] } },
  ]) {
    t.match(failure(job), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }, JSON.stringify(job));
  }
  for (const state of [
    { ignoredSignals: '' },
    { ignoredSignals: 'xyz' },
    { ignoredSignals: '0x1' },
    { ignoredSignals: '-1' },
    { blockedSignals: '0'.repeat(17) },
    { blockedSignals: '0'.repeat(500) },
    { blockedSignals: '1\0' },
    { openFilesSoft: -1 },
    { openFilesSoft: 1.5 },
    { openFilesSoft: 2 ** 60 },
    { inheritedFds: [-1] },
    { inheritedFds: [2 ** 31] },
    { inheritedFds: [0.5] },
  ]) {
    t.match(
      failure({ state }),
      { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' },
      JSON.stringify(state).slice(0, 60),
    );
  }

  // What JSON cannot say.
  const script = `
    const { execve } = require(${JSON.stringify(addon)});
    const attempts = [
      () => execve(),
      () => execve('/bin/true', ['a'], [], { openFilesSoft: NaN }),
      () => execve('/bin/true', ['a'], [], { openFilesSoft: 1n }),
      () => execve('/bin/true', ['a'], [], { get inheritedFds() { throw new Error('mine'); } }),
      () => execve('/bin/true', Object.defineProperty(['a'], 0, { get() { throw new Error('mine'); } }), []),
      () => execve('/bin/true', new Array(2), []),
      () => execve('/bin/true', ['a', Symbol('b')], []),
      () => execve('/bin/true', [new Uint16Array(2)], []),
      () => execve('/bin/true', [new ArrayBuffer(2)], []),
      () => execve('/bin/true', [Buffer.alloc(0)], ['\\ud800\\0']),
    ];
    for (const attempt of attempts) {
      try {
        attempt();
      } catch (error) {
        console.log(error.code ?? error.message);
      }
    }`;
  const invalid = 'ERR_INVALID_ARG_TYPE';
  t.strictSame(run(NODE, ['-e', script]).stdout.trim().split('\n'), [
    invalid,
    'ERR_OUT_OF_RANGE',
    invalid,
    'mine',
    'mine',
    ...Array(4).fill(invalid),
    'EINVAL',
  ]);
});

for (const name of ['enterNetworkNamespace', 'setNetworkNamespace'])
  t.test(name, async (t) => {
    const enter = (file: string): string => {
      const script = `try { require(process.argv[1]).${name}(${file}) } catch (error) {
      console.log(error.name, error.syscall, error.code) }`;
      return run(NODE, ['-e', script, addon], {}).stdout;
    };
    t.equal(enter("'/no/such/file'"), 'Error open ENOENT\n');
    t.equal(enter("'/proc/self/status'"), 'Error setns EINVAL\n');
    t.equal(enter('7'), 'TypeError undefined ERR_INVALID_ARG_TYPE\n');
  });

t.test('interfaceIndex', async (t) => {
  const index = (name: string): string => {
    const script = `try { console.log(require(process.argv[1]).interfaceIndex(${name})) } catch (error) {
      console.log(error.name, error.code) }`;
    return run(NODE, ['-e', script, addon], {}).stdout;
  };
  t.equal(index("'lo'"), '1\n');
  t.equal(index("'no-such-one'"), '0\n');
  t.equal(index("'much-longer-than-any-name-can-be'"), '0\n');
  t.equal(index('7'), 'TypeError ERR_INVALID_ARG_TYPE\n');
});

t.test('lockFile', async (t) => {
  const file = join(t.testdir({ lock: '' }), 'lock');
  const { lockFile } = createRequire(import.meta.url)(addon) as {
    lockFile: (fd: number, waits: boolean) => boolean;
  };
  const open = (): number => openSync(file, 'r');
  const first = open();
  t.equal(lockFile(first, false), true);
  t.equal(lockFile(first, true), true, 'again');
  const second = open();
  t.equal(lockFile(second, false), false, 'another open file');
  closeSync(first);
  t.equal(lockFile(second, true), true, 'free when it is closed');
  closeSync(second);
  t.throws(() => lockFile(second, false), { code: 'EBADF', syscall: 'flock' });
  t.throws(() => (lockFile as (...args: unknown[]) => boolean)('x'), TypeError);

  // one who waits gets it when the other one dies
  const script = `const { openSync } = require('node:fs');
    require(process.argv[1]).lockFile(openSync(process.argv[2]), process.argv[3] === 'waits') && console.log('locked');
    setInterval(() => {}, 1000)`;
  const holder = spawn(NODE, ['-e', script, addon, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => holder.kill('SIGKILL'));
  await once(holder.stdout, 'data');
  const waiter = spawn(NODE, ['-e', script, addon, file, 'waits'], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => waiter.kill('SIGKILL'));
  const locked = once(waiter.stdout, 'data');
  holder.kill('SIGKILL');
  t.match(String((await locked)[0]), 'locked');
});

t.test('networkNamespaceCookie and openFileSystem', async (t) => {
  const call = (expression: string): string => {
    const script = `const addon = require(process.argv[1]); try { console.log(${expression}) } catch (error) {
      console.log(error.name, error.code, error.syscall) }`;
    return run(NODE, ['-e', script, addon], {}).stdout;
  };
  t.match(call('addon.networkNamespaceCookie()'), /^\d+n$/m);
  t.match(call("addon.openFileSystem('no-such-one')"), /^Error (ENODEV|EPERM) fsopen$/m);
  t.equal(call('addon.openFileSystem(7)'), 'TypeError ERR_INVALID_ARG_TYPE undefined\n');
});
