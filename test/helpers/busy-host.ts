// SPDX-License-Identifier: MIT
/** A host with SMC-R, SMC-D and fallbacks whose counters go on, for the page of smc_exporter. */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { LookOptions } from '../../src/commands/smc_exporter/page/look.ts';
import { smcGenNetlink, smcPnetid } from '../../src/netlink/uapi/smc.ts';
import { connectionInfo } from '../../src/netlink/uapi/smc-diag.ts';
import { Reader } from '../../src/smc/reading.ts';
import { type FakeKernel, ipv4Row } from './fake-kernel.ts';
import { type Files, networkInterface, pciFunction, rdmaDevice } from './host-trees.ts';
import { inspectedKernel, ROCE } from './inspected-kernel.ts';
import { ACTIVE, listener, SMCD, SMCR, TCP } from './smc-sockets.ts';
import { PATIENCE_S } from './wait.ts';

const SIZE = 65_536;

/** Bytes that a connection moves from one step to the next; half of what is trusted of a buffer. */
const STEP = 20_000_000;

interface Connection {
  mode: number;
  local: string;
  peer: string;
  inode: number;
  /** its part of STEP */
  share: number;
  fallback?: { reason: number; peerDiagnosis: number };
}

const TO_DATABASE: readonly Connection[] = Array.from({ length: 14 }, (_, at) => ({
  mode: SMCR,
  local: `10.9.0.1:${40_000 + at}`,
  peer: '10.9.0.2:5432',
  inode: 500 + at,
  share: 1 / (at + 1),
}));

const CONNECTIONS: readonly Connection[] = [
  ...TO_DATABASE,
  ...Array.from({ length: 3 }, (_, at) => ({
    mode: SMCD,
    local: `10.9.0.1:${41_000 + at}`,
    peer: '10.9.0.9:1414',
    inode: 600 + at,
    share: 0.4 / (at + 1),
  })),
  ...Array.from({ length: 2 }, (_, at) => ({
    mode: TCP,
    local: `10.9.0.1:8080`,
    peer: `192.0.2.7:${50_000 + at}`,
    inode: 700 + at,
    share: 0,
    fallback: { reason: 0x03010000, peerDiagnosis: 0 },
  })),
  {
    mode: TCP,
    local: '10.9.0.1:42000',
    peer: '10.9.0.3:6379',
    inode: 710,
    share: 0,
    fallback: { reason: 0x05000000, peerDiagnosis: 0x03030000 },
  },
];

const bytesOf = (text: string): Uint8Array =>
  Uint8Array.from([...text.split('.').map(Number), ...Array(12).fill(0)]);

function row(connection: Connection, at: number, moved: number): object {
  const end = (text: string): [Uint8Array, number] => {
    const [host = '', port] = text.split(':');
    return [bytesOf(host), Number(port)];
  };
  const [source, sourcePort] = end(connection.local);
  const [destination, destinationPort] = end(connection.peer);
  const cursor = (bytes: number) => ({
    reserved: 0,
    wrap: Math.floor(bytes / SIZE) % 0x1_0000,
    count: bytes % SIZE,
  });
  const sent = Math.round(moved * connection.share);
  const received = Math.round(sent / 3);
  return {
    family: 43,
    state: ACTIVE,
    mode: connection.mode,
    shutdown: 0,
    uid: 1000,
    inode: BigInt(connection.inode),
    id: { sourcePort, destinationPort, source, destination, interface: 0, cookieLow: at + 1, cookieHigh: 1 },
    attributes: {
      shutdown: 0,
      fallback: connection.fallback ?? { reason: 0, peerDiagnosis: 0 },
      ...(connection.mode !== TCP && {
        connection: {
          ...connectionInfo.decode(Buffer.alloc(76), 0, 76, 'LE'),
          rmbeSize: SIZE,
          peerRmbeSize: SIZE,
          txProd: cursor(sent),
          rxProd: cursor(received),
          txCons: cursor(Math.max(0, received - 9000)),
        },
      }),
    },
  };
}

const V2 = { version: 2, release: 1, peerOs: 2, negotiatedEid: 'SMC.EXAMPLE', peerHost: 'beta' };
const link = (id: number, ibDev: string, netDev: number, last: number, state = 3) => ({
  id,
  ibDev,
  ibPort: 1,
  gid: `0000:0000:0000:0000:0000:ffff:0a09:${last.toString(16).padStart(4, '0')}`,
  peerGid: `0000:0000:0000:0000:0000:ffff:0a09:${(last + 1).toString(16).padStart(4, '0')}`,
  connCnt: 7,
  netDev,
  uid: 0x100 + id,
  peerUid: 0x200 + id,
  state,
});

const group = (id: number, peerHost: string, connsNum: number, type: number) => ({
  id,
  role: 0,
  type,
  pnetId: 'NET1',
  vlanId: 0,
  connsNum,
  v2Common: { ...V2, peerHost },
  v2: { direct: 1, maxConns: 255, maxLinks: 2 },
  netCookie: 1n,
  bufType: 0,
  sndbufAlloc: BigInt(connsNum * SIZE),
  rmbAlloc: BigInt(connsNum * SIZE),
});

const roce = (ibName: string, netDev: number, state: number) => ({
  ...ROCE,
  ibName,
  port: { pnetUser: 1, pnetId: 'NET1', netDev, state, valid: 1, linkCount: state },
  port2: { netDev: 0, state: 0, valid: 0 },
});

const port = (name: string, last: number) => ({
  state: '4: ACTIVE',
  physState: '5: LinkUp',
  rate: '100 Gb/sec (4X EDR)',
  gids: [[`0000:0000:0000:0000:0000:ffff:0a09:000${last}`, 'v2', name] as [string, 'v2', string]],
});

/** Files of a recorded kernel, for the checks. */
function recordedFiles(): Files {
  const host = fileURLToPath(new URL('../fixtures/6.12-smcr/host/', import.meta.url));
  const names = readdirSync(host, { recursive: true, encoding: 'utf8' });
  return Object.fromEntries(
    names
      .filter((name) => RECORDED.test(name))
      .flatMap((name): [string, string | { link: string }][] => {
        const kind = lstatSync(`${host}${name}`);
        if (kind.isSymbolicLink()) return [[name, { link: readlinkSync(`${host}${name}`) }]];
        return kind.isFile() ? [[name, readFileSync(`${host}${name}`, 'utf8')]] : [];
      }),
  );
}

/** proc/net and proc/self are links. */
const RECORDED = /^(?:proc\/(?!\d+\/fd|net\/|self\/)|dev\/kmsg|sys\/module\/smc)/;

export const busyHostFiles = (): Files => ({
  ...recordedFiles(),
  ...networkInterface('eth0', { index: 2, mtu: 9000, parent: ['pci', '0000:01:00.0'], driver: 'mlx5_core' }),
  ...networkInterface('eth1', { index: 3, mtu: 9000, parent: ['pci', '0000:01:00.1'], driver: 'mlx5_core' }),
  ...pciFunction('0000:01:00.0', { vendor: '15b3', device: '1019', infiniband: ['mlx5_0'], net: ['eth0'] }),
  ...pciFunction('0000:01:00.1', { vendor: '15b3', device: '1019', infiniband: ['mlx5_1'], net: ['eth1'] }),
  ...rdmaDevice('mlx5_0', { pci: '0000:01:00.0', ports: [port('eth0', 1)] }),
  ...rdmaDevice('mlx5_1', { pci: '0000:01:00.1', ports: [port('eth1', 3)] }),
  ...Object.assign(
    {},
    ...TO_DATABASE.slice(0, 8).map(
      ({ inode }, at): Files => ({
        [`proc/41${at}/fd/7`]: { link: `socket:[${inode}]` },
        [`proc/41${at}/comm`]: 'postgres\n',
        [`proc/41${at}/cgroup`]: '0::/system.slice/replica.service\n',
      }),
    ),
  ),
});

/** How the page looks at it. @param root of its files */
export const lookOptions = ({ kernel }: BusyHost, root: string): LookOptions => ({
  reader: new Reader({ client: { transport: kernel }, root, timeoutMs: PATIENCE_S * 1000 }),
  sockets: { most: 1000, by: [], isRecorded: false },
  atHome: (run) => run(),
  recordedAt: undefined,
});

/** The kernel, and what makes time go on in it. */
export interface BusyHost {
  kernel: FakeKernel;
  /** all connections move data, so many times as usual, and this many are made */
  step(made?: { smc?: number; tcp?: number }, pace?: number): void;
  /** the second port goes down */
  failLink(): void;
}

/** Commands that a current kernel has and the page does not need. */
const UNUSED = Object.fromEntries(
  Object.keys(smcGenNetlink)
    .filter((name) => /^(?:ADD|REMOVE|FLUSH|ENABLE|DISABLE)_|^GET_LGR_SMCR$/.test(name))
    .map((name) => [name, () => []]),
);

export function busyHost(): BusyHost {
  let steps = 0;
  const made = { smc: 1180, tcp: 57, declined: 21 };
  let secondLink = 3;
  const moved = (): number => steps * STEP;
  const bytes = (mode: number): number =>
    CONNECTIONS.filter((connection) => connection.mode === mode).reduce(
      (all, { share }) => all + share * moved(),
      0,
    );
  const kernel = inspectedKernel({
    GET_SYS_INFO: () => [
      { sysInfo: { version: 2, release: 1, isIsmV2: 1, localHost: 'alpha', seid: '', isSmcrV2: 1 } },
    ],
    GET_DEV_SMCR: () => [
      { devSmcr: roce('mlx5_0', 2, 1) },
      { devSmcr: roce('mlx5_1', 3, secondLink === 3 ? 1 : 0) },
    ],
    GET_LINK_SMCR: () => [
      { lgrSmcr: group(0x100, 'beta', 14, secondLink === 3 ? 2 : 1) },
      { linkSmcr: link(1, 'mlx5_0', 2, 1) },
      { linkSmcr: link(2, 'mlx5_1', 3, 3, secondLink) },
      { lgrSmcr: group(0x300, 'gamma', 0, 1) },
      {
        linkSmcr: {
          ...link(1, 'mlx5_0', 2, 1),
          peerGid: 'fe80:0000:0000:0000:0a00:27ff:fe12:3456',
          connCnt: 0,
        },
      },
    ],
    GET_LGR_SMCD: () => [
      {
        lgrSmcd: {
          id: 0x200,
          gid: 0x5244e083631af99en,
          peerGid: 0x5244e083631af99fn,
          vlanId: 0,
          connsNum: 3,
          pnetId: 'NET1',
          chid: 0x7c0n,
          v2Common: { ...V2, peerHost: 'mainframe', peerOs: 1 },
          sndbufAlloc: 196_608n,
          dmbAlloc: 196_608n,
        },
      },
    ],
    GET_STATS: () => [
      {
        stats: {
          smcr: {
            clientV2: BigInt(made.smc),
            txBytes: BigInt(Math.round(bytes(SMCR))),
            rxBytes: BigInt(Math.round(bytes(SMCR) / 3)),
          },
          smcd: {
            clientV2: 96n,
            txBytes: BigInt(Math.round(bytes(SMCD))),
            rxBytes: BigInt(Math.round(bytes(SMCD) / 3)),
          },
          clientHandshakeErrors: 0n,
          serverHandshakeErrors: 0n,
        },
      },
    ],
    GET_FBACK_STATS: () =>
      [
        {
          type: 1,
          serverTotal: BigInt(made.tcp),
          clientTotal: BigInt(made.declined),
          reasonCode: 0x03010000,
          reasonCount: made.tcp,
        },
        { type: 0, reasonCode: 0x05000000, reasonCount: made.declined },
      ].map((fallback) => ({ fallback })),
    ...UNUSED,
    DUMP_UEID: () => [{ entry: 'SMC.EXAMPLE' }],
    DUMP_SEID: () => [{}],
    DUMP_HS_LIMITATION: () => [{ enabled: 0 }],
  });
  kernel.serve(smcPnetid, {
    GET: () => [
      { name: 'NET1', ethName: 'eth0', ibName: 'n/a', ibPort: 255 },
      { name: 'NET1', ethName: 'eth1', ibName: 'mlx5_0', ibPort: 1 },
    ],
    ADD: () => [],
    DEL: () => [],
    FLUSH: () => [],
  });
  kernel.addresses = () => [ipv4Row(2, '10.9.0.1/24'), ipv4Row(3, '10.9.0.3/24')];
  kernel.sockets = () => [
    ...CONNECTIONS.map((connection, at) => row(connection, at, moved())),
    listener({ from: '0.0.0.0:8080' }),
    listener({ from: '0.0.0.0:5432' }),
  ];
  return {
    kernel,
    step({ smc = 3, tcp = 1 } = {}, pace = 1) {
      steps += pace;
      made.smc += smc;
      made.tcp += tcp;
    },
    failLink() {
      secondLink = 1;
    },
  };
}
