// SPDX-License-Identifier: MIT
// The files in examples/ that are about smc_conf. Tests in a guest run Ansible's (test/vm/smc_conf-apply.test.ts).
// Debian's cloud-init is not used: where it is installed, it sets up the machine at its next boot. By hand, with its packages
// unpacked by `dpkg-deb -x` into DIR, version 22.4.2 says "Valid cloud-config" to
//   PYTHONPATH=DIR/usr/lib/python3/dist-packages python3 -m cloudinit.cmd.main schema -c examples/cloud-init/user-data.yaml
import { readFileSync } from 'node:fs';
import t from 'tap';
import { parse } from 'yaml';
import { parseConfiguration } from '../../../src/commands/smc_conf/file.ts';
import { ACTIONS } from '../../../src/commands/smc_conf/options.ts';
import { packageFile } from '../../../src/host/package-files.ts';

const read = (name: string): string => readFileSync(packageFile(`examples/${name}`), 'utf8');

t.test('smc.yaml', async (t) => {
  const { configuration } = parseConfiguration(read('smc.yaml'), 'smc.yaml');
  t.same([...configuration.pnet!.keys()], ['NET1']);
  t.match(
    read('smc.yaml'),
    /^# yaml-language-server: \$schema=\/usr\/share\/smc-tools\/schemas\/smc\.yaml\.schema\.json\n/,
  );
});

t.test('cloud-init', async (t) => {
  const text = read('cloud-init/user-data.yaml');
  t.match(text, /^#cloud-config\n/, 'by this line it is known');
  const { write_files: files, runcmd } = parse(text) as {
    write_files: { path: string; permissions: string; content: string }[];
    runcmd: string[][];
  };
  t.same(
    files.map(({ path, permissions }) => [path, permissions]),
    [['/etc/smc-tools/smc.yaml', '0644']],
  );
  t.ok(parseConfiguration(files[0]!.content, 'smc.yaml').configuration.ueids);
  for (const [command, action] of runcmd) {
    t.equal(command, 'smc_conf');
    t.ok(action! in ACTIONS, action!);
  }
});
