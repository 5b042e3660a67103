#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// npm run rpm [-- [x64|arm64|s390x] [DIRECTORY]]: makes an RPM of the built tree; default this machine, build/.
// package-tree.mjs says what is in it, rpm/smc-tools-node.spec what else a package has; here is what follows from
// package.json and git. The same tree gives the same bytes: times are SOURCE_DATE_EPOCH, else that of the last commit.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Problem, root } from './entry.mjs';
import { compatibleVersion, makeTree, oldestNode, packageVersion, sourceDateEpoch } from './package-tree.mjs';
import { oldGlibcFlags } from './prebuild.mjs';

/** What rpm calls each machine. @type {Record<string, string>} */
const architectures = { x64: 'x86_64', arm64: 'aarch64', s390x: 's390x' };
const [arch = process.arch, output = join(root, 'build')] = process.argv.slice(2);
const architecture = architectures[arch];
if (!architecture) throw new Problem(`${arch} is none of ${Object.keys(architectures).join(', ')}`);
const epoch = sourceDateEpoch();

/** Of what the programs of the C part contain, see `oldGlibcFlags`. */
const GLIBC_LICENCE = '/usr/share/doc/libc6-dev/copyright';
const packager = 'The smc-tools authors <smc-tools@users.invalid>';

// not in the checkout: what rpmbuild runs takes no directory with a space in its path
const work = mkdtempSync(join(tmpdir(), 'smc-tools-rpm-'));
process.on('exit', () => rmSync(work, { recursive: true, force: true }));
const tree = join(work, 'tree');
const name = `smc-tools-node-${packageVersion}-1.${architecture}.rpm`;

/** The spec with a changelog. */
function spec() {
  const [weekday, day, month, year] = new Date(epoch * 1000).toUTCString().replace(',', '').split(' ');
  const date = [weekday, month, day, year].join(' ');
  return `${readFileSync(join(root, 'rpm/smc-tools-node.spec'), 'utf8')}
%changelog
* ${date} ${packager} - ${packageVersion}-1
- Package of this version; its changes are in CHANGELOG.md.
`;
}

await makeTree(tree, {
  arch,
  places: { wide: 'lib64', narrow: 'lib', zsh: 'site-functions' },
  // it is for distributions that are older than the one that compiles
  programFlags: oldGlibcFlags(arch),
});
mkdirSync(join(work, 'BUILD'), { recursive: true });
for (const file of ['LICENSE', 'README.md', 'CHANGELOG.md', 'dist/THIRD-PARTY-NOTICES'])
  writeFileSync(join(work, 'BUILD', basename(file)), readFileSync(join(root, file)));
writeFileSync(join(work, 'BUILD/LICENSE.glibc'), readFileSync(GLIBC_LICENCE));
writeFileSync(join(work, 'smc-tools-node.spec'), spec());

/** @type {Record<string, string | number>} */
const definitions = {
  _topdir: work,
  _rpmdir: work,
  _build_name_fmt: name,
  _docdir: '/usr/share/doc',
  _licensedir: '/usr/share/licenses',
  // nothing of this machine, and what every rpm can read that has rich file triggers
  _buildhost: 'localhost',
  use_source_date_epoch_as_buildtime: 1,
  // rpmbuild copies documents and licences itself, when %install is over
  clamp_mtime_to_source_date_epoch: 1,
  _binary_payload: 'w7.xzdio',
  suite_packager: packager,
  suite_tree: tree,
  suite_version: packageVersion,
  suite_compatible: compatibleVersion,
  suite_node: oldestNode,
  suite_caches: '/usr/bin/node /usr/lib/smc-tools/dist/commands/write-caches.cjs >/dev/null 2>&1 || :',
};
const { status, stdout, stderr, error } = spawnSync(
  'rpmbuild',
  [
    '-bb',
    '--quiet',
    `--target=${architecture}-linux`,
    ...Object.entries(definitions).flatMap(([key, value]) => ['--define', `${key} ${value}`]),
    join(work, 'smc-tools-node.spec'),
  ],
  {
    cwd: work,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, SOURCE_DATE_EPOCH: String(epoch) },
  },
);
if (error) throw error;
if (status !== 0) throw new Error(`rpmbuild failed:\n${stdout}${stderr}`);
mkdirSync(output, { recursive: true });
copyFileSync(join(work, name), join(output, name));
process.stdout.write(`${join(output, name)}\n`);
