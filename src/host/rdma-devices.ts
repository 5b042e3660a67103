// SPDX-License-Identifier: MIT
/** RDMA devices with their ports and addresses, from /sys/class/infiniband. */
import { type NetworkInterface, readInterfaces } from './network-interfaces.ts';
import { isInitialNetworkNamespace } from './network-namespace.ts';
import { entries, linkName, readNumber, readText } from './sysfs.ts';

export interface RdmaGid {
  /** index in the port's table, from 0 */
  index: number;
  /** 8 groups of 4 hexadecimal digits, as in sysfs */
  gid: string;
  /** RoCE version; 'infiniband' on a fabric without Ethernet (the kernel calls it "IB/RoCE v1" there, too) */
  type: 'v1' | 'v2' | 'infiniband';
  /** interface of the address, by its name in its own network namespace, which may not be ours */
  netdev: string | undefined;
}

export interface RdmaPort {
  /** from 1 */
  number: number;
  /** "ACTIVE", "DOWN", "INIT", … */
  state: string | undefined;
  /** "LinkUp", "Disabled", "Polling", … */
  physicalState: string | undefined;
  /** e.g. "100 Gb/sec (4X EDR)" */
  rate: string | undefined;
  /** "Ethernet" or "InfiniBand" */
  linkLayer: string | undefined;
  gids: RdmaGid[];
  /** the port's own interface, the lowest one; with soft-RoCE it may be in another network namespace */
  netdev: string | undefined;
}

export interface RdmaDevice {
  name: string;
  /** "CA" for InfiniBand and RoCE, "RNIC" for iWARP, "switch", … */
  nodeType: string | undefined;
  firmware: string | undefined;
  /** 4 groups of 4 hexadecimal digits */
  nodeGuid: string | undefined;
  /** ID of the hardware, for PCI the address "0000:01:00.0"; `undefined` for a software device */
  parent: string | undefined;
  /** "mlx5_core", …; "rdma_rxe" for soft-RoCE */
  driver: string | undefined;
  /** NUMA node of the adapter; `undefined` when it has none */
  numaNode: number | undefined;
  /** soft-RoCE: the kernel emulates an adapter in software, on any Ethernet interface */
  isSoftRoce: boolean;
  ports: RdmaPort[];
}

/** Text after the number in "4: ACTIVE". */
function word(path: string): string | undefined {
  return readText(path)?.replace(/^\d+:\s*/, '');
}

/**
 * RDMA devices that this network namespace can see, sorted by name; empty without any.
 * @param interfaces those of the host, if the caller has already read them
 */
export function readRdmaDevices(
  root: string,
  interfaces: readonly NetworkInterface[] = readInterfaces(root),
): RdmaDevice[] {
  return entries(`${root}/sys/class/infiniband`).map((name) => {
    const directory = `${root}/sys/class/infiniband/${name}`;
    const parent = linkName(`${directory}/device`);
    const softParent = readText(`${directory}/parent`); // an attribute of soft-RoCE only
    const isSoftRoce = parent === undefined && softParent !== undefined;
    const numaNode = readNumber(`${directory}/device/numa_node`);
    const siblings = entries(`${directory}/device/net`);
    const ports = entries(`${directory}/ports`).map((port) => {
      const number = Number(port);
      const linkLayer = readText(`${directory}/ports/${port}/link_layer`);
      const gids = readGids(`${directory}/ports/${port}`, linkLayer);
      const sameAdapter = interfaces.filter((candidate) => siblings.includes(candidate.name));
      const byPort = sameAdapter.find(({ devPort }) => devPort === number - 1);
      return {
        number,
        state: word(`${directory}/ports/${port}/state`),
        physicalState: word(`${directory}/ports/${port}/phys_state`),
        rate: readText(`${directory}/ports/${port}/rate`),
        linkLayer,
        gids,
        netdev: softParent || byPort?.name || gids.find(({ netdev }) => netdev)?.netdev,
      };
    });
    return {
      name,
      nodeType: word(`${directory}/node_type`),
      firmware: readText(`${directory}/fw_ver`) || undefined,
      nodeGuid: readText(`${directory}/node_guid`),
      parent,
      driver: linkName(`${directory}/device/driver`) ?? (isSoftRoce ? 'rdma_rxe' : undefined),
      numaNode: numaNode !== undefined && numaNode >= 0 ? numaNode : undefined,
      isSoftRoce,
      ports: ports.sort((one, other) => one.number - other.number),
    };
  });
}

/**
 * RDMA devices, with the interfaces of ports as far as they are in this network namespace. In other ones than the initial
 * one, sysfs names the interface of a port whether it is there or not, and another one may have the same name: every
 * namespace has a `lo`. The same adapter behind both tells.
 */
export function readOwnRdmaDevices(root: string, interfaces: readonly NetworkInterface[]): RdmaDevice[] {
  const devices = readRdmaDevices(root, interfaces);
  if (isInitialNetworkNamespace(root) !== false) return devices;
  return devices.map((device) => {
    const isOwn = (netdev: string | undefined): boolean =>
      device.parent !== undefined &&
      interfaces.some(({ name, parent }) => name === netdev && parent?.id === device.parent);
    const ports = device.ports.map((port) => ({
      ...port,
      netdev: isOwn(port.netdev) ? port.netdev : undefined,
    }));
    return { ...device, ports };
  });
}

function readGids(port: string, linkLayer: string | undefined): RdmaGid[] {
  const gids = entries(`${port}/gid_attrs/types`).flatMap((slot): RdmaGid[] => {
    const type = readText(`${port}/gid_attrs/types/${slot}`);
    const gid = readText(`${port}/gids/${slot}`);
    if (!type) return []; // reading an empty slot fails
    return [
      {
        index: Number(slot),
        gid: gid ?? '',
        type: /v2/.test(type) ? 'v2' : linkLayer === 'InfiniBand' ? 'infiniband' : 'v1',
        netdev: readText(`${port}/gid_attrs/ndevs/${slot}`) || undefined,
      },
    ];
  });
  return gids.sort((one, other) => one.index - other.index);
}

/**
 * RoCE versions of the addresses that an RDMA device has.
 * @returns for example [1, 2]; empty when sysfs does not show them
 */
export function roceVersions(device: string, root: string): number[] {
  const ports = `${root}/sys/class/infiniband/${device}/ports`;
  const gids = entries(ports).flatMap((port) => readGids(`${ports}/${port}`, undefined));
  return [...new Set(gids.map(({ type }) => (type === 'v2' ? 2 : 1)))].sort();
}

/** Whether a GID is an IPv4 address, ::ffff:a.b.c.d. SMC-R version 2 uses only these. */
export function isIpv4Gid({ gid }: Pick<RdmaGid, 'gid'>): boolean {
  return gid.startsWith('0000:0000:0000:0000:0000:ffff:');
}

/** The address of an IPv4 GID in dotted form; `undefined` for other GIDs. */
export function gidIpv4(gid: Pick<RdmaGid, 'gid'>): string | undefined {
  if (!isIpv4Gid(gid)) return undefined;
  const hex = gid.gid.slice(-9).replace(':', '');
  return [0, 2, 4, 6].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)).join('.');
}

/** Bytes of GRH 40, UDP 8, BTH 12, XRC 4, atomic 28 and ICRC 4: the space that the kernel reserves in a RoCE packet. */
const ROCE_HEADERS = 96;

/**
 * MTU that a RoCE port uses: the largest of 256, 512, 1024, 2048 and 4096 bytes that fits the interface's MTU with the
 * RoCE headers, as the kernel computes it (iboe_get_mtu). sysfs does not show the MTU of the port itself.
 * @param mtu of the port's interface, bytes
 * @returns `undefined` when the interface's MTU is too small for RoCE
 */
export function roceMtu(mtu: number): number | undefined {
  return [4096, 2048, 1024, 512, 256].find((size) => mtu - ROCE_HEADERS >= size);
}
