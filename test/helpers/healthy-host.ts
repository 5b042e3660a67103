// SPDX-License-Identifier: MIT
/** A host on which every check passes; tests break one thing at a time. */
import type { Test } from 'tap';
import { parseKernelVersion } from '../../src/host/kernel-version.ts';
import type { NetworkInterface } from '../../src/host/network-interfaces.ts';
import type { RdmaDevice, RdmaPort } from '../../src/host/rdma-devices.ts';
import { smcGenNetlink, smcPnetid } from '../../src/netlink/uapi/smc.ts';
import type { Check, CheckDefinition } from '../../src/smc/checks/check.ts';
import { CHECKS } from '../../src/smc/checks/index.ts';
import type { SmcdDevice, SmcrPort } from '../../src/smc/devices.ts';
import type { Host } from '../../src/smc/host.ts';
import type { Statistics, TechnologyStatistics } from '../../src/smc/statistics.ts';

/** A release with all known fixes. */
export const RELEASE = '6.12.120-test';

export const ETH0: NetworkInterface = {
  name: 'eth0',
  index: 2,
  mtu: 9000,
  operstate: 'up',
  flags: 1,
  isUp: true,
  type: 1,
  address: '02:00:00:00:00:01',
  kind: 'ethernet',
  lower: [],
  upper: [],
  parent: { bus: 'pci', id: '0000:01:00.0' },
  driver: 'mlx5_core',
  chpid: undefined,
  portNumber: undefined,
  devPort: 0,
};

export const PORT: RdmaPort = {
  number: 1,
  state: 'ACTIVE',
  physicalState: 'LinkUp',
  rate: '100 Gb/sec (4X EDR)',
  linkLayer: 'Ethernet',
  gids: [
    { index: 0, gid: 'fe80:0000:0000:0000:0000:00ff:fe00:0001', type: 'v1', netdev: 'eth0' },
    { index: 1, gid: '0000:0000:0000:0000:0000:ffff:0a09:0001', type: 'v2', netdev: 'eth0' },
  ],
  netdev: 'eth0',
};

export const RDMA: RdmaDevice = {
  name: 'mlx5_0',
  nodeType: 'CA',
  firmware: '22.1',
  nodeGuid: undefined,
  parent: '0000:01:00.0',
  driver: 'mlx5_core',
  numaNode: 0,
  isSoftRoce: false,
  ports: [PORT],
};

export const SOFT_ROCE: RdmaDevice = {
  ...RDMA,
  name: 'rxe0',
  driver: 'rdma_rxe',
  parent: undefined,
  isSoftRoce: true,
  ports: [{ ...PORT, gids: PORT.gids.filter(({ type }) => type === 'v2') }],
};

const direction = (): TechnologyStatistics['tx'] => ({
  bytes: 0n,
  requests: 0n,
  usageBytes: 0n,
  bufferSizes: [],
  requestSizes: [],
  buffers: {
    tooSmallPeer: 0n,
    tooSmall: 0n,
    fullPeer: 0n,
    full: 0n,
    reused: 0n,
    allocated: 0n,
    downgraded: 0n,
  },
});

const technology = (): TechnologyStatistics => ({
  tx: direction(),
  rx: direction(),
  connections: { clientV1: 0n, clientV2: 0n, serverV1: 0n, serverV2: 0n },
  calls: { sendpage: 0n, urgentData: 0n, splice: 0n, cork: 0n, nodelay: 0n },
});

export const noStatistics = (): Statistics => ({
  smcd: technology(),
  smcr: technology(),
  handshakeErrors: { client: 0n, server: 0n },
  fallbacks: { client: { total: 0n, reasons: [] }, server: { total: 0n, reasons: [] } },
});

const operations = (commands: object) =>
  (Object.values(commands) as { id: number }[]).map(({ id }) => ({ id, flags: 0 }));

/** Families of a current kernel. */
export const FAMILIES = [
  { id: 30, name: 'SMC_GEN_NETLINK', version: 1, operations: operations(smcGenNetlink) },
  { id: 31, name: 'SMC_PNETID', version: 1, operations: operations(smcPnetid) },
];

const DEVICE = {
  isCritical: false,
  pciFid: undefined,
  pchid: undefined,
  pciVendor: undefined,
  pciDevice: undefined,
  pciId: undefined,
  pnetId: undefined,
  isUserPnetId: false,
};

/** An ISM device as the kernel's SMC has it: without a PNET ID, not in use. */
export const smcdDevice = (changes: Partial<SmcdDevice>): SmcdDevice => ({
  ...DEVICE,
  linkGroups: 0,
  ...changes,
});

/** A port as the kernel's SMC has it: active, without a PNET ID and links. */
export const smcrPort = (ibName: string, changes: Partial<SmcrPort> = {}): SmcrPort => ({
  device: { ...DEVICE, ibName },
  number: 1,
  pnetId: undefined,
  isUserPnetId: false,
  interfaceIndex: undefined,
  state: 'ACTIVE',
  links: 0,
  ...changes,
});

/** Something that could not be read. */
export const NOT_SEEN = { why: 'permission denied' } as const;

const SYSTEM = { version: 2, release: 1, hostName: 'alpha', seid: '', isIsmV2: false, isSmcrV2: true };

/** SMC has a loopback-ism: without ISM devices nothing else makes it capable of version 2. */
export const WITH_LOOPBACK = { system: { value: { ...SYSTEM, isIsmV2: true } } };

export function healthyHost(changes: Partial<Host> = {}): Host {
  return {
    root: '/nonexistent',
    release: RELEASE,
    kernel: parseKernelVersion({ release: 'release' in changes ? changes.release : RELEASE }),
    isMainframe: false,
    pciFunctions: [],
    pciSlots: [],
    dibsDevices: undefined,
    modules: { smc: 'loaded', smcDiag: 'loaded' },
    families: { value: FAMILIES },
    isInitialNamespace: true,
    interfaces: [ETH0],
    addresses: {
      value: [
        {
          index: 2,
          interface: 'eth0',
          family: 4,
          address: '10.9.0.1',
          prefixLength: 24,
          scope: 'global',
          isUsable: true,
        },
      ],
    },
    rdmaDevices: [RDMA],
    system: { value: SYSTEM },
    smcdDevices: { value: [] },
    smcrPorts: {
      value: [smcrPort('mlx5_0', { pnetId: 'NET1', isUserPnetId: true, interfaceIndex: 2 })],
    },
    pnetTable: { value: [] },
    ueids: { value: ['MY.EID'] },
    seid: { value: null },
    isHandshakeLimited: { value: false },
    statistics: { value: { statistics: noStatistics() } },
    ...changes,
  };
}

/** Status, ID, subject, and whether there are a reason and a fix. Tests compare the texts separately if they matter. */
export function outline(checks: readonly Check[]): string[] {
  return checks.map(({ status, id, subject }) => [status, id, subject].filter(Boolean).join(' '));
}

/** Results of one definition, or of several one after the other. */
export function run(
  definitions: CheckDefinition | readonly CheckDefinition[],
  host: Host,
  interfaces: readonly NetworkInterface[] = [],
  areNamed = false,
): Check[] {
  return [definitions].flat().flatMap((definition) => definition.run({ host, interfaces, areNamed }));
}

/** Names of the facts that each definition explains. */
const FACTS = new Map<string, readonly string[]>(
  CHECKS.flatMap(({ explained }) => [...explained]).map(({ id, facts = {} }) => [id, Object.keys(facts)]),
);

/** Rules for every check: texts of one line, a reason unless it passed, a fix if it failed, facts that are explained. */
export function wellFormed(t: Test, checks: readonly Check[]): void {
  for (const { status, id, subject, finding, reason, fix, facts } of checks) {
    const name = `${status} ${id} ${subject}`;
    t.match(id, /^[a-z]+(-[a-z]+)*$/, name);
    for (const text of [finding, reason, fix])
      if (text !== null) t.notMatch(text, /\n|\.$|undefined|null|NaN/, name);
    t.ok(finding, name);
    if (status !== 'pass') t.ok(reason, `${name} has a reason`);
    if (status === 'fail') t.ok(fix, `${name} has a fix`);
    const explained = FACTS.get(id) ?? [];
    t.strictSame(
      Object.keys(facts).filter((key) => !explained.includes(key)),
      [],
      `${name}: facts that its definition does not explain`,
    );
  }
}
