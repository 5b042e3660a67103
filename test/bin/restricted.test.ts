// SPDX-License-Identifier: MIT
// The commands where Node cannot start by itself: memory that must not be made executable, little of it, few threads.
// Each works, or ends with one line; smc_run becomes its program all the same. Needs `npm run build`.
import { type SpawnSyncOptions, type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { tied } from '../helpers/tied.ts';
import { PATIENCE_S } from '../helpers/wait.ts';
import { compile, here, nativeSource, scratchDir } from '../native/helpers.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { bin, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  bin: Record<string, string>;
  version: string;
};
const names = Object.keys(bin);
const program = (name: string): string => join(root, 'dist/native/bin', name);
const script = (name: string): string => join(root, `bin/${name}.js`);
const PATH = process.env['PATH'] ?? '/usr/bin:/bin';
const directory = scratchDir(t);
chmodSync(directory, 0o755);
const places = compile(join(directory, 'places'), [here('places.c')]);

type Result = SpawnSyncReturns<string>;

/** Runs a command line with PATH and the given variables only. */
function run(words: readonly string[], { env, ...options }: SpawnSyncOptions = {}): Result {
  const variables = Object.entries({ PATH, ...env }).map(([name, value]) => `${name}=${value}`);
  const result = spawnSync(...tied('env', ['-i', ...variables, ...words]), {
    timeout: PATIENCE_S * 1000,
    killSignal: 'SIGKILL',
    ...options,
    encoding: 'utf8',
  });
  if (result.error) throw result.error; // it hung
  return result;
}

const outcome = ({ status, stdout, stderr }: Result) => ({ status, stdout, stderr });

/** Where memory must not be made executable: as systemd has it done by a filter, and by the kernel if this one can. */
const DENIED = ['filter', 'mdwe'].filter(
  (place) => place === 'filter' || run([places, place, 'true']).status === 0,
);

t.test('what is denied is what a JIT needs', async (t) => {
  for (const place of DENIED) t.equal(run([places, place, 'node', '-e', '0']).signal, 'SIGTRAP', place);
});

/** A call of each command that does its work. */
const CALLS: Record<string, string[]> = {
  smc_chk: ['-j'],
  smc_conf: ['export', '-j'],
  smc_dbg: ['--help'], // its bundle has times in it, see below
  smc_exporter: ['--help'], // so have its metrics
  smc_pnet: ['-j'],
  smc_rnics: ['-aj'],
  smc_run: ['sh', '-c', 'echo "$LD_PRELOAD"; exit 3'],
  smcd: ['info', '-j'],
  smcr: ['stats', '-j'],
  smcss: ['-aj'],
};

t.test('memory that must not be made executable', async (t) => {
  for (const name of names) {
    const words = CALLS[name] ?? [];
    const expected = outcome(run([program(name), ...words]));
    for (const place of DENIED)
      t.strictSame(outcome(run([places, place, program(name), ...words])), expected, `${name}: ${place}`);
    t.equal(
      run([places, 'filter', script(name), '--version']).stdout,
      `${name} utility, smc-tools-${version}\n`,
      `${name}, the script`,
    );
  }
  t.match(run([places, 'filter', program('smc_exporter'), '--once']), {
    status: 0,
    stdout: /^smc_/m,
    stderr: '',
  });
  const bundle = join(directory, 'bundle.tar.gz');
  t.equal(run([places, 'filter', program('smc_dbg'), '-o', bundle]).status, 0);
  const listing = outcome(run([program('smcss'), '--from', bundle, '-aj']));
  t.strictSame(
    outcome(run([places, 'filter', program('smcss'), '--from', bundle, '-aj'])),
    listing,
    'and so can be read',
  );
});

t.test('a report, where memory must not be made executable', async (t) => {
  for (const place of DENIED)
    t.match(run([places, place, program('smc_run'), '--report', 'sh', '-c', 'exit 4']), {
      status: 4,
      stdout: '',
      stderr: 'smc_run: 0 sockets opened as SMC\nsmc_run: 0 connections\n',
    });
});

/** One line that tells what Node lacks. */
const cannotStart = (name: string, why: RegExp): RegExp =>
  new RegExp(`^${name}: Node\\.js cannot start: ${why.source}\\n$`);

const MIB = 1 << 20;

t.test('little address space', async (t) => {
  for (const name of names) {
    const within = (mib: number, ...words: string[]): Result =>
      run(['prlimit', `--as=${mib * MIB}`, program(name), ...words]);
    // less than a JIT wants, and more than Node takes without one
    t.match(within(680, '--version'), {
      status: 0,
      stdout: `${name} utility, smc-tools-${version}\n`,
      stderr: '',
    });
    t.match(within(50, '--version'), {
      status: 1,
      stdout: '',
      stderr:
        name === 'smc_run'
          ? cannotStart(name, /the address space is limited to 50 MiB \(ulimit -v\); without it .*/)
          : cannotStart(name, /the address space is limited to 50 MiB \(ulimit -v\)/),
    });
  }
  // wherever the border is: on one side of it all works, on the other there is one line
  for (let mib = 100; mib <= 680; mib += 60) {
    const { status, stdout, stderr } = run(['prlimit', `--as=${mib * MIB}`, program('smcss'), '--help']);
    if (status === 0) t.strictSame([stdout.startsWith('Usage: smcss '), stderr], [true, ''], `${mib} MiB`);
    else
      t.match(
        stderr,
        cannotStart('smcss', /the address space is limited to \d+ MiB \(ulimit -v\)/),
        `${mib} MiB`,
      );
  }
});

t.test('little of other things', async (t) => {
  for (const [limit, why] of [
    [`--data=${30 * MIB}`, /data is limited to 30 MiB \(ulimit -d\)/],
    ['--stack=40960', /the stack is limited to 40 KiB \(ulimit -s\)/],
    ['--nofile=8', /8 files may be open \(ulimit -n\)/],
    ['--nofile=13', /13 files may be open \(ulimit -n\)/],
  ] as const)
    t.match(run(['prlimit', limit, program('smcss'), '-v']), {
      status: 1,
      stdout: '',
      stderr: cannotStart('smcss', why),
    });
  const works = { status: 0, stdout: `smcss utility, smc-tools-${version}\n`, stderr: '' };
  t.match(run(['prlimit', `--data=${200 * MIB}`, program('smcss'), '-v']), works);
  t.match(run(['prlimit', '--nofile=40', program('smcss'), '-v']), works);
  // writing to a file fails there, to a pipe it does not
  t.match(run(['prlimit', '--fsize=0', program('smcss'), '-v']), works);
  const file = join(directory, 'file');
  t.match(run(['sh', '-c', `prlimit --fsize=0 "$0" -v >"${file}"`, program('smcss')]), {
    status: 1,
    stderr: 'smcss: standard output: files may not be as large here (ulimit -f)\n',
  });
  const bundle = join(directory, 'little.tgz');
  run(['tar', '-C', join(root, 'test/fixtures'), '-czf', bundle, '6.12-smcr']);
  t.match(
    run(['prlimit', '--fsize=1000', program('smcss'), '--from', bundle], { env: { TMPDIR: '/nonexistent' } }),
    { status: 1, stdout: '', stderr: 'smcss: /tmp: files may not be as large here (ulimit -f)\n' },
  );
  for (const [end, status, signal] of [
    ['exit 5', 5, null],
    ['kill -TERM $$', null, 'SIGTERM'],
  ] as const)
    t.match(run(['prlimit', '--fsize=0', program('smc_run'), '--report', 'sh', '-c', end]), {
      status,
      signal,
      stderr: 'smc_run: 0 sockets opened as SMC\nsmc_run: 0 connections\n',
    });
});

/** The package where every user can read it. */
function readable(t: Test): string {
  const copy = join(scratchDir(t), 'copy');
  mkdirSync(copy);
  for (const part of ['bin', 'dist/commands', 'dist/native', 'native', 'package.json'])
    cpSync(join(root, part), join(copy, part), { recursive: true });
  run(['chmod', '-R', 'a+rX', join(copy, '..')]);
  return copy;
}

/**
 * Runs with so many processes and threads for the user, this one included. Not for root, who has no such limit, so it is
 * a user ID that nobody else has, or for ordinary users a namespace in which they are counted anew.
 */
function amongFew(limit: number, ...words: string[]): Result {
  const user = 70_000_000 + process.pid;
  const become =
    process.getuid?.() === 0
      ? ['setpriv', '--reuid', String(user), '--regid', String(user), '--clear-groups']
      : ['unshare', '--user'];
  return run([...become, 'prlimit', `--nproc=${limit}`, ...words]);
}

t.test('few processes and threads', async (t) => {
  const copy = readable(t);
  const at = (name: string): string => join(copy, 'dist/native/bin', name);
  const why = /no more threads are allowed here \(ulimit -u, TasksMax, pids\.max\)/;
  for (const name of names) {
    const { status, stderr } = amongFew(1, at(name), '--version');
    t.equal(status, 1);
    t.match(stderr, name === 'smc_run' ? why : cannotStart(name, why));
    t.equal(amongFew(5, at(name), '--version').stdout, `${name} utility, smc-tools-${version}\n`);
  }
  let least = 9;
  for (let limit = 1; limit < 9; limit++) {
    const { status, stdout, stderr } = amongFew(limit, at('smcss'), '--version');
    if (status === 0) {
      least = Math.min(least, limit);
      t.equal(stdout, `smcss utility, smc-tools-${version}\n`, `${limit} allowed`);
    } else t.match(stderr, cannotStart('smcss', why), `${limit} allowed`);
    t.match(
      amongFew(limit, at('smc_run'), 'echo', 'done'),
      { status: 0, stdout: 'done\n' },
      `${limit} allowed`,
    );
  }
  const file = join(copy, 'smc.yaml');
  writeFileSync(file, 'version: 1\n', { mode: 0o644 });
  t.equal(amongFew(least + 1, at('smc_conf'), 'check', '-f', file).status, 0, 'a file takes no thread');
  t.match(amongFew(5, join(copy, 'bin/smcss.js'), '-v').stdout, 'smcss utility', 'the script');
});

t.test('few processes are left when the program has ended', async (t) => {
  const copy = readable(t);
  // what watches the program has processes, too; whatever is missing, nothing hangs and the status is not lost
  for (let limit = 3; limit < 9; limit++) {
    const { status, stderr } = amongFew(
      limit,
      join(copy, 'dist/native/bin/smc_run'),
      ...['--report', 'sh', '-c', 'exit 6'],
    );
    t.ok([1, 6, 125].includes(status ?? -1), `${limit} allowed: status ${status}`);
    t.match(stderr, /^(smc_run|smc-launch|node\[\d+\]): /, `${limit} allowed`);
  }
});

/** A directory with a `node` that is this shell script. */
function withNode(t: Test, text: string): string {
  const path = scratchDir(t);
  writeFileSync(join(path, 'node'), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return `${path}:${PATH}`;
}

/** Links to the script of smcss where npm makes them, and one elsewhere. */
function npmLinks(t: Test): string[] {
  const prefix = scratchDir(t);
  return [
    ['bin/smcss', 'lib/node_modules'],
    ['node_modules/.bin/smcss', 'node_modules'],
    ['elsewhere/called/otherwise', 'lib/node_modules'],
  ].map(([link = '', modules = '']) => {
    const installed = join(prefix, modules, 'smc-tools');
    mkdirSync(dirname(installed), { recursive: true });
    mkdirSync(dirname(join(prefix, link)), { recursive: true });
    if (!existsSync(installed)) symlinkSync(root, installed);
    symlinkSync(join(installed, 'bin/smcss'), join(prefix, link));
    return join(prefix, link);
  });
}

t.test('what Node is started with', async (t) => {
  const ours = join(root, 'bin/smcss.js');
  const echo = withNode(t, 'echo "$*"');
  const asked = (words: string[], path = echo): string => run(words, { env: { PATH: path } }).stdout;
  t.equal(asked([program('smcss'), '-a', 'x y']), `--v8-pool-size=1 ${ours} -a x y\n`);
  t.equal(asked([script('smcss'), '-a']), `--v8-pool-size=1 ${ours} -a\n`, 'the script');
  for (const link of npmLinks(t))
    t.equal(asked([link, '-a']), `--v8-pool-size=1 ${join(root, 'bin/smcss')} -a\n`, link);
  t.equal(
    asked([places, 'filter', program('smcss')]),
    `--v8-pool-size=1 --jitless --no-expose-wasm ${ours}\n`,
    'up to Node 22',
  );
  const newer = withNode(t, 'case "$*" in *expose*) exit 9;; esac; echo "$*"');
  t.equal(
    asked([places, 'filter', program('smcss')], newer),
    `--v8-pool-size=1 --jitless ${ours}\n`,
    'from Node 24 on',
  );
  const debug = run([places, 'filter', program('smcss')], { env: { PATH: echo, SMC_TOOLS_DEBUG: '1' } });
  t.equal(
    debug.stderr,
    'smcss: Node.js starts with --no-expose-wasm: memory must not be made executable here (MemoryDenyWriteExecute)\n',
  );
  const hangs = withNode(t, 'case "$*" in *"-e 0"*) kill -ABRT $$;; esac; echo "$*"');
  t.match(run(['prlimit', `--as=${1000 * MIB}`, program('smcss')], { env: { PATH: hangs } }), {
    status: 1,
    stderr: cannotStart('smcss', /the address space is limited to 1000 MiB \(ulimit -v\)/),
  });
});

/** smc-start as it is where no node is in the usual places, in a package of its own. */
function withoutNode(t: Test): string {
  const copy = readable(t);
  const sources = ['smc-start', 'start-limits', 'start-state', 'start-preload'].map((name) =>
    nativeSource(`${name}.c`),
  );
  compile(join(copy, 'bin/smc_run'), sources, ['-DSMC_PLACES="/nowhere"']);
  cpSync(join(copy, 'bin/smc_run'), join(copy, 'bin/smcss'));
  return copy;
}

t.test('no node', async (t) => {
  const copy = withoutNode(t);
  const env = { PATH: '/no/such:/directory' };
  t.match(run([join(copy, 'bin/smcss')], { env }), {
    status: 1,
    stdout: '',
    stderr:
      'smcss: Node.js cannot start: there is no node in PATH (/no/such:/directory), nor where it usually is\n',
  });
  t.match(run([join(copy, 'bin/smc_run'), '/bin/echo', 'a  b'], { env }), {
    status: 0,
    stdout: 'a  b\n',
    stderr:
      'smc_run: Node.js cannot start: there is no node in PATH (/no/such:/directory), nor where it usually is; running the program with the preload library anyway\n',
  });
  // the scripts, without the C part
  run(['rm', '-r', join(copy, 'dist/native')]);
  for (const name of names)
    t.match(run(['/bin/sh', join(copy, `bin/${name}.js`)], { env }), {
      status: 1,
      stdout: '',
      stderr: `${name}: Node.js cannot start: there is no node in PATH (/no/such:/directory)\n`,
    });
  // npm puts the package below the prefix that has node
  const prefix = join(copy, '../prefix');
  const installed = join(prefix, 'lib/node_modules/smc-tools');
  mkdirSync(join(installed, 'dist/native'), { recursive: true });
  mkdirSync(join(prefix, 'bin'));
  cpSync(join(copy, 'bin'), join(installed, 'bin'), { recursive: true });
  writeFileSync(join(prefix, 'bin/node'), '#!/bin/sh\necho found\n', { mode: 0o755 });
  t.match(run([join(installed, 'bin/smcss')], { env }), { status: 0, stdout: 'found\n' });
});

t.test('a path that is not UTF-8', async (t) => {
  const copy = readable(t);
  // no string of ours can hold the byte
  const moved = run([
    'sh',
    '-c',
    'to=$1/$(printf "\\377") && mv "$2" "$to" && printf %s "$to"',
    '',
    directory,
    copy,
  ]);
  t.equal(moved.status, 0);
  const there = (file: string, ...words: string[]): Result =>
    run(['sh', '-c', 'exec "$0"/?/"$@"', directory, file, ...words]);
  const why = /.*\/bin\/\w+\.js is not UTF-8; install the package elsewhere/;
  for (const file of ['dist/native/bin/smcss', 'bin/smcss.js'])
    t.match(there(file, '-v'), { status: 1, stdout: '', stderr: cannotStart('smcss', why) }, file);
  t.match(there('dist/native/bin/smc_run', 'echo', 'done'), {
    status: 0,
    stdout: 'done\n',
    stderr:
      /^smc_run: Node\.js cannot start: .* is not UTF-8; .*; running the program with the preload library anyway\n$/,
  });
});

t.test('variables of the Node that started a shell', async (t) => {
  t.match(run([program('smcss'), '-v'], { env: { NODE_CHANNEL_FD: '3' } }), {
    status: 0,
    stdout: `smcss utility, smc-tools-${version}\n`,
    stderr: '',
  });
});

// ---- smc_run without Node ----

/** A place in which Node cannot start. */
const small = ['prlimit', `--as=${60 * MIB}`];
const bare = (words: readonly string[], options?: SpawnSyncOptions): Result =>
  run([...small, program('smc_run'), ...words], options);

/** Standard error without the line that tells why Node does not start. */
const told = ({ stderr }: Result): string =>
  stderr.replace(
    /^smc_run: Node\.js cannot start: .*; running the program with the preload library anyway\n/,
    '',
  );

t.test('smc_run without Node: the program gets what it would get', async (t) => {
  for (const [words, env] of [
    [['env'], { A: '1', 'B.c': 'x', EMPTY: '', PWD: '/wrong', NODE_OPTIONS: '--no-such' }],
    [['env'], { LD_PRELOAD: 'libm.so.6', SMC_RUN_STATE: 'ours' }],
    [['env'], { LD_PRELOAD: join(root, 'dist/native/libsmc-preload.so') }],
    [['-r', '16k', '-t010', 'env'], { SMC_RCVBUF: '1', SMC_SNDBUF: '2' }],
    [['--rcv=1M', '--', 'env'], {}],
    [['sh', '-c', 'echo $# "$1"; exit 9', 'x', 'a  b'], {}],
    [['sh', '-c', 'ulimit -Sn; for fd in 0 1 2 3; do [ -e /proc/$$/fd/$fd ] && echo $fd; done'], {}],
  ] as const) {
    const expected = run([program('smc_run'), ...words], { env });
    const found = bare(words, { env });
    t.strictSame(
      [found.status, found.stdout, told(found)],
      [expected.status, expected.stdout, expected.stderr],
      words.join(' '),
    );
  }
  t.match(bare(['-d', 'env']).stdout, /^SMC_DEBUG=1$/m);
  t.match(
    run([...small, script('smc_run'), 'env'], { env: { 'a.b': '1', PWD: '/wrong' } }).stdout,
    /^a\.b=1$/m,
  );
  t.match(
    run([...small, script('smc_run'), 'env'], { env: { NODE_OPTIONS: '--x', PWD: '/wrong' } }).stdout,
    /^NODE_OPTIONS=--x\nPWD=\/wrong\n(?!.*SMC_RUN_STATE)/m,
    'by the script',
  );
});

t.test('smc_run without Node: statuses and signals', async (t) => {
  for (const signal of ['TERM', 'KILL', 'PIPE', 'XFSZ'])
    t.equal(bare(['sh', '-c', `kill -${signal} $$`]).signal, `SIG${signal}`);
  const ignoring = `trap '' HUP; exec "$@"`;
  t.equal(
    run(['sh', '-c', ignoring, 'sh', ...small, program('smc_run'), 'sh', '-c', 'kill -HUP $$; echo alive'])
      .stdout,
    'alive\n',
  );
  const cwd = t.testdir({
    plain: 'x',
    'no-shebang': 'echo "no shebang: $1 $0"\n',
    broken: '#!/no/such/interpreter\n',
    first: { tool: 'x' },
    second: { tool: '#!/bin/sh\necho second\n' },
  });
  for (const file of ['no-shebang', 'broken', 'second/tool']) chmodSync(join(cwd, file), 0o755);
  writeFileSync(join(cwd, 'foreign'), Buffer.from('\x7fELF\0\0\0'), { mode: 0o755 });
  for (const [words, env] of [
    [['nosuch'], {}],
    [[''], {}],
    [['./plain'], {}],
    [['/'], {}],
    [['./broken'], {}],
    [['./foreign'], {}],
    [['./no-shebang', 'a b'], {}],
    [['tool'], { PATH: `${cwd}/first:${cwd}/second:${PATH}` }],
    [['tool'], { PATH: `${cwd}/first:${PATH}` }],
  ] as const) {
    const expected = run([program('smc_run'), ...words], { cwd, env });
    const found = bare(words, { cwd, env });
    t.strictSame(
      [found.status, found.stdout, told(found)],
      [expected.status, expected.stdout, expected.stderr],
      words.join(' '),
    );
  }
});

t.test('smc_run without Node: what needs it', async (t) => {
  const why = 'Node.js cannot start: the address space is limited to 60 MiB (ulimit -v)';
  const refused = {
    status: 1,
    stdout: '',
    stderr: `smc_run: ${why}; without it there are no options but -d, -r and -t\n`,
  };
  // every option that there is, from the command's own help
  const help = run([program('smc_run'), '--help']).stdout;
  const options = [...help.matchAll(/^ {2}(?:-\w, )?--([\w-]+)/gm)].map(([, name]) => name!);
  t.ok(options.length > 15, `${options.length} options`);
  for (const name of options.filter((name) => !['debug', 'rcvbuf', 'sndbuf'].includes(name)))
    t.match(bare([`--${name}`, 'true', 'true']), refused, `--${name}`);
  for (const words of [['--re', 'true'], ['--d', 'true'], ['-dj', 'true'], ['-Z', 'true'], ['-r']])
    t.match(bare(words), refused, words.join(' '));
  t.match(bare([]), { status: 1, stdout: '', stderr: `smc_run: ${why}\n` });
  for (const size of ['8q', '', '0', '3G', '99999999999999999999'])
    t.match(bare(['-r', size, 'true']), {
      status: 1,
      stderr: `smc_run: --rcvbuf '${size}' is not a size: give bytes, or a number with k or m\n`,
    });
  const copy = readable(t);
  run(['rm', join(copy, 'dist/native/libsmc-preload.so')]);
  t.match(run([...small, join(copy, 'dist/native/bin/smc_run'), 'true']), {
    status: 1,
    stdout: '',
    stderr: `smc_run: the preload library is missing (${copy}/dist/native/libsmc-preload.so)\n`,
  });
});

t.test('without /proc and without /dev', async (t) => {
  const inNamespace = (hide: string, text: string, file: string): Result =>
    run([
      'unshare',
      ...(process.getuid?.() === 0 ? [] : ['-r']),
      '-m',
      'sh',
      '-c',
      `${hide} && ${text}`,
      file,
    ]);
  const hidden = {
    '/proc': 'mount -t tmpfs none /proc && [ ! -e /proc/self ]',
    '/dev': 'mount -t tmpfs none /dev && [ ! -e /dev/null ]',
  };
  for (const [what, hide] of Object.entries(hidden))
    for (const streams of ['', '<&-', '2>&-', '<&- 2>&-']) {
      const name = `${what} ${streams}`;
      t.match(
        inNamespace(hide, `"$0" -v ${streams}`, program('smcss')),
        { status: 0, stdout: `smcss utility, smc-tools-${version}\n`, stderr: '' },
        name,
      );
      t.match(
        inNamespace(hide, `"$0" --report echo done ${streams}`, program('smc_run')),
        { status: 0, stdout: 'done\n', stderr: streams.includes('2') ? '' : /^(smc_run: .*\n)+$/ },
        name,
      );
      const isTold = !streams.includes('2');
      t.match(
        inNamespace(hide, `"$0" -j >&- ${streams}`, program('smc_chk')),
        { status: 1, stderr: isTold ? 'smc_chk: standard output: bad file descriptor\n' : '' },
        name,
      );
    }
});
