// SPDX-License-Identifier: MIT
/**
 * Writes the V8 code caches with which load.cjs starts the commands:
 *
 *     node dist/commands/write-caches.cjs
 *
 * The build does this, and a distribution may when it installs the package; else each user gets caches of his own. Plain
 * CommonJS, copied to dist/commands/ unchanged, beside the bundles that it compiles.
 */
const { readdirSync } = require('node:fs');
const { join } = require('node:path');
const { compile, write } = require('./load.cjs');

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

/** What is run besides `--version` and `--help`: nothing, but for commands that would not end then. */
const RUNS = { smc_exporter: ['--once'] };

const nowhere = { write() {}, flush() {}, error() {}, isTerminal: false, env: {} };

/** Writes the caches of all bundles. */
exports.writeCaches = async () => {
  for (const file of readdirSync(__dirname)) {
    const [name] = /^smc\w+(?=.*\.cjs$)/.exec(file) ?? []; // of several commands, the first
    if (!name) continue;
    const { script, bundle, identity, run } = compile(name, false);
    // functions that run now are cached as code; the others are compiled when they are needed
    for (const argv of [['--version'], ['--help'], RUNS[name] ?? []])
      await run(argv, { io: nowhere, transport: emptyKernel });
    write(join(__dirname, `${bundle}.cache`), identity, script, 0o644);
  }
};

if (require.main === module) exports.writeCaches();
