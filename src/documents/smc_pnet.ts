// SPDX-License-Identifier: MIT
import type { Integer } from './values.ts';

/**
 * The PNET table of the network namespace.
 * @title smc_pnet
 */
export interface PnetTableDocument {
  /** the entries, in the order in which they were made */
  pnet_table: PnetTableRow[];
}

/** An interface or a device with a PNET ID. */
export interface PnetTableRow {
  /** PNET ID */
  pnet_id: string;
  /** what the entry is for */
  kind: 'ethernet' | 'device';
  /** name of the interface; null in a device entry */
  interface: string | null;
  /** RDMA device, or PCI address of an ISM device; null in an interface entry */
  ib_device: string | null;
  /** port of the device; null in an interface entry */
  ib_port: Integer | null;
}
