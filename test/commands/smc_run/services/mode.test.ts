// SPDX-License-Identifier: MIT
// The command line of smc_run for services, and what it says beside the changes.
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { smcRun } from '../../../../src/commands/smc_run/command.ts';
import { runCommand } from '../../../helpers/run-command.ts';
import { DYNAMIC, runOn, serviceHost } from '../../../helpers/service-host.ts';

t.test('names of units', async (t) => {
  const root = serviceHost(t, `ExecStart=${DYNAMIC}\n`, {
    'usr/lib/systemd/system/f@.service': `[Service]\nExecStart=${DYNAMIC} %i\n`,
  });
  mkdirSync(join(root, 'etc/systemd/system'), { recursive: true });
  symlinkSync('/dev/null', join(root, 'etc/systemd/system/masked.service'));
  for (const [name, message] of [
    ['nosuch', /there is no unit nosuch\.service; systemctl list-unit-files/],
    ['masked', /masked, so it cannot start; systemctl unmask/],
    ['u.socket', /is a socket, which starts no program/],
    ['../x', /is not the name of a unit/],
  ] as const)
    t.match(await runOn(root, `--enable ${name}`), { status: 1, stderr: message });
  for (const name of ['f@', 'f@1']) {
    t.equal((await runOn(root, `--enable ${name}`)).status, 0);
    t.ok(existsSync(join(root, `etc/systemd/system/${name}.service.d/zz-smc.conf`)));
  }
  t.match(
    (await runOn(root, '--status')).stdout,
    /^f@\.service +preload +enabled, not running\nf@1\.service /,
  );
});

t.test('nothing is enabled', async (t) => {
  const root = serviceHost(t, `ExecStart=${DYNAMIC}\n`);
  const nothing = { status: 0, stdout: '', stderr: 'smc_run: no service is enabled for SMC\n' };
  t.strictSame(await runOn(root, '--status'), nothing);
  t.strictSame(await runOn(root, '--disable-all'), nothing);
  t.strictSame(JSON.parse((await runOn(root, '--status -j')).stdout), { services: [] });
});

t.test('options that would have no effect are refused', async (t) => {
  const root = serviceHost(t, `ExecStart=${DYNAMIC}\n`);
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
        await runOn(root, `${option} ${mode}`),
        {
          status: 1,
          stdout: '',
          stderr: /^smc_run: --[a-z]+ has no effect on --[a-z-]+: it goes with --enable; /,
        },
        `${option} ${mode}`,
      );
  t.match(await runOn(root, '--disable-all u'), { status: 1, stderr: /unexpected argument 'u'/ });
  // it is refused before the namespace is looked for
  for (const mode of ['--enable u', '--disable u', '--disable-all', '--status'])
    t.strictSame(await runOn(root, `-N no-such ${mode}`), {
      status: 1,
      stdout: '',
      stderr: `smc_run: --netns has no effect on ${mode.split(' ')[0]}: the unit of a service names its network namespace; smc_run --help shows the usage\n`,
    });
  t.match(await runOn(root, '--status --dry-run'), { status: 1, stderr: /--status changes nothing/ });
  t.match(await runOn(root, '--status u v'), { status: 1, stderr: /unexpected argument 'v'/ });
  t.match(await runOn(root, '--disable-all -j'), { status: 1, stderr: /--disable-all has no JSON/ });
  t.match(await runOn(root, '--disable-all --status'), { status: 1, stderr: /exclude each other/ });
});

t.test('what the kernel lacks is said', async (t) => {
  const root = serviceHost(t, `ExecStart=${DYNAMIC}\n`, {
    'proc/sys/net/core/rmem_max': '212992\n',
    'proc/sys/net/core/wmem_max': '212992\n',
  });
  const { stderr } = await runOn(root, '-r 1m -t 64k --enable u --dry-run');
  t.equal(
    stderr,
    'smc_run: buffers are capped at net.core.rmem_max = 212992 bytes; put net.core.rmem_max = 1048576 into a file in /etc/sysctl.d\n',
  );
});

t.test('a recorded system has no units', async (t) => {
  const bundle = fileURLToPath(new URL('../../../fixtures/6.12-smcr', import.meta.url));
  for (const words of ['--enable u', '--disable u', '--status', '-j --status u'])
    t.match(
      await runCommand(smcRun, `--from ${bundle} ${words}`),
      { status: 1, stdout: '', stderr: /--\w+ needs the running system and cannot be used with --from/ },
      words,
    );
});
