// SPDX-License-Identifier: MIT
import t from 'tap';
import { readPciFunctions } from '../../../src/host/pci-devices.ts';
import { moduleCheck } from '../../../src/smc/checks/module.ts';
import { healthyHost, NOT_SEEN, outline, RELEASE, run, wellFormed } from '../../helpers/healthy-host.ts';
import { dibs, type Files, mainframe, plant } from '../../helpers/host-trees.ts';

const modules = (list: string, more: object = {}) => ({
  lib: { modules: { [RELEASE]: { 'modules.dep': list } } },
  ...more,
});
const LIST =
  'kernel/net/smc/smc_diag.ko.xz: kernel/net/smc/smc.ko.xz\nkernel/net/smc/smc.ko.xz: kernel/x.ko\n';

t.test('loaded, with its origin', async (t) => {
  const root = t.testdir(
    modules(LIST, { sys: { module: { smc: { taint: 'OE\n', srcversion: 'ABC\n' }, smc_diag: {} } } }),
  );
  const checks = run(moduleCheck, healthyHost({ root }));
  wellFormed(t, checks);
  t.strictSame(outline(checks), ['pass module smc', 'pass module smc_diag']);
  t.match(
    checks[0]!.finding,
    'loaded; its file is kernel/net/smc/smc.ko.xz; it was not built together with the kernel',
  );
  t.strictSame(checks[0]!.facts, {
    state: 'loaded',
    file: 'kernel/net/smc/smc.ko.xz',
    source_version: 'ABC',
    out_of_tree: true,
    blocked_by: null,
  });
});

t.test('built in', async (t) => {
  const checks = run(moduleCheck, healthyHost({ modules: { smc: 'built-in', smcDiag: 'built-in' } }));
  wellFormed(t, checks);
  t.strictSame(outline(checks), ['pass module smc', 'pass module smc_diag']);
});

t.test('not in this kernel', async (t) => {
  const host = healthyHost({ modules: { smc: 'absent', smcDiag: 'absent' }, families: { value: [] } });
  const checks = run(moduleCheck, host);
  wellFormed(t, checks);
  t.strictSame(outline(checks), ['fail module smc'], 'one cause, said once');
  t.match(checks[0]!.finding, /^this host has no SMC: /);
  t.notMatch(checks[0]!.fix, 'modprobe', 'that cannot help');
  t.notMatch(checks[0]!.reason, 'DIBS');
  t.match(run(moduleCheck, { ...host, release: '6.18.2' })[0], { reason: 'CONFIG_DIBS', fix: 'CONFIG_DIBS' });
});

t.test('not loaded', async (t) => {
  const host = healthyHost({ modules: { smc: 'available', smcDiag: 'available' }, families: { value: [] } });
  const checks = run(moduleCheck, host);
  wellFormed(t, checks);
  t.strictSame(outline(checks), ['fail module smc', 'pass module smc_diag']);
  t.match(checks[0], { finding: /^this host has no SMC at the moment: .* not loaded$/, fix: 'modprobe smc' });
});

t.test('what keeps it from being loaded', async (t) => {
  const blocked = (tree: object, line: string, where: string, fix: string | RegExp) => {
    const root = t.testdir(tree as never);
    const [smc] = run(
      moduleCheck,
      healthyHost({ root, modules: { smc: 'available', smcDiag: 'loaded' }, families: { value: [] } }),
    );
    t.match(smc, { status: 'fail', reason: `${where} forbids it: ${line}`, fix });
  };
  const etc = (file: string, text: string) => ({ etc: { 'modprobe.d': { [file]: text } } });
  const remove = 'remove that line, then: modprobe smc';
  blocked(etc('a.conf', '# x\n\tblacklist smc \n'), 'blacklist smc', '/etc/modprobe.d/a.conf', remove);
  blocked(
    etc('a.conf', 'install smc /bin/false\n'),
    'install smc /bin/false',
    '/etc/modprobe.d/a.conf',
    remove,
  );
  blocked(
    { proc: { cmdline: 'quiet modprobe.blacklist=foo,smc ro\n' } },
    'modprobe.blacklist=foo,smc',
    "the kernel's command line",
    'modprobe smc',
  );
  const free = (tree: object) => {
    const root = t.testdir(tree as never);
    const [smc] = run(
      moduleCheck,
      healthyHost({ root, modules: { smc: 'available', smcDiag: 'loaded' }, families: { value: [] } }),
    );
    t.notMatch(smc!.reason, 'forbids');
    t.equal(smc!.facts['blocked_by'], null);
  };
  free(etc('a.conf', 'blacklist smc_diag\nblacklist smcx\ninstall smc /sbin/modprobe -i smc\n'));
  free(etc('a.txt', 'blacklist smc\n'));
  free({ ...etc('a.conf', ''), lib: { 'modprobe.d': { 'a.conf': 'blacklist smc\n' } } });
  free({ proc: { cmdline: 'module_blacklist=smc_diag xmodprobe.blacklist=smc\n' } });
});

t.test('a container that shows no modules', async (t) => {
  const unseen = { smc: 'unknown', smcDiag: 'unknown' } as const;
  const inUse = run(moduleCheck, healthyHost({ modules: unseen }));
  t.strictSame(outline(inUse), ['pass module smc', 'unknown module smc_diag']);
  const none = run(moduleCheck, healthyHost({ modules: unseen, families: { value: [] } }));
  t.strictSame(outline(none), ['fail module smc', 'unknown module smc_diag']);
  const nothing = run(moduleCheck, healthyHost({ modules: unseen, families: NOT_SEEN }));
  t.strictSame(outline(nothing), ['unknown module smc', 'unknown module smc_diag']);
  wellFormed(t, [...inUse, ...none, ...nothing]);
});

t.test('the kernel answers for SMC: that counts more than lists of modules', async (t) => {
  for (const smc of ['absent', 'available'] as const) {
    const [first] = run(moduleCheck, healthyHost({ modules: { smc, smcDiag: 'loaded' } }));
    t.match(first, { status: 'pass', finding: /^in use/ }, smc);
  }
});

t.test('module ism, which smc does not bring with it since Linux 6.18', async (t) => {
  const ofIsm = (changes: object, ...parts: Files[]) => {
    const root = plant(
      t,
      mainframe,
      dibs,
      { 'lib/modules/6.18.2-test/modules.dep': 'kernel/ism.ko:\n' },
      ...parts,
    );
    const functions = readPciFunctions(root).map((pci) => ({ ...pci, driver: undefined }));
    const checks = run(
      moduleCheck,
      healthyHost({ root, release: '6.18.2-test', pciFunctions: functions, dibsDevices: [], ...changes }),
    ).filter(({ subject }) => subject === 'ism');
    wellFormed(t, checks);
    return checks;
  };
  t.match(ofIsm({}), [
    { status: 'warning', finding: /^no driver is bound to 2 ISM functions/, fix: 'modprobe ism' },
  ]);
  t.match(ofIsm({}, { 'etc/modprobe.d/x.conf': 'blacklist ism\n' }), [
    {
      reason: '/etc/modprobe.d/x.conf forbids module ism: blacklist ism',
      fix: 'remove that line, then: modprobe ism',
    },
  ]);
  t.match(ofIsm({}, { 'lib/modules/6.18.2-test/modules.dep': 'kernel/x.ko:\n' }), [{ reason: /CONFIG_ISM/ }]);
  t.strictSame(ofIsm({ release: '6.17.0', dibsDevices: undefined }), [], 'before, smc loads it');
  const taken = [{ pciId: '0000:00:00.0' }, { pciId: '0000:00:00.1' }];
  t.strictSame(ofIsm({ smcdDevices: { value: taken } }), [], 'SMC has them');
});

t.test('smc_diag', async (t) => {
  const absent = run(moduleCheck, healthyHost({ modules: { smc: 'loaded', smcDiag: 'absent' } }));
  t.strictSame(outline(absent), ['pass module smc', 'warning module smc_diag']);
  const root = t.testdir({ etc: { 'modprobe.d': { 'b.conf': 'install smc-diag /usr/bin/true' } } });
  const blocked = run(moduleCheck, healthyHost({ root, modules: { smc: 'loaded', smcDiag: 'available' } }));
  t.strictSame(outline(blocked), ['pass module smc', 'warning module smc_diag']);
  t.match(blocked[1]!.reason, '/etc/modprobe.d/b.conf forbids it: install smc-diag /usr/bin/true');
  wellFormed(t, [...absent, ...blocked]);
});
