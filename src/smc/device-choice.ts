// SPDX-License-Identifier: MIT
/**
 * Which device the kernel takes for a connection over an interface, and why not another: the rules of net/smc/smc_pnet.c,
 * smc_ib.c and af_smc.c, Linux 6.12. The peer has its word, too: what stands here is what this host would offer.
 */
import { type DibsDevice, dibsNameOf, hasDibsNames } from '../host/dibs-devices.ts';
import { decodePnetId, interfacePnetId, rdmaPnetId } from '../host/hardware-pnetid.ts';
import { baseDevice, type NetworkInterface, vlanId } from '../host/network-interfaces.ts';
import { isIsm, type PciFunction } from '../host/pci-devices.ts';
import { gidIpv4, isIpv4Gid, type RdmaDevice, type RdmaGid, type RdmaPort } from '../host/rdma-devices.ts';
import { IBPORT_MAX } from '../netlink/uapi/smc.ts';
import { loopbackNames, type Pnet } from './devices.ts';
import { type HostFiles, type HostWith, hasLoopback } from './host.ts';
import { ENTRY_OF_UPPER_INTERFACE, hasFault } from './kernel-faults.ts';

/** A PNET ID and where it comes from. */
export interface PnetSource {
  /** `undefined` for none, and when it is not known */
  pnetId: string | undefined;
  /**
   * 'hardware'; 'base-table': table entry of the base device; 'table': table entry of the interface itself, or of the
   * device; 'none'; 'unknown': the table cannot be read
   */
  source: 'hardware' | 'base-table' | 'table' | 'none' | 'unknown';
  /** PNET ID in the interface's own table entry, which this kernel does not look at */
  passedOver?: string;
}

/** Whether something can be used, and the reason in words; `undefined` when it is not known. */
export interface Verdict {
  usable: boolean | undefined;
  reason: string;
}

/** A port of an RDMA device under the eyes of SMC-R. */
export interface RdmaCandidate {
  device: RdmaDevice;
  port: RdmaPort;
  pnet: PnetSource;
  v1: Verdict;
  v2: Verdict;
}

/** An SMC-D device; `function` is `undefined` for loopback-ism, and for one that PCI does not show. */
export interface IsmCandidate {
  /** PCI address, or "loopback-ism" */
  name: string;
  isLoopback: boolean;
  /** the device in the class dibs; since Linux 6.18 */
  dibs: DibsDevice | undefined;
  function: PciFunction | undefined;
  pnet: PnetSource;
  v1: Verdict;
  v2: Verdict;
}

/** What this host offers for connections over one interface. */
export interface InterfaceChoice {
  interface: NetworkInterface;
  base: NetworkInterface;
  /** for SMC-R; SMC-D does not look at the table entry of the interface itself when there is a base device below */
  pnet: PnetSource;
  /** RDMA ports that belong to the interface, usable or not, in the kernel's order as far as sysfs shows it */
  rdma: RdmaCandidate[];
  /** SMC-D devices that belong to the interface, usable or not */
  ism: IsmCandidate[];
  smcrV1: Verdict;
  smcrV2: Verdict;
  smcdV1: Verdict;
  smcdV2: Verdict;
}

/** What the use of a device depends on. */
export type DeviceView = HostWith<(typeof DEVICE_PARTS)[number]>;

/** What the choice for an interface depends on. */
export type ChoiceView = HostWith<(typeof CHOICE_PARTS)[number]>;

/** Parts of the kernel's answers that tell whether SMC can use a device. */
const DEVICE_PARTS = ['system', 'pnetTable', 'smcrPorts', 'smcdDevices', 'ueids', 'seid'] as const;

/** Parts of the kernel's answers that `chooseDevices` needs. */
export const CHOICE_PARTS = [...DEVICE_PARTS, 'addresses'] as const;

const yes = (reason: string): Verdict => ({ usable: true, reason });
const no = (reason: string): Verdict => ({ usable: false, reason });
const unknown = (reason: string): Verdict => ({ usable: undefined, reason });

/** PNET ID of an interface as SMC-R looks it up: that of the base device, else the one in its own table entry. */
export function interfacePnet(device: NetworkInterface, host: HostWith<'pnetTable'>): PnetSource {
  const base = baseDevice(device, host.interfaces) ?? device;
  const ofBase = basePnet(base, host);
  if (base.name === device.name)
    return ofBase.source === 'base-table' ? { ...ofBase, source: 'table' } : ofBase;
  const own = tableEntry(device.name, host);
  if (ofBase.source !== 'none' || own === undefined) return ofBase;
  const isLookedAt = !host.kernel || hasFault(host.kernel, ENTRY_OF_UPPER_INTERFACE) !== true;
  return isLookedAt ? { pnetId: own, source: 'table' } : { ...ofBase, passedOver: own };
}

/** PNET ID of a base device, which is all that SMC-D looks at. */
function basePnet(base: NetworkInterface, host: HostWith<'pnetTable'>): PnetSource {
  const hardware = interfacePnetId(base, host.root);
  if (hardware !== undefined) return { pnetId: hardware, source: 'hardware' };
  if (host.pnetTable.value === undefined) return { pnetId: undefined, source: 'unknown' };
  const entry = tableEntry(base.name, host);
  return entry === undefined
    ? { pnetId: undefined, source: 'none' }
    : { pnetId: entry, source: 'base-table' };
}

function tableEntry(ethName: string, { pnetTable }: HostWith<'pnetTable'>): string | undefined {
  return pnetTable.value?.find((entry) => entry.kind === 'ethernet' && entry.ethName === ethName)?.pnetId;
}

/** What the kernel's SMC says of a device or port. */
const pnetOf = ({ pnetId, isUserPnetId }: Pnet): PnetSource => ({
  pnetId,
  source: pnetId === undefined ? 'none' : isUserPnetId ? 'table' : 'hardware',
});

/** PNET ID of a port of an RDMA device: what the kernel's SMC says, else hardware and table. */
export function rdmaPnet(
  device: RdmaDevice,
  port: number,
  host: HostWith<'pnetTable' | 'smcrPorts'>,
): PnetSource {
  const known = host.smcrPorts.value?.find(
    (candidate) => candidate.device.ibName === device.name && candidate.number === port,
  );
  if (known) return pnetOf(known);
  return devicePnet(rdmaPnetId(device, port, host.root), [device.name, device.parent], port, host);
}

function ismPnet(pci: PciFunction, host: DeviceView): PnetSource {
  const known = host.smcdDevices.value?.find((candidate) => candidate.pciId === pci.address);
  if (known?.pnetId) return pnetOf(known);
  return devicePnet(decodePnetId(pci.mainframe?.utilString, 0), ismNames(pci, host), 1, host);
}

/** Names that the PNET table may have for an ISM function: its PCI address, and since Linux 6.18 its own. */
export function ismNames(
  pci: PciFunction,
  { release, dibsDevices }: Pick<HostFiles, 'release' | 'dibsDevices'>,
): string[] {
  const name = hasDibsNames(release, dibsDevices) ? dibsNameOf(pci, dibsDevices) : undefined;
  return name === undefined ? [pci.address] : [name, pci.address];
}

/**
 * PNET ID of a device as the kernel looks it up.
 * @param hardware the one that the machine has for it
 * @param names that the table may have for the device
 */
export function devicePnet(
  hardware: string | undefined,
  names: readonly (string | undefined)[],
  port: number,
  { pnetTable }: HostWith<'pnetTable'>,
): PnetSource {
  if (hardware !== undefined) return { pnetId: hardware, source: 'hardware' };
  if (!pnetTable.value) return { pnetId: undefined, source: 'unknown' };
  const entry = pnetTable.value.find(
    ({ kind, ibName, ibPort }) => kind === 'device' && names.includes(ibName) && ibPort === port,
  );
  return entry ? { pnetId: entry.pnetId, source: 'table' } : { pnetId: undefined, source: 'none' };
}

/**
 * Whether SMC-R can use a port of an RDMA device at all, whatever the interface.
 * @param vlan for connections over a VLAN: only its addresses count; `undefined` for none
 */
export function rdmaPortUse(
  device: RdmaDevice,
  port: RdmaPort,
  host: DeviceView,
  vlan?: NetworkInterface,
): { v1: Verdict; v2: Verdict } {
  const known = knownPort(device, port, host);
  const obstacle = portObstacle(device, port, host, known);
  if (obstacle) return { v1: no(obstacle), v2: no(obstacle) };
  const gids = gidsFor(port, host, vlan);
  const where = vlan ? ` on VLAN interface ${vlan.name}` : '';
  const links = known?.links ?? 0;
  // A link is the kernel's own yes, and /sys need not show all addresses. Of which version it is, the kernel does not
  // tell: so a link contradicts /sys only if the port has addresses for neither version there.
  const isExplained = gids.some((gid) => gid.type === 'v1' || isForVersionTwo(gid));
  const noAddress = (reason: string): Verdict =>
    links > 0 && !vlan && !isExplained
      ? unknown(`the kernel has links over the port, although ${reason}`)
      : no(reason);
  return {
    v1: versionOne(gids, where, host, noAddress),
    v2: versionTwo(gids, where, host, noAddress),
  };
}

/** The port as the kernel's SMC has it. */
function knownPort({ name }: RdmaDevice, { number }: RdmaPort, { smcrPorts }: DeviceView) {
  return smcrPorts.value?.find((known) => known.device.ibName === name && known.number === number);
}

/**
 * Why SMC-R can do nothing with a port, in either version. What the kernel's SMC says of it counts more than what follows
 * from /sys: some kernels take devices of other types, and links are proof.
 */
function portObstacle(
  device: RdmaDevice,
  port: RdmaPort,
  { smcrPorts }: DeviceView,
  known: ReturnType<typeof knownPort>,
): string | undefined {
  if (device.nodeType !== undefined && device.nodeType !== 'CA' && !known)
    return `the device is of type ${device.nodeType}; SMC-R needs RoCE`;
  if (port.number > IBPORT_MAX) return `SMC uses ports 1 to ${IBPORT_MAX} only`;
  if (port.linkLayer === 'InfiniBand' && !known?.links)
    return 'the port is on an InfiniBand fabric; SMC-R needs RoCE';
  if (known?.state === 'INACTIVE' && port.state === 'ACTIVE')
    return 'the port is ACTIVE, but the SMC module considers it inactive';
  if (port.state !== 'ACTIVE' && !(port.state === undefined && known?.state === 'ACTIVE'))
    return `the port is ${port.state ?? 'in an unknown state'}, not ACTIVE`;
  if (smcrPorts.value && !smcrPorts.value.some((known) => known.device.ibName === device.name))
    return 'the SMC module does not know the device';
  return undefined;
}

/** Connections outside of a VLAN take addresses of interfaces that are no VLAN, others those of their own VLAN. */
function gidsFor(port: RdmaPort, { interfaces, root }: DeviceView, vlan?: NetworkInterface): RdmaGid[] {
  const id = vlan && vlanId(vlan.name, root);
  return port.gids.filter(({ netdev }) => {
    if (netdev === undefined) return false;
    if (vlan) return netdev === vlan.name || (id !== undefined && vlanId(netdev, root) === id);
    return interfaces.find(({ name }) => name === netdev)?.kind !== 'vlan';
  });
}

/** What a fit port is worth while the kernel's SMC has not been asked. */
const fit = (reason: string, { system }: DeviceView): Verdict =>
  system.value ? yes(reason) : unknown(`${reason}, but SMC in the kernel cannot be queried`);

function versionOne(
  gids: readonly RdmaGid[],
  where: string,
  host: DeviceView,
  noAddress: (reason: string) => Verdict,
): Verdict {
  if (!gids.some(({ type }) => type === 'v1'))
    return noAddress(`the port has no RoCE v1 address (GID)${where}`);
  return fit('the port is active and has a RoCE v1 address', host);
}

const isForVersionTwo = (gid: RdmaGid): boolean => gid.type === 'v2' && isIpv4Gid(gid);

function versionTwo(
  gids: readonly RdmaGid[],
  where: string,
  host: DeviceView,
  noAddress: (reason: string) => Verdict,
): Verdict {
  if (!gids.some(isForVersionTwo))
    return noAddress(
      `the port has no RoCE v2 address (GID) for IPv4${where}; its interface needs an IPv4 address`,
    );
  if (host.system.value?.isSmcrV2 === false) return no('this kernel has no SMC-R version 2');
  if (host.ueids.value?.length === 0) return no('there is no UEID; SMC-R version 2 needs one on both hosts');
  return fit('the port is active and has a RoCE v2 address for IPv4', host);
}

/**
 * SMC-D devices of the host, with what keeps each from being used; loopback-ism is listed where it is known. A device
 * that the kernel's SMC lists has a driver, whatever /sys shows of it.
 */
export function ismDevices(host: DeviceView): IsmCandidate[] {
  const { dibsDevices, release } = host;
  const smcdDevices = host.smcdDevices.value;
  const functions = host.pciFunctions.filter(isIsm);
  const devices = functions.map((ism): IsmCandidate => {
    const dibs = dibsDevices?.find(({ pciAddress }) => pciAddress === ism.address);
    const pnet = ismPnet(ism, host);
    const known = smcdDevices?.some(({ pciId }) => pciId === ism.address);
    const base = { name: ism.address, isLoopback: false, dibs, function: ism, pnet };
    if (!known && ism.driver === undefined) {
      const verdict = no('no driver is bound to the device; load the module ism');
      return { ...base, v1: verdict, v2: verdict };
    }
    if (known === false) {
      const verdict = no('the SMC module does not know the device');
      return { ...base, v1: verdict, v2: verdict };
    }
    return { ...base, ...ismUse(pnet, host) };
  });
  // of another kind, or where /sys does not show PCI
  const unseen = (smcdDevices ?? []).filter(
    ({ pciId }) => !functions.some(({ address }) => address === pciId),
  );
  for (const device of unseen) {
    const { pciId } = device;
    const pnet = pnetOf(device);
    const dibs = dibsDevices?.find(({ pciAddress }) => pciAddress === pciId);
    const base = { name: pciId || 'ISM', isLoopback: false, dibs, function: undefined, pnet };
    devices.push({ ...base, ...ismUse(pnet, host) });
  }
  if (!hasLoopback(host)) return devices;
  const pnet = devicePnet(undefined, loopbackNames(release, dibsDevices), 1, host);
  const loopback: IsmCandidate = {
    name: 'loopback-ism',
    isLoopback: true,
    dibs: dibsDevices?.find((device) => device.isLoopback),
    function: undefined,
    pnet,
    v1: no('loopback-ism supports version 2 only'),
    v2: ismVersionTwo(pnet, host),
  };
  return [...devices, loopback];
}

/** What can be done with a device that SMC has. */
function ismUse(pnet: PnetSource, host: DeviceView): Pick<IsmCandidate, 'v1' | 'v2'> {
  const v1 = pnet.pnetId
    ? yes(`for interfaces with PNET ID ${pnet.pnetId}`)
    : pnet.source === 'unknown'
      ? unknown('the PNET table cannot be read')
      : no('it has no PNET ID; SMC-D version 1 needs one');
  return { v1, v2: ismVersionTwo(pnet, host) };
}

/** An ISM device with a PNET ID counts only if an interface that is up has the same one in hardware. */
function ismVersionTwo(pnet: PnetSource, host: DeviceView): Verdict {
  const { system, ueids, seid, interfaces, root } = host;
  if (system.value?.isIsmV2 === false) return no('no SMC-D device of this host supports version 2');
  if (ueids.value?.length === 0 && seid.value !== undefined && !seid.value?.isEnabled)
    return no('there is neither a UEID nor an enabled SEID; SMC-D version 2 needs one on both sides');
  if (pnet.source === 'unknown') return unknown('the PNET table cannot be read');
  if (pnet.pnetId === undefined) return yes('for all interfaces, because it has no PNET ID');
  const isShared = interfaces.some(
    (candidate) => candidate.isUp && interfacePnetId(candidate, root) === pnet.pnetId,
  );
  if (isShared) return yes(`for all interfaces; its PNET ID ${pnet.pnetId} is that of an interface`);
  return no(`no interface that is up has its PNET ID ${pnet.pnetId} in hardware`);
}

/** The VLAN interface at or below an interface, as the kernel takes its id: the first one on the way down. */
function vlanOf(
  device: NetworkInterface,
  interfaces: readonly NetworkInterface[],
): NetworkInterface | undefined {
  let current: NetworkInterface | undefined = device;
  for (let level = 0; current && level <= interfaces.length; level++) {
    if (current.kind === 'vlan') return current;
    const next: string | undefined = current.lower[0];
    current = interfaces.find(({ name }) => name === next);
  }
  return undefined;
}

/**
 * What this host offers for connections over an interface.
 * @param device the interface that the route takes
 */
export function chooseDevices(device: NetworkInterface, host: ChoiceView): InterfaceChoice {
  const base = baseDevice(device, host.interfaces) ?? device;
  const pnet = interfacePnet(device, host);
  const rdma = rdmaCandidates(device, base, pnet, host);
  const forIsm = basePnet(base, host);
  const ism = ismDevices(host);
  const ismV1 = ism.filter(
    (candidate) => forIsm.pnetId !== undefined && candidate.pnet.pnetId === forIsm.pnetId,
  );
  const noRdma = rdmaMissing(device, base, pnet, host);
  return {
    interface: device,
    base,
    pnet,
    rdma,
    ism: ism.filter((candidate) => ismV1.includes(candidate) || candidate.v2.usable !== false),
    smcrV1: firstUsable(
      rdma.map(({ device: { name }, port, v1 }) => [`${name} port ${port.number}`, v1]),
      noRdma,
    ),
    smcrV2: firstUsable(
      rdma.map(({ device: { name }, port, v2 }) => [`${name} port ${port.number}`, v2]),
      noRdma,
    ),
    smcdV1: firstUsable(
      ismV1.map(({ name, v1 }) => [name, v1]),
      ismMissing(base, forIsm, ism),
    ),
    smcdV2: firstUsable(
      ism.map(({ name, v2 }) => [name, v2]),
      host.smcdDevices.value
        ? no('this host has no SMC-D device')
        : unknown('the kernel does not report SMC-D devices'),
    ),
  };
}

function rdmaCandidates(
  device: NetworkInterface,
  base: NetworkInterface,
  pnet: PnetSource,
  host: ChoiceView,
): RdmaCandidate[] {
  const vlan = vlanOf(device, host.interfaces);
  return host.rdmaDevices.flatMap((rdma) =>
    rdma.ports.flatMap((port): RdmaCandidate | [] => {
      const own = rdmaPnet(rdma, port.number, host);
      const belongs = pnet.pnetId === undefined ? port.netdev === base.name : own.pnetId === pnet.pnetId;
      if (!belongs) return [];
      const { v1, v2 } = rdmaPortUse(rdma, port, host, vlan);
      return {
        device: rdma,
        port,
        pnet: own,
        v1,
        v2: v2.usable === false ? v2 : inSubnet(port, device, v2, host, vlan),
      };
    }),
  );
}

/** Version 2 takes an address of a port only if the connection's own address is in a subnet of that one's interface. */
function inSubnet(
  port: RdmaPort,
  { name, index }: NetworkInterface,
  verdict: Verdict,
  host: ChoiceView,
  vlan: NetworkInterface | undefined,
): Verdict {
  const addresses = host.addresses.value?.filter(({ family }) => family === 4);
  if (!addresses) return verdict;
  const own = addresses.filter((address) => address.index === index);
  if (own.length === 0) return no(`interface ${name} has no IPv4 address; SMC-R version 2 needs one`);
  const gids = gidsFor(port, host, vlan).filter(isForVersionTwo);
  const list = gids.map(gidIpv4).join(', ');
  // a GID is one of the addresses of its interface; another network namespace may have an interface of the same name
  const here = gids.filter((gid) =>
    addresses.some((known) => known.interface === gid.netdev && known.address === gidIpv4(gid)),
  );
  const isReached = own.some(({ address }) =>
    addresses.some(
      (subnet) =>
        here.some(({ netdev }) => netdev === subnet.interface) &&
        isInPrefix(address, subnet.address, subnet.prefixLength),
    ),
  );
  if (isReached) return verdict;
  if (here.length < gids.length)
    return unknown(
      `the port's IPv4 address ${list} is in another network namespace, so its subnet is not known`,
    );
  return no(`no address of ${name} is in the subnet of the port's IPv4 address ${list}`);
}

/** Whether two IPv4 addresses have the same first bits. */
export function isInPrefix(one: string, other: string, prefixLength: number): boolean {
  const number = (text: string): number => text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - prefixLength);
  return Math.floor(number(one) / size) === Math.floor(number(other) / size);
}

function firstUsable(candidates: [name: string, verdict: Verdict][], none: Verdict): Verdict {
  const [first] = candidates;
  if (!first) return none;
  const best =
    candidates.find(([, { usable }]) => usable) ?? candidates.find(([, { usable }]) => usable === undefined);
  const [name, { usable, reason }] = best ?? first;
  return { usable, reason: `${name}: ${reason}` };
}

function rdmaMissing(
  device: NetworkInterface,
  base: NetworkInterface,
  pnet: PnetSource,
  { rdmaDevices }: HostFiles,
): Verdict {
  if (rdmaDevices.length === 0) return no('this host has no RDMA device');
  if (pnet.source === 'unknown')
    return unknown(`the PNET table cannot be read, and no RDMA port is on ${base.name}`);
  if (pnet.pnetId !== undefined) return no(`no RDMA port has the PNET ID ${pnet.pnetId} of ${device.name}`);
  if (pnet.passedOver !== undefined)
    return no(
      `judging by its version, this kernel ignores the table entry of ${device.name} itself, and ${base.name} below it has neither an entry nor an RDMA port`,
    );
  return no(`${device.name} has no PNET ID, and no RDMA port is on ${base.name}`);
}

function ismMissing(base: NetworkInterface, pnet: PnetSource, ism: readonly IsmCandidate[]): Verdict {
  if (ism.length === 0) return no('this host has no ISM device');
  if (pnet.source === 'unknown') return unknown('the PNET table cannot be read');
  if (pnet.pnetId === undefined) return no(`${base.name} has no PNET ID; SMC-D version 1 needs one`);
  return no(`no ISM device has the PNET ID ${pnet.pnetId} of ${base.name}`);
}
