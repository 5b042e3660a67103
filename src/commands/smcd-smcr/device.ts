// SPDX-License-Identifier: MIT
/** `device`: ISM devices (smcd), RDMA devices by port (smcr). */
import {
  parseSelection,
  type Selection,
  type SelectionRules,
  selectionOperands,
} from '../../cli/object-grammar.ts';
import { rowObjects, writeDocument, writeTable } from '../../cli/print.ts';
import type {
  IsmDeviceRow,
  IsmDevicesDocument,
  RdmaPortRow,
  RdmaPortsDocument,
} from '../../documents/smcd.ts';
import { type DibsDevice, readDibsDevices } from '../../host/dibs-devices.ts';
import { interfaceNames } from '../../host/interface-names.ts';
import { hexOrNull } from '../../output/json-values.ts';
import { hex, prefixedHex } from '../../output/numbers.ts';
import { type DocumentColumns, documentColumns, jsonOnly, printable } from '../../output/table.ts';
import {
  DEVICE_TYPES,
  type Device,
  hasLoopbackIsm,
  type Pnet,
  type SmcdDevice,
  type SmcrPort,
} from '../../smc/devices.ts';
import type { Flavor, ObjectContext, SmcObject } from './object.ts';
import { cell, ibDeviceWidth, interfaceColumns, isSelected, type OnInterface } from './port-columns.ts';

export const device: SmcObject = {
  usage: (flavor) => (flavor === 'smcd' ? '[show] [all]' : '[show] [all | ibdev NAME | netdev NAME]'),
  operands: (flavor) => selectionOperands(rules(flavor)),
  examples: (flavor) =>
    flavor === 'smcd'
      ? [['smcd device', 'ISM devices and their PNET IDs']]
      : [
          ['smcr device', 'all ports'],
          ['smcr -d device netdev eth0', 'the port of an interface, with its PCI IDs'],
        ],
  options: ['details'],
  read(words, flavor) {
    const { selection } = parseSelection(words, rules(flavor));
    return (context) => (flavor === 'smcr' ? showPorts(context, selection) : showIsm(context));
  },
};

const rules = (flavor: Flavor): SelectionRules<'show'> => ({
  verbs: ['show'],
  takesId: false,
  takesDevices: flavor === 'smcr',
});

/** Columns of a part of a document of devices. */
type Columns<Row, Key extends keyof IsmDeviceRow> = DocumentColumns<Row, Pick<IsmDeviceRow, Key>>;

// Devices without a PCI parent (soft-RoCE) have none of the ids: 0 and blank in text, null in JSON.
const pciColumns = {
  fid: <Row>(pci: (row: Row) => Device, header: string, gap: string): Columns<Row, 'pci_fid'> =>
    documentColumns<Row, Pick<IsmDeviceRow, 'pci_fid'>>()([
      {
        key: 'pci_fid',
        header,
        text: (row) => `${hex(pci(row).pciFid ?? 0, 4)}${gap}`,
        json: (row) => hexOrNull(pci(row).pciFid, 4),
      },
    ]),
  id: <Row>(pci: (row: Row) => Device): Columns<Row, 'pci_id'> =>
    documentColumns<Row, Pick<IsmDeviceRow, 'pci_id'>>()([
      {
        key: 'pci_id',
        header: 'PCI-ID        ',
        text: (row) => `${printable(pci(row).pciId ?? '').padEnd(12)}  `,
        json: (row) => pci(row).pciId ?? null,
      },
    ]),
  pchid: <Row>(pci: (row: Row) => Device, gap: string): Columns<Row, 'pchid'> =>
    documentColumns<Row, Pick<IsmDeviceRow, 'pchid'>>()([
      {
        key: 'pchid',
        header: 'PCHID  ',
        text: (row) => `${hex(pci(row).pchid ?? 0, 4)}${gap}`,
        json: (row) => hexOrNull(pci(row).pchid, 4),
      },
    ]),
  vendorAndDevice: <Row>(pci: (row: Row) => Device): Columns<Row, 'pci_vendor' | 'pci_device'> =>
    documentColumns<Row, Pick<IsmDeviceRow, 'pci_vendor' | 'pci_device'>>()([
      { key: 'pci_vendor', json: (row) => hexOrNull(pci(row).pciVendor, 4) },
      { key: 'pci_device', json: (row) => hexOrNull(pci(row).pciDevice, 4) },
    ]),
};

const typeText = ({ pciDevice = 0 }: Device): string => DEVICE_TYPES[pciDevice] ?? prefixedHex(pciDevice);
const typeJson = ({ pciDevice }: Device): IsmDeviceRow['type'] => DEVICE_TYPES[pciDevice ?? 0] ?? null;

/** A star marks PNET IDs that a user has set. */
function pnetColumns<Row extends Pnet>(header: string): Columns<Row, 'pnet_id' | 'pnet_id_by_user'> {
  return documentColumns<Row, Pick<IsmDeviceRow, 'pnet_id' | 'pnet_id_by_user'>>()([
    {
      key: 'pnet_id',
      header,
      text: ({ pnetId = '', isUserPnetId }) =>
        ` ${`${isUserPnetId ? '*' : ''}${printable(pnetId)}`.padEnd(16)} `,
      json: ({ pnetId }) => pnetId ?? null,
    },
    { key: 'pnet_id_by_user', json: ({ isUserPnetId }) => isUserPnetId },
  ]);
}

const itself = (device: SmcdDevice): Device => device;

/** The columns of the C suite. */
const ismColumns = documentColumns<SmcdDevice, Omit<IsmDeviceRow, 'dibs_name' | 'gid' | 'fabric_id'>>()([
  ...pciColumns.fid(itself, 'FID  ', ' '),
  { key: 'type', header: 'Type  ', text: (d) => `${typeText(d).padEnd(4)}  `, json: typeJson },
  ...pciColumns.id(itself),
  ...pciColumns.vendorAndDevice(itself),
  ...pciColumns.pchid(itself, '   '),
  {
    key: 'in_use',
    header: 'InUse  ',
    text: ({ isCritical }) => `${(isCritical ? 'Yes' : 'No').padEnd(4)}  `,
    json: ({ isCritical }) => isCritical ?? null,
  },
  {
    key: 'link_groups',
    header: '#LGs  ',
    text: ({ linkGroups }) => `${String(linkGroups).padStart(5)} `,
    json: ({ linkGroups }) => linkGroups,
  },
  ...pnetColumns<SmcdDevice>('PNET-ID  '),
]);

async function showIsm(context: ObjectContext): Promise<void> {
  const client = await context.client();
  const devices = await client.smcdDevices();
  const dibs = readDibsDevices(context.hostRoot);
  if (context.json)
    return writeDocument<IsmDevicesDocument>(context, { devices: rowObjects(ismDocument(dibs), devices) });
  const hasLoopback =
    context.io.isTerminal && (dibs || devices.length === 0)
      ? hasLoopbackIsm(await client.system(), devices, dibs)
      : undefined;
  if (hasLoopback && devices.length === 0)
    return context.note('the only SMC-D device is loopback-ism, which the kernel does not list');
  writeTable(context, ismColumns, devices, devices.length, 'SMC-D devices');
  if (hasLoopback) context.note('there is also loopback-ism, which the kernel does not list');
}

/** With what the class dibs has; the C suite has no columns for it. */
function ismDocument(dibs: readonly DibsDevice[] | undefined): DocumentColumns<SmcdDevice, IsmDeviceRow> {
  const of = ({ pciId }: SmcdDevice): DibsDevice | undefined =>
    dibs?.find(({ pciAddress }) => pciAddress === pciId);
  return documentColumns<SmcdDevice, IsmDeviceRow>()([
    ...ismColumns,
    { key: 'dibs_name', json: (device) => of(device)?.name ?? null },
    { key: 'gid', json: (device) => of(device)?.gid ?? null },
    { key: 'fabric_id', json: (device) => hexOrNull(of(device)?.fabricId, 4) },
  ]);
}

type PortRow = SmcrPort & OnInterface;

function portColumns(ibWidth: number, isDetailed: boolean): DocumentColumns<PortRow, RdmaPortRow> {
  const pci = ({ device: owner }: PortRow): Device => owner;
  const details = documentColumns<PortRow, Pick<RdmaPortRow, 'pci_fid' | 'pci_id' | 'pchid'>>()([
    ...pciColumns.fid(pci, ' FID   ', '  '),
    ...pciColumns.id(pci),
    ...pciColumns.pchid(pci, '    '),
  ]);
  return documentColumns<PortRow, RdmaPortRow>()([
    ...interfaceColumns(({ interfaceIndex }: PortRow) => interfaceIndex),
    {
      key: 'ib_device',
      header: `${'IB-Dev'.padEnd(ibWidth)} `,
      text: ({ device: { ibName } }) => `${cell(ibName, ibWidth)} `,
      json: ({ device: { ibName } }) => ibName,
    },
    {
      key: 'ib_port',
      header: 'IB-P  ',
      text: ({ number }) => `${String(number).padStart(4)}  `,
      json: ({ number }) => number,
    },
    {
      key: 'state',
      header: 'IB-State  ',
      text: ({ state = 'INACTIVE' }) => `${state.padStart(8)}  `,
      style: ({ state }) => (state === 'ACTIVE' ? 'good' : 'bad'),
      json: ({ state }) => state ?? null,
    },
    {
      key: 'type',
      header: 'Type          ',
      text: ({ device: owner }) => `${typeText(owner).padEnd(13)}  `,
      json: ({ device: owner }) => typeJson(owner),
    },
    {
      key: 'critical',
      header: 'Crit  ',
      text: ({ device: { isCritical } }) => `${(isCritical ? 'Yes' : 'No').padStart(3)}   `,
      json: ({ device: { isCritical } }) => isCritical ?? null,
    },
    ...(isDetailed ? details : jsonOnly(details)),
    ...pciColumns.vendorAndDevice(pci),
    {
      key: 'links',
      header: '#Links  ',
      text: ({ links = 0 }) => `${String(links).padStart(5)} `,
      json: ({ links }) => links ?? null,
    },
    ...pnetColumns<PortRow>('PNET-ID  '),
  ]);
}

async function showPorts(context: ObjectContext, selection: Selection): Promise<void> {
  const ports = await (await context.client()).smcrPorts();
  const names = interfaceNames(context.hostRoot);
  const all = ports.map(
    (port): PortRow => ({ ...port, interface: names.get(port.interfaceIndex ?? 0) ?? '' }),
  );
  const rows = all.filter((row) => isSelected(selection, row.device.ibName, row));
  const ibNames = rows.map(({ device: { ibName } }) => ibName);
  const columns = portColumns(ibDeviceWidth(context, ibNames), context.details > 0);
  if (context.json) writeDocument<RdmaPortsDocument>(context, { devices: rowObjects(columns, rows) });
  else writeTable(context, columns, rows, all.length, 'ports of RDMA devices');
}
