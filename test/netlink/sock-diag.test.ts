// SPDX-License-Identifier: MIT
import t from 'tap';
import { SockDiag } from '../../src/netlink/sock-diag.ts';
import type { RawAddresses } from '../../src/smc/socket-decoder.ts';
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

/** Nobody looks at the addresses. */
const anySockets = smcSocketDump(() => {});

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
    const addresses: number[][] = [];
    const dump = smcSocketDump((_socket, { data, source, destination }: RawAddresses) => {
      addresses.push([...data.subarray(source, source + 4), ...data.subarray(destination, destination + 4)]);
    });
    for await (const row of diag.dump(dump, smcSocketRequest({ connection: true, dmb: true })))
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
      id: { interface: 3, cookieLow: 0x11111111, cookieHigh: 0x22222222 },
      local: { address: undefined, port: 5201 },
      peer: { address: undefined, port: 40000 },
      attributes: { shutdown: 1, fallback: { reason: 2, peerDiagnosis: 3 } },
    });
    t.strictSame(addresses[0], [10, 0, 0, 1, 10, 0, 0, 2]);
    t.strictSame(second!.attributes, {});
  });

t.test('errors name the kind of socket', async (t) => {
  const kernel = new FakeKernel();
  const diag = await SockDiag.open({ transport: kernel });
  t.teardown(() => diag.close());
  const request = smcSocketRequest({});
  const dump = () => diag.dump(anySockets, request).next();
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
  const attributes = {
    link: { linkId: 1, ibName: 'mlx5_0', ibPort: 1, gid: '::', peerGid: '::', role: 0 },
    fallback: { reason: 1, peerDiagnosis: 2 },
  };
  kernel.sockets = () => [{ ...message, attributes }];
  const diag = await SockDiag.open({ transport: kernel });
  t.teardown(() => diag.close());
  const views = (value: unknown): unknown[] =>
    ArrayBuffer.isView(value)
      ? [value]
      : typeof value === 'object' && value !== null
        ? Object.values(value).flatMap(views)
        : [];
  t.equal(views({ id }).length, 2, 'a view would be found');
  for await (const row of diag.dump(anySockets, smcSocketRequest({}))) t.strictSame(views(row), []);
});

t.test('rows come one by one, or all that are there', async (t) => {
  const kernel = new FakeKernel();
  kernel.datagramSize = 3 * 100;
  kernel.sockets = () => Array.from({ length: 7 }, (_, i) => ({ ...message, uid: i }));
  const diag = await SockDiag.open({ transport: kernel });
  t.teardown(() => diag.close());
  const dump = diag.dump(anySockets, smcSocketRequest({}));
  const uids = (rows: { uid: number }[] | undefined): number[] | undefined => rows?.map(({ uid }) => uid);
  t.equal((await dump.next()).value?.uid, 0);
  t.strictSame(uids(await dump.nextRows()), [1, 2], 'the rest of the datagram');
  t.strictSame(uids(await dump.nextRows()), [3, 4, 5]);
  t.equal((await dump.next()).value?.uid, 6);
  t.equal(await dump.nextRows(), undefined);
  t.strictSame(await dump.next(), { done: true, value: undefined });
});
