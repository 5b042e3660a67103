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

/** An interface or a device with a PNET ID. */
export interface PnetTableRow {
  pnet_id: string;
  kind: 'ethernet' | 'device';
  /** null in a device entry */
  interface: string | null;
  /** RDMA device, or PCI address of an ISM device; null in an interface entry */
  ib_device: string | null;
  /** null in an interface entry */
  ib_port: Integer | null;
}
