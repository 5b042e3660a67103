// SPDX-License-Identifier: MIT
import type { Hex, Integer } from './values.ts';

/**
 * The adapters of the host, and whether SMC can use them.
 * @title smc_rnics
 */
export interface AdaptersDocument {
  /** machine, as reported by uname(1) */
  architecture: string | null;
  /** release of the kernel */
  kernel: string | null;
  /** the adapters */
  devices: AdapterRow[];
  /** what could not be read from the kernel */
  problems: {
    /** what is missing as a result */
    part: string;
    /** the error */
    error: string;
  }[];
}

/** An adapter, or a device in software. */
export interface AdapterRow {
  /** RDMA device; otherwise PCI address, interface, `loopback-ism` or FID */
  name: string;
  /** `rdma`; `ism`; `network` has no RDMA device; `other`; `off` is switched off, so nothing more is known of it */
  kind: 'rdma' | 'ism' | 'network' | 'other' | 'off';
  /** RDMA device */
  ib_device: string | null;
  /** `CA` for RoCE and InfiniBand, `RNIC` for iWARP */
  node_type: string | null;
  /** ID of the RDMA device */
  node_guid: string | null;
  /** version of the firmware */
  firmware: string | null;
  /** whether it is an RDMA device in software */
  is_soft_roce: boolean;
  /** driver in the kernel */
  driver: string | null;
  /** NUMA node that the adapter is attached to */
  numa_node: Integer | null;
  /** PCI address */
  pci_id: string | null;
  /** PCI IDs and class of the device */
  pci_vendor: Hex | null;
  pci_device: Hex | null;
  pci_subsystem_vendor: Hex | null;
  pci_subsystem_device: Hex | null;
  pci_class: Hex | null;
  /** PCI address of the physical function that a virtual one belongs to; not on s390x */
  pci_physical_function: string | null;
  /** names from the file `pci.ids` */
  vendor_name: string | null;
  device_name: string | null;
  /** whether the function is switched on; s390x */
  is_on: boolean | null;
  /** function ID; s390x */
  pci_fid: Hex | null;
  /** physical channel ID; s390x */
  pchid: Hex | null;
  /** type of the function; s390x */
  pft: Hex | null;
  /** name of the adapter, or vendor and device, as in the column Type; s390x */
  type: string | null;
  /** whether it is a virtual function */
  is_virtual: boolean | null;
  /** number of the virtual function; s390x */
  vfn: Integer | null;
  /** user ID of the function; s390x */
  uid: Hex | null;
  /** port of the adapter, counted from 1; s390x */
  adapter_port: Integer | null;
  /** ports; for an adapter without RDMA, its interfaces */
  ports: AdapterPortRow[];
  /** whether SMC-D can use it; null for an adapter that is not an ISM device */
  smc_d: UseOfVersions | null;
  /** name of an SMC-D device in /sys/class/dibs, which can be used in the PNET table; since Linux 6.18 */
  dibs_name: string | null;
  /** GID of an SMC-D device, 16 digits; since Linux 6.18 */
  gid: Hex | null;
  /** the other half of a GID of 128 bits; an ISM device has none; since Linux 6.18 */
  ext_gid: Hex | null;
  /** fabric of an SMC-D device, called CHID in SMC; `ffff` is loopback-ism; since Linux 6.18 */
  fabric_id: Hex | null;
}

export interface AdapterPortRow {
  /** port of the RDMA device, counted from 1 */
  port: Integer | null;
  /** as in /sys/class/infiniband */
  state: string | null;
  physical_state: string | null;
  rate: string | null;
  link_layer: string | null;
  /** MTU of a RoCE port in bytes; computed from the MTU of the interface, as the kernel does */
  active_mtu: Integer | null;
  /** addresses of the port */
  gids: GidRow[];
  /** interface of the port, by its name in its own network namespace */
  interface: string | null;
  /** index of the interface; null for an interface of another network namespace */
  interface_index: Integer | null;
  /** operational state of the interface: `up`, `down`, `unknown` and others */
  interface_state: string | null;
  /** MTU of the interface in bytes */
  mtu: Integer | null;
  /** interfaces below it at all levels, nearest first */
  below: string[];
  /** interfaces above it at all levels, nearest first */
  above: string[];
  /** channel path of an OSA or HiperSockets interface; s390x */
  chpid: Hex | null;
  /** PNET ID of the port */
  pnet_id: string | null;
  /**
   * where it is from: `hardware`; `table`, an entry for the device or the interface itself; `base-table`, an entry for
   * the interface at the bottom; `unknown` if the table cannot be read; null if there is none
   */
  pnet_id_source: SourceOfPnetId | null;
  /** PNET ID of the interface, which connections over it use */
  interface_pnet_id: string | null;
  /** the same for the PNET ID of the interface */
  interface_pnet_id_source: SourceOfPnetId | null;
  /** whether SMC-R can use it; null for a port without RDMA */
  smc_r: UseOfVersions | null;
}

/** Where a PNET ID is from. */
export type SourceOfPnetId = 'hardware' | 'table' | 'base-table' | 'unknown';

/** An address of a port. */
export interface GidRow {
  /** its position in the table of the port */
  index: Integer;
  /** the address, in hexadecimal groups */
  gid: string;
  /** `v1` or `v2`, the version of RoCE, or `infiniband` */
  type: 'v1' | 'v2' | 'infiniband';
  /** interface that it belongs to, by its name in its own network namespace */
  interface: string | null;
}

export interface UseOfVersions {
  /** verdict on each version of SMC */
  v1: UseOfVersion;
  v2: UseOfVersion;
}

export interface UseOfVersion {
  /** whether this version can be used; null if this is not known */
  usable: boolean | null;
  /** why, or why not, as a sentence */
  reason: string;
}
