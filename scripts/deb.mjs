#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// npm run deb [-- [x64|arm64|s390x] [DIRECTORY]]: makes a Debian package of the built tree; default this machine, build/.
// debian/ says what is in it; this copies the tree to a clean place, and writes what follows from package.json and git.
// The same tree gives the same bytes: times are SOURCE_DATE_EPOCH, else that of the last commit, if any. DEBFULLNAME and
// DEBEMAIL name the maintainer, as for other Debian tools.
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { machines, provideNetlink } from './prebuild.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
/** @type {{ version: string }} */
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const [arch = process.arch, output = join(root, 'build')] = process.argv.slice(2);
/** @type {Record<string, string>} */
const architectures = { x64: 'amd64', arm64: 'arm64', s390x: 's390x' };
const architecture = architectures[arch];
if (!architecture) throw new Error(`${arch} is none of ${Object.keys(architectures).join(', ')}`);

/** Seconds since 1970 of the last commit, else of package.json: an unpacked archive of the sources has no git. */
function sourceTime() {
  const { status, stdout } = spawnSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' });
  return status === 0 ? Number(stdout) : Math.floor(statSync(join(root, 'package.json')).mtimeMs / 1000);
}
const epoch = Number(process.env.SOURCE_DATE_EPOCH ?? sourceTime());

const work = join(root, 'build', `deb-${architecture}`);
const tree = join(work, 'smc-tools');

/** @param {string} path */
const read = (path) => readFileSync(join(root, path), 'utf8');

/**
 * @param {string} path
 * @param {string} text
 */
const write = (path, text) => writeFileSync(join(tree, path), text);

function copyTree() {
  rmSync(work, { recursive: true, force: true });
  const folders = ['debian', 'dist/commands', 'dist/completions', 'man', 'native', 'schemas'];
  for (const path of [...folders, 'package.json', 'README.md', 'CHANGELOG.md'])
    cpSync(join(root, path), join(tree, path), { recursive: true });
  mkdirSync(join(tree, 'bin'));
  for (const file of readdirSync(join(root, 'bin')).filter((file) => file.includes('.')))
    copyFileSync(join(root, 'bin', file), join(tree, 'bin', file));
  // the rest of dist/native is built by debian/rules
  provideNetlink(arch, join(tree, 'dist/native'));
}

/** The rest of debian/. */
function describe() {
  const control = read('debian/control');
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
    `${name} (${version}) unstable; urgency=medium\n\n  * Package of this version; its changes are in NEWS.md.gz.\n\n -- ${maintainer}  ${date}\n`,
  );
  const parts = [
    `smc-tools\n\n${read('LICENSE')}`,
    'It contains, in dist:',
    read('dist/THIRD-PARTY-NOTICES'),
  ];
  write('debian/copyright', parts.join('\n----\n\n'));
  return `${name}_${version}_${architecture}.deb`;
}

copyTree();
const file = describe();
// -d: Node and the compilers are found by npm run deb, wherever they come from
const { status, stdout, stderr, error } = spawnSync(
  'dpkg-buildpackage',
  ['-b', '-us', '-uc', '-d', `-a${architecture}`],
  {
    cwd: tree,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, CC: `${machines[arch]}-gcc`, SOURCE_DATE_EPOCH: String(epoch) },
  },
);
if (error) throw error;
if (status !== 0) throw new Error(`dpkg-buildpackage failed:\n${stdout}${stderr}`);
mkdirSync(output, { recursive: true });
copyFileSync(join(work, file), join(output, file));
rmSync(work, { recursive: true });
process.stdout.write(`${join(output, file)}\n`);
