// SPDX-License-Identifier: MIT
// What `npm test` and `npm run demo` need before they can start: the npm packages, a compiler, the build. Only node
// built-ins may be imported here, since on a fresh clone nothing else is there.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Says what is going on, on stderr: stdout belongs to the results. */
export function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

/** Runs a program with our terminal; a failure ends the set-up with its name. */
function must(what, command, args) {
  const begin = Date.now();
  say(`${what} …`);
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (error || status !== 0) throw new Error(`${what} failed (${error?.message ?? `status ${status}`})`);
  say(`${what}: done in ${((Date.now() - begin) / 1000).toFixed(1)} s`);
}

function npmPackagesAreCurrent() {
  const installed = join(root, 'node_modules/.package-lock.json');
  return (
    existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs
  );
}

/** Installs the npm packages if they are not there, or older than the lock file. */
export function installNpmPackages() {
  if (Number(process.versions.node.split('.')[0]) < 20)
    throw new Error(`Node 20 or newer is required; this is ${process.version}`);
  if (npmPackagesAreCurrent()) return;
  must('npm ci (npm packages)', 'npm', ['ci', '--no-audit', '--no-fund']);
  // tap comes with a TypeScript plugin that does not know TypeScript 7; .taprc leaves it out, this makes it so
  must('tap without its TypeScript plugin', 'node_modules/.bin/tap', ['build']);
}

/** Installs the Debian packages that the guest and the native tests need: nothing to do when they are there. */
export function installDebianPackages() {
  const { status } = spawnSync(
    process.execPath,
    [
      '--import=tsx',
      '-e',
      "await (await import('./test/vm/packages.ts')).ensureHostPackages()",
      '--input-type=module',
    ],
    { cwd: root, stdio: ['ignore', 2, 2] },
  );
  if (status !== 0) throw new Error('the Debian packages listed above are required');
}

/** Builds dist/ anew; takes about three seconds. */
export function build() {
  must('build', process.execPath, ['scripts/build.mjs']);
}

/** The whole set-up. */
export function setUp() {
  installNpmPackages();
  installDebianPackages();
  build();
}
