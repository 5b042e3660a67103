// SPDX-License-Identifier: MIT
/** Calls of the client, each with the answers that a kernel gave to it: what is damaged afterwards. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RawSocket, Transport } from '../../../src/netlink/transport.ts';
import { smcPnetid } from '../../../src/netlink/uapi/smc.ts';
import { player } from '../../../src/recording/player.ts';
import { parseRecording, type Recording } from '../../../src/recording/recording.ts';
import { SmcClient } from '../../../src/smc/client.ts';
import { Errno, type FakeKernel, ipv4Row } from '../../helpers/fake-kernel.ts';
import { inspectedKernel } from '../../helpers/inspected-kernel.ts';

/** A call, and how it goes when nothing is damaged. */
export interface Session {
  name: string;
  order: 'LE' | 'BE';
  call: Call;
  /** in the order of the call */
  exchanges: { protocol: number; request: Buffer; replies: Buffer[] }[];
  /** in JSON */
  outcome: string;
}

export type Call = (client: SmcClient) => Promise<unknown>;

/** There is no /proc: every list is asked for, whatever is open. */
const NO_HOST = '/nonexistent';

export const clientOf = (transport: Transport): SmcClient => new SmcClient({ transport, hostRoot: NO_HOST });

/** 64-bit numbers and bytes in JSON, too. */
export const json = (value: unknown): string =>
  JSON.stringify(value ?? null, (_key, part) => (typeof part === 'bigint' ? `${part}n` : part));

const CALLS: Record<string, Call> = {
  system: (client) => client.system(),
  smcdDevices: (client) => client.smcdDevices(),
  smcrPorts: (client) => client.smcrPorts(),
  smcdLinkGroups: (client) => client.smcdLinkGroups(),
  smcrLinkGroups: (client) => client.smcrLinkGroups(),
  statistics: (client) => client.statistics(),
  'ueids.list': (client) => client.ueids.list(),
  'ueids.add': (client) => client.ueids.add('NEW'),
  'ueids.remove': (client) => client.ueids.remove('MY.EID'),
  'ueids.flush': (client) => client.ueids.flush(),
  'seid.read': (client) => client.seid.read(),
  'seid.set': (client) => client.seid.set(false),
  'handshakeLimit.isEnabled': (client) => client.handshakeLimit.isEnabled(),
  'handshakeLimit.set': (client) => client.handshakeLimit.set(true),
  'pnet.list': (client) => client.pnet.list(),
  'pnet.add interface': (client) => client.pnet.add({ pnetId: 'NET2', ethName: 'lo' }),
  'pnet.add both': (client) => client.pnet.add({ pnetId: 'NEW', ethName: 'new', ibName: 'new0' }),
  'pnet.add second port': (client) => client.pnet.add({ pnetId: 'NET1', ibName: 'mlx5_bond_0', ibPort: 2 }),
  'pnet.remove': (client) => client.pnet.remove('NET1'),
  'pnet.remove unknown': (client) => client.pnet.remove('NET9'),
  'pnet.flush': (client) => client.pnet.flush(),
  families: (client) => client.families(),
  interfaceAddresses: (client) => client.interfaceAddresses(),
  sockets: (client) => allSockets(client, {}),
  'sockets with details': (client) => allSockets(client, { connection: true, link: true, dmb: true }),
};

async function allSockets(client: SmcClient, details: Parameters<SmcClient['sockets']>[0]): Promise<unknown> {
  const rows: unknown[] = [];
  const sockets = client.sockets(details);
  for (;;) {
    const { done, value } = await sockets.next();
    if (done) return { rows, ...value };
    rows.push(value);
  }
}

/** Keeps the exchanges that go through a transport. */
function listening(inner: Transport): { transport: Transport; exchanges: Session['exchanges'] } {
  const exchanges: Session['exchanges'] = [];
  return {
    exchanges,
    transport: {
      order: inner.order,
      async open(protocol) {
        const socket = await inner.open(protocol);
        const send = socket.send.bind(socket);
        let current: Session['exchanges'][number] | undefined;
        socket.on('message', (data) => current?.replies.push(Buffer.from(data)));
        const wrapped: RawSocket = {
          on: (event: string, listener: unknown) => {
            if (event !== 'message') return socket.on(event as 'error', listener as (error: Error) => void);
            return socket.on('message', listener as (data: Buffer, from: { port: number }) => void);
          },
          send(data, options, callback) {
            current = { protocol, request: Buffer.from(data), replies: [] };
            exchanges.push(current);
            send(data, options, callback);
          },
          address: () => socket.address(),
          close: () => socket.close(),
        };
        return wrapped;
      },
    },
  };
}

/** Recordings answer one listener; this gives each its own. */
function shared(inner: Transport): Transport {
  return {
    order: inner.order,
    async open(protocol) {
      const socket = await inner.open(protocol);
      const listeners: ((data: Buffer, from: { port: number }) => void)[] = [];
      socket.on('message', (data, from) => {
        for (const listener of listeners) listener(data, from);
      });
      const wrapped: RawSocket = {
        on(event: string, listener: unknown) {
          if (event === 'message') listeners.push(listener as (typeof listeners)[number]);
        },
        send: socket.send.bind(socket),
        address: () => socket.address(),
        close: () => socket.close(),
      };
      return wrapped;
    },
  };
}

/** Everything in it, in several rows, and a datagram for each few of them. */
function fakeKernel(order: 'LE' | 'BE'): FakeKernel {
  const id = (sourcePort: number, destinationPort: number, first: number): object => ({
    sourcePort,
    destinationPort,
    source: Uint8Array.of(first, 0, 0, 1, ...new Uint8Array(12)),
    destination: Uint8Array.of(first, 0, 0, 2, ...new Uint8Array(12)),
    interface: 0,
    cookieLow: sourcePort,
    cookieHigh: 0,
  });
  const entry = (name: string, ethName: string, ibName: string, ibPort: number): object => ({
    name,
    ethName,
    ibName,
    ibPort,
  });
  const kernel = inspectedKernel(
    {
      ADD_UEID: () => [],
      REMOVE_UEID: () => [],
      FLUSH_UEID: () => [],
      ENABLE_SEID: () => [],
      DISABLE_SEID: () => [],
      ENABLE_HS_LIMITATION: () => [],
      DISABLE_HS_LIMITATION: () => [],
      GET_DEV_SMCR: () =>
        ['mlx5_bond_0', 'rxe0', 'rxe1'].map((ibName) => ({
          devSmcr: {
            ibName,
            port: { pnetUser: 1, pnetId: 'NET1', valid: 1, state: 1 },
            port2: { pnetUser: 1, pnetId: 'NET1', valid: 1, state: 0 },
          },
        })),
      GET_DEV_SMCD: () => [1, 2].map((useCount) => ({ devSmcd: { useCount, pciId: '0000:00:00.0' } })),
    },
    order,
  ).serve(smcPnetid, {
    GET: () => [
      entry('NET1', 'eth0', 'n/a', 255),
      entry('NET1', 'n/a', 'mlx5_bond_0', 1),
      entry('NET3', 'eth3', 'n/a', 255),
    ],
    ADD: ({ ibPort, ibName }) => {
      if (ibPort === 3) throw new Errno('EINVAL');
      if (ibName === 'mlx5_bond_0') throw new Errno('EEXIST');
      return [];
    },
    DEL: ({ name }) => {
      if (name === 'NET9') throw new Errno('ENOENT');
      return [];
    },
    FLUSH: () => [],
  });
  kernel.sockets = () => [
    {
      family: 43,
      state: 1,
      mode: 0,
      shutdown: 0,
      id: id(80, 1000, 10),
      uid: 0,
      inode: 1n,
      attributes: { shutdown: 0, fallback: { reason: 0, peerDiagnosis: 0 } },
    },
    {
      family: 43,
      state: 1,
      mode: 2,
      shutdown: 0,
      id: id(81, 1001, 10),
      uid: 5,
      inode: 2n,
      attributes: { shutdown: 0, dmb: { linkId: 1, peerGid: 1n, myGid: 2n, token: 3n, peerToken: 4n } },
    },
    {
      family: 2,
      state: 1,
      mode: 1,
      shutdown: 0,
      id: id(82, 1002, 0),
      uid: 5,
      inode: 3n,
      attributes: { shutdown: 3, fallback: { reason: 0x03010000, peerDiagnosis: 0 } },
    },
  ];
  kernel.tcpSockets = ({ family }) =>
    family === 2
      ? [80, 81, 82].map((port) => ({
          family: 2,
          state: 1,
          timer: 0,
          retransmits: 0,
          id: id(port, port + 920, 10),
        }))
      : [{ family: 10, state: 10, timer: 0, retransmits: 0, id: id(90, 0, 0) }];
  kernel.addresses = () => [ipv4Row(1, '127.0.0.1/8'), ipv4Row(2, '10.0.0.1/24')];
  return kernel;
}

const FIXTURES = fileURLToPath(new URL('../../fixtures', import.meta.url));

function recordings(): { name: string; make: () => Transport }[] {
  const read = (...path: string[]): Recording =>
    parseRecording(readFileSync(join(FIXTURES, ...path), 'utf8'));
  return readdirSync(FIXTURES)
    .filter((scene) => existsSync(join(FIXTURES, scene, 'netlink.jsonl')))
    .flatMap((scene) => [
      { name: scene, make: () => shared(player(read(scene, 'netlink.jsonl'))) },
      ...readdirSync(join(FIXTURES, scene, 'writes')).map((file) => ({
        name: `${scene}/${file}`,
        make: () => shared(player(read(scene, 'writes', file))),
      })),
    ]);
}

/** All calls against all kernels that answer them. */
export async function sessions(): Promise<Session[]> {
  const found: Session[] = [];
  const kernels = [
    { name: 'fake LE', make: (): Transport => fakeKernel('LE') },
    { name: 'fake BE', make: (): Transport => fakeKernel('BE') },
    ...recordings(),
  ];
  for (const { name, make } of kernels)
    for (const [title, call] of Object.entries(CALLS)) {
      const { transport, exchanges } = listening(make());
      const client = clientOf(transport);
      const outcome = await settled(call(client));
      client.close();
      // recordings do not have everything
      if (outcome.includes('ERR_NOT_RECORDED') || exchanges.some(({ replies }) => replies.length === 0))
        continue;
      found.push({ name: `${name}: ${title}`, order: transport.order, call, exchanges, outcome });
    }
  return found;
}

/** What came of a call, as text: a result, or a failure with its code. */
export async function settled(promise: Promise<unknown>): Promise<string> {
  try {
    return `result ${json(await promise)}`;
  } catch (error) {
    const { name, code, message } = error as Error & { code?: string };
    return `${name} ${code}: ${message}`;
  }
}
