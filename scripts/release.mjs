#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// npm run release [-- DIRECTORY]: makes the files of a release, in release/: npm's package, Debian packages and RPMs for
// three machines, the SBOM, and SHA256SUMS of them all. The same commit gives the same bytes, wherever and whenever.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Problem, root, say, step } from './entry.mjs';
import { sourceDateEpoch } from './package-tree.mjs';
import { machines } from './prebuild.mjs';
import { sbom } from './sbom.mjs';

/** @type {{ name: string, version: string }} */
const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const output = resolve(process.argv[2] ?? join(root, 'release'));

/** @param {string} text */
const fail = (text) => {
  throw new Problem(text);
};

/**
 * @param {string} what
 * @param {string} program
 * @param {string[]} words
 */
const run = (what, program, words) =>
  step('release', what, async () => {
    execFileSync(program, words, { cwd: root, stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  });

const heading = `## ${version} `;
if (!readFileSync(join(root, 'CHANGELOG.md'), 'utf8').includes(`\n${heading}`))
  fail(
    `CHANGELOG.md has no section of version ${version} of package.json: write one that begins with "${heading}"`,
  );
const { stdout: changed } = spawnSync('git', ['status', '--porcelain'], { cwd: root, encoding: 'utf8' });
if (changed)
  fail('there are changes that are not committed, and nobody could make the same release: commit them');

rmSync(output, { recursive: true, force: true });
mkdirSync(output, { recursive: true });
await run('natives of all machines', process.execPath, ['scripts/prebuild.mjs']);
// npm packs files with the modes that they have, and those follow from the umask of whoever made the checkout
const listing = execFileSync('npm', ['pack', '--ignore-scripts', '--dry-run', '--json'], {
  cwd: root,
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'pipe'],
});
/** @type {[{ files: { path: string }[] }]} */
const [{ files }] = JSON.parse(listing);
for (const file of files.map(({ path }) => join(root, path)))
  chmodSync(file, statSync(file).mode & 0o100 ? 0o755 : 0o644);
await run("npm's package", 'npm', ['pack', '--ignore-scripts', '--pack-destination', output]);
for (const arch of Object.keys(machines)) {
  await run(`Debian package for ${arch}`, process.execPath, ['scripts/deb.mjs', arch, output]);
  await run(`RPM for ${arch}`, process.execPath, ['scripts/rpm.mjs', arch, output]);
}
writeFileSync(join(output, `${name}-${version}.cdx.json`), await sbom(sourceDateEpoch()));
const sums = readdirSync(output)
  .sort()
  .map(
    (file) =>
      `${createHash('sha256')
        .update(readFileSync(join(output, file)))
        .digest('hex')}  ${file}\n`,
  );
writeFileSync(join(output, 'SHA256SUMS'), sums.join(''));
say('release', `${sums.length} files and SHA256SUMS in ${output}`);
