// SPDX-License-Identifier: MIT
// smc_run as it is installed: what the program that it becomes finds. Needs `npm run build`; no SMC, without it the
// preload library opens TCP sockets.
import { type SpawnSyncOptions, type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { NODE } from '../helpers/node.ts';
import { ENDS_BY_SIGINT, tied } from '../helpers/tied.ts';
import { PATIENCE_S } from '../helpers/wait.ts';
import { compile, here, scratchDir } from '../native/helpers.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** What an installation has, and the script that takes its place where nothing can be compiled. */
const bin = join(root, 'dist/native/bin/smc_run');
const launcher = join(root, 'bin/smc_run.js');
/** For what both have to know of the process: the one looks itself, for the other a shell does. */
const both = [bin, launcher];
/** What goes into LD_PRELOAD of a program that has the GNU loader; where it knows no classes there is no such folder. */
const preloaded = (installation: string): string =>
  join(
    installation,
    existsSync(join(root, 'dist/native/preload'))
      ? 'dist/native/preload/$LIB/libsmc-preload.so'
      : 'dist/native/libsmc-preload.so',
  );
const library = preloaded(root);
const addon = join(root, 'dist/native/smc-native.node');
const PATH = process.env['PATH'] ?? '/usr/bin:/bin';
const directory = scratchDir(t);
const probe = compile(join(directory, 'exec-probe'), [here('exec-probe.c')]);

type Result = SpawnSyncReturns<string>;

/**
 * A command line with PATH and the given variables as its whole environment. By env, since the test runner adds
 * variables of its own, NODE_OPTIONS among them, to what is started from Node.
 */
function commandLine(file: string, argv: readonly string[], env: NodeJS.ProcessEnv = {}): [string, string[]] {
  const variables = Object.entries({ PATH, ...env }).map(([name, value]) => `${name}=${value}`);
  return tied('env', ['-i', ...variables, file, ...argv]);
}

function start(file: string, argv: readonly string[], options: SpawnSyncOptions = {}): Result {
  const { env, ...rest } = options;
  return spawnSync(...commandLine(file, argv, env), {
    timeout: PATIENCE_S * 1000,
    ...rest,
    encoding: 'utf8',
  });
}

const smcRun = (argv: readonly string[], options: SpawnSyncOptions = {}): Result => start(bin, argv, options);

/** Runs a shell script in which "$run" is smc_run. */
const script = (text: string, options: SpawnSyncOptions = {}, shell = '/bin/sh'): Result =>
  start(shell, ['-c', text], { ...options, env: { run: bin, ...options.env } });

const has = (...shell: [string, ...string[]]): boolean =>
  start(shell[0], [...shell.slice(1), '-c', ':']).status === 0;

function prints(t: Test, result: Result, stdout: string, name = stdout): void {
  t.strictSame([result.stdout, result.stderr, result.status], [stdout, '', 0], name);
}

t.test('the process becomes the program', async (t) => {
  const { pid, stdout } = smcRun(['sh', '-c', 'echo $$']);
  t.equal(stdout, `${pid}\n`, 'same process');
  // a built-in, so the shell itself starts nobody
  const children = smcRun([
    'sh',
    '-c',
    'read -r list </proc/$$/task/$$/children; echo "[$list]"; grep ^Threads /proc/$$/status',
  ]);
  t.equal(children.stdout, '[]\nThreads:\t1\n', 'nobody stays behind');
});

t.test('exit status', async (t) => {
  for (const status of [0, 1, 2, 42, 126, 127, 128, 254, 255])
    t.equal(smcRun(['sh', '-c', `exit ${status}`]).status, status);
});

t.test('death by signal', async (t) => {
  for (const signal of ['TERM', 'KILL', 'HUP', 'INT', 'PIPE', 'USR1', 'XFSZ'])
    t.equal(smcRun(['sh', '-c', `kill -${signal} $$`]).signal, `SIG${signal}`);
});

t.test('signals sent to smc_run reach the program', async (t) => {
  const child = spawn(...commandLine(bin, ENDS_BY_SIGINT));
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    if (stdout === '') child.kill('SIGINT');
    stdout += text;
  });
  const status = await new Promise((resolve) => child.on('close', resolve));
  t.strictSame([stdout, status], ['ready\ngot it\n', 7]);
});

t.test('arguments', async (t) => {
  const odd = [
    '',
    ' ',
    'a b',
    '"',
    "'",
    '\\',
    '$HOME',
    '*',
    '`id`',
    'a\nb',
    '-d',
    '--',
    '--version',
    'ü',
    '\u{1f600}',
    '%s',
  ];
  t.equal(smcRun(['printf', '[%s]', ...odd]).stdout, odd.map((word) => `[${word}]`).join(''));
  prints(t, smcRun(['sh', '-c', 'echo $# $0', 'name', ...Array(20_000).fill('x')]), '20000 name\n');
  const long = 'x'.repeat(100_000);
  t.equal(smcRun(['printf', '%s', long]).stdout, long);
});

t.test('arguments and names that are not UTF-8', async (t) => {
  const hex = `od -An -v -tx1 | tr -d ' \\n'`;
  t.equal(
    script(`"$run" printf '[%s]' "$(printf 'a\\377b')" '' "$(printf '\\300\\200')" x | ${hex}`).stdout,
    '5b61ff625d5b5d5bc0805d5b785d',
  );
  t.equal(
    script(`"$run" -d printf '[%s]' "$(printf '\\357\\277\\275\\377')" | ${hex}`).stdout,
    '5befbfbdff5d',
  );
  const result = script(
    `name=$(printf 'pro\\377g'); dir=$(printf 'd\\376r'); mkdir "$dir"; printf '#!/bin/sh\\necho "ran $1"\\n' >"$dir/$name"
     chmod +x "$dir/$name"; "$run" "./$dir/$name" 1; PATH="$PWD/$dir:$PATH" "$run" "$name" 2; "$run" "./$dir/$name"x 3; echo $?`,
    { cwd: directory },
  );
  t.equal(result.stdout, 'ran 1\nran 2\n127\n');
  t.match(result.stderr, /^smc_run: .*: command not found\n$/);
});

/** Starts smc_run with exactly these variables; they may have any bytes and any names. */
function environmentOf(
  variables: readonly (string | Buffer)[],
  options: readonly string[] = [],
  file = bin,
): string[] {
  const env = variables.map((entry) => (typeof entry === 'string' ? entry : { hex: entry.toString('hex') }));
  const job = { addon, file, argv: [file, ...options, '/bin/cat', '/proc/self/environ'], env };
  const { stdout, stderr } = spawnSync(NODE, [here('exec-driver.mjs'), JSON.stringify(job)]);
  // -d reports at the end
  if (stderr.toString().replace(/^smc_run: \d+ (sockets opened as SMC|connections)\n/gm, '') !== '')
    throw new Error(stderr.toString());
  return stdout.toString('latin1').split('\0').slice(0, -1);
}

const withLibrary = (variables: readonly string[]): string[] => [...variables, `LD_PRELOAD=${library}`];

t.test('the environment arrives byte by byte, in its order', async (t) => {
  const variables = [
    'Z=last name first',
    `PATH=${PATH}`,
    'EMPTY=',
    'LINES=a\nb\n',
    'QUOTES="\'`$HOME\\',
    'EQUALS=a=b=',
    'TWICE=1',
    'TWICE=2',
    'UTF8=\xc3\xbc',
    'A=1',
  ];
  const bytes = Array.from({ length: 255 }, (_, i) => String.fromCharCode(i + 1)).join('');
  for (const file of both) {
    t.strictSame(
      environmentOf(
        variables.map((one) => Buffer.from(one, 'latin1')),
        [],
        file,
      ),
      withLibrary(variables),
    );
    t.strictSame(
      environmentOf([Buffer.from(`ALL=${bytes}`, 'latin1'), `PATH=${PATH}`], [], file),
      withLibrary([`ALL=${bytes}`, `PATH=${PATH}`]),
    );
  }
});

t.test('variables that a shell drops or sets anew', async (t) => {
  const variables = [
    `PATH=${PATH}`,
    'a.b=1',
    'BASH_FUNC_f%%=() { :; }',
    '1x=digit',
    '-=dash',
    '=no name',
    'no value',
    'PWD=/wrong',
    'OLDPWD=/wrong',
    'IFS=x',
    'OPTIND=7',
    'PPID=1',
    'SHLVL=5',
    'PS4=q',
    '_=U',
    'LINENO=3',
  ];
  for (const file of both) t.strictSame(environmentOf(variables, [], file), withLibrary(variables), file);
});

t.test('variables of the same names as those of our script', async (t) => {
  const variables = [`PATH=${PATH}`].concat(
    ['state', 'key', 'value', 'first', 'second', 'third', 'soft', 'rest', 'fd', 'fds'].map(
      (name) => `${name}=mine`,
    ),
  );
  for (const file of both) t.strictSame(environmentOf(variables, [], file), withLibrary(variables), file);
});

t.test('an environment without PATH, and without anything', async (t) => {
  for (const file of both) {
    t.strictSame(environmentOf(['A=1'], [], file), withLibrary(['A=1']));
    t.strictSame(environmentOf([], [], file), withLibrary([]));
  }
});

t.test('what is meant for the program’s Node is not for ours', async (t) => {
  const variables = [`PATH=${PATH}`, 'NODE_OPTIONS=--require=/no/such/module', 'NODE_CHANNEL_FD=3'];
  for (const file of both) t.strictSame(environmentOf(variables, [], file), withLibrary(variables), file);
});

t.test('a large environment', async (t) => {
  const env = { A: 'A'.repeat(100_000), B: 'B'.repeat(100_000), C: '' };
  for (const file of both) {
    const { stdout } = start(file, ['cat', '/proc/self/environ'], { env });
    // PWD is that of the shell
    const found = stdout
      .split('\0')
      .filter((entry) => entry !== '' && !(file === launcher && entry.startsWith('PWD=')));
    const expected = [`A=${env.A}`, `B=${env.B}`, 'C=', `LD_PRELOAD=${library}`, `PATH=${PATH}`];
    t.ok(found.sort().join() === expected.join(), file);
  }
  const forProgram = { ...env, 'a.b': 'x', NODE_OPTIONS: '--require=/no/such/module', NODE_CHANNEL_FD: '3' };
  const { stdout } = smcRun(['cat', '/proc/self/environ'], { env: forProgram });
  for (const [name, value] of Object.entries(forProgram))
    t.ok(stdout.split('\0').includes(`${name}=${value}`), name);
  const hup = `trap '' HUP; ulimit -Sn 99; "$0" sh -c 'ulimit -Sn; kill -HUP $$; echo alive'`;
  prints(t, start('sh', ['-c', hup, bin], { env }), '99\nalive\n');
});

t.test('our own variables', async (t) => {
  const run = (env: Record<string, string>, ...options: string[]): string[] =>
    environmentOf(
      Object.entries({ PATH, ...env }).map(([name, value]) => `${name}=${value}`),
      options,
    )
      .filter((entry) => /^SMC_/.test(entry))
      .sort();
  t.strictSame(run({}), []);
  t.strictSame(run({ SMC_RUN_STATE: 'ign=ffffffff,env=41' }), [], 'internal');
  t.strictSame(run({}, '-d'), ['SMC_DEBUG=1']);
  t.strictSame(run({ SMC_DEBUG: '0' }, '-d'), ['SMC_DEBUG=1']);
  for (const value of ['0', '1', '', 'yes']) t.strictSame(run({ SMC_DEBUG: value }), [`SMC_DEBUG=${value}`]);
  t.strictSame(run({ SMC_RCVBUF: '77', SMC_SNDBUF: 'x' }), ['SMC_RCVBUF=77', 'SMC_SNDBUF=x'], 'passed on');
  t.strictSame(run({ SMC_RCVBUF: '77' }, '-r', '16k', '-t010'), ['SMC_RCVBUF=16384', 'SMC_SNDBUF=10']);
  t.strictSame(run({}, '-r1K'), ['SMC_RCVBUF=1024']);
  t.strictSame(
    run({ SMC_SOCKET: 'inet', SMC_STRICT: '1' }),
    ['SMC_SOCKET=inet', 'SMC_STRICT=1'],
    'passed on',
  );
  t.strictSame(run({ SMC_SOCKET: 'inet' }, '--socket', 'af_smc', '--strict'), [
    'SMC_SOCKET=af_smc',
    'SMC_STRICT=1',
  ]);
  t.strictSame(run({}, '--only', 'command=a*', '--only=command=b', '--except', 'command=c'), [
    'SMC_EXCEPT_COMMAND=c',
    'SMC_ONLY_COMMAND=a*:b',
  ]);
  t.strictSame(
    run({}, '--via', 'seccomp', '--strict', '--socket', 'inet', '-r', '1k'),
    [],
    'nothing is added',
  );
});

t.test('LD_PRELOAD', async (t) => {
  const preload = (given: string): string | undefined =>
    environmentOf([`PATH=${PATH}`, `LD_PRELOAD=${given}`]).find((entry) => entry.startsWith('LD_PRELOAD='));
  t.equal(preload(''), `LD_PRELOAD=${library}`);
  t.equal(preload(' :'), `LD_PRELOAD=${library}`, 'no empty first part');
  t.equal(preload('libm.so.6'), `LD_PRELOAD=libm.so.6:${library}`);
  t.equal(preload(':libm.so.6 libc.so.6:'), `LD_PRELOAD=libm.so.6 libc.so.6:${library}`, 'in its order');
  t.equal(preload(library), `LD_PRELOAD=${library}`, 'not twice');
  t.equal(
    preload(`libm.so.6:${library}:libc.so.6`),
    `LD_PRELOAD=libm.so.6:${library}:libc.so.6`,
    'stays where it is',
  );
  const link = join(directory, 'link.so');
  symlinkSync(join(root, 'dist/native/libsmc-preload.so'), link);
  t.equal(preload(link), `LD_PRELOAD=${link}`, 'the same file under another name');
  t.equal(
    smcRun([bin, '-r', '1k', bin, '-d', 'sh', '-c', 'echo "$LD_PRELOAD $SMC_RCVBUF $SMC_DEBUG"']).stdout,
    `${library} 1024 1\n`,
    'smc_run in smc_run',
  );
});

t.test('what to preload without smc_run', async (t) => {
  const { status, stdout, stderr } = smcRun(['--preload-path']);
  t.strictSame([status, stdout, stderr], [0, `${library}\n`, '']);
  const python = 'import socket; socket.socket()';
  t.match(
    script('LD_PRELOAD=$("$run" --preload-path) SMC_DEBUG=1 python3 -c "$0"'.replace('$0', python)).stderr,
    /^libsmc-preload: IPv4 socket \d+ /,
  );
  t.match(smcRun(['--preload-path', 'curl']), {
    status: 1,
    stdout: '',
    stderr: /unexpected argument 'curl'/,
  });
  t.match(smcRun(['--preload-path', '-d']), {
    status: 1,
    stderr: /--preload-path and --debug exclude each other/,
  });
});

t.test('the library is loaded, and tells what it does', async (t) => {
  const { stderr, status } = smcRun([
    '-d',
    NODE,
    '-e',
    "require('node:net').createServer().listen(0,'127.0.0.1',function(){this.close()})",
  ]);
  t.equal(status, 0);
  t.match(stderr, /^libsmc-preload: IPv4 socket \d+ (uses SMC|stays TCP.*)$/m);
  const quiet = smcRun([
    NODE,
    '-e',
    "require('node:net').createServer().listen(0,'127.0.0.1',function(){this.close()})",
  ]);
  t.strictSame([quiet.status, quiet.stderr], [0, '']);
});

/** What exec-probe tells of itself, without what our own variables add. */
const inherited = (text: string): string => text.replace(/^(pid|environment) \d+\n/gm, '');

t.test('signals, limits and descriptors are those that smc_run was started with', async (t) => {
  const link = join(directory, 'smc_run');
  symlinkSync(bin, link);
  for (const how of ['quiet', 'prepare']) {
    const expected = inherited(start(probe, [how, probe, 'show', 'x']).stdout);
    t.match(expected, how === 'quiet' ? 'SigIgn:\t0000000000000000\n' : /fd 9\nfd 12\nfd 40\n$/);
    for (const program of [bin, link, launcher])
      t.equal(
        inherited(start(probe, [how, program, probe, 'show', 'x']).stdout),
        expected,
        `${how} ${program}`,
      );
  }
});

t.test('the soft limit of open files', async (t) => {
  prints(t, script('ulimit -Sn 123; "$run" sh -c "ulimit -Sn"'), '123\n');
});

t.test('ignored signals stay ignored', async (t) => {
  for (const signal of ['HUP', 'PIPE', 'INT', 'TERM', 'USR2'])
    prints(
      t,
      script(`trap '' ${signal}; exec "$run" sh -c 'kill -${signal} $$; echo alive'`),
      'alive\n',
      signal,
    );
});

t.test('a directory that is gone', async (t) => {
  const cwd = t.testdir({});
  const gone = 'mkdir gone && cd gone && rmdir ../gone && exec "$run"';
  prints(t, script(`${gone} echo here`, { cwd }), 'here\n');
  t.match(script(`${gone} nosuch`, { cwd }), { status: 127, stderr: 'smc_run: nosuch: command not found\n' });
  t.match(script(`${gone} --report true`, { cwd }), { status: 0, stderr: /^(smc_run: .*\n)+$/ });
});

t.test('umask, priority, directory', async (t) => {
  prints(
    t,
    script('umask 027; cd /; exec nice -n 3 "$run" sh -c "umask; nice; pwd -P"'),
    script('umask 027; cd /; nice -n 3 sh -c "umask; nice; pwd -P"').stdout,
  );
});

t.test('standard input is not touched', async (t) => {
  const input = Array.from({ length: 50_000 }, (_, i) => `${i}\n`).join('');
  prints(t, smcRun(['cat'], { input, maxBuffer: 1e8 }), input);
  prints(
    t,
    script('{ read -r a; "$run" head -n 1; } <input', { cwd: t.testdir({ input: '1\n2\n3\n' }) }),
    '2\n',
  );
  prints(
    t,
    start('sh', ['-c', '"$0" wc -l <"$0"', launcher]),
    `${smcRun(['grep', '-c', '', launcher]).stdout}`,
    'our own script',
  );
});

t.test('closed descriptors stay closed', async (t) => {
  const list = 'for fd in 0 1 2; do [ -e /proc/$$/fd/$fd ] && open="$open$fd"; done; echo $open >file';
  for (const [closed, expected] of [
    ['', '012'],
    ['<&-', '12'],
    ['>&-', '02'],
    ['2>&-', '01'],
    ['<&- >&- 2>&-', ''],
  ])
    for (const file of both)
      t.equal(
        start('sh', ['-c', `"$0" sh -c '${list}' ${closed}; cat file`, file], { cwd: t.testdir({}) }).stdout,
        `${expected}\n`,
        `${closed} ${file}`,
      );
  for (const closed of ['<&-', '>&-', '2>&-', '<&- >&- 2>&-'])
    t.equal(script(`"$run" nosuch ${closed}`).status, 127, closed);
});

t.test('inherited descriptors', async (t) => {
  const cwd = t.testdir({ in: 'from a file\n' });
  prints(t, script('"$run" sh -c "cat <&9; echo x >&3" 9<in 3>out; cat out', { cwd }), 'from a file\nx\n');
  prints(t, script('echo from a pipe | { exec 5<&0 </dev/null; "$run" cat <&5; }', { cwd }), 'from a pipe\n');
  // bash takes a socket on standard input for rsh, and reads its start-up file
  const stdio: SpawnSyncOptions['stdio'] = ['ignore', 'pipe', 'pipe'];
  if (has('bash')) {
    prints(t, script('exec 63<in; "$run" sh -c "cat /dev/fd/63"', { cwd, stdio }, 'bash'), 'from a file\n');
    prints(t, script('"$run" cat <(echo substituted)', { cwd, stdio }, 'bash'), 'substituted\n');
  }
  // a socket: what Node makes of 'pipe'
  const child = spawn(...commandLine(bin, ['sh', '-c', 'cat <&3 >&4']), {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe', 'pipe'],
  });
  const [, , , to, from] = child.stdio as unknown as [
    null,
    null,
    null,
    NodeJS.WritableStream,
    NodeJS.ReadableStream,
  ];
  to.end('through a socket');
  let text = '';
  for await (const chunk of from) text += chunk;
  t.equal(text, 'through a socket');
});

t.test('a slow reader of the program', async (t) => {
  const pipeline = '"$0" sh -c "seq 1 200000" | { sleep 0.2; cat; }';
  const { stdout } = start('sh', ['-c', pipeline, bin], { maxBuffer: 1e8 });
  t.equal(stdout.length, 1_288_895);
  t.ok(stdout.endsWith('\n200000\n'));
});

t.test('a reader that goes away', async (t) => {
  const cwd = t.testdir({});
  const SIGPIPE = 13;
  prints(
    t,
    script('{ "$run" yes; echo $? >status; } | head -n 1; "$wait_for" "grep . status"; cat status', {
      cwd,
      env: { wait_for: here('../helpers/wait_for') },
    }),
    `y\n${128 + SIGPIPE}\n`,
  );
});

t.test('finding the program', async (t) => {
  const cwd = t.testdir({
    'no-shebang': 'echo "no shebang: $1 $0"\n',
    'no-interpreter': '#!\necho "no interpreter: $1 $0"\n',
    first: { tool: 'x' },
    second: { tool: '#!/bin/sh\necho second\n' },
    local: '#!/bin/sh\necho local\n',
  });
  for (const file of ['no-shebang', 'no-interpreter', 'second/tool', 'local'])
    chmodSync(join(cwd, file), 0o755);
  prints(t, smcRun(['./no-shebang', 'a b'], { cwd }), 'no shebang: a b ./no-shebang\n');
  for (const options of [[], ['--via', 'seccomp'], ['--require-smc']])
    t.equal(
      smcRun([...options, './no-interpreter', 'a b'], { cwd }).stdout,
      'no interpreter: a b ./no-interpreter\n',
      options.join(' '),
    );
  prints(
    t,
    smcRun(['tool'], { cwd, env: { PATH: `${cwd}/first:${cwd}/second:${PATH}` } }),
    'second\n',
    'the first that can be executed',
  );
  for (const path of [`:${PATH}`, `${PATH}:`, `/no::${PATH}`])
    prints(
      t,
      smcRun(['local'], { cwd, env: { PATH: path } }),
      'local\n',
      'an empty entry is the current directory',
    );
  t.equal(smcRun(['local'], { cwd }).status, 127);
  prints(t, smcRun(['--', 'sh', '-c', 'echo $0', '--'], { cwd }), '--\n');
});

t.test('failures', async (t) => {
  const cwd = t.testdir({ plain: 'x' });
  for (const [argv, status, reason] of [
    [['nosuch'], 127, 'nosuch: command not found'],
    [[''], 127, "'': command not found"],
    [['./plain'], 126, './plain: permission denied'],
    [['/'], 126, '/: is a directory'],
    [[], 1, 'missing argument COMMAND; smc_run --help shows the usage'],
    [
      ['-r', '8q', 'true'],
      1,
      "--rcvbuf '8q': must be a number of bytes from 1 to 2147483647, or one with k or m; smc_run --help shows the usage",
    ],
  ] as const) {
    const result = smcRun(argv, { cwd });
    t.strictSame([result.status, result.stdout, result.stderr], [status, '', `smc_run: ${reason}\n`]);
  }
});

t.test('ways to start it', async (t) => {
  const cwd = t.testdir({ 'a b': {} });
  const link = join(cwd, 'a b/smc_run');
  symlinkSync(bin, link);
  const argv = ['sh', '-c', 'echo "$1 $X"', '0', 'a  b'];
  const env = { X: '1' };
  prints(
    t,
    start('smc_run', argv, { env: { ...env, PATH: `${cwd}/a b:${PATH}` } }),
    'a  b 1\n',
    'link on PATH',
  );
  prints(t, start('./smc_run', argv, { cwd: join(cwd, 'a b'), env }), 'a  b 1\n', 'relative link');
  prints(t, start('bin/smc_run.js', argv, { cwd: root, env }), 'a  b 1\n', 'relative path');
  prints(
    t,
    start('sh', ['smc_run.js', ...argv], { cwd: join(root, 'bin'), env }),
    'a  b 1\n',
    'sh smc_run.js',
  );
  prints(t, start(NODE, [launcher, ...argv], { env }), 'a  b 1\n', 'node smc_run.js');
  prints(t, start(NODE, [launcher, 'sh', '-c', 'exit 0']), '', 'node smc_run.js, status');
});

for (const [shell, ...words] of [
  ['bash', '--posix'],
  ['busybox', 'sh'],
] as const)
  t.test(`${shell} as /bin/sh`, async (t) => {
    const under = (argv: string[], env = {}): Result => start(shell, [...words, launcher, ...argv], { env });
    prints(t, under(['sh', '-c', 'echo "$key $#"', 'x', 'a b'], { key: 'K' }), 'K 1\n');
    const odd = spawnSync(
      'env',
      ['-i', `PATH=${PATH}`, 'a.b=1', 'PWD=/wrong', 'SHLVL=3', shell, ...words, launcher, 'env'],
      { encoding: 'utf8' },
    );
    t.equal(odd.stdout, `PATH=${PATH}\na.b=1\nPWD=/wrong\nSHLVL=3\nLD_PRELOAD=${library}\n`);
    const expected = inherited(start(probe, ['prepare', probe, 'show', 'x']).stdout);
    t.equal(
      inherited(start(probe, ['prepare', shell, ...words, launcher, probe, 'show', 'x']).stdout),
      expected,
    );
  });

t.test('without /proc', async (t) => {
  const inNamespace = (text: string): Result =>
    start('unshare', ['-m', 'sh', '-c', `umount -l /proc && [ ! -e /proc/self ] && ${text}`, bin]);
  if (inNamespace('true').status !== 0) return t.pass('no privilege to unmount it');
  const result = inNamespace('"$0" sh -c \'echo "$1"; exit 3\' x "a b"');
  t.strictSame([result.stdout, result.stderr, result.status], ['a b\n', '', 3]);
});

/** A copy of what is installed, without what `leave` names. */
function copyOf(t: Test, name: string, leave: (path: string) => boolean = () => false): string {
  const target = join(scratchDir(t), name);
  mkdirSync(target);
  for (const part of ['bin', 'dist/commands', 'dist/native', 'native', 'package.json'])
    cpSync(join(root, part), join(target, part), { recursive: true, filter: (path) => !leave(path) });
  return target;
}

t.test('an installation elsewhere', async (t) => {
  const copy = copyOf(t, 'copy');
  prints(t, start(join(copy, 'bin/smc_run.js'), ['sh', '-c', 'echo $LD_PRELOAD']), `${preloaded(copy)}\n`);
});

t.test('installations that cannot work say why in one line', async (t) => {
  for (const name of ['a b', 'a:b']) {
    const copy = copyOf(t, name);
    t.match(start(join(copy, 'bin/smc_run.js'), ['true']), {
      status: 1,
      stdout: '',
      stderr: `smc_run: the path ${copy}/dist/native/libsmc-preload.so must not contain blanks or colons, LD_PRELOAD cannot hold it; install the package elsewhere\n`,
    });
    t.equal(start(join(copy, 'bin/smc_run.js'), ['--version']).status, 0);
  }
  const bare = copyOf(t, 'bare', (path) => path.includes('dist/native'));
  t.match(start(join(bare, 'bin/smc_run.js'), ['true']), {
    status: 1,
    stdout: '',
    stderr: `smc_run: the preload library is missing (${bare}/dist/native/libsmc-preload.so); install a C compiler, then: node ${bare}/native/build.mjs\n`,
  });
  const broken = copyOf(t, 'broken');
  for (const damage of ['empty', 'missing']) {
    const file = join(broken, 'dist/native/smc-native.node');
    if (damage === 'empty') writeFileSync(file, '');
    else rmSync(file);
    t.match(start(join(broken, 'bin/smc_run.js'), ['true']), {
      status: 1,
      stdout: '',
      stderr: `smc_run: the native addon cannot be loaded (${file}); install a C compiler, then: node ${broken}/native/build.mjs\n`,
    });
  }
});

t.test('the debug variable adds the stack, to stderr', async (t) => {
  const bare = copyOf(t, 'bare', (path) => path.includes('dist/native'));
  const { status, stdout, stderr } = start(join(bare, 'bin/smc_run.js'), ['true'], {
    env: { SMC_TOOLS_DEBUG: '1' },
  });
  t.strictSame([status, stdout], [1, '']);
  t.match(stderr, /^smc_run: the preload library is missing .*\nSmcError: .*\n {4}at /);
});

t.test('a full disk on standard error hurts nobody', async (t) => {
  const full = openSync('/dev/full', 'w');
  t.equal(smcRun(['nosuch'], { stdio: ['ignore', 'ignore', full] }).status, 127);
  closeSync(full);
});
