// SPDX-License-Identifier: MIT
// --enable and --disable change files and change them back.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { enabledConversion } from '../../../../src/commands/services/drop-in.ts';
import { DROP_IN, DYNAMIC, runOn, serviceHost } from '../../../helpers/service-host.ts';

t.test('there and back', async (t) => {
  const root = serviceHost(t, `ExecStart=${DYNAMIC}\n`);
  const dry = await runOn(root, '--enable u --dry-run');
  t.notOk(existsSync(join(root, DROP_IN)), 'a dry run writes nothing');
  const first = await runOn(root, '--enable u');
  t.equal(first.stdout, dry.stdout);
  t.match(first.stderr, /systemctl daemon-reload/, 'no systemd runs on this tree');
  const content = readFileSync(join(root, DROP_IN), 'utf8');
  t.same(await runOn(root, '--enable u'), {
    status: 0,
    stdout: '',
    stderr: 'smc_run: u.service is enabled already\n',
  });
  t.match(
    (await runOn(root, '-d --enable u')).stdout,
    /^\+Environment=SMC_DEBUG=1$/m,
    'other options change it',
  );
  t.equal((await runOn(root, '--status u')).status, 0);

  const document = JSON.parse((await runOn(root, '--disable u --dry-run -j')).stdout);
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
    t.match(await runOn(root, words), { status: 1, stderr: /was changed by hand/ }, words);
  t.match(JSON.parse((await runOn(root, '--status -j')).stdout), {
    services: [
      { unit: 'u.service', enabled: true, seal: 'changed', way: 'preload', exists: true, processes: null },
    ],
  });
  writeFileSync(join(root, DROP_IN), content);
  t.equal((await runOn(root, '--disable u')).status, 0);
  t.strictSame(readdirSync(join(root, 'etc/systemd/system')), [], 'the directory has gone, too');
  t.equal((await runOn(root, '--status u')).status, 3);
  t.match(await runOn(root, '--disable u'), { status: 0, stderr: /not enabled for SMC/ });

  mkdirSync(join(root, dirname(DROP_IN)));
  await runOn(root, '--enable u');
  await runOn(root, '--disable u');
  t.strictSame(readdirSync(join(root, dirname(DROP_IN))), [], 'a directory that was there stays');

  writeFileSync(join(root, DROP_IN), '[Service]\n');
  t.match(await runOn(root, '--enable u'), { status: 1, stderr: /was not made by smc_run/ });
});

t.test('--disable-all', async (t) => {
  const unit = `[Service]\nExecStart=${DYNAMIC}\n`;
  const root = serviceHost(t, `ExecStart=${DYNAMIC}\n`, {
    'usr/lib/systemd/system/v.service': unit,
    'usr/lib/systemd/system/w.service': unit,
  });
  for (const name of ['u', 'v', 'w']) await runOn(root, `--enable ${name}`);
  const changed = join(root, 'etc/systemd/system/v.service.d/zz-smc.conf');
  writeFileSync(changed, `${readFileSync(changed, 'utf8')}# mine\n`);
  const dry = await runOn(root, '--disable-all --dry-run');
  t.match(dry.stdout, /^--- .*u\.service[\s\S]*^--- .*w\.service/m);
  t.match(await runOn(root, '--status'), { stdout: /^u\.service[\s\S]*^v\.service[\s\S]*^w\.service/m });
  const outcome = await runOn(root, '--disable-all');
  t.match(outcome, { status: 1, stderr: /v\.service\.d\/zz-smc\.conf was changed by hand/ });
  t.strictSame(readdirSync(join(root, 'etc/systemd/system')), ['v.service.d'], 'the others are undone');
});

t.test('a drop-in tells with which options it was made', async (t) => {
  const root = serviceHost(t, `ExecStart=${DYNAMIC}\n`);
  const plain = { via: 'auto', isStrict: false, debug: false, only: [], except: [] };
  await runOn(root, '--enable u');
  t.match(
    readFileSync(join(root, DROP_IN), 'utf8'),
    /^# made by smc_run --enable u\.service, removed by --disable/,
  );
  t.match(enabledConversion('u.service', root), plain);
  await runOn(root, '-d -r 64k --socket inet --via preload --only command=[a-c]*,d;x?% --enable u');
  t.match(enabledConversion('u.service', root), {
    via: 'preload',
    socket: 'inet',
    debug: true,
    rcvbuf: 65_536,
    only: ['[a-c]*,d;x?%'],
    except: [],
  });
  writeFileSync(join(root, DROP_IN), '[Service]\n');
  t.equal(enabledConversion('u.service', root), undefined, 'not ours');
});
