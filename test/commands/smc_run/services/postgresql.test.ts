// SPDX-License-Identifier: MIT
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { runOn, serviceHost } from '../../../helpers/service-host.ts';

t.test('PostgreSQL of Debian', async (t) => {
  const file = 'etc/postgresql/15/main/environment';
  const before = "# environment variables\nTZ = 'UTC'\n";
  const root = serviceHost(t, 'ExecStart=/bin/true\n', {
    'usr/lib/systemd/system/pg@.service':
      '[Service]\nType=forking\nExecStart=-/usr/local/pg_ctlcluster --skip %i start\n',
    'usr/lib/systemd/system/pg.service': '[Service]\nType=oneshot\nExecStart=/bin/true\n',
    [file]: before,
    'bin/pg_ctlcluster': '#!/bin/sh\n',
  });
  // the program is looked at where it really is
  const unit = join(root, 'usr/lib/systemd/system/pg@.service');
  writeFileSync(unit, readFileSync(unit, 'utf8').replace('/usr/local', join(root, 'bin')));

  t.match((await runOn(root, '--enable pg')).stderr, /runs no program of its own; name an instance/);
  t.match((await runOn(root, '--enable pg@')).stderr, /does not name a cluster/);
  t.match((await runOn(root, '--enable pg@16-main')).stderr, /16\/main\/environment does not exist/);
  const { status, stdout } = await runOn(root, '--enable pg@15-main -r 64k');
  t.equal(status, 0);
  t.match(stdout, /^\+LD_PRELOAD = '\/.*\.so'\n\+SMC_RCVBUF = '65536'$/m);
  t.match(await runOn(root, '--enable pg@15-main -r 64k'), { stdout: '', stderr: /enabled already/ });
  t.match((await runOn(root, '--status pg@15-main')).stdout, /postgresql/);
  t.equal((await runOn(root, '--disable pg@15-main')).status, 0);
  t.equal(readFileSync(join(root, file), 'utf8'), before);
  t.strictSame(readdirSync(join(root, 'etc/systemd/system')), []);
});
