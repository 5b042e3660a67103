// SPDX-License-Identifier: MIT
/** What the tables of RDMA devices and of links have in common: both are about a port and its interface. */
import type { Selection } from '../../cli/object-grammar.ts';
import type { Context } from '../../cli/run.ts';
import type { RdmaPortRow } from '../../documents/smcd.ts';
import { type DocumentColumns, documentColumns, printable } from '../../output/table.ts';

/** A row about a port. */
export interface OnInterface {
  /** name of the interface; '' when that is in another network namespace, or there is none */
  interface: string;
}

/** Whether `ibdev NAME` or `netdev NAME` means this row; full names are compared. */
export const isSelected = (
  { ibDevice, interface: name }: Selection,
  ibName: string | undefined,
  row: OnInterface,
): boolean =>
  (ibDevice === undefined || ibDevice === ibName) && (name === undefined || name === row.interface);

/** Width of the IB-Dev column. Pipes get names cut to it, as from the C suite; a terminal makes room for all. */
const IB_DEVICE_WIDTH = 8;

/** @param names of all RDMA devices that will be in the column */
export function ibDeviceWidth({ io }: Context, names: readonly (string | undefined)[]): number {
  const widths = io.isTerminal ? names.map((name = '') => printable(name).length) : [];
  return Math.max(IB_DEVICE_WIDTH, ...widths);
}

/** A name cut and padded to a width. */
export const cell = (name: string, width: number): string => printable(name).slice(0, width).padEnd(width);

/** @param index of the interface as reported by the kernel */
export function interfaceColumns<Row extends OnInterface>(
  index: (row: Row) => number | undefined,
): DocumentColumns<Row, Pick<RdmaPortRow, 'interface' | 'interface_index'>> {
  return documentColumns<Row, Pick<RdmaPortRow, 'interface' | 'interface_index'>>()([
    {
      key: 'interface',
      header: 'Net-Dev         ',
      text: (row) => `${cell(row.interface, 15)} `,
      json: (row) => row.interface || null,
    },
    { key: 'interface_index', json: (row) => index(row) ?? null },
  ]);
}
