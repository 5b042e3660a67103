// SPDX-License-Identifier: MIT
// Services in made-up trees: what --enable writes for which unit, and that --disable takes it away. That a real systemd
// makes of it what is meant, is seen in test/vm/services.test.ts.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { smcRun } from '../../../src/commands/smc_run/command.ts';
import { nativeFile } from '../../../src/host/package-files.ts';
import { type Outcome, runCommand } from '../../helpers/run-command.ts';

const SHIM = nativeFile('libsmc-preload.so');
const LAUNCHER = nativeFile('smc-launch');
/** A dynamic program and a static one, which the guest bed needs as well. */
const DYNAMIC = '/usr/bin/env';
const STATIC = '/bin/busybox';
const DROP_IN = 'etc/systemd/system/u.service.d/zz-smc.conf';

/** A host with the package installed and one unit u.service. */
function host(t: Test, unit: string, files: Record<string, string> = {}): string {
  const root = t.testdir({});
  chmodSync(root, 0o755);
  const put = (path: string, content: string): void => {
    mkdirSync(join(root, dirname(path)), { recursive: true, mode: 0o755 });
    writeFileSync(join(root, path), content, { mode: 0o755 });
  };
  put(SHIM, 'library');
  put(LAUNCHER, 'launcher');
  put('usr/lib/systemd/system/u.service', `[Service]\n${unit}`);
  put('usr/lib/systemd/systemd', 'x\0AF_SMC\0x');
  put('proc/sys/kernel/osrelease', '6.12.0\n');
  put('proc/sys/kernel/seccomp/actions_avail', 'kill_process user_notif allow\n');
  for (const [path, content] of Object.entries(files)) put(path, content);
  return root;
}

const run = (root: string, words: string): Promise<Outcome> =>
  runCommand(smcRun, words.split(' '), { hostRoot: root });

/** Lines of the drop-in without comments. */
async function added(
  t: Test,
  unit: string,
  options = '',
  files: Record<string, string> = {},
): Promise<string[]> {
  const root = host(t, unit, files);
  const outcome = await run(root, `${options} --enable u`.trim());
  t.equal(outcome.status, 0, outcome.stderr);
  return readFileSync(join(root, DROP_IN), 'utf8')
    .split('\n')
    .filter((line) => line && !line.startsWith('#') && line !== '[Service]');
}

const PRELOAD = `Environment=LD_PRELOAD=${SHIM}`;

t.test('what is added to which unit', async (t) => {
  const exec = `ExecStart=${DYNAMIC}\n`;
  for (const [unit, lines, options] of [
    [exec, [PRELOAD]],
    [exec, [PRELOAD, 'Environment=SMC_DEBUG=1 SMC_RCVBUF=131072'], '-d -r 128k'],
    [exec, [PRELOAD, 'Environment=SMC_SOCKET=inet SMC_STRICT=1'], '--socket inet --strict'],
    [`${exec}Environment=LD_PRELOAD=/a.so\n`, [`Environment="LD_PRELOAD=/a.so:${SHIM}"`]],
    [`${exec}Environment=LD_PRELOAD=/a.so\nEnvironment=\n`, [PRELOAD]],
    [`${exec}RestrictAddressFamilies=AF_INET\n`, [PRELOAD, 'RestrictAddressFamilies=AF_SMC']],
    [`${exec}RestrictAddressFamilies=AF_INET AF_SMC\n`, [PRELOAD]],
    [`${exec}RestrictAddressFamilies=~AF_SMC\n`, [PRELOAD, 'RestrictAddressFamilies=AF_SMC']],
    [`${exec}RestrictAddressFamilies=~AF_PACKET\n`, [PRELOAD]],
    [`${exec}RestrictAddressFamilies=AF_INET\nRestrictAddressFamilies=\n`, [PRELOAD]],
    [`${exec}RestrictAddressFamilies=AF_INET\n`, [PRELOAD, 'Environment=SMC_SOCKET=inet'], '--socket inet'],
    [`${exec}NoExecPaths=/\n`, [`ExecPaths=${SHIM}`, PRELOAD]],
    [
      `ExecStart=${STATIC}\nNoExecPaths=/\n`,
      [
        `ExecPaths=${LAUNCHER} -/lib -/lib64 -/usr/lib -/usr/lib64`,
        'ExecStart=',
        `ExecStart=${LAUNCHER} --convert auto -- ${STATIC} ${STATIC}`,
      ],
    ],
    [
      `${exec}InaccessiblePaths=-${dirname(dirname(SHIM))}\n`,
      [
        `BindReadOnlyPaths=-${SHIM}:/run/smc-tools/libsmc-preload.so`,
        'Environment=LD_PRELOAD=/run/smc-tools/libsmc-preload.so',
      ],
    ],
    [
      `${exec}LimitMEMLOCK=64K\nMemoryDenyWriteExecute=yes\nNoNewPrivileges=yes\nSystemCallFilter=@system-service\n`,
      [PRELOAD],
    ],
    [
      `ExecStart=-@${STATIC} name "two words" $VAR %i\n`,
      ['ExecStart=', `ExecStart=-${LAUNCHER} --convert auto -- ${STATIC} name "two words" $VAR %i`],
    ],
    [
      `ExecStart=${DYNAMIC} x ; ${STATIC} y\nSystemCallFilter=@system-service\n`,
      [
        'ExecStart=',
        `ExecStart=${DYNAMIC} x`,
        `ExecStart=${LAUNCHER} --convert auto -- ${STATIC} ${STATIC} y`,
        'SystemCallFilter=seccomp ioctl prctl poll socketpair setsid wait4 kill setrlimit prlimit64 setfsuid setfsgid',
      ],
    ],
    [
      `ExecStart=${DYNAMIC} -i ${DYNAMIC}\n`,
      ['ExecStart=', `ExecStart=${LAUNCHER} --convert auto -- ${DYNAMIC} ${DYNAMIC} -i ${DYNAMIC}`],
    ],
  ] as const)
    t.strictSame(await added(t, unit, options), lines, `${unit} ${options ?? ''}`);
});

t.test('refused, with the reason', async (t) => {
  const exec = `ExecStart=${DYNAMIC}\n`;
  for (const [unit, message, options = ''] of [
    ['', /starts no program/],
    ['ExecStart=/bin/true\n', /runs no program of its own/],
    ['ExecStart=/no/such\n', /\/no\/such, which is not there/],
    [`${exec}RootImage=/x.img\n`, /root of its own \(RootImage=\/x\.img\)/],
    [`${exec}RootDirectory=/jail\n`, /root of its own/],
    [`${exec}RestrictAddressFamilies=AF_UNIX\n`, /forbids TCP altogether/],
    [`${exec}EnvironmentFile=-/etc/default/u\n`, /LD_PRELOAD is set in \/etc\/default\/u/],
    [`${exec}UnsetEnvironment=LD_PRELOAD\n`, /takes LD_PRELOAD away/],
    [`ExecStart=${STATIC}\n`, /linked statically/, '--via preload '],
    [exec, /exclude each other/, '--disable u '],
    [exec, /--report is for programs/, '--report '],
  ] as const) {
    const root = host(t, unit, { 'etc/default/u': 'LD_PRELOAD=/x.so\n' });
    const outcome = await run(root, `${options}--enable u`);
    t.equal(outcome.status, 1, unit);
    t.match(outcome.stderr, message);
    t.equal(outcome.stderr.trimEnd().split('\n').length, 1, 'one line');
    t.notOk(existsSync(join(root, 'etc/systemd')), 'nothing is written');
  }
  const old = host(t, `${exec}RestrictAddressFamilies=AF_INET\n`, { 'usr/lib/systemd/systemd': 'x' });
  t.match((await run(old, '--enable u')).stderr, /does not know the name AF_SMC; a newer systemd/);
});

t.test('names of units', async (t) => {
  const root = host(t, `ExecStart=${DYNAMIC}\n`, {
    'usr/lib/systemd/system/f@.service': `[Service]\nExecStart=${DYNAMIC} %i\n`,
  });
  mkdirSync(join(root, 'etc/systemd/system'), { recursive: true });
  symlinkSync('/dev/null', join(root, 'etc/systemd/system/masked.service'));
  for (const [name, message] of [
    ['nosuch', /there is no unit nosuch\.service; systemctl list-unit-files/],
    ['masked', /masked, so it cannot start; systemctl unmask/],
    ['u.socket', /is a socket and starts no program/],
    ['../x', /is not the name of a unit/],
  ] as const)
    t.match(await run(root, `--enable ${name}`), { status: 1, stderr: message });
  for (const name of ['f@', 'f@1']) {
    t.equal((await run(root, `--enable ${name}`)).status, 0);
    t.ok(existsSync(join(root, `etc/systemd/system/${name}.service.d/zz-smc.conf`)));
  }
  t.match((await run(root, '--status')).stdout, /^f@\.service +preload +enabled, not running\nf@1\.service /);
});

t.test('there and back', async (t) => {
  const root = host(t, `ExecStart=${DYNAMIC}\n`);
  const dry = await run(root, '--enable u --dry-run');
  t.notOk(existsSync(join(root, DROP_IN)), 'a dry run writes nothing');
  const first = await run(root, '--enable u');
  t.equal(first.stdout, dry.stdout);
  t.match(first.stderr, /systemctl daemon-reload/, 'no systemd runs on this tree');
  const content = readFileSync(join(root, DROP_IN), 'utf8');
  t.same(await run(root, '--enable u'), {
    status: 0,
    stdout: '',
    stderr: 'smc_run: u.service is enabled already\n',
  });
  t.match(
    (await run(root, '-d --enable u')).stdout,
    /^\+Environment=SMC_DEBUG=1$/m,
    'other options change it',
  );
  t.equal((await run(root, '--status u')).status, 0);

  const document = JSON.parse((await run(root, '--disable u --dry-run -j')).stdout);
  t.match(document, {
    unit: 'u.service',
    action: 'disable',
    dry_run: true,
    changed: false,
    reload: null,
    files: [{ path: `/${DROP_IN}`, after: null }],
  });

  writeFileSync(join(root, DROP_IN), `${content}# mine\n`);
  for (const words of ['--enable u', '--disable u', '--disable u --dry-run'])
    t.match(await run(root, words), { status: 1, stderr: /was changed by hand/ }, words);
  t.match(JSON.parse((await run(root, '--status -j')).stdout), {
    services: [
      { unit: 'u.service', enabled: true, seal: 'changed', way: 'preload', exists: true, processes: null },
    ],
  });
  writeFileSync(join(root, DROP_IN), content);
  t.equal((await run(root, '--disable u')).status, 0);
  t.strictSame(readdirSync(join(root, 'etc/systemd/system')), [], 'the directory has gone, too');
  t.equal((await run(root, '--status u')).status, 3);
  t.match(await run(root, '--disable u'), { status: 0, stderr: /not enabled for SMC/ });

  mkdirSync(join(root, dirname(DROP_IN)));
  await run(root, '--enable u');
  await run(root, '--disable u');
  t.strictSame(readdirSync(join(root, dirname(DROP_IN))), [], 'a directory that was there stays');

  writeFileSync(join(root, DROP_IN), '[Service]\n');
  t.match(await run(root, '--enable u'), { status: 1, stderr: /is not of smc_run/ });
});

t.test('the library must not be in reach of others', async (t) => {
  const root = host(t, `ExecStart=${DYNAMIC}\n`);
  chmodSync(join(root, dirname(SHIM)), 0o777);
  t.match(await run(root, '--enable u'), { status: 1, stderr: /can be written by others.*npm install -g/ });
});

t.test('a user who may not enter the place of the package', async (t) => {
  const root = host(t, `ExecStart=${DYNAMIC}\nUser=www-data\n`);
  chmodSync(join(root, dirname(SHIM)), 0o700);
  t.match((await run(root, '--enable u --dry-run')).stdout, /^\+BindReadOnlyPaths=-/m);
});

t.test('what the kernel lacks is said', async (t) => {
  const root = host(t, `ExecStart=${DYNAMIC}\n`, {
    'proc/sys/net/core/rmem_max': '212992\n',
    'proc/sys/net/core/wmem_max': '212992\n',
  });
  const { stderr } = await run(root, '-r 1m -t 64k --enable u --dry-run');
  t.equal(
    stderr,
    'smc_run: buffers are capped at net.core.rmem_max = 212992 bytes; put net.core.rmem_max = 1048576 into a file in /etc/sysctl.d\n',
  );
});

t.test('nothing is enabled', async (t) => {
  const root = host(t, `ExecStart=${DYNAMIC}\n`);
  const nothing = { status: 0, stdout: '', stderr: 'smc_run: no service is enabled for SMC\n' };
  t.strictSame(await run(root, '--status'), nothing);
  t.strictSame(await run(root, '--disable-all'), nothing);
  t.strictSame(JSON.parse((await run(root, '--status -j')).stdout), { services: [] });
});

t.test('options that would have no effect are refused', async (t) => {
  const root = host(t, `ExecStart=${DYNAMIC}\n`);
  for (const option of [
    '-d',
    '-r 64k',
    '-t 64k',
    '--via seccomp',
    '--socket inet',
    '--strict',
    '--only command=x',
    '--except command=x',
  ])
    for (const mode of ['--disable u', '--disable-all', '--status'])
      t.match(
        await run(root, `${option} ${mode}`),
        {
          status: 1,
          stdout: '',
          stderr: /^smc_run: --[a-z]+ has no effect on --[a-z-]+: it goes with --enable; /,
        },
        `${option} ${mode}`,
      );
  t.match(await run(root, '--disable-all u'), { status: 1, stderr: /takes no unit, 'u' is too much/ });
  t.match(await run(root, '--disable-all -j'), { status: 1, stderr: /--disable-all has no JSON/ });
  t.match(await run(root, '--disable-all --status'), { status: 1, stderr: /exclude each other/ });
});

t.test('--disable-all', async (t) => {
  const unit = `[Service]\nExecStart=${DYNAMIC}\n`;
  const root = host(t, `ExecStart=${DYNAMIC}\n`, {
    'usr/lib/systemd/system/v.service': unit,
    'usr/lib/systemd/system/w.service': unit,
  });
  for (const name of ['u', 'v', 'w']) await run(root, `--enable ${name}`);
  const changed = join(root, 'etc/systemd/system/v.service.d/zz-smc.conf');
  writeFileSync(changed, `${readFileSync(changed, 'utf8')}# mine\n`);
  const dry = await run(root, '--disable-all --dry-run');
  t.match(dry.stdout, /^--- .*u\.service[\s\S]*^--- .*w\.service/m);
  t.match(await run(root, '--status'), { stdout: /^u\.service[\s\S]*^v\.service[\s\S]*^w\.service/m });
  const outcome = await run(root, '--disable-all');
  t.match(outcome, { status: 1, stderr: /v\.service\.d\/zz-smc\.conf was changed by hand/ });
  t.strictSame(readdirSync(join(root, 'etc/systemd/system')), ['v.service.d'], 'the others are undone');
});

t.test('a recorded system has no units', async (t) => {
  const bundle = fileURLToPath(new URL('../../fixtures/6.12-smcr', import.meta.url));
  for (const words of ['--enable u', '--disable u', '--status', '--status u -j'])
    t.match(
      await runCommand(smcRun, `--from ${bundle} ${words}`),
      { status: 1, stdout: '', stderr: /--\w+ needs the running system and cannot be used with --from/ },
      words,
    );
});

t.test('socket activation is named', async (t) => {
  const files = {
    'usr/lib/systemd/system/u.socket': '[Socket]\nListenStream=80\nListenStream=/run/u\n',
    'usr/lib/systemd/system/v.socket': '[Socket]\nListenStream=1.2.3.4:81\nService=u.service\n',
    'usr/lib/systemd/system/w.socket': '[Socket]\nListenStream=82\n',
  };
  const root = host(t, `ExecStart=${DYNAMIC}\n`, files);
  const { stderr } = await run(root, '--enable u --dry-run');
  t.match(stderr, /u\.socket has systemd itself listen on 80, and such a socket stays TCP/);
  t.match(stderr, /v\.socket has systemd itself listen on 1\.2\.3\.4:81/);
  t.notMatch(stderr, /w\.socket/);
  t.match(await run(root, '--strict --enable u'), { status: 1, stderr: /--strict: u\.socket/ });
});

t.test('PostgreSQL of Debian', async (t) => {
  const file = 'etc/postgresql/15/main/environment';
  const before = "# environment variables\nTZ = 'UTC'\n";
  const root = host(t, 'ExecStart=/bin/true\n', {
    'usr/lib/systemd/system/pg@.service':
      '[Service]\nType=forking\nExecStart=-/usr/local/pg_ctlcluster --skip %i start\n',
    'usr/lib/systemd/system/pg.service': '[Service]\nType=oneshot\nExecStart=/bin/true\n',
    [file]: before,
    'bin/pg_ctlcluster': '#!/bin/sh\n',
  });
  // the program is looked at where it really is
  const unit = join(root, 'usr/lib/systemd/system/pg@.service');
  writeFileSync(unit, readFileSync(unit, 'utf8').replace('/usr/local', join(root, 'bin')));

  t.match((await run(root, '--enable pg')).stderr, /runs no program of its own; name an instance/);
  t.match((await run(root, '--enable pg@')).stderr, /names no cluster/);
  t.match((await run(root, '--enable pg@16-main')).stderr, /16\/main\/environment is not there/);
  const { status, stdout } = await run(root, '--enable pg@15-main -r 64k');
  t.equal(status, 0);
  t.match(stdout, /^\+LD_PRELOAD = '\/.*\.so'\n\+SMC_RCVBUF = '65536'$/m);
  t.match(await run(root, '--enable pg@15-main -r 64k'), { stdout: '', stderr: /enabled already/ });
  t.match((await run(root, '--status pg@15-main')).stdout, /postgresql/);
  t.equal((await run(root, '--disable pg@15-main')).status, 0);
  t.equal(readFileSync(join(root, file), 'utf8'), before);
  t.strictSame(readdirSync(join(root, 'etc/systemd/system')), []);
});
