// SPDX-License-Identifier: MIT
import t from 'tap';
import { systemdKnowsAfSmc } from '../../src/host/systemd-families.ts';

t.test('whether systemd knows AF_SMC', async (t) => {
  const known = 'x\0AF_SMC\0AF_XDP\0';
  for (const [tree, expected] of [
    [{ usr: { lib: { systemd: { systemd: known } } } }, true],
    [{ lib: { systemd: { 'libsystemd-shared-252.so': known } } }, true],
    [{ usr: { lib: { 's390x-linux-gnu': { systemd: { 'libsystemd-shared-252.so': known } } } } }, true],
    [{ usr: { lib: { systemd: { systemd: 'x\0AF_SMCX\0', 'systemd-journald': known } } } }, false],
    [{}, false],
  ] as const)
    t.equal(systemdKnowsAfSmc(t.testdir(tree)), expected, JSON.stringify(tree));
});
