// SPDX-License-Identifier: MIT
import type { Hex, Integer } from './values.ts';

/**
 * Adapters of the host, and whether SMC can use them.
 * @title smc_rnics
 */
export interface AdaptersDocument {
  /** as `uname -m` has it */
  architecture: string | null;
  /** release of the kernel */
  kernel: string | null;
  devices: AdapterRow[];
  /** what could not be asked of the kernel */
  problems: { part: string; error: string }[];
}

/** An adapter, or a device in software. */
export interface AdapterRow {
  /** RDMA device; else PCI address, interface, "loopback-ism" or FID */
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
  /** function id; s390x */
  pci_fid: Hex | null;
  /** physical channel id; s390x */
  pchid: Hex | null;
  /** type of the function; s390x */
  pft: Hex | null;
  /** name of the adapter, or vendor and device; s390x */
  type: string | null;
  is_virtual: boolean | null;
  /** number of the virtual function; s390x */
  vfn: Integer | null;
  /** user id of the function; s390x */
  uid: Hex | null;
  /** from 1; s390x */
  adapter_port: Integer | null;
  /** for an adapter without RDMA its interfaces */
  ports: AdapterPortRow[];
  /** null for an adapter that is no ISM device */
  smc_d: UseOfVersions | null;
  /** name of an SMC-D device in /sys/class/dibs, which the PNET table takes; since Linux 6.18 */
  dibs_name: string | null;
  /** GID of an SMC-D device; since Linux 6.18 */
  gid: Hex | null;
  /** the other half of a GID of 128 bits */
  ext_gid: Hex | null;
  /** fabric of an SMC-D device, which SMC calls CHID; ffff is loopback-ism; since Linux 6.18 */
  fabric_id: Hex | null;
}

export interface AdapterPortRow {
  /** port of the RDMA device from 1 */
  port: Integer | null;
  state: string | null;
  physical_state: string | null;
  rate: string | null;
  link_layer: string | null;
  /** of a RoCE port, in bytes; derived from the MTU of the interface as the kernel does it */
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
  /** interfaces below it on all levels, nearest first */
  below: string[];
  /** interfaces above it on all levels, nearest first */
  above: string[];
  /** channel path of OSA and HiperSockets; s390x */
  chpid: Hex | null;
  pnet_id: string | null;
  /** null for none */
  pnet_id_source: SourceOfPnetId | null;
  /** what connections over the interface go by */
  interface_pnet_id: string | null;
  /** null for none */
  interface_pnet_id_source: SourceOfPnetId | null;
  /** null for a port without RDMA */
  smc_r: UseOfVersions | null;
}

/** "table": entry of the device or interface itself; "base-table": of the interface at the bottom; "unknown": not readable */
export type SourceOfPnetId = 'hardware' | 'table' | 'base-table' | 'unknown';

/** An address of a port. */
export interface GidRow {
  /** place in the table of the port */
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
  /** null if it cannot be told */
  usable: boolean | null;
  /** a sentence */
  reason: string;
}
