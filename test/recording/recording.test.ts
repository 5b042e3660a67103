// SPDX-License-Identifier: MIT
import t from 'tap';
import { type ByteOrder, hostByteOrder } from '../../src/netlink/codec.ts';
import type { Transport } from '../../src/netlink/transport.ts';
import { smcPnetid } from '../../src/netlink/uapi/smc.ts';
import { player } from '../../src/recording/player.ts';
import { recorder } from '../../src/recording/recorder.ts';
import { formatRecording, parseRecording } from '../../src/recording/recording.ts';
import { SmcClient } from '../../src/smc/client.ts';
import type { PnetEntry } from '../../src/smc/pnet-table.ts';
import type { SmcSocket } from '../../src/smc/sockets.ts';
import { FakeKernel } from '../helpers/fake-kernel.ts';

const foreign: ByteOrder = hostByteOrder === 'LE' ? 'BE' : 'LE';
const hostRoot = t.testdir({ proc: { net: { protocols: 'protocol size sockets\nSMC 1 3\n' } } });

function kernelOf(order: ByteOrder): FakeKernel {
  const kernel = new FakeKernel(order).serve(smcPnetid, {
    GET: () =>
      Array.from({ length: 20 }, (_, i) => ({
        name: `NET${i}`,
        ethName: `eth${i}`,
        ibName: 'n/a',
        ibPort: 255,
      })),
    FLUSH: () => [],
  });
  kernel.sockets = () =>
    [1, 2, 3].map((n) => ({
      family: 43,
      state: 1,
      mode: 2,
      shutdown: 0,
      id: {
        sourcePort: 5201,
        destinationPort: 40_000 + n,
        source: new Uint8Array([10, 0, 0, 1, ...Array(12).fill(0)]),
        destination: new Uint8Array([10, 0, 0, n, ...Array(12).fill(0)]),
        interface: n,
        cookieLow: n,
        cookieHigh: 0,
      },
      uid: n,
      inode: BigInt(n),
      attributes: { shutdown: n },
    }));
  return kernel;
}

async function readAll(transport: Transport): Promise<{ table: PnetEntry[]; sockets: SmcSocket[] }> {
  const client = new SmcClient({ transport, hostRoot });
  try {
    const table = await client.pnet.list();
    const sockets: SmcSocket[] = [];
    for await (const socket of client.sockets()) sockets.push(socket);
    return { table, sockets };
  } finally {
    client.close();
  }
}

for (const order of [hostByteOrder, foreign])
  t.test(`${order}: record, format, parse, replay`, async (t) => {
    const { transport, recording } = recorder(kernelOf(order), { kernel: '6.12.0-test' });
    const original = await readAll(transport);
    t.equal(original.table.length, 20);
    t.strictSame(
      original.sockets.map(({ peer }) => `${peer.address}:${peer.port}`),
      ['10.0.0.1:40001', '10.0.0.2:40002', '10.0.0.3:40003'],
    );
    const text = formatRecording(recording);
    const lines = text.split('\n');
    t.equal(
      lines[0],
      `{"format":"smc-tools-recording","version":1,"order":"${order}","kernel":"6.12.0-test"}`,
    );
    t.equal(lines.length, 5, 'header, family, table, sockets, and the end of the last line');
    const parsed = parseRecording(text);
    t.strictSame(parsed, recording);
    const replay = player(parsed);
    t.equal(replay.order, order);
    t.strictSame(await readAll(replay), original);
    t.strictSame(await readAll(replay), original, 'as often as wanted');
  });

t.test('the same request again is passed on, and gets the first answer from the recording', async (t) => {
  const kernel = new FakeKernel();
  let count = 0;
  kernel.serve(smcPnetid, { GET: () => [{ name: `N${++count}`, ethName: 'e', ibName: 'n/a', ibPort: 255 }] });
  const names = async (transport: Transport, times: number): Promise<string[]> => {
    const client = new SmcClient({ transport });
    const found: string[] = [];
    for (let i = 0; i < times; i++) found.push(...(await client.pnet.list()).map(({ pnetId }) => pnetId));
    client.close();
    return found;
  };
  const { transport, recording } = recorder(kernel, { kernel: 'test' });
  t.strictSame(await names(transport, 2), ['N1', 'N2']);
  t.strictSame(await names(player(recording), 3), ['N1', 'N1', 'N1']);
});

t.test('a request that was not recorded', async (t) => {
  const { transport, recording } = recorder(kernelOf(hostByteOrder), { kernel: 'test' });
  await readAll(transport);
  const client = new SmcClient({ transport: player(recording) });
  t.teardown(() => client.close());
  await t.rejects(client.pnet.flush(), {
    name: 'NetlinkError',
    op: 'send',
    code: 'ERR_NOT_RECORDED',
    family: 'SMC_PNETID',
    command: 'FLUSH',
    message: 'send SMC_PNETID FLUSH: ERR_NOT_RECORDED',
  });
  t.equal((await client.pnet.list()).length, 20, 'the rest still works');
});

t.test('the protocol belongs to the request', async (t) => {
  const { transport, recording } = recorder(kernelOf(hostByteOrder), { kernel: 'test' });
  await readAll(transport);
  for (const exchange of recording.exchanges) exchange.protocol = 99;
  const client = new SmcClient({ transport: player(recording) });
  t.teardown(() => client.close());
  await t.rejects(client.pnet.list(), { code: 'ERR_NOT_RECORDED' });
});

t.test('recording errors, too', async (t) => {
  const { transport, recording } = recorder(new FakeKernel(), { kernel: 'test' });
  const list = async (over: Transport): Promise<unknown> => {
    const client = new SmcClient({ transport: over, hostRoot });
    try {
      return await client.pnet.list();
    } catch (error) {
      return (error as Error).message;
    } finally {
      client.close();
    }
  };
  const original = await list(transport);
  t.match(original, /smc/);
  t.equal(await list(player(parseRecording(formatRecording(recording)))), original);
});

t.test('damaged files', async (t) => {
  const header = '{"format":"smc-tools-recording","version":1,"order":"LE","kernel":"6.12"}';
  t.strictSame(parseRecording(`${header}\n`).exchanges, [], 'an empty recording is none of them');
  t.equal(
    parseRecording(`${header}\r\n{"protocol":16,"request":"00","replies":["ab"]}\r\n`).exchanges.length,
    1,
  );
  const damaged: Record<string, string> = {
    empty: '',
    'no JSON': 'smcss\n',
    'other JSON': '{"a":1}\n',
    'null header': 'null\n',
    'other version': `${header.replace('"version":1', '"version":2')}\n`,
    'other format': `${header.replace('smc-tools', 'ftp')}\n`,
    'no byte order': `${header.replace('LE', 'XE')}\n`,
    'cut short': `${header}\n{"protocol":16,"request":"2400`,
    'no request': `${header}\n{"protocol":16,"replies":[]}\n`,
    'no replies': `${header}\n{"protocol":16,"request":"00"}\n`,
    'no protocol': `${header}\n{"request":"00","replies":[]}\n`,
    'not hexadecimal': `${header}\n{"protocol":16,"request":"xy","replies":[]}\n`,
    'half a byte': `${header}\n{"protocol":16,"request":"00","replies":["abc"]}\n`,
    'reply is a number': `${header}\n{"protocol":16,"request":"00","replies":[1]}\n`,
    'null exchange': `${header}\nnull\n`,
  };
  for (const [what, text] of Object.entries(damaged))
    t.throws(
      () => parseRecording(text),
      {
        name: 'MalformedError',
        message: 'not a recording of netlink traffic (smc-tools-recording, version 1)',
      },
      what,
    );
});

t.test('a reply that was damaged by hand is a decode error, not a crash', async (t) => {
  const { transport, recording } = recorder(kernelOf(hostByteOrder), { kernel: 'test' });
  await readAll(transport);
  const table = recording.exchanges[1]!;
  for (const replies of [['00'], ['00'.repeat(40)], ['ff'.repeat(40)], [table.replies[0]!.slice(0, -8)]]) {
    const client = new SmcClient({
      transport: player({
        ...recording,
        exchanges: [recording.exchanges[0]!, { ...table, replies }],
      }),
    });
    await t.rejects(client.pnet.list(), { name: 'NetlinkError', op: 'decode', code: 'ERR_MALFORMED' });
    client.close();
  }
});

t.test('a snapshot asks once, and answers by content', async (t) => {
  for (const order of ['LE', 'BE'] as const) {
    const kernel = kernelOf(order);
    const { transport, recording } = recorder(kernel, { kernel: '6.12', isSnapshot: true });
    const client = new SmcClient({ transport, hostRoot });
    const list = async (from: SmcClient, details = {}): Promise<SmcSocket[]> => {
      const rows: SmcSocket[] = [];
      for await (const socket of from.sockets(details)) rows.push(socket);
      return rows;
    };
    const everything = await list(client, { connection: true, link: true, dmb: true });
    t.equal(everything.length, 3);
    const asked = kernel.log.length;
    t.strictSame(await list(client, { link: true }), everything, 'fewer details are in it');
    t.strictSame(await list(client), everything);
    t.equal(kernel.log.length, asked, 'and the kernel is not asked again');
    const table = await client.pnet.list();
    await client.pnet.list();
    t.equal(kernel.log.filter((line) => line === 'SMC_PNETID GET').length, 1);
    client.close();

    const later = new SmcClient({ transport: player(recording), hostRoot });
    t.strictSame(await later.pnet.list(), table, 'in another order');
    t.strictSame(await list(later, { dmb: true }), everything);
    t.strictSame(await later.pnet.list(), table, 'and again');
    await t.rejects(later.pnet.flush(), { code: 'ERR_NOT_RECORDED', command: 'FLUSH' });
    later.close();
  }
});

t.test('a list that was given up is asked for again', async (t) => {
  const kernel = kernelOf('LE');
  const { transport, recording } = recorder(kernel, { kernel: '6.12', isSnapshot: true });
  for (const wanted of [1, 3, 3]) {
    const client = new SmcClient({ transport, hostRoot });
    const rows: SmcSocket[] = [];
    for await (const socket of client.sockets()) if (rows.push(socket) === wanted) break;
    t.equal(rows.length, wanted);
    client.close();
  }
  const client = new SmcClient({ transport: player(recording), hostRoot });
  let count = 0;
  for await (const _ of client.sockets()) count++;
  t.equal(count, 3);
  client.close();
});

t.test('a request that could not be sent is not in the snapshot', async (t) => {
  const nothing = player({ order: 'LE', kernel: '6.12', exchanges: [] });
  const { transport, recording } = recorder(nothing, { kernel: '6.12', isSnapshot: true });
  for (const from of [transport, player(recording)]) {
    const client = new SmcClient({ transport: from, hostRoot });
    await t.rejects(client.system(), { code: 'ERR_NOT_RECORDED' });
    client.close();
  }
});
