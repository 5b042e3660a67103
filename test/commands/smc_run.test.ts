// SPDX-License-Identifier: MIT
// What smc_run does before it becomes the program, and when it cannot. The rest is in test/bin/smc_run.test.ts: the
// process that runs a test must not be replaced, so no program here exists.
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { smcRun } from '../../src/commands/smc_run/command.ts';
import { printable } from '../../src/output/table.ts';
import { version } from '../../src/version.ts';
import { runCommand } from '../helpers/run-command.ts';
import { NOWHERE, notFound, smcRunOn } from '../helpers/smc-run.ts';

t.test('command lines that cannot be carried out', async (t) => {
  for (const [argv, message] of [
    ['', 'missing argument COMMAND'],
    ['-d', 'missing argument COMMAND'],
    ['-d --', 'missing argument COMMAND'],
    ['--dry-run prog', '--dry-run requires --enable, --disable or --disable-all'],
    ['-x prog', "unknown option '-x'"],
    ['-dx prog', "unknown option '-x'"],
    ['--nonsense prog', "unknown option '--nonsense'"],
    ['--debug=1 prog', "option '--debug' takes no value"],
    ['-r', "option '-r, --rcvbuf' needs a SIZE"],
    ['-dt', "option '-t, --sndbuf' needs a SIZE"],
  ] as const)
    t.strictSame(
      await smcRunOn(t, argv),
      { status: 1, stdout: '', stderr: `smc_run: ${message}; smc_run --help shows the usage\n` },
      argv,
    );
});

t.test('values that cannot be', async (t) => {
  const later = (rule: string, what: string) =>
    `${rule} cannot be decided: a socket gets ${what} after it was opened as SMC or TCP; rules can name a command only`;
  for (const [argv, message] of [
    [['--via', 'magic'], "--via 'magic': must be auto, preload or seccomp"],
    [['--via', ''], "--via '': must be auto, preload or seccomp"],
    [['--via=Preload'], "--via 'Preload': must be auto, preload or seccomp"],
    [['--socket', 'tcp'], "--socket 'tcp': must be af_smc, inet or auto"],
    [['--log', ''], "--log '': must not be empty"],
    [['--only', 'port=80'], later('--only port=80', 'a port')],
    [['--except', 'net=10.0.0.0/8'], later('--except net=10.0.0.0/8', 'an address')],
    [['--only', 'curl'], "--only 'curl' is not a rule: give command=GLOB"],
    [['--only', 'command='], "--only 'command=' is not a rule: give command=GLOB"],
    [['--only', 'Command=x'], "--only 'Command=x' is not a rule: give command=GLOB"],
    [['--except', 'user=x'], "--except 'user=x' is not a rule: give command=GLOB"],
    [['--except', 'constructor=x'], "--except 'constructor=x' is not a rule: give command=GLOB"],
    [['--only', 'command=a', '--only', 'port=1'], later('--only port=1', 'a port')],
    [['--only', 'command=a:b'], "--only 'command=a:b': a pattern cannot have a colon"],
    [
      ['--only', 'command=/bin/x'],
      "--only 'command=/bin/x' can match no command: the pattern is for the name without its directory",
    ],
    [
      ['--only', `command=${'x'.repeat(256)}`],
      `--only 'command=${'x'.repeat(256)}' can match no command: the pattern is for the name without its directory`,
    ],
  ] as const)
    t.strictSame(
      await smcRunOn(t, [...argv, NOWHERE]),
      { status: 1, stdout: '', stderr: `smc_run: ${message}; smc_run --help shows the usage\n` },
      argv.join(' '),
    );
});

t.test('values that can be', async (t) => {
  for (const argv of [
    '--via auto',
    '--via preload --strict',
    '--socket inet --socket af_smc',
    '--only command=curl --only command=[a-z]* --except command=?',
    '--require-smc --report',
  ])
    t.strictSame(await smcRunOn(t, `${argv} ${NOWHERE}`), notFound(NOWHERE), argv);
});

t.test('a kernel without SMC, and --strict', async (t) => {
  const modules = { '6.12.0': { 'modules.builtin': 'kernel/a.ko\n', 'modules.dep': 'kernel/b.ko:\n' } };
  const proc = { sys: { kernel: { osrelease: '6.12.0\n', seccomp: { actions_avail: 'user_notif' } } } };
  const hostRoot = t.testdir({ lib: { modules }, proc });
  t.strictSame(await runCommand(smcRun, `--strict ${NOWHERE}`, { hostRoot }), {
    status: 125,
    stdout: '',
    stderr: 'smc_run: --strict: this kernel has no SMC\n',
  });
});

t.test('a kernel that lets nobody watch', async (t) => {
  const hostRoot = t.testdir({ proc: { sys: { kernel: { osrelease: '5.4.0\n' } } } });
  const lack = 'kernel 5.4.0 has no SECCOMP_USER_NOTIF_FLAG_CONTINUE, which came with 5.5';
  t.strictSame(await runCommand(smcRun, `--require-smc ${NOWHERE}`, { hostRoot }), {
    status: 125,
    stdout: '',
    stderr: `smc_run: --require-smc: connections cannot be watched, ${lack}\n`,
  });
  t.strictSame(await runCommand(smcRun, `--report ${NOWHERE}`, { hostRoot }), {
    ...notFound(NOWHERE),
    stderr: `smc_run: there will be no report: ${lack}\n${notFound(NOWHERE).stderr}`,
  });
  t.strictSame(await runCommand(smcRun, `--via seccomp ${NOWHERE}`, { hostRoot }), {
    ...notFound(NOWHERE),
    stderr: `smc_run: ${lack}: it runs over TCP\n${notFound(NOWHERE).stderr}`,
  });
  t.strictSame(await runCommand(smcRun, `--via seccomp --strict ${NOWHERE}`, { hostRoot }), {
    status: 125,
    stdout: '',
    stderr: `smc_run: --strict: ${lack}\n`,
  });
});

t.test('a log that cannot be written', async (t) => {
  t.strictSame(await smcRunOn(t, ['--log', '/no/such/log', NOWHERE]), {
    status: 1,
    stdout: '',
    stderr: 'smc_run: --log /no/such/log: cannot be written (ENOENT)\n',
  });
});

t.test('help and version act where they stand', async (t) => {
  for (const argv of ['-h', '--help', '--he', '-dh', '-r 1k -h prog', '-r nonsense -h', '-h -x'])
    t.match(await smcRunOn(t, argv), { status: 0, stdout: /^Usage: smc_run /, stderr: /^$/ }, argv);
  for (const argv of ['-v', '--version', '-dv', '-d -v prog'])
    t.strictSame(
      await smcRunOn(t, argv),
      { status: 0, stdout: `smc_run utility, smc-tools-${version}\n`, stderr: '' },
      argv,
    );
});

t.test('options end at the program', async (t) => {
  for (const argv of [
    `${NOWHERE} -h`,
    `${NOWHERE} -x --version -- -r`,
    `-d ${NOWHERE} -v`,
    `-- ${NOWHERE} -h`,
  ])
    t.strictSame(await smcRunOn(t, argv), notFound(NOWHERE), argv);
  t.strictSame(await smcRunOn(t, '-- -h'), notFound('-h'));
  t.strictSame(await smcRunOn(t, '-- --'), notFound('--'));
});

t.test('sizes', async (t) => {
  for (const size of ['1', '8192', '0010', '8k', '8K', '1m', '1M', '2147483647', '2097151k', '2047m'])
    for (const argv of [
      ['-r', size, NOWHERE],
      [`-r${size}`, NOWHERE],
      [`-dt${size}`, NOWHERE],
      [`--rcvbuf=${size}`, NOWHERE],
      ['--snd', size, NOWHERE],
    ]) {
      const { status, stderr } = await smcRunOn(t, argv, { limits: {} });
      t.strictSame([status, stderr], [127, notFound(NOWHERE).stderr], argv.join(' '));
    }
  const bad = (size: string) =>
    `'${printable(size)}': must be a number of bytes from 1 to 2147483647, or one with k or m`;
  for (const [size, message] of [
    ['', bad('')],
    ['0', bad('0')],
    ['00k', bad('00k')],
    ['k', bad('k')],
    ['-1', bad('-1')],
    ['+1', bad('+1')],
    ['0x10', bad('0x10')],
    ['8 k', bad('8 k')],
    [' 8', bad(' 8')],
    ['8|', bad('8|')],
    ['8kb', bad('8kb')],
    ['8g', bad('8g')],
    ['1.5m', bad('1.5m')],
    ['8\n', bad('8\n')],
    ['2147483648', bad('2147483648')],
    ['2097152k', bad('2097152k')],
    ['4096M', bad('4096M')],
    ['9'.repeat(400), bad('9'.repeat(400))],
  ] as const)
    for (const [letter, name] of [
      ['r', 'rcvbuf'],
      ['t', 'sndbuf'],
    ])
      t.strictSame(await smcRunOn(t, [`-${letter}`, size, NOWHERE]), {
        status: 1,
        stdout: '',
        stderr: `smc_run: --${name} ${message}; smc_run --help shows the usage\n`,
      });
});

const limitOf = (t: Test, name: string): string =>
  readFileSync(join(t.testdirName, 'proc/sys/net/core', name), 'utf8');

t.test('limits of the kernel that suffice are left alone', async (t) => {
  for (const argv of ['-r 212992 -t 208k', '-r 1', '']) {
    t.strictSame(await smcRunOn(t, `${argv} ${NOWHERE}`), notFound(NOWHERE));
    t.strictSame([limitOf(t, 'rmem_max'), limitOf(t, 'wmem_max')], ['212992\n', '212992\n']);
  }
  t.strictSame(
    await smcRunOn(t, `-r 1m ${NOWHERE}`, { limits: {} }),
    notFound(NOWHERE),
    'no such limit here',
  );
});

t.test('a kernel without SMC is worth a word', async (t) => {
  const modules = { '6.12.0': { 'modules.builtin': 'kernel/a.ko\n', 'modules.dep': 'kernel/b.ko:\n' } };
  const proc = { sys: { kernel: { osrelease: '6.12.0\n' } } };
  const outcome = await runCommand(smcRun, NOWHERE, { hostRoot: t.testdir({ lib: { modules }, proc }) });
  t.strictSame(outcome, {
    ...notFound(NOWHERE),
    stderr: `smc_run: this kernel has no SMC: the program will run over TCP\n${notFound(NOWHERE).stderr}`,
  });
});

t.test('programs that are not there', async (t) => {
  const directory = t.testdir({ file: '', dangling: t.fixture('symlink', '/no/such/file') });
  const { status, stderr } = await runCommand(smcRun, [''], { env: { PATH: '/bin' } });
  t.strictSame([status, stderr], [127, notFound("''").stderr]);
  for (const [command, PATH] of [
    ['nosuch', '/bin:/usr/bin'],
    ['nosuch', ''],
    ['nosuch', ':::/no/such/directory:'],
    ['file', `${directory}/file`],
    ['dangling', directory],
    [join(directory, 'dangling'), ''],
    [join(directory, 'file/x'), ''],
    [`${directory}/`.concat('no/such'), '/bin'],
  ] as const)
    t.strictSame(
      await runCommand(smcRun, [command], { env: { PATH } }),
      notFound(command),
      `${command} ${PATH}`,
    );
  t.strictSame(await runCommand(smcRun, ['nosuch']), notFound('nosuch'), 'without PATH');
  t.equal(
    (await runCommand(smcRun, ['a\n\x1b[31mb'])).stderr,
    'smc_run: a\\x0a\\x1b[31mb: command not found\n',
    'one line, whatever the name',
  );
});

t.test('programs that cannot be executed', async (t) => {
  const directory = t.testdir({
    plain: 'echo hello\n',
    lost: '#!/no/such/interpreter\n',
    bin: { plain: 'x', tool: {} },
    alien: Buffer.from('7f454c46020201000000000000000000000200ff00000001', 'hex'),
    empty: '',
  });
  for (const name of ['lost', 'alien', 'empty']) chmodSync(join(directory, name), 0o755);
  for (const [command, PATH, reason] of [
    [directory, '', `${directory}: is a directory`],
    [join(directory, 'plain'), '', `${directory}/plain: permission denied`],
    ['plain', directory, `${directory}/plain: permission denied`],
    ['plain', `/no:${directory}/bin:${directory}`, `${directory}/bin/plain: permission denied`],
    ['tool', `${directory}/bin`, `${directory}/bin/tool: is a directory`],
    [join(directory, 'lost'), '', `${directory}/lost: its interpreter was not found`],
    [join(directory, 'alien'), '', `${directory}/alien: not a program for this machine (exec format error)`],
    ['empty', directory, `${directory}/empty: not a program for this machine (exec format error)`],
    ['x'.repeat(300), directory, `${directory}/${'x'.repeat(300)}: cannot be executed (ENAMETOOLONG)`],
  ] as const)
    t.strictSame(
      await runCommand(smcRun, [command], { env: { PATH } }),
      { status: 126, stdout: '', stderr: `smc_run: ${reason}\n` },
      command,
    );
});

t.test('an empty PATH is the current directory, an unset one is not', async (t) => {
  const before = process.cwd();
  process.chdir(t.testdir({ 'no-such-program': '' }));
  t.teardown(() => process.chdir(before));
  t.strictSame(await runCommand(smcRun, 'no-such-program', { env: { PATH: '' } }), {
    status: 126,
    stdout: '',
    stderr: 'smc_run: ./no-such-program: permission denied\n',
  });
  t.strictSame(await runCommand(smcRun, 'no-such-program', { env: {} }), notFound('no-such-program'));
});

t.test('a kernel that the watch over connections can crash', async (t) => {
  const kernel = (osrelease: string) => ({
    proc: {
      sys: { kernel: { osrelease, seccomp: { actions_avail: 'user_notif' } } },
      net: { protocols: '' },
    },
  });
  const run = (argv: string, release: string) =>
    runCommand(smcRun, `${argv} ${NOWHERE}`, { hostRoot: t.testdir(kernel(release)) });
  const warning = /^smc_run: judging by its version \(.*\), querying this kernel is dangerous: .*\n/;
  t.match((await run('--report', '6.1.60')).stderr, warning);
  t.match((await run('--require-smc', '6.1.60')).stderr, warning);
  t.match((await run('--report --socket inet', '6.12.55')).stderr, warning);
  t.strictSame(await run('--report', '6.12.55'), notFound(NOWHERE));
  t.strictSame(await run('--report --socket inet', '6.12.56'), notFound(NOWHERE));
  t.strictSame(await run('', '6.1.60'), notFound(NOWHERE), 'nobody lists');
});
