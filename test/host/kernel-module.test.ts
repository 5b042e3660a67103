// SPDX-License-Identifier: MIT
import t from 'tap';
import { moduleState } from '../../src/host/kernel-module.ts';

const RELEASE = '6.12.0-test';
type Tree = NonNullable<Parameters<typeof t.testdir>[0]>;

const tree = (files: Record<string, string>, sys: Tree = {}): Tree => ({
  lib: { modules: { [RELEASE]: files } },
  sys: { module: sys },
});

t.test('states of a module', async (t) => {
  const state = (fixture: Tree, name = 'smc'): string => moduleState(name, t.testdir(fixture), RELEASE);
  t.equal(state(tree({ 'modules.dep': '' }, { smc: {} })), 'loaded');
  t.equal(
    state(tree({ 'modules.builtin': 'kernel/net/tls/tls.ko\nkernel/net/smc/smc.ko\n', 'modules.dep': '' })),
    'built-in',
  );
  for (const suffix of ['', '.xz', '.zst', '.gz'])
    t.equal(
      state(tree({ 'modules.dep': `kernel/net/smc/smc.ko${suffix}: kernel/x.ko\n` })),
      'available',
      suffix,
    );
  t.equal(state(tree({ 'modules.dep': 'smc.ko:\n' })), 'available', 'no directory in front');
  t.equal(state(tree({ 'modules.dep': 'kernel/net/tls/tls.ko:\n' })), 'absent');
  t.equal(state({}), 'unknown', 'no module list');
  t.equal(state(tree({ 'modules.builtin': '' })), 'unknown', 'half a module list');
});

t.test('names that are parts of each other', async (t) => {
  const smcDiagOnly = t.testdir(
    tree({ 'modules.dep': 'kernel/net/smc/smc_diag.ko:\nkernel/net/xsmc.ko:\n' }),
  );
  t.equal(moduleState('smc', smcDiagOnly, RELEASE), 'absent');
  t.equal(moduleState('smc_diag', smcDiagOnly, RELEASE), 'available');
});

t.test('the release is that of the tree, not of this machine', async (t) => {
  const root = t.testdir({
    lib: { modules: { [RELEASE]: { 'modules.dep': 'net/smc.ko:\n' } } },
    proc: { sys: { kernel: { osrelease: `${RELEASE}\n` } } },
  });
  t.equal(moduleState('smc', root), 'available');
  t.equal(moduleState('smc', root, '1.0'), 'unknown');
  t.equal(moduleState('smc', t.testdir({})), 'unknown', 'a tree that does not tell');
});
