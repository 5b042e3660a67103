// SPDX-License-Identifier: MIT
/**
 * Writes the V8 code caches with which load.cjs starts the commands:
 *
 *     node dist/commands/write-caches.cjs
 *
 * The build does this, and each installation again, because a cache fits one version of Node. Plain CommonJS, copied to
 * dist/commands/ unchanged, beside the bundles that it compiles.
 */
const { readdirSync, renameSync, rmSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { compile } = require('./load.cjs');

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

/** What lies beside the bundles and is none. */
const LAUNCHERS = ['load', 'write-caches'];

/** Commands that the build must not run without options: this one reads the whole system. */
const WITHOUT_WARM_UP = ['smc_dbg'];

/** Writes the caches of all commands. */
exports.writeCaches = async () => {
  for (const file of readdirSync(__dirname)) {
    const name = file.slice(0, -'.cjs'.length);
    if (!file.endsWith('.cjs') || LAUNCHERS.includes(name)) continue;
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

if (require.main === module) exports.writeCaches();
