// SPDX-License-Identifier: MIT
// What the packages of distributions hold, as it will lie below /, and what else they have in common. deb.mjs and rpm.mjs
// pack it, each with the places of its distributions.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { buildNative } from '../native/build.mjs';
import { Problem, root } from './entry.mjs';
import { machines, provideNetlink } from './prebuild.mjs';

/** @type {{ version: string, bin: Record<string, string>, man: string[], engines: { node: string } }} */
const { version, bin, man, engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** What the packages depend on; PATH has nothing to do with it. */
const NODE = '/usr/bin/node';

/** Where the files are that are no distribution's business. */
const HOME = 'usr/lib/smc-tools';

/**
 * Where distributions have things. Libraries: below /usr, as `$LIB` in LD_PRELOAD becomes.
 *
 * @typedef {object} Places
 * @property {string} wide libraries for programs of 64 bits
 * @property {string | undefined} [narrow] libraries for programs of 32 bits
 * @property {string} zsh completions
 */

/** Our version as dpkg and rpm compare it: a release candidate comes before the release. */
export const packageVersion = version.replace('-', '~');

/** The oldest Node that runs it. */
export const oldestNode = engines.node.replace('>=', '');

/** The release of the C suite whose options and output ours has: what a package that needs smc-tools finds provided. */
export const compatibleVersion = '1.8.7';

/** Time stamp of all that is made: that of the last commit, else of package.json, for an unpacked archive has no git. */
export function sourceDateEpoch() {
  if (process.env.SOURCE_DATE_EPOCH) return Number(process.env.SOURCE_DATE_EPOCH);
  const { status, stdout } = spawnSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' });
  return status === 0 ? Number(stdout) : Math.floor(statSync(join(root, 'package.json')).mtimeMs / 1000);
}

/** The Apache License 2.0 up to its appendix, behind which its users put their notices. */
const APACHE =
  / *Apache License\n *Version 2\.0, January 2004\n[\s\S]*?\n *APPENDIX: [\s\S]*?\n\n(?= *Copyright )/g;

/**
 * The licence of the suite, and those of what the bundles contain.
 *
 * @param {object} [options]
 * @param {string} [options.apache] where every system of the distribution has the Apache License: it is not repeated then
 */
export function licences({ apache } = {}) {
  const texts = ['LICENSE', 'dist/THIRD-PARTY-NOTICES'].map((file) => readFileSync(join(root, file), 'utf8'));
  const all = `smc-tools\n\n${texts.join('\n----\n\nIt contains, in dist:\n\n----\n\n')}`;
  return apache ? all.replaceAll(APACHE, `The text of the Apache License 2.0 is in ${apache}.\n\n`) : all;
}

/**
 * @param {string} file
 * @param {string | Buffer} contents
 */
function write(file, contents, mode = 0o644) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, contents, { mode });
}

/** The script of a command, with this Node in place of the one in PATH. */
function scriptFor(/** @type {string} */ command) {
  const replacements = [
    ['command -v node >/dev/null', `[ -x ${NODE} ]`],
    ['there is no node in PATH ($PATH)', `${NODE} is missing`],
    ['\nexec node ', `\nexec ${NODE} `],
  ];
  return replacements.reduce(
    (script, [from = '', to = '']) => {
      if (!script.includes(from))
        throw new Error(`bin/${command}.js has no ${JSON.stringify(from)} to replace`);
      return script.replaceAll(from, to);
    },
    readFileSync(join(root, 'bin', `${command}.js`), 'utf8'),
  );
}

/**
 * The C part and netlink's addon, for programs of both classes if the compiler can: one value of LD_PRELOAD serves both,
 * and scripts and units can preload the library by its bare name.
 *
 * @param {string} tree
 * @param {{ arch: string, places: Places, programFlags: string[] }} options
 */
async function addNatives(tree, { arch, places, programFlags }) {
  const outDir = join(tree, HOME, 'dist/native');
  const { missingCompiler } = await buildNative({
    outDir,
    cc: `${machines[arch]}-gcc -DSMC_NODE="${NODE}"`,
    programFlags,
  });
  if (missingCompiler) throw new Problem(`${machines[arch]}-gcc is missing, which compiles for ${arch}`);
  provideNetlink(arch, outDir);
  // these are for the machine that has compiled
  for (const name of ['preload', '.stamps.json'])
    rmSync(join(outDir, name), { recursive: true, force: true });
  const libraries = [{ place: places.wide, library: join(outDir, 'libsmc-preload.so') }];
  const narrow = join(outDir, 'libsmc-preload-32.so');
  if (places.narrow && existsSync(narrow)) libraries.push({ place: places.narrow, library: narrow });
  for (const { place, library } of libraries)
    for (const directory of [
      join(tree, 'usr', place),
      ...(libraries.length > 1 ? [join(outDir, 'preload', place)] : []),
    ]) {
      mkdirSync(directory, { recursive: true });
      symlinkSync(relative(directory, library), join(directory, 'libsmc-preload.so'));
    }
  for (const entry of readdirSync(outDir, { withFileTypes: true }))
    if (entry.isFile()) chmodSync(join(outDir, entry.name), entry.name.startsWith('smc-') ? 0o755 : 0o644);
}

/**
 * Makes the files of a package in an empty or new directory. `dist/` has to be built; natives are compiled here.
 *
 * @param {string} tree
 * @param {object} options
 * @param {string} options.arch Node's name of the machine
 * @param {Places} options.places
 * @param {string[]} [options.programFlags] of the compiler, for what is a program and no library
 */
export async function makeTree(tree, { arch, places, programFlags = [] }) {
  process.umask(0o022); // whatever it was
  const copy = (/** @type {string} */ from, /** @type {string} */ to, mode = 0o644) =>
    write(join(tree, to), readFileSync(join(root, from)), mode);
  await addNatives(tree, { arch, places, programFlags });
  for (const file of ['bin/package.json', 'bin/start.js', 'bin/start.sh', 'native/build.mjs', 'package.json'])
    copy(file, join(HOME, file));
  for (const script of ['after-update', 'before-removal'])
    copy(`scripts/${script}.sh`, join(HOME, script), 0o755);
  for (const file of readdirSync(join(root, 'dist/commands')))
    if (file.endsWith('.cjs')) copy(join('dist/commands', file), join(HOME, 'dist/commands', file));
  for (const file of readdirSync(join(root, 'schemas')))
    copy(join('schemas', file), join('usr/share/smc-tools/schemas', file));
  // the units are not enabled: smc_conf enable does that, and whoever wants the metrics
  for (const file of readdirSync(join(root, 'systemd')))
    copy(
      join('systemd', file),
      join('usr/lib', file.endsWith('.rules') ? 'udev/rules.d' : 'systemd/system', file),
    );
  copy('examples/smc.yaml', 'usr/share/smc-tools/examples/smc.yaml');
  for (const directory of ['prometheus', 'grafana', 'pcp'].map((name) => join('examples', name)))
    for (const file of readdirSync(join(root, directory)))
      copy(join(directory, file), join('usr/share/smc-tools', directory, file));
  for (const page of man) copy(page, join('usr/share/man', `man${page.at(-1)}`, basename(page)));
  mkdirSync(join(tree, 'usr/bin'), { recursive: true });
  for (const command of Object.keys(bin)) {
    // the program by which a command starts: one file, which knows by its name what to start
    linkSync(join(tree, HOME, 'dist/native/smc-start'), join(tree, HOME, 'bin', command));
    // the script that it gives to Node and that starts itself as well
    write(join(tree, HOME, 'bin', `${command}.js`), scriptFor(command), 0o755);
    symlinkSync(join('..', relative('usr', HOME), 'bin', command), join(tree, 'usr/bin', command));
    copy(`dist/completions/bash/${command}`, `usr/share/bash-completion/completions/${command}`);
    copy(`dist/completions/zsh/_${command}`, `usr/share/zsh/${places.zsh}/_${command}`);
    copy(`dist/completions/fish/${command}.fish`, `usr/share/fish/vendor_completions.d/${command}.fish`);
  }
}
