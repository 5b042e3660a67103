// SPDX-License-Identifier: MIT
import t from 'tap';
import { BOOT_ANOTHER, withoutSmc } from '../../src/smc/without-smc.ts';

t.test('what is missing, and what helps', async (t) => {
  t.match(BOOT_ANOTHER, /CONFIG_SMC, CONFIG_SMC_DIAG and, since Linux 6\.18, CONFIG_DIBS$/);
  t.strictSame(withoutSmc('absent'), {
    text: 'this kernel has no SMC',
    fix: BOOT_ANOTHER,
    hint: BOOT_ANOTHER,
  });
  t.strictSame(withoutSmc('available'), {
    text: 'the kernel module smc is not loaded',
    fix: 'modprobe smc',
    hint: 'load it: modprobe smc',
  });
  // in a container nobody knows whether there is one to load
  t.strictSame(withoutSmc('unknown'), {
    text: 'the kernel module smc is not loaded',
    fix: 'on the host: modprobe smc',
    hint: 'load it on the host: modprobe smc',
  });
});
