// SPDX-License-Identifier: MIT
/** The list on s390x: PCI functions by FID, in the layouts of the C suite. */
import { decodePnetId } from '../../host/hardware-pnetid.ts';
import type { NetworkInterface } from '../../host/network-interfaces.ts';
import type { PciFunction, PciSlot } from '../../host/pci-devices.ts';
import { pciKey } from '../../host/pci-names.ts';
import { hex } from '../../output/numbers.ts';
import { type Column, printable } from '../../output/table.ts';
import { type DeviceView, devicePnet, interfacePnet, type PnetSource } from '../../smc/device-choice.ts';
import { functionType, isVirtual, PFT_ROCE_EXPRESS, pftName, typeName } from './function-types.ts';

/** What the options ask for. */
export interface ListOptions {
  /** functions that are off, and those of other types */
  all: boolean;
  /** RDMA devices instead of interfaces */
  ibDevices: boolean;
  /** ids and numbers instead of names */
  raw: boolean;
}

/** One line: a function, and one of its interfaces or ports. */
export interface FunctionRow {
  slot: PciSlot;
  /** `undefined` when it is off */
  pci: PciFunction | undefined;
  /** port from 0 for interfaces, from 1 for RDMA devices */
  port: number | undefined;
  pnet: PnetSource | undefined;
  /** interface or RDMA device */
  name: string | undefined;
}

const NONE = 'n/a';

const pnetText = (pnet: PnetSource | undefined): string =>
  pnet?.pnetId === undefined ? NONE : `${printable(pnet.pnetId)}${pnet.source === 'hardware' ? '' : '*'}`;

/** Columns as the C suite has them; a terminal gets no others. */
export function functionColumns(options: ListOptions, host: DeviceView): Column<FunctionRow>[] {
  const { ibDevices, raw } = options;
  const rdmaOf = ({ address }: PciFunction) => host.rdmaDevices.find(({ parent }) => parent === address);
  const cell =
    (width: number, gap: number, text: (pci: PciFunction, row: FunctionRow) => string | undefined) =>
    (row: FunctionRow): string =>
      `${((row.pci && text(row.pci, row)) ?? NONE).padEnd(width)}${' '.repeat(gap)}`;
  const pft = ({ mainframe }: PciFunction): string | undefined =>
    mainframe?.type === undefined ? undefined : `0x${hex(mainframe.type, 2)}`;
  const virtual = (pci: PciFunction): string | undefined => {
    const answer = isVirtual(pci);
    return answer === undefined ? undefined : answer ? 'y' : 'n';
  };
  return [
    { header: 'FID   ', text: ({ slot }) => `${slot.fid.toString(16).padStart(4)}  ` },
    { header: 'Power  ', text: ({ slot }) => `${(slot.isOn ? '1' : '0').padEnd(5)}  ` },
    { header: 'PCI_ID        ', text: cell(12, 2, ({ address }) => printable(address)) },
    {
      header: 'PCHID  ',
      text: cell(4, 3, ({ mainframe }) =>
        mainframe?.pchid === undefined ? undefined : hex(mainframe.pchid, 4),
      ),
    },
    {
      header: 'Type             ',
      text: cell(15, 2, (pci) => (raw ? pciKey(pci) : typeName(pci, rdmaOf(pci)))),
    },
    { header: 'PFT   ', text: cell(4, 2, (pci) => (raw ? pft(pci) : (pftName(pci) ?? pft(pci)))) },
    {
      header: raw ? 'VFN  ' : 'VF   ',
      text: cell(3, 2, (pci) => (raw ? pci.mainframe?.virtualFunction?.toString() : virtual(pci))),
    },
    {
      header: ibDevices ? 'IPrt  ' : 'PPrt  ',
      text: cell(4, 2, (_pci, { port }) => port?.toString()),
    },
    { header: 'PNET_ID            ', text: cell(17, 2, (_pci, { pnet }) => pnetText(pnet)) },
    {
      header: ibDevices ? 'IB-Dev' : 'Net-Dev',
      text: ({ name }) => (name === undefined ? NONE : printable(name)),
    },
  ];
}

/** Line below the header. */
export const RULE = '-'.repeat(100);

/** @returns rows by FID, and FIDs of functions that are on but not there */
export function functionRows(
  options: ListOptions,
  host: DeviceView,
  fid: number | undefined,
): { rows: FunctionRow[]; missing: number[] } {
  const rows: FunctionRow[] = [];
  const missing: number[] = [];
  for (const slot of host.pciSlots) {
    if (fid !== undefined && slot.fid !== fid) continue;
    const pci = host.pciFunctions.find(({ mainframe }) => mainframe?.fid === slot.fid);
    const isNamed = fid !== undefined;
    if (!slot.isOn) {
      if (options.all || isNamed)
        rows.push({ slot, pci: undefined, port: undefined, pnet: undefined, name: undefined });
    } else if (!pci) missing.push(slot.fid);
    else if (options.all || options.raw || isNamed || pftName(pci) !== undefined)
      rows.push(...(options.ibDevices ? portRows : interfaceRows)(slot, pci, host));
  }
  return { rows, missing };
}

function interfaceRows(slot: PciSlot, pci: PciFunction, host: DeviceView): FunctionRow[] {
  const names = pci.netdevs.length > 0 ? pci.netdevs : [undefined];
  return names.map((name) => {
    const netdev = host.interfaces.find((candidate) => candidate.name === name);
    return {
      slot,
      pci,
      port: adapterPort(pci, netdev),
      pnet: functionPnet(pci, netdev?.devPort ?? 0, netdev, host),
      name,
    };
  });
}

/** Port of the adapter from 0; RoCE Express has two behind one function, others one. */
function adapterPort(pci: PciFunction, netdev: NetworkInterface | undefined): number | undefined {
  const { mainframe } = pci;
  if (functionType(pci) === PFT_ROCE_EXPRESS) return netdev?.devPort;
  return mainframe?.port ? mainframe.port - 1 : undefined;
}

function portRows(slot: PciSlot, pci: PciFunction, host: DeviceView): FunctionRow[] {
  const devices = host.rdmaDevices.filter(({ parent }) => parent === pci.address);
  // without its RDMA device an adapter has a port nevertheless; ISM has none
  const hasPort = pftName(pci) !== undefined && pftName(pci) !== 'ISM';
  if (devices.length === 0)
    return [
      {
        slot,
        pci,
        port: hasPort ? 1 : undefined,
        pnet: functionPnet(pci, 0, undefined, host),
        name: undefined,
      },
    ];
  return devices.flatMap(({ name, ports }) =>
    ports.map(({ number, netdev: ownName }) => {
      const netdev = host.interfaces.find((candidate) => candidate.name === ownName);
      return { slot, pci, port: number, pnet: functionPnet(pci, number - 1, netdev, host), name };
    }),
  );
}

/** PNET ID of a port: the one in hardware, else the table's for the interface, else the table's for the device. */
function functionPnet(
  { address, mainframe }: PciFunction,
  port: number,
  netdev: NetworkInterface | undefined,
  host: DeviceView,
): PnetSource {
  const names = host.rdmaDevices.filter(({ parent }) => parent === address).map(({ name }) => name);
  const own = devicePnet(decodePnetId(mainframe?.utilString, port), [...names, address], port + 1, host);
  if (own.source === 'hardware' || !netdev) return own;
  const ofInterface = interfacePnet(netdev, host);
  return ofInterface.pnetId === undefined ? own : ofInterface;
}
