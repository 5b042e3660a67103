// SPDX-License-Identifier: MIT
/**
 * Starts a command's bundle with V8's code cache beside it, which halves the time that our own code adds to the
 * start of Node (measured in bench/README.md). The cache is made when the package is built and again when it is
 * installed, for the Node that is there then; V8 refuses one of another version and compiles as usual. Plain
 * CommonJS, copied to dist/ as it is: whatever runs before the bundle has to be small.
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
    return undefined; // read-only or fresh installation: compiled anew each time
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

/** Commands that do more without options than a build should: this one goes through the whole system. */
const WITHOUT_WARM_UP = ['smc_dbg'];

/** Writes the caches of all commands. */
exports.writeCaches = async () => {
  for (const file of readdirSync(__dirname)) {
    if (!file.endsWith('.cjs') || file === basename(__filename)) continue;
    const name = file.slice(0, -'.cjs'.length);
    const { script, run } = compile(name);
    // what runs now is in the cache as code, the rest as source that is compiled when it is needed
    for (const argv of [['--version'], ['--help'], ...(WITHOUT_WARM_UP.includes(name) ? [] : [[]])])
      await run(argv, { io: nowhere, transport: emptyKernel });
    // a command that starts while we write finds the old file or the new one
    const temporary = join(__dirname, `${name}.cache.${process.pid}`);
    try {
      writeFileSync(temporary, script.createCachedData());
      renameSync(temporary, join(__dirname, `${name}.cache`));
    } finally {
      rmSync(temporary, { force: true });
    }
  }
};
