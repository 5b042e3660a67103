// SPDX-License-Identifier: MIT
import type { Integer } from './values.ts';

/**
 * The PNET table.
 * @title smc_pnet
 */
export interface PnetTableDocument {
  /** in the order in which the entries were made */
  pnet_table: PnetTableRow[];
}

/** An interface or a device that a PNET ID was given to. */
export interface PnetTableRow {
  pnet_id: string;
  kind: 'ethernet' | 'device';
  /** null in the entry of a device */
  interface: string | null;
  /** RDMA device, or PCI address of an ISM device; null in the entry of an interface */
  ib_device: string | null;
  /** null in the entry of an interface */
  ib_port: Integer | null;
}
