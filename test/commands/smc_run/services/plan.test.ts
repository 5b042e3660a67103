// SPDX-License-Identifier: MIT
// What --enable writes for which unit, in made-up trees. test/vm/services.test.ts shows what a real systemd makes of it.
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { elfImage } from '../../../helpers/elf-image.ts';
import { ownDirectory } from '../../../helpers/own-directory.ts';
import { DROP_IN, DYNAMIC, LAUNCHER, LIBRARY, runOn, serviceHost } from '../../../helpers/service-host.ts';

/** A program that is linked statically. */
const STATIC = join(ownDirectory(t), 'static');
writeFileSync(STATIC, elfImage({ interpreter: null, needed: [] }), { mode: 0o755 });

/** Lines of the drop-in without comments. */
async function added(
  t: Test,
  unit: string,
  options = '',
  files: Record<string, string> = {},
): Promise<string[]> {
  const root = serviceHost(t, unit, files);
  const outcome = await runOn(root, `${options} --enable u`.trim());
  t.equal(outcome.status, 0, outcome.stderr);
  return readFileSync(join(root, DROP_IN), 'utf8')
    .split('\n')
    .filter((line) => line && !line.startsWith('#') && line !== '[Service]');
}

const PRELOAD = `Environment=LD_PRELOAD=${LIBRARY}`;

t.test('what is added to which unit', async (t) => {
  const exec = `ExecStart=${DYNAMIC}\n`;
  for (const [unit, lines, options] of [
    [exec, [PRELOAD]],
    [exec, [PRELOAD, 'Environment=SMC_DEBUG=1 SMC_RCVBUF=131072'], '-d -r 128k'],
    [exec, [PRELOAD, 'Environment=SMC_SOCKET=inet SMC_STRICT=1'], '--socket inet --strict'],
    [`${exec}Environment=LD_PRELOAD=/a.so\n`, [`Environment="LD_PRELOAD=/a.so:${LIBRARY}"`]],
    [`${exec}Environment=LD_PRELOAD=/a.so\nEnvironment=\n`, [PRELOAD]],
    [`${exec}RestrictAddressFamilies=AF_INET\n`, [PRELOAD, 'RestrictAddressFamilies=AF_SMC']],
    [`${exec}RestrictAddressFamilies=AF_INET AF_SMC\n`, [PRELOAD]],
    [`${exec}RestrictAddressFamilies=~AF_SMC\n`, [PRELOAD, 'RestrictAddressFamilies=AF_SMC']],
    [`${exec}RestrictAddressFamilies=~AF_PACKET\n`, [PRELOAD]],
    [`${exec}RestrictAddressFamilies=AF_INET\nRestrictAddressFamilies=\n`, [PRELOAD]],
    [`${exec}RestrictAddressFamilies=AF_INET\n`, [PRELOAD, 'Environment=SMC_SOCKET=inet'], '--socket inet'],
    [`${exec}NoExecPaths=/\n`, [`ExecPaths=${LIBRARY}`, PRELOAD]],
    [
      `ExecStart=${STATIC}\nNoExecPaths=/\n`,
      [
        `ExecPaths=${LAUNCHER} -/lib -/lib64 -/usr/lib -/usr/lib64`,
        'ExecStart=',
        `ExecStart=${LAUNCHER} --convert auto -- ${STATIC} ${STATIC}`,
      ],
    ],
    [
      `${exec}InaccessiblePaths=-${dirname(dirname(LIBRARY))}\n`,
      [
        `BindReadOnlyPaths=-${LIBRARY}:/run/smc-tools/libsmc-preload.so`,
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
    ['ExecStart=/no/such\n', /\/no\/such, which does not exist/],
    [`${exec}RootImage=/x.img\n`, /has its own root \(RootImage=\/x\.img\)/],
    [`${exec}RootDirectory=/jail\n`, /has its own root/],
    [`${exec}RestrictAddressFamilies=AF_UNIX\n`, /forbids TCP altogether/],
    [`${exec}EnvironmentFile=-/etc/default/u\n`, /LD_PRELOAD is set in \/etc\/default\/u/],
    [`${exec}UnsetEnvironment=LD_PRELOAD\n`, /removes LD_PRELOAD/],
    [`ExecStart=${STATIC}\n`, /linked statically/, '--via preload '],
    [exec, /exclude each other/, '--disable u '],
    [exec, /--report is for programs/, '--report '],
  ] as const) {
    const root = serviceHost(t, unit, { 'etc/default/u': 'LD_PRELOAD=/x.so\n' });
    const outcome = await runOn(root, `${options}--enable u`);
    t.equal(outcome.status, 1, unit);
    t.match(outcome.stderr, message);
    t.equal(outcome.stderr.trimEnd().split('\n').length, 1, 'one line');
    t.notOk(existsSync(join(root, 'etc/systemd')), 'nothing is written');
  }
  const old = serviceHost(t, `${exec}RestrictAddressFamilies=AF_INET\n`, { 'usr/lib/systemd/systemd': 'x' });
  t.match((await runOn(old, '--enable u')).stderr, /does not know the name AF_SMC; use a newer systemd/);
});

t.test('the library must not be in reach of others', async (t) => {
  const root = serviceHost(t, `ExecStart=${DYNAMIC}\n`);
  chmodSync(join(root, dirname(LIBRARY)), 0o777);
  t.match(await runOn(root, '--enable u'), {
    status: 1,
    stderr: /is writable by users other than its owner.*npm install -g/,
  });
});

t.test('a user who cannot enter the directory of the package', async (t) => {
  const root = serviceHost(t, `ExecStart=${DYNAMIC}\nUser=www-data\n`);
  chmodSync(join(root, dirname(LIBRARY)), 0o700);
  t.match((await runOn(root, '--enable u --dry-run')).stdout, /^\+BindReadOnlyPaths=-/m);
});

t.test('socket activation is named', async (t) => {
  const files = {
    'usr/lib/systemd/system/u.socket': '[Socket]\nListenStream=80\nListenStream=/run/u\n',
    'usr/lib/systemd/system/v.socket': '[Socket]\nListenStream=1.2.3.4:81\nService=u.service\n',
    'usr/lib/systemd/system/w.socket': '[Socket]\nListenStream=82\n',
  };
  const root = serviceHost(t, `ExecStart=${DYNAMIC}\n`, files);
  const { stderr } = await runOn(root, '--enable u --dry-run');
  t.match(stderr, /u\.socket makes systemd itself listen on 80, and such a socket stays TCP/);
  t.match(stderr, /v\.socket makes systemd itself listen on 1\.2\.3\.4:81/);
  t.notMatch(stderr, /w\.socket/);
  t.match(await runOn(root, '--strict --enable u'), { status: 1, stderr: /--strict: u\.socket/ });
});
