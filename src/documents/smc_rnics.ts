// SPDX-License-Identifier: MIT
import type { Hex, Integer } from './values.ts';

/**
 * Adapters of the host, and whether SMC can use them.
 * @title smc_rnics
 */
export interface AdaptersDocument {
  /** as reported by `uname -m` */
  architecture: string | null;
  /** release of the kernel */
  kernel: string | null;
  devices: AdapterRow[];
  /** what could not be read from the kernel */
  problems: { part: string; error: string }[];
}

/** An adapter, or a device in software. */
export interface AdapterRow {
  /** RDMA device; otherwise PCI address, interface, "loopback-ism" or FID */
  name: string;
  /** "network" has no RDMA device; "off" is switched off, so nothing more is known of it */
  kind: 'rdma' | 'ism' | 'network' | 'other' | 'off';
  ib_device: string | null;
  /** "CA" for RoCE and InfiniBand, "RNIC" for iWARP */
  node_type: string | null;
  node_guid: string | null;
  firmware: string | null;
  is_soft_roce: boolean;
  driver: string | null;
  numa_node: Integer | null;
  pci_id: string | null;
  pci_vendor: Hex | null;
  pci_device: Hex | null;
  pci_subsystem_vendor: Hex | null;
  pci_subsystem_device: Hex | null;
  pci_class: Hex | null;
  /** PCI address of the physical function that a virtual one belongs to; not on s390x */
  pci_physical_function: string | null;
  /** from pci.ids */
  vendor_name: string | null;
  /** from pci.ids */
  device_name: string | null;
  /** whether the function is switched on; s390x */
  is_on: boolean | null;
  /** function ID; s390x */
  pci_fid: Hex | null;
  /** physical channel ID; s390x */
  pchid: Hex | null;
  /** type of the function; s390x */
  pft: Hex | null;
  /** name of the adapter, or vendor and device; s390x */
  type: string | null;
  is_virtual: boolean | null;
  /** number of the virtual function; s390x */
  vfn: Integer | null;
  /** user ID of the function; s390x */
  uid: Hex | null;
  /** port of the adapter, counted from 1; s390x */
  adapter_port: Integer | null;
  /** ports; for an adapter without RDMA, its interfaces */
  ports: AdapterPortRow[];
  /** null for an adapter that is not an ISM device */
  smc_d: UseOfVersions | null;
  /** name of an SMC-D device in /sys/class/dibs, which can be used in the PNET table; since Linux 6.18 */
  dibs_name: string | null;
  /** GID of an SMC-D device; since Linux 6.18 */
  gid: Hex | null;
  /** the other half of a GID of 128 bits */
  ext_gid: Hex | null;
  /** fabric of an SMC-D device, called CHID in SMC; ffff is loopback-ism; since Linux 6.18 */
  fabric_id: Hex | null;
}

export interface AdapterPortRow {
  /** port of the RDMA device, counted from 1 */
  port: Integer | null;
  state: string | null;
  physical_state: string | null;
  rate: string | null;
  link_layer: string | null;
  /** of a RoCE port, in bytes; computed from the MTU of the interface, as the kernel does */
  active_mtu: Integer | null;
  gids: GidRow[];
  /** by its name in its own network namespace */
  interface: string | null;
  /** null for an interface of another network namespace */
  interface_index: Integer | null;
  /** operational state: "up", "down", "unknown" and others */
  interface_state: string | null;
  /** of the interface, in bytes */
  mtu: Integer | null;
  /** interfaces below it at all levels, nearest first */
  below: string[];
  /** interfaces above it at all levels, nearest first */
  above: string[];
  /** channel path of OSA and HiperSockets; s390x */
  chpid: Hex | null;
  pnet_id: string | null;
  /** null if there is none */
  pnet_id_source: SourceOfPnetId | null;
  /** PNET ID that connections over the interface use */
  interface_pnet_id: string | null;
  /** null if there is none */
  interface_pnet_id_source: SourceOfPnetId | null;
  /** null for a port without RDMA */
  smc_r: UseOfVersions | null;
}

/** "table": entry for the device or interface itself; "base-table": entry for the interface at the bottom; "unknown": not readable */
export type SourceOfPnetId = 'hardware' | 'table' | 'base-table' | 'unknown';

/** An address of a port. */
export interface GidRow {
  /** position in the table of the port */
  index: Integer;
  gid: string;
  /** version of RoCE */
  type: 'v1' | 'v2' | 'infiniband';
  /** by its name in its own network namespace */
  interface: string | null;
}

export interface UseOfVersions {
  v1: UseOfVersion;
  v2: UseOfVersion;
}

export interface UseOfVersion {
  /** null if this is not known */
  usable: boolean | null;
  /** a sentence */
  reason: string;
}
