// SPDX-License-Identifier: MIT
// examples/ansible: Ansible accepts the playbook. What it does on a host is tested in a guest.
import { spawnSync } from 'node:child_process';
import t from 'tap';
import { packageFile } from '../../src/host/package-files.ts';

t.test('the playbook', async (t) => {
  const { status, stdout, stderr } = spawnSync(
    'ansible-playbook',
    ['--syntax-check', '-i', 'host,', packageFile('examples/ansible/playbook.yml')],
    { encoding: 'utf8', env: { ...process.env, ANSIBLE_HOME: t.testdir({}), LC_ALL: 'C.UTF-8' } },
  );
  t.equal(status, 0, `${stdout}${stderr}`);
  t.match(stdout, /^playbook: .*playbook\.yml$/m);
});
