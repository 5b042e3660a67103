#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// npm run deb [-- [x64|arm64|s390x] [DIRECTORY]]: makes a Debian package of the built tree; default this machine, build/.
// package-tree.mjs says what is in it, debian/ what else a package has; here is what follows from package.json and git.
// The same tree gives the same bytes: times are SOURCE_DATE_EPOCH, else that of the last commit, if any. DEBFULLNAME and
// DEBEMAIL name the maintainer, as for other Debian tools.
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Problem, root } from './entry.mjs';
import { licences, makeTree, packageVersion, sourceDateEpoch } from './package-tree.mjs';
import { machines } from './prebuild.mjs';

/**
 * What Debian calls each machine, and where its loaders look for libraries of 32 bits.
 *
 * @type {Record<string, { architecture: string, narrow?: string }>}
 */
const architectures = {
  x64: { architecture: 'amd64', narrow: 'lib/i386-linux-gnu' },
  arm64: { architecture: 'arm64' },
  s390x: { architecture: 's390x', narrow: 'lib/s390-linux-gnu' },
};
const [arch = process.arch, output = join(root, 'build')] = process.argv.slice(2);
if (!architectures[arch]) throw new Problem(`${arch} is none of ${Object.keys(architectures).join(', ')}`);
const { architecture, narrow } = architectures[arch];
const epoch = sourceDateEpoch();

const work = join(root, 'build', `deb-${architecture}`);
const source = join(work, 'smc-tools');

/**
 * @param {string} path
 * @param {string} text
 */
const write = (path, text) => writeFileSync(join(source, path), text);

/** The rest of debian/. */
function describe() {
  const control = readFileSync(join(root, 'debian/control'), 'utf8');
  const ours = /^Maintainer: (.*) <(.*)>$/m.exec(control) ?? [];
  const maintainer = `${process.env.DEBFULLNAME ?? ours[1]} <${process.env.DEBEMAIL ?? ours[2]}>`;
  write(
    'debian/control',
    control.replace(/^Maintainer: .*$/m, () => `Maintainer: ${maintainer}`),
  );
  const [, name] = /^Source: (.*)$/m.exec(control) ?? [];
  const date = new Date(epoch * 1000).toUTCString().replace('GMT', '+0000');
  write(
    'debian/changelog',
    `${name} (${packageVersion}) unstable; urgency=medium\n\n  * Package of this version; its changes are in NEWS.md.gz.\n\n -- ${maintainer}  ${date}\n`,
  );
  write('debian/copyright', licences({ apache: '/usr/share/common-licenses/Apache-2.0' }));
  return `${name}_${packageVersion}_${architecture}.deb`;
}

rmSync(work, { recursive: true, force: true });
for (const path of ['debian', 'README.md', 'CHANGELOG.md'])
  cpSync(join(root, path), join(source, path), { recursive: true });
await makeTree(join(source, 'files'), {
  arch,
  places: { wide: `lib/${machines[arch]}`, narrow, zsh: 'vendor-completions' },
});
const file = describe();
// -d: Node and the compilers are found by npm run deb, wherever they come from
const { status, stdout, stderr, error } = spawnSync(
  'dpkg-buildpackage',
  ['-b', '-us', '-uc', '-d', `-a${architecture}`],
  {
    cwd: source,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, SOURCE_DATE_EPOCH: String(epoch) },
  },
);
if (error) throw error;
if (status !== 0) throw new Error(`dpkg-buildpackage failed:\n${stdout}${stderr}`);
mkdirSync(output, { recursive: true });
copyFileSync(join(work, file), join(output, file));
rmSync(work, { recursive: true });
process.stdout.write(`${join(output, file)}\n`);
