// SPDX-License-Identifier: MIT
// What the build of the kernel 7.x asks for, without building it.
import t from 'tap';
import { configuration, missingOptions } from '../vm/build-kernel.ts';

t.test('the configuration', async (t) => {
  const { options, mark } = configuration;
  t.ok(options.includes('CONFIG_SMC=m'));
  t.strictSame(
    new Set(options.map((option) => option.replace(/=.*/, ''))).size,
    options.length,
    'no option twice',
  );
  t.match(mark, /^[0-9a-f]{12}$/);
});

t.test('what a source does not have is named', async (t) => {
  const made = 'CONFIG_SMC=m\n# CONFIG_DIBS is not set\nCONFIG_SMC_DIAG=y\n';
  t.strictSame(missingOptions(['CONFIG_SMC=m', 'CONFIG_DIBS=m', 'CONFIG_SMC_DIAG=m', 'CONFIG_NEW=y'], made), [
    'CONFIG_DIBS=m',
    'CONFIG_SMC_DIAG=m',
    'CONFIG_NEW=y',
  ]);
});
