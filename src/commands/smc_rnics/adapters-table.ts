// SPDX-License-Identifier: MIT
/** The list on all machines but s390x: a line for each port, and below it what keeps SMC from using it. */
import type { DibsDevice } from '../../host/dibs-devices.ts';
import { type PciName, pciKey } from '../../host/pci-names.ts';
import { gidIpv4, roceMtu } from '../../host/rdma-devices.ts';
import { hex } from '../../output/numbers.ts';
import { type FittedColumn, printable } from '../../output/table.ts';
import { type Adapter, type AdapterPort, stackedInterfaces, type Use } from '../../smc/adapters.ts';
import type { PnetSource } from '../../smc/device-choice.ts';
import type { HostFiles } from '../../smc/host.ts';

/** One line of the table; `port` is `undefined` for an adapter without any. */
export interface PortRow {
  adapter: Adapter;
  port: AdapterPort | undefined;
}

export function portRows(adapters: readonly Adapter[]): PortRow[] {
  return adapters.flatMap((adapter): PortRow[] =>
    adapter.ports.length > 0
      ? adapter.ports.map((port) => ({ adapter, port }))
      : [{ adapter, port: undefined }],
  );
}

const NONE = 'n/a';

export function portColumns(
  { interfaces }: HostFiles,
  names: ReadonlyMap<string, PciName>,
  raw: boolean,
): FittedColumn<PortRow>[] {
  const above = ({ port }: PortRow): string =>
    (port?.netdev ? stackedInterfaces(port.netdev, 'upper', interfaces).map(printable).join(',') : '') ||
    NONE;
  return [
    { title: 'Device', text: ({ adapter }) => printable(adapter.name) },
    { title: 'Port', text: ({ port }) => port?.number?.toString() ?? NONE },
    {
      title: 'State',
      text: ({ port }) => port?.rdma?.state ?? port?.netdev?.operstate ?? NONE,
      style: ({ port }) => (port?.rdma ? (port.rdma.state === 'ACTIVE' ? 'good' : 'bad') : undefined),
    },
    { title: 'Rate', text: ({ port }) => rateText(port?.rdma?.rate) },
    { title: 'MTU', text: ({ port }) => activeMtu(port)?.toString() ?? NONE },
    { title: 'Net-Dev', text: ({ port }) => printable(port?.netdev?.name ?? port?.rdma?.netdev ?? NONE) },
    { title: 'Above', text: above },
    { title: 'PNET-ID', text: ({ port }) => pnetText(port) },
    { title: 'SMC-R', text: ({ port }) => useText(port?.smcr) },
    { title: 'SMC-D', text: ({ adapter }) => useText(adapter.smcd) },
    { title: 'Type', text: ({ adapter }) => typeText(adapter, names, raw) },
  ];
}

/** MTU of a RoCE port in bytes, which follows from that of its interface; `undefined` for other ports. */
export function activeMtu(port: AdapterPort | undefined): number | undefined {
  return port?.rdma?.linkLayer === 'Ethernet' && port.netdev ? roceMtu(port.netdev.mtu) : undefined;
}

/** "100 Gb/sec (4X EDR)" without its end. */
const rateText = (rate: string | undefined): string =>
  rate?.replace(/ \(.*$/, '').replace(' Gb/sec', 'G') ?? NONE;

/** The port's own PNET ID, else that of its interface; a star marks those from the table. */
function pnetText(port: AdapterPort | undefined): string {
  const sources = [port?.pnet, port?.interfacePnet].filter((pnet): pnet is PnetSource => pnet !== undefined);
  const found = sources.find(({ pnetId }) => pnetId !== undefined);
  if (found) return `${printable(found.pnetId ?? '')}${found.source === 'hardware' ? '' : '*'}`;
  return sources.some(({ source }) => source === 'unknown') ? '?' : NONE;
}

/** Versions that can be used; "?" when that is not known. */
function useText(use: Use | undefined): string {
  if (!use) return NONE;
  const versions = [use.v1.usable && 'v1', use.v2.usable && 'v2'].filter(Boolean);
  if (versions.length > 0) return versions.join(',');
  return use.v1.usable === undefined || use.v2.usable === undefined ? '?' : 'no';
}

function typeText({ name, rdma, pci }: Adapter, names: ReadonlyMap<string, PciName>, raw: boolean): string {
  if (pci) return raw ? pciKey(pci) : printable(names.get(pciKey(pci))?.device ?? pciKey(pci));
  if (rdma?.isSoftRoce) return 'soft-RoCE';
  return name === 'loopback-ism' ? 'software' : NONE;
}

/** Lines below a row: why SMC cannot use it, and on request the addresses of the port. */
export function remarks({ adapter, port }: PortRow, withGids: boolean): string[] {
  const gids = withGids ? (port?.rdma?.gids ?? []) : [];
  const { dibs } = adapter;
  return [
    ...(withGids && dibs ? [dibsText(dibs)] : []),
    ...gids.map(
      (gid) =>
        `GID ${gid.index}: ${gidIpv4(gid) ?? printable(gid.gid)} ${gid.type} ${printable(gid.netdev ?? NONE)}`,
    ),
    ...obstacles('SMC-R', port?.smcr),
    ...obstacles('SMC-D', adapter.smcd),
    ...(adapter.kind === 'network' ? [withoutRdma(adapter, port)] : []),
  ].map((line) => `    ${printable(line)}`);
}

/** "ism1a: GID 0123456789abcdef, fabric 07c0" */
function dibsText({ name, gid, extGid, fabricId }: DibsDevice): string {
  const fabric = fabricId === undefined ? 'unknown' : hex(fabricId, 4);
  return `${printable(name)}: GID ${gid === undefined ? 'unknown' : [gid, extGid].filter(Boolean).join(':')}, fabric ${fabric}`;
}

function obstacles(what: string, use: Use | undefined): string[] {
  if (!use) return [];
  const { v1, v2 } = use;
  if (v1.usable !== true && v2.usable !== true && v1.reason === v2.reason) return [`${what}: ${v1.reason}`];
  return [
    ...(v1.usable === true ? [] : [`${what} v1: ${v1.reason}`]),
    ...(v2.usable === true ? [] : [`${what} v2: ${v2.reason}`]),
  ];
}

const ARPHRD_ETHER = 1;

function withoutRdma({ pci }: Adapter, port: AdapterPort | undefined): string {
  if (!port?.netdev)
    return pci?.driver ? 'SMC-R: no RDMA device' : 'SMC-R: no driver is bound to the adapter';
  const { name, type } = port.netdev;
  if (type !== ARPHRD_ETHER) return 'SMC-R: no RDMA device';
  return `SMC-R: no RDMA device; to add one in software: rdma link add rxe_${printable(name)} type rxe netdev ${printable(name)}`;
}
