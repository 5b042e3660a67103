// SPDX-License-Identifier: MIT
/** Made-up /proc and /sys trees: a server with RoCE adapters, and a mainframe. File names and formats are the kernel's. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';

/** Contents by path below the root; `link` makes a symbolic link. */
export type Files = Record<string, string | Buffer | { link: string }>;

/** Writes a tree and returns its root. The tree is removed at the end of the test. */
export function plant(t: Test, ...parts: Files[]): string {
  const root = mkdtempSync(join(tmpdir(), 'smc-tools-tree-'));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, content] of parts.flatMap((part) => Object.entries(part))) {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    if (typeof content === 'string' || Buffer.isBuffer(content)) writeFileSync(file, content);
    else symlinkSync(content.link, file);
  }
  return root;
}

const planted = new Map<string, string>();

/** The root of a tree that all tests of a file share and none changes. The first call writes it. */
export function plantOnce(...parts: Files[]): string {
  const key = JSON.stringify(parts);
  const root = planted.get(key) ?? plant(t, ...parts);
  planted.set(key, root);
  return root;
}

/** A file util_string: PNET IDs of up to four ports in EBCDIC; '' is a port without one. */
export function utilString(...pnetIds: string[]): Buffer {
  const data = Buffer.alloc(64);
  for (const [port, pnetId] of pnetIds.entries())
    if (pnetId) Buffer.from([...pnetId.padEnd(16)].map(ebcdic)).copy(data, port * 16);
  return data;
}

/** Code of a blank, a digit or a capital letter. */
function ebcdic(character: string): number {
  const code = character.charCodeAt(0);
  if (character === ' ') return 0x40;
  if (character <= '9') return 0xf0 + code - 0x30;
  if (character <= 'I') return 0xc1 + code - 0x41;
  return character <= 'R' ? 0xd1 + code - 0x4a : 0xe2 + code - 0x53;
}

export interface InterfaceTree {
  index: number;
  mtu?: number;
  operstate?: string;
  flags?: string;
  type?: number;
  address?: string;
  devPort?: number;
  iflink?: number;
  devtype?: string;
  lower?: string[];
  upper?: string[];
  /** bus and ID of its device */
  parent?: [bus: string, id: string];
  driver?: string;
  chpid?: string;
  portno?: number;
  slaves?: string[];
}

/** A network interface. */
export function networkInterface(name: string, facts: InterfaceTree): Files {
  const base = `sys/class/net/${name}`;
  const files: Files = {
    [`${base}/ifindex`]: `${facts.index}\n`,
    [`${base}/iflink`]: `${facts.iflink ?? facts.index}\n`,
    [`${base}/mtu`]: `${facts.mtu ?? 1500}\n`,
    [`${base}/operstate`]: `${facts.operstate ?? 'up'}\n`,
    [`${base}/flags`]: `${facts.flags ?? '0x1003'}\n`,
    [`${base}/type`]: `${facts.type ?? 1}\n`,
    [`${base}/address`]: `${facts.address ?? '02:00:00:00:00:01'}\n`,
    [`${base}/dev_port`]: `${facts.devPort ?? 0}\n`,
    [`${base}/uevent`]: `${facts.devtype ? `DEVTYPE=${facts.devtype}\n` : ''}INTERFACE=${name}\nIFINDEX=${facts.index}\n`,
  };
  for (const lower of facts.lower ?? []) files[`${base}/lower_${lower}`] = { link: `../${lower}` };
  for (const upper of facts.upper ?? []) files[`${base}/upper_${upper}`] = { link: `../${upper}` };
  if (facts.slaves) files[`${base}/bonding/slaves`] = `${facts.slaves.join(' ')}\n`;
  if (facts.parent) {
    const [bus, id] = facts.parent;
    const device = bus === 'ccwgroup' ? `sys/devices/qeth/${id}` : `sys/bus/${bus}/devices/${id}`;
    files[`${base}/device`] = { link: `../../../../${device}` };
    files[`${device}/subsystem`] = { link: `../../../../bus/${bus}` };
    if (facts.driver) files[`${device}/driver`] = { link: `../../../../bus/${bus}/drivers/${facts.driver}` };
    if (facts.chpid) files[`${device}/chpid`] = `${facts.chpid}\n`;
    if (facts.portno !== undefined) files[`${device}/portno`] = `${facts.portno}\n`;
  }
  return files;
}

export interface PciTree {
  vendor: string;
  device: string;
  subsystem?: [vendor: string, device: string];
  class?: string;
  driver?: string;
  numaNode?: number;
  physfn?: string;
  net?: string[];
  infiniband?: string[];
  /** further files: function_id, pchid, pft, vfn, port, uid, util_string */
  more?: Record<string, string | Buffer>;
}

/** A PCI function. */
export function pciFunction(address: string, facts: PciTree): Files {
  const base = `sys/bus/pci/devices/${address}`;
  const files: Files = {
    [`${base}/vendor`]: `0x${facts.vendor}\n`,
    [`${base}/device`]: `0x${facts.device}\n`,
    [`${base}/class`]: `0x${facts.class ?? '020000'}\n`,
    [`${base}/numa_node`]: `${facts.numaNode ?? -1}\n`,
  };
  if (facts.subsystem) {
    files[`${base}/subsystem_vendor`] = `0x${facts.subsystem[0]}\n`;
    files[`${base}/subsystem_device`] = `0x${facts.subsystem[1]}\n`;
  }
  if (facts.driver) files[`${base}/driver`] = { link: `../../drivers/${facts.driver}` };
  if (facts.physfn) files[`${base}/physfn`] = { link: `../${facts.physfn}` };
  for (const name of facts.net ?? []) files[`${base}/net/${name}/.keep`] = '';
  for (const name of facts.infiniband ?? []) files[`${base}/infiniband/${name}/.keep`] = '';
  for (const [name, content] of Object.entries(facts.more ?? {}))
    files[`${base}/${name}`] = typeof content === 'string' ? `${content}\n` : content;
  return files;
}

export interface RdmaPortTree {
  state?: string;
  physState?: string;
  rate?: string;
  linkLayer?: string;
  /** [GID, "v1" or "v2", interface] in the order of the table; `null` for an empty slot */
  gids?: ([gid: string, type: 'v1' | 'v2', netdev: string] | null)[];
}

/** An RDMA device. */
export function rdmaDevice(
  name: string,
  facts: {
    pci?: string;
    /** interface of soft-RoCE */
    parent?: string;
    nodeType?: string;
    firmware?: string;
    guid?: string;
    ports: RdmaPortTree[];
  },
): Files {
  const base = `sys/class/infiniband/${name}`;
  const files: Files = {
    [`${base}/node_type`]: `${facts.nodeType ?? '1: CA'}\n`,
    [`${base}/fw_ver`]: `${facts.firmware ?? ''}\n`,
    [`${base}/node_guid`]: `${facts.guid ?? '0002:c903:0000:0001'}\n`,
  };
  if (facts.pci) files[`${base}/device`] = { link: `../../../bus/pci/devices/${facts.pci}` };
  if (facts.parent) files[`${base}/parent`] = `${facts.parent}\n`;
  facts.ports.forEach((port, at) => {
    const path = `${base}/ports/${at + 1}`;
    files[`${path}/state`] = `${port.state ?? '4: ACTIVE'}\n`;
    files[`${path}/phys_state`] = `${port.physState ?? '5: LinkUp'}\n`;
    files[`${path}/rate`] = `${port.rate ?? '25 Gb/sec (1X EDR)'}\n`;
    files[`${path}/link_layer`] = `${port.linkLayer ?? 'Ethernet'}\n`;
    port.gids?.forEach((gid, index) => {
      files[`${path}/gids/${index}`] = `${gid?.[0] ?? '0000:0000:0000:0000:0000:0000:0000:0000'}\n`;
      // an empty file represents a file that cannot be read, such as that of an empty slot
      files[`${path}/gid_attrs/types/${index}`] = gid
        ? `${gid[1] === 'v2' ? 'RoCE v2' : 'IB/RoCE v1'}\n`
        : '';
      files[`${path}/gid_attrs/ndevs/${index}`] = gid ? `${gid[2]}\n` : '';
    });
  });
  return files;
}

/** A slot of s390x, with the state of its switch. */
export const slot = (fid: string, power: 0 | 1): Files => ({
  [`sys/bus/pci/slots/${fid}/power`]: `${power}\n`,
});

const LINK_LOCAL = 'fe80:0000:0000:0000:0202:c9ff:fe00:0001';
const ipv4Gid = (address: string): string => {
  const [a, b, c, d] = address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
  return `0000:0000:0000:0000:0000:ffff:${a}${b}:${c}${d}`;
};

/** The four GIDs of a port whose interface has an IPv4 address. */
export const gidsOf = (address: string, netdev: string): NonNullable<RdmaPortTree['gids']> => [
  [LINK_LOCAL, 'v1', netdev],
  [LINK_LOCAL, 'v2', netdev],
  [ipv4Gid(address), 'v1', netdev],
  [ipv4Gid(address), 'v2', netdev],
];

const kernel = (arch: string): Files => ({
  'proc/sys/kernel/arch': `${arch}\n`,
  'proc/sys/kernel/osrelease': '6.12.0-test\n',
});

/**
 * An x86 server: two ports of mlx5 in a bond with VLAN 100 on top, an adapter on InfiniBand, one for iWARP, soft-RoCE on
 * eth0, and a veth.
 */
export const server: Files = {
  ...kernel('x86_64'),
  'sys/class/net/bonding_masters': 'bond0\n',
  ...networkInterface('lo', { index: 1, mtu: 65536, type: 772, flags: '0x9', operstate: 'unknown' }),
  ...networkInterface('eth0', { index: 2, parent: ['virtio', 'virtio0'], driver: 'virtio_net' }),
  ...networkInterface('ens1f0', {
    index: 3,
    mtu: 9000,
    parent: ['pci', '0000:5e:00.0'],
    driver: 'mlx5_core',
    upper: ['bond0'],
  }),
  ...networkInterface('ens1f1', {
    index: 4,
    mtu: 9000,
    parent: ['pci', '0000:5e:00.1'],
    driver: 'mlx5_core',
    upper: ['bond0'],
  }),
  ...networkInterface('bond0', {
    index: 5,
    mtu: 9000,
    flags: '0x1403',
    devtype: 'bond',
    // not in the order of their names
    slaves: ['ens1f1', 'ens1f0'],
    lower: ['ens1f0', 'ens1f1'],
    upper: ['bond0.100'],
  }),
  ...networkInterface('bond0.100', { index: 6, mtu: 9000, devtype: 'vlan', iflink: 5, lower: ['bond0'] }),
  ...networkInterface('ib0', {
    index: 7,
    mtu: 2044,
    type: 32,
    parent: ['pci', '0000:86:00.0'],
    driver: 'mlx5_core',
  }),
  ...networkInterface('veth1', { index: 8, iflink: 2 }),
  ...networkInterface('down0', { index: 9, flags: '0x1002', operstate: 'down' }),
  ...pciFunction('0000:5e:00.0', {
    vendor: '15b3',
    device: '1019',
    subsystem: ['15b3', '0008'],
    numaNode: 1,
    driver: 'mlx5_core',
    net: ['ens1f0'],
    infiniband: ['mlx5_0'],
  }),
  ...pciFunction('0000:5e:00.1', {
    vendor: '15b3',
    device: '1019',
    subsystem: ['15b3', '0008'],
    numaNode: 1,
    driver: 'mlx5_core',
    net: ['ens1f1'],
    infiniband: ['mlx5_1'],
  }),
  ...pciFunction('0000:86:00.0', {
    vendor: '15b3',
    device: '1017',
    class: '020700',
    driver: 'mlx5_core',
    net: ['ib0'],
    infiniband: ['mlx5_2'],
  }),
  ...pciFunction('0000:af:00.0', {
    vendor: '1425',
    device: '5415',
    infiniband: ['cxgb4_0'],
    driver: 'cxgb4',
  }),
  ...pciFunction('0000:00:1f.0', { vendor: '8086', device: 'a2c9', class: '060100' }),
  ...rdmaDevice('mlx5_0', {
    pci: '0000:5e:00.0',
    firmware: '16.35.2000',
    guid: 'b8ce:f603:0012:3456',
    ports: [
      {
        rate: '100 Gb/sec (4X EDR)',
        gids: [
          ...gidsOf('192.168.5.1', 'ens1f0'),
          null,
          [ipv4Gid('192.168.100.1'), 'v1', 'bond0.100'],
          [ipv4Gid('192.168.100.1'), 'v2', 'bond0.100'],
        ],
      },
    ],
  }),
  ...rdmaDevice('mlx5_1', {
    pci: '0000:5e:00.1',
    firmware: '16.35.2000',
    ports: [
      {
        state: '1: DOWN',
        physState: '3: Disabled',
        rate: '40 Gb/sec (4X QDR)',
        gids: gidsOf('192.168.5.2', 'ens1f1'),
      },
    ],
  }),
  ...rdmaDevice('mlx5_2', {
    pci: '0000:86:00.0',
    firmware: '16.35.2000',
    ports: [{ linkLayer: 'InfiniBand', rate: '100 Gb/sec (4X EDR)', gids: [[LINK_LOCAL, 'v1', 'ib0']] }],
  }),
  ...rdmaDevice('cxgb4_0', {
    pci: '0000:af:00.0',
    nodeType: '4: RNIC',
    ports: [{ rate: '40 Gb/sec (4X QDR)' }],
  }),
  ...rdmaDevice('rxe0', {
    parent: 'eth0',
    ports: [
      {
        rate: '2.5 Gb/sec (1X SDR)',
        gids: [
          [LINK_LOCAL, 'v2', 'eth0'],
          [ipv4Gid('10.0.2.15'), 'v2', 'eth0'],
        ],
      },
    ],
  }),
};

const function_ = (
  fid: string,
  pft: string,
  pnetIds: string[],
  more: Record<string, string> = {},
): Record<string, string | Buffer> => ({
  function_id: `0x${fid}`,
  pchid: '0x01fc',
  pft: `0x${pft}`,
  vfn: '0x0000',
  port: '0',
  uid: '0x0',
  util_string: utilString(...pnetIds),
  ...more,
});

/**
 * A mainframe: OSA, RoCE Express with two ports, Express2 and 3, Network Express as physical and virtual function, two
 * ISM functions, a storage function, one that is switched off and one whose device has not come up.
 */
export const mainframe: Files = {
  ...kernel('s390x'),
  ...networkInterface('lo', { index: 1, mtu: 65536, type: 772, flags: '0x9', operstate: 'unknown' }),
  ...networkInterface('enc1000', {
    index: 2,
    parent: ['ccwgroup', '0.0.1000'],
    driver: 'qeth',
    chpid: 'A0',
    portno: 0,
    devPort: 0,
  }),
  ...networkInterface('enc2000', {
    index: 3,
    parent: ['ccwgroup', '0.0.2000'],
    driver: 'qeth',
    chpid: 'A0',
    portno: 1,
    devPort: 1,
  }),
  'sys/devices/css0/chp0.a0/util_string': utilString('NET1', 'NET2'),
  ...networkInterface('eno1', { index: 4, parent: ['pci', '0001:00:00.0'], devPort: 0 }),
  ...networkInterface('eno1d1', { index: 5, parent: ['pci', '0001:00:00.0'], devPort: 1 }),
  ...networkInterface('eno2', { index: 6, parent: ['pci', '0002:00:00.0'] }),
  ...networkInterface('eno3', { index: 7, parent: ['pci', '0003:00:00.0'] }),
  ...networkInterface('eno4', { index: 8, parent: ['pci', '0004:00:00.0'] }),
  ...networkInterface('eno5', { index: 9, parent: ['pci', '0005:00:00.0'] }),
  ...networkInterface('vlan7', { index: 10, devtype: 'vlan', iflink: 6, lower: ['eno2'] }),

  ...slot('00000010', 1),
  ...pciFunction('0000:00:00.0', {
    vendor: '1014',
    device: '04ed',
    class: '000000',
    driver: 'ism',
    more: function_('00000010', '05', ['NET1'], { pchid: '0x07c0', vfn: '0x0001' }),
  }),
  ...slot('00000011', 1),
  ...pciFunction('0000:00:00.1', {
    vendor: '1014',
    device: '04ed',
    class: '000000',
    driver: 'ism',
    more: function_('00000011', '05', [], { pchid: '0x07c1', vfn: '0x0002' }),
  }),
  ...slot('00000100', 1),
  ...pciFunction('0001:00:00.0', {
    vendor: '15b3',
    device: '1004',
    driver: 'mlx4_core',
    net: ['eno1', 'eno1d1'],
    infiniband: ['mlx4_0'],
    more: function_('00000100', '02', ['NET1', 'NET2'], { pchid: '0x013c', vfn: '0x0003' }),
  }),
  ...rdmaDevice('mlx4_0', {
    pci: '0001:00:00.0',
    firmware: '2.35.5100',
    ports: [{ gids: gidsOf('10.1.0.1', 'eno1') }, { gids: gidsOf('10.2.0.1', 'eno1d1') }],
  }),
  ...slot('0000012a', 1),
  ...pciFunction('0002:00:00.0', {
    vendor: '15b3',
    device: '1016',
    driver: 'mlx5_core',
    net: ['eno2'],
    infiniband: ['mlx5_0'],
    more: function_('0000012a', '0a', ['NETC'], { port: '1', vfn: '0x0002' }),
  }),
  ...rdmaDevice('mlx5_0', {
    pci: '0002:00:00.0',
    firmware: '14.32.1010',
    ports: [{ gids: gidsOf('10.3.0.1', 'eno2') }],
  }),
  ...slot('0000012b', 1),
  ...pciFunction('0003:00:00.0', {
    vendor: '15b3',
    device: '101e',
    driver: 'mlx5_core',
    net: ['eno3'],
    infiniband: ['mlx5_1'],
    more: function_('0000012b', '0a', [''], { port: '2', vfn: '0x0005' }),
  }),
  ...rdmaDevice('mlx5_1', {
    pci: '0003:00:00.0',
    firmware: '22.36.1010',
    ports: [{ gids: gidsOf('10.4.0.1', 'eno3') }],
  }),
  ...slot('00000200', 1),
  ...pciFunction('0004:00:00.0', {
    vendor: '15b3',
    device: '1021',
    driver: 'mlx5_core',
    net: ['eno4'],
    infiniband: ['mlx5_2'],
    more: function_('00000200', '0f', ['NETD'], { pchid: '0x0200', port: '1', vfn: '0x0000' }),
  }),
  ...rdmaDevice('mlx5_2', {
    pci: '0004:00:00.0',
    firmware: '28.40.1000',
    ports: [{ gids: gidsOf('10.5.0.1', 'eno4') }],
  }),
  ...slot('00000201', 1),
  ...pciFunction('0005:00:00.0', {
    vendor: '15b3',
    device: '101e',
    driver: 'mlx5_core',
    net: ['eno5'],
    more: function_('00000201', '0f', ['NETD'], { pchid: '0x0200', port: '1', vfn: '0x0003' }),
  }),
  ...slot('00000202', 1),
  ...pciFunction('0006:00:00.0', {
    vendor: '15b3',
    device: '101e',
    more: function_('00000202', '0c', [], { pchid: '0x0204', vfn: '0x0001' }),
  }),
  ...slot('00000300', 1),
  ...pciFunction('0007:00:00.0', {
    vendor: '1014',
    device: '044b',
    class: '010802',
    more: function_('00000300', '0b', []),
  }),
  ...slot('00000301', 0),
  ...slot('00000302', 1),
};

/** A device of the class dibs. */
export function dibsDevice(name: string, facts: { gid: string; fabricId: string; pci?: string }): Files {
  const base = `sys/class/dibs/${name}`;
  const files: Files = {
    [`${base}/gid`]: `${facts.gid}\n`,
    [`${base}/fabric_id`]: `0x${facts.fabricId}\n`,
  };
  if (facts.pci) files[`${base}/device`] = { link: `../../../bus/pci/devices/${facts.pci}` };
  return files;
}

/**
 * What Linux 6.18 adds to `mainframe`: names for both ISM functions, one from its FID and one from its user ID, and
 * loopback.
 */
export const dibs: Files = {
  'proc/sys/kernel/osrelease': '6.18.2-test\n',
  'sys/bus/pci/devices/0000:00:00.1/uid': '0x1a\n',
  ...dibsDevice('ism10', {
    gid: '01234567-89ab-cdef-0000-000000000000',
    fabricId: '07c0',
    pci: '0000:00:00.0',
  }),
  ...dibsDevice('ism1a', {
    gid: '01234567-89ab-cdf0-0000-000000000000',
    fabricId: '07c1',
    pci: '0000:00:00.1',
  }),
  ...dibsDevice('lo', { gid: '6ba7b810-9dad-41d1-80b4-00c04fd430c8', fabricId: 'ffff' }),
};
