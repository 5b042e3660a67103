// SPDX-License-Identifier: MIT
import t, { type Test } from 'tap';
import { type ByteOrder, hostByteOrder } from '../../src/netlink/codec.ts';
import { tracer } from '../../src/netlink/debug.ts';
import { GenericNetlink } from '../../src/netlink/genetlink.ts';
import { extendedAck } from '../../src/netlink/uapi/netlink.ts';
import { smcGenNetlink, smcPnetid } from '../../src/netlink/uapi/smc.ts';
import { SmcClient } from '../../src/smc/client.ts';
import { Errno, FakeKernel } from '../helpers/fake-kernel.ts';

const NUMBERS = /seq=\d+ port=\d+/;

/** Runs something under the tracer; sequence numbers and port ids of replies are checked and taken out. */
async function trace(
  kernel: FakeKernel,
  run: (netlink: GenericNetlink) => Promise<unknown>,
  order: ByteOrder = kernel.order,
): Promise<string[]> {
  const lines: string[] = [];
  const netlink = await GenericNetlink.open({
    transport: kernel,
    trace: tracer((line) => lines.push(line), order),
  });
  await run(netlink).catch(() => {});
  netlink.close();
  return lines.map((line) => line.replace(NUMBERS, line.startsWith('>') ? 'seq=N port=0' : 'seq=N port=P'));
}

async function check(t: Test, order: ByteOrder): Promise<void> {
  const kernel = new FakeKernel(order)
    .serve(smcPnetid, {
      GET: () => [{ name: 'NET1', ethName: 'eth0', ibName: 'n/a', ibPort: 255 }],
      ADD: () => {
        throw new Errno('EPERM');
      },
    })
    .serve(smcGenNetlink, {
      GET_LGR_SMCD: () => [{ lgrSmcd: { id: 256, gid: 0xffffffffffffffffn, v2Common: { peerHost: 'z' } } }],
    });
  t.strictSame(
    await trace(kernel, async (netlink) => {
      await netlink.dumpAll(smcPnetid.GET);
      await netlink.do(smcPnetid.FLUSH, {}).catch(() => {});
      await netlink.dumpAll(smcGenNetlink.GET_LGR_SMCD);
      await netlink.do(smcPnetid.ADD, { name: 'NET1', ethName: 'eth0' });
    }),
    [
      '> SMC_PNETID GETFAMILY type=16 seq=N port=0 len=36 flags=REQUEST|ACK {"command":3,"version":1,"reserved":0} {"familyName":"SMC_PNETID"}',
      '< SMC_PNETID GETFAMILY type=16 seq=N port=P len=96 {"command":1,"version":1,"reserved":0} {"familyId":30,"familyName":"SMC_PNETID","version":1,"operations":[{"id":1,"flags":0},{"id":2,"flags":0}]}',
      '< SMC_PNETID GETFAMILY type=2 seq=N port=P len=36 ACK errno=0',
      '> SMC_PNETID GET type=30 seq=N port=0 len=20 flags=REQUEST|DUMP {"command":1,"version":1,"reserved":0}',
      '< SMC_PNETID GET type=30 seq=N port=P len=60 flags=MULTI {"command":1,"version":1,"reserved":0} {"name":"NET1","ethName":"eth0","ibName":"n/a","ibPort":255}',
      '< SMC_PNETID GET type=3 seq=N port=P len=20 flags=MULTI DONE errno=0',
      '> SMC_PNETID FLUSH type=30 seq=N port=0 len=20 flags=REQUEST|ACK {"command":4,"version":1,"reserved":0}',
      '< SMC_PNETID FLUSH type=2 seq=N port=P len=36 ERROR errno=95',
      '> SMC_GEN_NETLINK GETFAMILY type=16 seq=N port=0 len=40 flags=REQUEST|ACK {"command":3,"version":1,"reserved":0} {"familyName":"SMC_GEN_NETLINK"}',
      '< SMC_GEN_NETLINK GETFAMILY type=16 seq=N port=P len=80 {"command":1,"version":1,"reserved":0} {"familyId":31,"familyName":"SMC_GEN_NETLINK","version":1,"operations":[{"id":4,"flags":0}]}',
      '< SMC_GEN_NETLINK GETFAMILY type=2 seq=N port=P len=36 ACK errno=0',
      '> SMC_GEN_NETLINK GET_LGR_SMCD type=31 seq=N port=0 len=20 flags=REQUEST|DUMP {"command":4,"version":1,"reserved":0}',
      '< SMC_GEN_NETLINK GET_LGR_SMCD type=31 seq=N port=P len=88 flags=MULTI {"command":4,"version":1,"reserved":0} {"lgrSmcd":{"id":256,"gid":"18446744073709551615","v2Common":{"peerHost":"z"}}}',
      '< SMC_GEN_NETLINK GET_LGR_SMCD type=3 seq=N port=P len=20 flags=MULTI DONE errno=0',
      '> SMC_PNETID ADD type=30 seq=N port=0 len=44 flags=REQUEST|ACK {"command":2,"version":1,"reserved":0} {"name":"NET1","ethName":"eth0"}',
      '< SMC_PNETID ADD type=2 seq=N port=P len=36 ERROR errno=1',
    ],
  );
}

t.test('messages as lines', (t) => check(t, hostByteOrder));
t.test('messages as lines, other byte order', (t) => check(t, hostByteOrder === 'LE' ? 'BE' : 'LE'));

t.test('bytes that cannot be decoded are dumped', async (t) => {
  const kernel = new FakeKernel('LE').serve(smcPnetid, {}, 30);
  kernel.raw = (request) =>
    request.type === 30
      ? [kernel.message(request, Buffer.from('010100000600040001ff0000', 'hex'), 30, 2)]
      : undefined;
  const lines = await trace(kernel, (netlink) => netlink.dumpAll(smcPnetid.GET));
  t.equal(
    lines.at(-1),
    '< SMC_PNETID GET type=30 seq=N port=P len=28 flags=MULTI undecodable (PNETID.ibPort (attribute 4): 2 bytes, u8 needs 1): 010100000600040001ff0000',
  );
});

t.test('the kernel’s own words are shown', async (t) => {
  const kernel = new FakeKernel('LE').serve(smcPnetid, {}, 30);
  kernel.raw = (request) => {
    if (request.type !== 30) return undefined;
    const status = Buffer.alloc(4);
    status.writeInt32LE(-22);
    const tlvs = extendedAck.encode({ msg: 'Unknown attribute type' }, 'LE');
    return [kernel.message(request, Buffer.concat([status, Buffer.alloc(16), tlvs]), 2, 0x300)];
  };
  let message = '';
  const lines = await trace(kernel, (netlink) =>
    netlink.do(smcPnetid.FLUSH, {}).catch((error: Error) => {
      message = error.message;
    }),
  );
  t.match(lines.at(-1), /ERROR errno=22 "Unknown attribute type"$/);
  t.equal(message, 'request SMC_PNETID FLUSH: EINVAL (Unknown attribute type)', 'and are in the error');
});

t.test('an ERROR that is too short is dumped', async (t) => {
  const kernel = new FakeKernel('LE').serve(smcPnetid, {}, 30);
  kernel.raw = (request) =>
    request.type === 30 ? [kernel.message(request, Buffer.from([1, 2]), 2)] : undefined;
  const lines = await trace(kernel, (netlink) => netlink.dumpAll(smcPnetid.GET));
  t.match(lines.at(-1), /len=18 undecodable \(ERROR with 2 bytes, 4 are needed\): 0102$/);
});

t.test('sockets: bytes in hexadecimal, 64 bit in decimal', async (t) => {
  const kernel = new FakeKernel('LE');
  const zero = new Uint8Array(16);
  const id = {
    sourcePort: 1,
    destinationPort: 2,
    source: zero,
    destination: zero,
    interface: 0,
    cookieLow: 1,
    cookieHigh: 0,
  };
  kernel.sockets = () => [{ family: 43, state: 1, mode: 0, shutdown: 0, id, uid: 0, inode: 1n << 60n }];
  const lines: string[] = [];
  const client = new SmcClient({
    transport: kernel,
    hostRoot: t.testdir({}),
    trace: tracer((line) => lines.push(line), 'LE'),
  });
  for await (const _ of client.sockets());
  client.close();
  const row = lines.find((line) => line.startsWith('< SOCK_DIAG SMC sockets type=20'));
  t.match(row, '"inode":"1152921504606846976"');
  t.match(row, `"source":"${'00'.repeat(16)}"`);
});
