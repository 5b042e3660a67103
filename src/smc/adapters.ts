// SPDX-License-Identifier: MIT
/** The host's adapters one by one: RDMA devices, SMC-D devices, and what else carries network interfaces. */
import type { DibsDevice } from '../host/dibs-devices.ts';
import type { NetworkInterface } from '../host/network-interfaces.ts';
import { isIsm, type PciFunction, type PciSlot } from '../host/pci-devices.ts';
import type { RdmaDevice, RdmaPort } from '../host/rdma-devices.ts';
import {
  type DeviceView,
  type IsmCandidate,
  interfacePnet,
  ismDevices,
  type PnetSource,
  rdmaPnet,
  rdmaPortUse,
  type Verdict,
} from './device-choice.ts';

/** Verdicts on the two versions of SMC-R or SMC-D. */
export interface Use {
  v1: Verdict;
  v2: Verdict;
}

export interface AdapterPort {
  /** RDMA port from 1; `undefined` without RDMA */
  number: number | undefined;
  rdma: RdmaPort | undefined;
  netdev: NetworkInterface | undefined;
  /** of the port itself; of the interface when there is no RDMA port */
  pnet: PnetSource;
  /** of the interface, as SMC looks it up for connections; `undefined` without one */
  interfacePnet: PnetSource | undefined;
  smcr: Use | undefined;
}

export interface Adapter {
  /** 'off' is a function of s390x that is switched off: nothing more is known of it */
  kind: 'rdma' | 'ism' | 'network' | 'other' | 'off';
  /** RDMA device, else PCI address, else interface, "loopback-ism", or FID */
  name: string;
  rdma: RdmaDevice | undefined;
  pci: PciFunction | undefined;
  /** SMC-D device in the class dibs; since Linux 6.18 */
  dibs: DibsDevice | undefined;
  /** s390x */
  slot: PciSlot | undefined;
  ports: AdapterPort[];
  smcd: Use | undefined;
}

/** PCI base class of network controllers */
const CLASS_NETWORK = 0x02;

/**
 * All adapters of the host: PCI functions by address, then RDMA devices in software, loopback-ism, interfaces on other
 * buses, and functions that are switched off. PCI functions that have nothing to do with a network are of kind 'other'.
 */
export function listAdapters(host: DeviceView): Adapter[] {
  const { pciFunctions, pciSlots, interfaces, rdmaDevices } = host;
  const isms = ismDevices(host);
  const onPci = pciFunctions.flatMap((pci) => pciAdapters(pci, isms, host));
  const addresses = new Set(pciFunctions.map(({ address }) => address));
  const elsewhere = rdmaDevices
    .filter(({ parent }) => parent === undefined || !addresses.has(parent))
    .map((rdma) => rdmaAdapter(rdma, undefined, host));
  const loopback = isms.filter((ism) => ism.function === undefined).map(ismAdapter);
  const shown = new Set(
    [...onPci, ...elsewhere].flatMap(({ ports }) => ports.map(({ netdev }) => netdev?.name)),
  );
  const others = interfaces
    .filter(({ name, parent }) => parent !== undefined && !shown.has(name))
    .map((netdev) => ({ ...bare('network', netdev.name), ports: [interfacePort(netdev, host)] }));
  const off = pciSlots
    .filter(({ isOn }) => !isOn)
    .map((slot) => ({ ...bare('off', slot.fid.toString(16).padStart(8, '0')), slot }));
  return [...onPci, ...elsewhere, ...loopback, ...others, ...off];
}

const bare = (kind: Adapter['kind'], name: string): Adapter => ({
  kind,
  name,
  rdma: undefined,
  pci: undefined,
  dibs: undefined,
  slot: undefined,
  ports: [],
  smcd: undefined,
});

function pciAdapters(pci: PciFunction, isms: readonly IsmCandidate[], host: DeviceView): Adapter[] {
  const slot = host.pciSlots.find(({ fid }) => fid === pci.mainframe?.fid);
  const rdma = host.rdmaDevices.filter(({ parent }) => parent === pci.address);
  if (rdma.length > 0) return rdma.map((device) => ({ ...rdmaAdapter(device, pci, host), slot }));
  const ism = isms.find((candidate) => candidate.function === pci);
  if (isIsm(pci) && ism) return [{ ...ismAdapter(ism), slot }];
  const ports = host.interfaces
    .filter(({ parent }) => parent?.bus === 'pci' && parent.id === pci.address)
    .map((netdev) => interfacePort(netdev, host));
  // one that a virtio driver has taken is listed by its interface, which is on the bus virtio
  const isNetwork =
    ports.length > 0 || (pci.class >> 16 === CLASS_NETWORK && !pci.driver?.startsWith('virtio'));
  return [{ ...bare(isNetwork ? 'network' : 'other', pci.address), pci, slot, ports }];
}

function ismAdapter({ name, function: pci, dibs, pnet, v1, v2 }: IsmCandidate): Adapter {
  const port = {
    number: undefined,
    rdma: undefined,
    netdev: undefined,
    pnet,
    interfacePnet: undefined,
    smcr: undefined,
  };
  return { ...bare('ism', name), pci, dibs, ports: [port], smcd: { v1, v2 } };
}

function interfacePort(netdev: NetworkInterface, host: DeviceView): AdapterPort {
  const pnet = interfacePnet(netdev, host);
  return { number: undefined, rdma: undefined, netdev, pnet, interfacePnet: pnet, smcr: undefined };
}

function rdmaAdapter(rdma: RdmaDevice, pci: PciFunction | undefined, host: DeviceView): Adapter {
  const ports = rdma.ports.map((port): AdapterPort => {
    const netdev = host.interfaces.find(({ name }) => name === port.netdev);
    return {
      number: port.number,
      rdma: port,
      netdev,
      pnet: rdmaPnet(rdma, port.number, host),
      interfacePnet: netdev && interfacePnet(netdev, host),
      smcr: rdmaPortUse(rdma, port, host),
    };
  });
  return { ...bare('rdma', rdma.name), rdma, pci, ports };
}

/** Interfaces that are above or below another one, on all levels, nearest first. */
export function stackedInterfaces(
  netdev: NetworkInterface,
  direction: 'upper' | 'lower',
  interfaces: readonly NetworkInterface[],
): string[] {
  const names: string[] = [];
  for (const name of netdev[direction]) if (!names.includes(name)) names.push(name);
  for (let at = 0; at < names.length; at++) {
    const next = interfaces.find(({ name }) => name === names[at])?.[direction] ?? [];
    names.push(...next.filter((name) => name !== netdev.name && !names.includes(name)));
  }
  return names;
}
