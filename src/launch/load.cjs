// SPDX-License-Identifier: MIT
/**
 * Starts a command's bundle with its V8 code cache, which halves the time that our own code adds to the start of Node
 * (measured in bench/README.md). write-caches.cjs makes the cache. V8 rejects the cache of another version and compiles
 * as usual. This file is plain CommonJS and is copied to dist/commands/ unchanged; it stays small, because it is compiled
 * without a cache at each start.
 */
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { Script } = require('node:vm');

/** Runs the bundle of a command up to the end of its definitions. The cache has to be of the same text. */
function compile(name, cachedData) {
  const filename = join(__dirname, `${name}.cjs`);
  const source = `(function(exports,require,module,__filename,__dirname){${readFileSync(filename, 'utf8')}\n})`;
  const script = new Script(source, { filename, cachedData });
  const bundle = { exports: {} };
  script.runInThisContext()(bundle.exports, require, bundle, filename, __dirname);
  return { script, run: bundle.exports.run };
}

function readCache(name) {
  try {
    return readFileSync(join(__dirname, `${name}.cache`));
  } catch {
    return undefined; // read-only or fresh installation: compiled at each start
  }
}

exports.compile = compile;

/** Runs a command by its name. */
exports.start = (name) => compile(name, readCache(name)).run();
