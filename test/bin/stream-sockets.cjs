// SPDX-License-Identifier: MIT
// Runs the built smcss against a table of N made-up sockets that are never in memory at once, and prints the peak
// resident memory in KiB on stderr. Arguments: N, then those of smcss. Writes the listing to its standard output.
const [count, ...argv] = process.argv.slice(2);
const total = Number(count);
const { run } = require('../../dist/commands/smcss.cjs');

const ROW = 16 + 64 + 8 + 12; // message header, smc_diag_msg, SHUTDOWN, FALLBACK
const ROWS_PER_DATAGRAM = Math.floor(32_000 / ROW);

/** One datagram of ACTIVE sockets with TCP as their mode, in the byte order of this machine as the addon would. */
function datagram(sequence, first) {
  const rows = Math.min(ROWS_PER_DATAGRAM, total - first);
  const data = Buffer.alloc(rows * ROW);
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  for (let row = 0; row < rows; row++) {
    const at = row * ROW;
    view.setUint32(at, ROW, true);
    view.setUint16(at + 4, 20, true);
    view.setUint16(at + 6, 2, true);
    view.setUint32(at + 8, sequence, true);
    data.set([43, 1, 1, 0], at + 16);
    view.setUint16(at + 20, 1024 + (row % 60_000));
    view.setUint16(at + 22, 80);
    data.set([10, 0, 0, 1], at + 24);
    data.set([10, 0, 0, 2], at + 40);
    view.setUint32(at + 60, first + row, true);
    view.setBigUint64(at + 72, BigInt(first + row), true);
    data.set([5, 0, 3, 0, 0, 0, 0, 0, 12, 0, 5, 0, 0, 0, 1, 3, 0, 0, 0, 0], at + 80);
  }
  return data;
}

function done(sequence) {
  const data = Buffer.alloc(20);
  data.writeUInt32LE(20, 0);
  data.writeUInt16LE(3, 4);
  data.writeUInt32LE(sequence, 8);
  return data;
}

const transport = {
  order: 'LE',
  async open() {
    let deliver;
    return {
      on(event, listener) {
        if (event === 'message') deliver = listener;
      },
      send(request, _options, callback) {
        callback();
        const sequence = request.readUInt32LE(8);
        const isSmc = request[16] === 43;
        let first = isSmc ? 0 : total;
        const next = () => {
          if (first >= total) return deliver(done(sequence), { port: 0 });
          deliver(datagram(sequence, first), { port: 0 });
          first += ROWS_PER_DATAGRAM;
          setImmediate(next);
        };
        setImmediate(next);
      },
      address: () => ({ port: 0 }),
      close() {},
    };
  },
};

run(argv, { transport }).then(() => process.stderr.write(`${process.resourceUsage().maxRSS}\n`));
