// SPDX-License-Identifier: MIT
// What the build of the kernel 7.x asks for, without building it.
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import t from 'tap';
import { ownDirectory } from '../helpers/own-directory.ts';
import { buildKernel, configuration, missingOptions } from '../vm/build-kernel.ts';

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

t.test('where the source is unpacked to: dpkg-deb makes one directory, not two', async (t) => {
  const own = ownDirectory(t);
  process.env['SMC_TOOLS_CACHE'] = own;
  let place = '';
  const fetch = async (directory: string): Promise<void> => {
    place = directory;
    t.ok(existsSync(dirname(directory)));
    t.notOk(existsSync(directory));
    throw new Error('no network');
  };
  await t.rejects(buildKernel(fetch, '7.0', own), { message: 'no network' });
  t.ok(place.startsWith(own));
  t.notOk(existsSync(dirname(place)), 'nothing is left');
});
