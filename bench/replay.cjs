// SPDX-License-Identifier: MIT
// Runs a bundle of smcss against a dump in a file, and prints the CPU time of that in microseconds on standard error, or
// writes it to the file REPLAY_RESULT after REPLAY_LISTS dumps, by the key q, without the start of Node. Arguments: bundle, directory with
// the dump for each request (replay.mjs), then those of smcss.
const { readFileSync, writeFileSync } = require('node:fs');
const { join, resolve } = require('node:path');
const [bundle = '', directory = '', ...argv] = process.argv.slice(2);
const { run } = require(resolve(bundle));

/** @param {number} sequence */
function done(sequence) {
  const data = Buffer.alloc(20);
  data.writeUInt32LE(20, 0);
  data.writeUInt16LE(3, 4);
  data.writeUInt32LE(sequence, 8);
  return data;
}

/** CPU time for reading and readdressing the dump, which is not that of smcss. */
let making = 0;
let dumps = 0;

/** @param {number} extensions @param {number} sequence */
function dump(extensions, sequence) {
  const { user, system } = process.cpuUsage();
  if (++dumps === Number(process.env['REPLAY_LISTS'])) process.stdin.emit('data', Buffer.from('q'));
  const file = readFileSync(join(directory, String(extensions)));
  const datagrams = [];
  for (let at = 0; at < file.length; ) {
    const end = at + 4 + file.readUInt32LE(at);
    const datagram = file.subarray(at + 4, end);
    for (let message = 0; message < datagram.length; message += (datagram.readUInt32LE(message) + 3) & ~3)
      datagram.writeUInt32LE(sequence, message + 8);
    datagrams.push(datagram);
    at = end;
  }
  const now = process.cpuUsage({ user, system });
  making += now.user + now.system;
  return datagrams;
}

const transport = {
  order: 'LE',
  async open() {
    /** @type {(data: Buffer, from: { port: number }) => void} */
    let deliver = () => {};
    return {
      on(/** @type {string} */ event, /** @type {typeof deliver} */ listener) {
        if (event === 'message') deliver = listener;
      },
      send(
        /** @type {Buffer} */ request,
        /** @type {undefined} */ _options,
        /** @type {() => void} */ callback,
      ) {
        callback();
        const sequence = request.readUInt32LE(8);
        const datagrams = request[16] === 43 ? dump(request[19] ?? 0, sequence) : [];
        datagrams.push(done(sequence));
        let at = 0;
        const next = () => {
          const datagram = datagrams[at++];
          if (!datagram) return;
          deliver(datagram, { port: 0 });
          setImmediate(next);
        };
        setImmediate(next);
      },
      address: () => ({ port: 0 }),
      close() {},
    };
  },
};

const begin = process.cpuUsage();
run(argv, { transport }).then(() => {
  const { user, system } = process.cpuUsage(begin);
  const cost = user + system - making;
  const file = process.env['REPLAY_RESULT'];
  if (file) writeFileSync(file, String(cost / dumps));
  else process.stderr.write(`${cost}\n`);
});
