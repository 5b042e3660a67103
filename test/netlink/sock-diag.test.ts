// SPDX-License-Identifier: MIT
import t from 'tap';
import { SockDiag } from '../../src/netlink/sock-diag.ts';
import { smcSocketDump, smcSocketRequest } from '../../src/smc/sockets.ts';
import { Errno, FakeKernel } from '../helpers/fake-kernel.ts';

const id = {
  sourcePort: 5201,
  destinationPort: 40000,
  source: new Uint8Array([10, 0, 0, 1, ...Array(12).fill(0)]),
  destination: new Uint8Array([10, 0, 0, 2, ...Array(12).fill(0)]),
  interface: 3,
  cookieLow: 0x11111111,
  cookieHigh: 0x22222222,
};
const message = { family: 43, state: 1, mode: 2, shutdown: 0, id, uid: 1000, inode: 4711n };

for (const order of ['LE', 'BE'] as const)
  t.test(`${order}: rows of a dump`, async (t) => {
    const kernel = new FakeKernel(order);
    let asked: Record<string, unknown> = {};
    kernel.sockets = (request) => {
      asked = request;
      return [
        { ...message, attributes: { shutdown: 1, fallback: { reason: 2, peerDiagnosis: 3 } } },
        message,
      ];
    };
    const diag = await SockDiag.open({ transport: kernel });
    t.teardown(() => diag.close());
    const rows = [];
    for await (const row of diag.dump(smcSocketDump, smcSocketRequest({ connection: true, dmb: true })))
      rows.push(row);
    t.equal(asked['family'], 43);
    t.equal(asked['extensions'], 0x09);
    t.equal(rows.length, 2);
    const [first, second] = rows;
    t.match(first, {
      family: 43,
      state: 1,
      mode: 2,
      uid: 1000,
      inode: 4711n,
      id: {
        sourcePort: 5201,
        destinationPort: 40000,
        interface: 3,
        cookieLow: 0x11111111,
        cookieHigh: 0x22222222,
      },
      attributes: { shutdown: 1, fallback: { reason: 2, peerDiagnosis: 3 } },
    });
    t.strictSame([...first!.id.source.subarray(0, 4)], [10, 0, 0, 1]);
    t.strictSame(second!.attributes, {});
  });

t.test('errors name the kind of socket', async (t) => {
  const kernel = new FakeKernel();
  const diag = await SockDiag.open({ transport: kernel });
  t.teardown(() => diag.close());
  const request = smcSocketRequest({});
  const dump = () => diag.dump(smcSocketDump, request).next();
  await t.rejects(dump(), { op: 'dump', code: 'ENOENT', family: 'SOCK_DIAG', command: 'SMC sockets' });
  kernel.sockets = () => {
    throw new Errno('ENOMEM', []);
  };
  await t.rejects(dump(), { op: 'dump', code: 'ENOMEM' });
  kernel.raw = (ask) => [kernel.message(ask, Buffer.alloc(63), 20, 2)];
  await t.rejects(dump(), {
    op: 'decode',
    code: 'ERR_MALFORMED',
    detail: '63 bytes, struct smc_diag_msg needs 64',
    command: 'SMC sockets',
  });
});

t.test('decoded rows do not hold the receive buffer', async (t) => {
  const kernel = new FakeKernel();
  kernel.datagramSize = 32_768;
  kernel.sockets = () => Array.from({ length: 100 }, () => message);
  const diag = await SockDiag.open({ transport: kernel });
  t.teardown(() => diag.close());
  for await (const { id } of diag.dump(smcSocketDump, smcSocketRequest({}))) {
    if (id.source.buffer.byteLength !== 16) t.fail(`${id.source.buffer.byteLength} bytes are held`);
    if (id.destination.buffer.byteLength !== 16) t.fail('held by the destination');
  }
  t.pass('16 bytes each');
});
