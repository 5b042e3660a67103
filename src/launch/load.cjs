// SPDX-License-Identifier: MIT
/**
 * Starts a command's bundle with its V8 code cache, which halves the time that our own code adds to the start of Node
 * (measured in bench/README.md). The cache is made when the package is built, and again when it is installed, for the
 * Node that is installed there. V8 rejects the cache of another version and compiles as usual. This file is plain CommonJS
 * and is copied to dist/ unchanged, because code that runs before the bundle must be small.
 */
const { readFileSync, readdirSync, renameSync, rmSync, writeFileSync } = require('node:fs');
const { basename, join } = require('node:path');
const { Script } = require('node:vm');

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

/** Runs a command by its name. */
exports.start = (name) => compile(name, readCache(name)).run();

const NLMSG_DONE = 3;

/** A kernel with nothing in it: every request is answered with the end of an empty dump. */
const emptyKernel = {
  order: 'LE',
  async open() {
    let deliver = () => {};
    return {
      on(event, listener) {
        if (event === 'message') deliver = listener;
      },
      send(request, _options, callback) {
        callback();
        const done = Buffer.alloc(20);
        done.writeUInt32LE(done.length, 0);
        done.writeUInt16LE(NLMSG_DONE, 4);
        request.copy(done, 8, 8, 12); // sequence number
        setImmediate(() => deliver(done, { port: 0 }));
      },
      address: () => ({ port: 0 }),
      close() {},
    };
  },
};

const nowhere = { write() {}, flush() {}, error() {}, isTerminal: false, env: {} };

/** Commands that the build must not run without options: this one reads the whole system. */
const WITHOUT_WARM_UP = ['smc_dbg'];

/** Writes the caches of all commands. */
exports.writeCaches = async () => {
  for (const file of readdirSync(__dirname)) {
    if (!file.endsWith('.cjs') || file === basename(__filename)) continue;
    const name = file.slice(0, -'.cjs'.length);
    const { script, run } = compile(name);
    // functions that run now are cached as code; the others are compiled when they are needed
    for (const argv of [['--version'], ['--help'], ...(WITHOUT_WARM_UP.includes(name) ? [] : [[]])])
      await run(argv, { io: nowhere, transport: emptyKernel });
    // a command that starts meanwhile finds either the old file or the new one
    const temporary = join(__dirname, `${name}.cache.${process.pid}`);
    try {
      writeFileSync(temporary, script.createCachedData());
      renameSync(temporary, join(__dirname, `${name}.cache`));
    } finally {
      rmSync(temporary, { force: true });
    }
  }
};
