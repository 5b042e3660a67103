// SPDX-License-Identifier: MIT
// smc_conf enable, disable and status on made-up hosts.
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { smcConf } from '../../../src/commands/smc_conf/command.ts';
import { nativeFile, packageFile } from '../../../src/host/package-files.ts';
import { type Outcome, runCommand } from '../../helpers/run-command.ts';

const UNIT = 'etc/systemd/system/smc-tools.service';
const LINK = 'etc/systemd/system/sysinit.target.wants/smc-tools.service';
const RULES = 'etc/udev/rules.d/90-smc-tools.rules';
const SCRIPT = packageFile('bin/smc_conf.js');

class Host {
  readonly root: string;

  constructor(t: Test, files: Record<string, string> = {}) {
    this.root = t.testdir({});
    for (const file of [SCRIPT, process.execPath, nativeFile('smc-start')]) this.put(file, 'x');
    this.put('etc/systemd/system/other.service', '[Service]\nExecStart=/bin/true\n');
    for (const [path, text] of Object.entries(files)) this.put(path, text);
  }

  put(path: string, text: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true, mode: 0o755 });
    writeFileSync(join(this.root, path), text, { mode: 0o755 });
  }

  run(words: string): Promise<Outcome> {
    return runCommand(smcConf, words, { hostRoot: this.root });
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), 'utf8');
  }

  /** All paths below /etc. */
  get etc(): string[] {
    return readdirSync(join(this.root, 'etc'), { recursive: true }).map(String).sort();
  }
}

t.test('there and back', async (t) => {
  const host = new Host(t);
  const before = host.etc;
  t.match(await host.run('status'), { status: 3, stdout: /^at boot {3}no \(there is no unit\)$/m });
  const planned = await host.run('enable --dry-run');
  t.same(host.etc, before, 'a dry run writes nothing');
  t.match(planned.stderr, /there is no \/etc\/smc-tools\/smc\.yaml yet; smc_conf export > /);

  const enabled = await host.run('enable');
  t.same([enabled.status, enabled.stdout], [0, planned.stdout]);
  t.match(enabled.stderr, /systemd must reload its units; systemctl daemon-reload\n/);
  t.match(enabled.stderr, /takes effect at the next boot; systemctl start smc-tools applies it now\n/);
  t.match(host.read(UNIT), new RegExp(`^ExecStart=.* --node ${process.execPath} ${SCRIPT} apply$`, 'm'));
  t.notMatch(host.read(UNIT), /\/usr\/bin\/smc_conf/);
  t.match(host.read(RULES), /try-reload-or-restart smc-tools\.service/);
  t.equal(readlinkSync(join(host.root, LINK)), `/${UNIT}`);
  t.match(await host.run('status'), {
    status: 0,
    stdout: /^at boot {3}yes \(\/etc\/systemd\/system\/smc-tools\.service\)$/m,
  });
  t.match(await host.run('enable'), { status: 0, stdout: '', stderr: /enabled already\n$/ });

  // an instance that systemctl has enabled leads to our template
  const wants = join(host.root, 'etc/systemd/system/multi-user.target.wants');
  mkdirSync(wants);
  symlinkSync('/etc/systemd/system/smc-tools@.service', join(wants, 'smc-tools@blue.service'));
  t.equal((await host.run('disable')).status, 0);
  t.same(host.etc, before, 'not a byte is left');
  t.match(await host.run('disable'), { status: 0, stdout: '', stderr: 'smc_conf: it is not enabled\n' });
});

t.test('another file', async (t) => {
  const host = new Host(t);
  await host.run(['enable', '-f', '/srv/my_%n.yaml'].join(' '));
  t.match(host.read(UNIT), / apply -f \/srv\/my_%%n\.yaml$/m);
  t.match(JSON.parse((await host.run('status -j')).stdout), {
    enabled: true,
    seal: 'intact',
    file: '/srv/my_%n.yaml',
    file_exists: false,
    last_run: null,
  });
  t.match(await host.run('enable -f -'), { status: 1, stderr: /standard input is not there at boot/ });
});

t.test('what was not made by us, or was changed, stays', async (t) => {
  const host = new Host(t, { [UNIT]: '[Service]\n' });
  t.match(await host.run('enable'), { status: 1, stderr: /was not made by smc_conf; rename it/ });
  const other = new Host(t);
  await other.run('enable');
  other.put(UNIT, `${other.read(UNIT)}# mine\n`);
  for (const words of ['enable', 'disable'])
    t.match(await other.run(words), { status: 1, stderr: /was changed by hand .*systemctl edit/ }, words);
  t.match((await other.run('status')).stdout, /, changed by hand\)$/m);
  t.ok(lstatSync(join(other.root, LINK)).isSymbolicLink(), 'nothing half done');
});

t.test('the unit of a package', async (t) => {
  const text = readFileSync(packageFile('systemd/smc-tools.service'), 'utf8');
  const host = new Host(t, { 'usr/lib/systemd/system/smc-tools.service': text });
  const before = host.etc;
  const { stdout } = await host.run('enable');
  t.equal(
    stdout,
    'link /etc/systemd/system/sysinit.target.wants/smc-tools.service to /usr/lib/systemd/system/smc-tools.service\n',
  );
  t.match(JSON.parse((await host.run('status -j')).stdout), {
    enabled: true,
    unit: '/usr/lib/systemd/system/smc-tools.service',
    seal: null,
  });
  t.ok(lstatSync(join(host.root, LINK)).isSymbolicLink());
  await host.run('disable');
  t.same(host.etc, before);
});
