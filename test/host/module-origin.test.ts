// SPDX-License-Identifier: MIT
import t from 'tap';
import { moduleBlock, moduleOrigin } from '../../src/host/module-origin.ts';

t.test('origin', async (t) => {
  const root = t.testdir({
    lib: { modules: { '6.1': { 'modules.dep': 'a/smc_diag.ko: a/smc.ko\nupdates/smc.ko.zst: a/b.ko\n' } } },
    sys: { module: { smc: { srcversion: 'F00\n', taint: '\n' } } },
  });
  t.strictSame(moduleOrigin('smc', '6.1', root), {
    file: 'updates/smc.ko.zst',
    sourceVersion: 'F00',
    isOutOfTree: false,
  });
  t.strictSame(moduleOrigin('smc', '6.2', t.testdir({})), {
    file: undefined,
    sourceVersion: undefined,
    isOutOfTree: false,
  });
});

t.test('blocks', async (t) => {
  const block = (tree: object) => moduleBlock('smc', t.testdir(tree as never));
  t.equal(block({}), undefined);
  t.strictSame(block({ run: { 'modprobe.d': { 'x.conf': ' install\tsmc /bin/true # no\n' } } }), {
    where: '/run/modprobe.d/x.conf',
    line: 'install\tsmc /bin/true # no',
  });
  t.equal(block({ etc: { 'modprobe.d': { 'x.conf': '# blacklist smc\nalias smc off\n' } } }), undefined);
  t.match(block({ proc: { cmdline: 'a module_blacklist=smc b' } }), { line: 'module_blacklist=smc' });
});
