// SPDX-License-Identifier: MIT
/**
 * Starts a command's bundle with its V8 code cache, which halves the time that our own code adds to the start of Node
 * (measured in bench/README.md). A cache lies beside the bundle (write-caches.cjs), or else in the cache directory of the
 * user, where the first run leaves it for the next. This file is plain CommonJS and is copied to dist/commands/ unchanged;
 * it stays small, because it is compiled without a cache at each start.
 *
 * V8 runs what is in a cache, whatever that is: who can write it can do all that the caller can. So a cache of a user is
 * taken only where nobody but this user could have put or changed it, and root takes none of somebody else's home. V8
 * rejects a cache of another version or with other options. Of the source it compares only the length, and damaged
 * data can end Node: so a cache begins with the identity of its bundle and a sum.
 */
const fs = require('node:fs');
const { join } = require('node:path');
const { Script } = require('node:vm');

const IDENTITY = 32; // letters, in the first line of a bundle behind "//"
const HEADER = IDENTITY + 8; // data has to begin at a multiple of 8
const KEPT = 3; // files of a bundle in a user's cache directory

/** Finds blocks that got lost with the power. */
function sum(data) {
  let result = data.length;
  for (let at = 0; at < data.length; at += 256) result = (result * 31 + data[at]) >>> 0;
  return result;
}

/** Whether only this user can change it. */
const isPrivate = ({ uid, mode }) => uid === process.geteuid() && (mode & 0o022) === 0;

/** The cache in a file, if it is one of this bundle. */
function read(file, identity, isTrusted) {
  let fd;
  try {
    fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
    const stat = fs.fstatSync(fd);
    if (!stat.isFile() || !isTrusted(stat)) return undefined;
    const bytes = fs.readFileSync(fd);
    const data = bytes.subarray(HEADER);
    const fits = bytes.latin1Slice(0, IDENTITY) === identity && bytes.readUInt32LE(IDENTITY) === sum(data);
    return fits ? data : undefined;
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

/** The directories that lead to the caches of this user, the outermost first; none without a home. */
function directories() {
  const { XDG_CACHE_HOME: given, HOME: home } = process.env;
  if (given?.startsWith('/')) return [given, join(given, 'smc-tools')];
  return home?.startsWith('/') ? [home, join(home, '.cache'), join(home, '.cache/smc-tools')] : [];
}

/** Name of the user's cache of a bundle: for each Node and its options one, which otherwise replace each other. */
function userFile(bundle) {
  let key = 0;
  for (const letter of `${process.arch} ${process.execArgv} ${process.env.NODE_OPTIONS}`)
    key = (key * 31 + letter.charCodeAt(0)) >>> 0;
  return `${bundle}-${process.version}-${key.toString(36)}.cache`;
}

/** Writes the cache of a bundle. Who reads meanwhile finds either the old file or the new one. */
function write(file, identity, script, mode) {
  const data = script.createCachedData();
  const header = Buffer.alloc(HEADER, identity);
  header.writeUInt32LE(sum(data), IDENTITY);
  const temporary = `${file}.${process.pid}`;
  try {
    fs.writeFileSync(temporary, Buffer.concat([header, data]), { flag: 'wx', mode });
    fs.renameSync(temporary, file);
  } finally {
    fs.rmSync(temporary, { force: true });
  }
}

/** Leaves the cache of a bundle for the next run of this user. That there is none costs only time, so nothing is said. */
function save(script, bundle, identity) {
  try {
    // what it makes must be of use: ~/.cache is for all programs of this user
    process.umask(0o077);
    const places = directories();
    for (const [index, place] of places.entries()) {
      const isLast = index === places.length - 1;
      if (index > 0 && !fs.existsSync(place)) fs.mkdirSync(place, { mode: 0o700 });
      if (!isPrivate(isLast ? fs.lstatSync(place) : fs.statSync(place))) return;
    }
    const directory = places.at(-1);
    write(join(directory, userFile(bundle)), identity, script, 0o600);
    const age = (name) => -fs.statSync(join(directory, name)).mtimeMs;
    const all = fs.readdirSync(directory).filter((name) => name.startsWith(`${bundle}-`));
    const sorted = all.map((name) => [age(name), name]).sort(([a], [b]) => a - b);
    let kept = 0;
    for (const [, name] of sorted) {
      if (kept === KEPT) fs.rmSync(join(directory, name), { force: true });
      // others may be writing theirs
      else if (name.endsWith('.cache')) kept++;
    }
  } catch {
    // no place, no space, no right
  }
}

/** The caches that may be there, likeliest first. */
function* caches(bundle, identity) {
  // as trustworthy as the bundle beside it
  yield read(join(__dirname, `${bundle}.cache`), identity, ({ mode }) => (mode & 0o022) === 0);
  try {
    const places = directories();
    const directory = places.pop();
    if (!directory || !places.every((place) => isPrivate(fs.statSync(place)))) return;
    const stat = fs.lstatSync(directory);
    if (stat.isDirectory() && isPrivate(stat))
      yield read(join(directory, userFile(bundle)), identity, isPrivate);
  } catch {
    // no such directory yet
  }
}

/** Bundles of several commands, as scripts/build.mjs makes them. */
const SHARED = ['smcd-smcr', 'smc_chk-smc_dbg'];

/** The bundle that has a command. */
const bundleOf = (name) => SHARED.find((bundle) => bundle.split('-').includes(name)) ?? name;

/** Runs the bundle of a command up to the end of its definitions. */
function compile(name, mayUseCache) {
  const bundle = bundleOf(name);
  const filename = join(__dirname, `${bundle}.cjs`);
  const text = fs.readFileSync(filename, 'latin1');
  const identity = text.slice(2, 2 + IDENTITY);
  // the first line is a comment, and stays one
  const source = `(function(exports,require,module,__filename,__dirname){${text}\n})`;
  let script;
  for (const cachedData of mayUseCache ? caches(bundle, identity) : []) {
    if (cachedData) script = new Script(source, { filename, cachedData });
    if (script?.cachedDataRejected === false) break;
  }
  script ??= new Script(source, { filename });
  const module = { exports: {} };
  script.runInThisContext()(module.exports, require, module, filename, __dirname);
  return { script, bundle, identity, run: (argv, world) => module.exports.run(argv, world, name) };
}

Object.assign(exports, { bundleOf, compile, write });

/** Runs a command by its name. */
exports.start = (name) => {
  const { script, bundle, identity, run } = compile(name, true);
  // at the end the output has been written; after these words the cache would hold little that other runs need
  if (script.cachedDataRejected !== false && !/^(-[hv]|--(help|version))$/.test(process.argv[2]))
    process.once('exit', () => save(script, bundle, identity));
  run();
};
