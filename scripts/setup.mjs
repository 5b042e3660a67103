// SPDX-License-Identifier: MIT
// What the entry points need before they can start: Node, the npm packages, Debian packages, the build. Only node
// built-ins may be imported at the top, since on a fresh clone nothing else is there.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { keepDetails, Problem, root, say, step } from './entry.mjs';

/**
 * Programs that run for the set-up, to be ended with it.
 *
 * @type {Set<import('node:child_process').ChildProcess>}
 */
const running = new Set();

/**
 * Ends what the set-up has started; for a signal that only this process got.
 *
 * @param {NodeJS.Signals} signal
 */
export function endSetUp(signal) {
  for (const child of running) child.kill(signal);
}

/**
 * Runs a program of the set-up. What it writes is shown only when it fails: one line of it, and the rest in a file.
 *
 * @param {string} what
 * @param {string} command
 * @param {string[]} args
 * @param {object} [options]
 * @param {(lines: string[]) => string | undefined} [options.choose] picks that line
 * @param {(line: string) => boolean} [options.show] which lines are shown in any case
 */
async function must(what, command, args, { choose = (lines) => lines.at(-1), show = () => false } = {}) {
  await step('setup', what, async () => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(child);
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
    const [status, signal] = await once(child, 'close').catch((error) => [error.code]);
    running.delete(child);
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    for (const line of lines.filter(show)) say('setup', line);
    if (status === 0) return;
    const why = choose(lines) ?? `status ${status ?? signal}`;
    const file = keepDetails('setup', `${command} ${args.join(' ')}\n${text}`);
    const details = file && text ? ` (details: ${file})` : '';
    throw new Problem(
      `${what} failed: ${status === 'ENOENT' ? `${command} is not installed` : why}${details}`,
    );
  });
}

/** The oldest Node that the tools here run on, as package.json has it; what is installed runs on older ones, too. */
function checkNode() {
  const { devEngines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const [needed] = /\d+/.exec(devEngines.runtime.version) ?? [];
  if (Number(process.versions.node.split('.')[0]) < Number(needed))
    throw new Problem(`Node ${needed} or newer is required, and this is ${process.version}`);
}

/** Whether node_modules has what the lock file asks for; packages for other machines may be absent. */
function npmPackagesAreCurrent() {
  /** @param {string} file */
  const read = (file) => JSON.parse(readFileSync(join(root, file), 'utf8')).packages;
  try {
    const installed = read('node_modules/.package-lock.json');
    return Object.entries(read('package-lock.json')).every(([path, { version, integrity, optional }]) => {
      const there = installed[path];
      return path === '' || (there ? there.version === version && there.integrity === integrity : optional);
    });
  } catch {
    return false;
  }
}

/**
 * The lines of npm that say what went wrong; its others are about where it went wrong.
 *
 * @param {string[]} lines
 */
function npmComplaint(lines) {
  const said = lines.flatMap((line) => /^npm (?:ERR!|error) (.*)/.exec(line)?.[1] ?? []);
  const code = said.find((line) => line.startsWith('code '))?.slice('code '.length);
  const text = said.find(
    (line) => !/^(code|syscall|errno|path|dest|host|signal|cwd) |^network (This is|In most)/.test(line),
  );
  return [code, text?.replace(/^(network|cb\(\)) /, '')].filter(Boolean).join(': ') || undefined;
}

/** Installs the npm packages if they are not there, or other ones than the lock file has. */
async function installNpmPackages() {
  if (npmPackagesAreCurrent()) return;
  await must('npm ci (150 MB to fetch, as a rule under a minute)', 'npm', ['ci', '--no-audit', '--no-fund'], {
    choose: npmComplaint,
  });
}

/** @type {Promise<unknown> | undefined} */
let typescript;

/** Lets this process import TypeScript, which takes the npm packages. */
export function useTypeScript() {
  typescript ??= import('tsx/esm/api').then(({ register }) => register());
  return typescript;
}

/**
 * Installs the Debian packages for the given uses (see test/vm/packages.ts); nothing to do when they are there.
 *
 * @param {import('../test/vm/packages.ts').Use[]} uses
 */
async function installDebianPackages(uses) {
  await useTypeScript();
  const { ensureHostPackages } = await import('../test/vm/packages.ts');
  await ensureHostPackages(uses);
}

/** What `dist/` is made of. */
const SOURCES = [
  'src',
  'native',
  'scripts/build.mjs',
  'scripts/page.mjs',
  'scripts/completions',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.types.json',
];

/**
 * @param {string} path of a folder
 * @returns {number} when something in it changed last
 */
function newest(path) {
  const { mtimeMs } = statSync(path);
  const entries = readdirSync(path, { withFileTypes: true });
  return Math.max(
    mtimeMs,
    ...entries.map((entry) => {
      const inside = join(path, entry.name);
      return entry.isDirectory() ? newest(inside) : statSync(inside).mtimeMs;
    }),
  );
}

/** Whether `dist/` was built whole, by this Node, and nothing it is made of has changed since. */
function buildIsCurrent() {
  try {
    const mark = join(root, 'dist/native/.built');
    if (readFileSync(mark, 'utf8') !== process.version) return false;
    const built = statSync(mark).mtimeMs;
    return SOURCES.map((name) => join(root, name)).every((path) =>
      statSync(path).isDirectory() ? newest(path) < built : statSync(path).mtimeMs < built,
    );
  } catch {
    return false;
  }
}

/** The C part alone: smc_run reads files by it. */
async function buildNativePart() {
  if (existsSync(join(root, 'dist/native/smc-native.node'))) return;
  await must('build of the C part', process.execPath, ['native/build.mjs']);
}

/** @param {{ always: boolean }} options */
async function build({ always }) {
  if (!always && buildIsCurrent()) return;
  await must('build', process.execPath, ['scripts/build.mjs'], {
    show: (line) => /^native: .*(not built|does not work)/.test(line),
  });
}

/**
 * The set-up of an entry point.
 *
 * @param {object} needs
 * @param {import('../test/vm/packages.ts').Use[]} [needs.uses] Debian packages, see test/vm/packages.ts
 * @param {'always' | 'if changed' | 'C part' | 'never'} [needs.build] `dist/`
 * @param {string} [needs.first] what a first run fetches and how long it takes, said when nothing is there yet
 */
export async function setUp({ uses = [], build: when = 'if changed', first = '' }) {
  checkNode();
  if (first && !npmPackagesAreCurrent()) say('setup', first);
  await installNpmPackages();
  if (uses.length > 0) await installDebianPackages(uses);
  if (when === 'C part') await buildNativePart();
  else if (when !== 'never') await build({ always: when === 'always' });
}
