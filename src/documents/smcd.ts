// SPDX-License-Identifier: MIT
/** The objects of smcd and smcr; where both print the same, the title names smcd. */
import type { Hex, Integer, Reason, Time, UnknownNumber } from './values.ts';

/**
 * What the kernel and the hardware support.
 * @title smcd info
 */
export interface InfoDocument {
  info: {
    /** version and release, such as 2.1 */
    version: string | null;
    hostname: string | null;
    /** of the kernel */
    smcd_versions: Integer[];
    smcr_versions: Integer[];
    /** enterprise ID of the machine */
    seid: string | null;
    /** of the devices; empty if there is none */
    ism_versions: Integer[];
    roce_versions: Integer[];
    /** whether there is a loopback-ism; null if this is unknown: before Linux 6.18 with ISM devices */
    loopback_ism: boolean | null;
    smcd_devices: Integer;
    rdma_devices: Integer;
  };
}

type DeviceType = 'RoCE_Express' | 'RoCE_Express2' | 'RoCE_Express3' | 'ISM';

/** Null if the device is not a PCI device. */
interface PciIds {
  pci_fid: Hex | null;
  /** PCI address */
  pci_id: string | null;
  pci_vendor: Hex | null;
  pci_device: Hex | null;
  pchid: Hex | null;
}

/**
 * ISM devices.
 * @title smcd device
 */
export interface IsmDevicesDocument {
  devices: IsmDeviceRow[];
}

export interface IsmDeviceRow extends PciIds {
  type: DeviceType | null;
  /** whether a link group uses it */
  in_use: boolean | null;
  /** number of link groups that use it */
  link_groups: Integer | null;
  pnet_id: string | null;
  /** whether the PNET ID was set by a user */
  pnet_id_by_user: boolean;
  /** name in /sys/class/dibs, which can be used in the PNET table; since Linux 6.18 */
  dibs_name: string | null;
  /** since Linux 6.18 */
  gid: Hex | null;
  /** fabric of the device, called CHID in SMC; since Linux 6.18 */
  fabric_id: Hex | null;
}

/**
 * Ports of RDMA devices.
 * @title smcr device
 */
export interface RdmaPortsDocument {
  devices: RdmaPortRow[];
}

export interface RdmaPortRow extends PciIds {
  /** null if it is in another network namespace */
  interface: string | null;
  interface_index: Integer | null;
  ib_device: string | null;
  ib_port: Integer;
  state: 'ACTIVE' | 'INACTIVE' | UnknownNumber | null;
  type: DeviceType | null;
  critical: boolean | null;
  /** number of links that use the port */
  links: Integer | null;
  pnet_id: string | null;
  /** whether the PNET ID was set by a user */
  pnet_id_by_user: boolean;
}

/** What link groups of SMC-D and SMC-R have in common. */
interface LinkGroup {
  /** 8 digits */
  link_group_id: Hex;
  vlan_id: Integer | null;
  connections: Integer | null;
  pnet_id: string | null;
  /** of SMC */
  version: Integer;
  /** null for version 1, as are the next three */
  peer_release: Integer | null;
  peer_host: string | null;
  peer_os: 'ZOS' | 'LINUX' | 'AIX' | null;
  eid: string | null;
  /** since Linux 6.12 */
  sndbuf_bytes: Integer | null;
}

/**
 * SMC-D link groups.
 * @title smcd linkgroup
 */
export interface SmcdLinkGroupsDocument {
  link_groups: SmcdLinkGroupRow[];
  /** false: the kernel left out some link groups */
  complete: boolean;
}

export interface SmcdLinkGroupRow extends LinkGroup {
  /** since Linux 6.12 */
  dmb_bytes: Integer | null;
  gid: Hex | null;
  /** second half, since Linux 6.8 */
  ext_gid: Hex | null;
  peer_gid: Hex | null;
  peer_ext_gid: Hex | null;
  /** channel ID; ffff is loopback-ism */
  chid: Hex | null;
}

type LinkGroupType = 'NONE' | 'SINGLE' | 'SYM' | 'ASYMP' | 'ASYML' | UnknownNumber;
type Role = 'SERV' | 'CLNT';

/**
 * SMC-R link groups.
 * @title smcr linkgroup
 */
export interface SmcrLinkGroupsDocument {
  link_groups: SmcrLinkGroupRow[];
}

export interface SmcrLinkGroupRow extends LinkGroup {
  role: Role | null;
  type: LinkGroupType | null;
  /** whether peers are in one subnet; null for version 1 */
  direct: boolean | null;
  /** since Linux 6.12 */
  rmb_bytes: Integer | null;
  /** since Linux 6.6; null for version 1 */
  max_connections: Integer | null;
  max_links: Integer | null;
  /** since Linux 6.0 */
  buffer_type: 'PHYSICAL' | 'VIRTUAL' | 'MIXED' | UnknownNumber | null;
  /** cookie of the network namespace of the RDMA device */
  net_cookie: Integer | null;
  links: SmcrGroupLink[];
}

/** A link within its group. */
export interface SmcrGroupLink {
  /** number within the group, 2 digits */
  link_id: Hex;
  /** null if it is in another network namespace */
  interface: string | null;
  interface_index: Integer | null;
  state: 'LINK_UNUSED' | 'LINK_INACTIVE' | 'LINK_ACTIVATING' | 'LINK_ACTIVE' | UnknownNumber | null;
  connections: Integer | null;
  /** 8 digits */
  link_uid: Hex | null;
  peer_uid: Hex | null;
  ib_device: string | null;
  ib_port: Integer | null;
  /** RDMA address */
  gid: string | null;
  peer_gid: string | null;
}

/**
 * Links of SMC-R.
 * @title smcr linkgroup link-show
 */
export interface SmcrLinksDocument {
  links: SmcrLinkRow[];
}

export interface SmcrLinkRow extends SmcrGroupLink {
  /** 8 digits */
  link_group_id: Hex;
  /** of the group */
  role: Role | null;
  /** of the group */
  type: LinkGroupType | null;
}

/**
 * All counters.
 * @title smcd stats
 */
export interface StatisticsDocument {
  statistics: {
    technology: 'SMC-D' | 'SMC-R';
    /** reset from which the counts start, with the inode of its network namespace; null: full counts */
    baseline: { time: Time; network_namespace: Integer } | null;
    connections: { smc: Integer; client: CountsByVersion; server: CountsByVersion };
    handshake_errors: { client: Integer; server: Integer };
    fallbacks: { client: FallbackCounts; server: FallbackCounts };
    rx: TrafficCounts;
    tx: TrafficCounts;
    special_calls: {
      cork: Integer;
      nodelay: Integer;
      sendpage: Integer;
      splice: Integer;
      urgent_data: Integer;
    };
  };
}

export interface CountsByVersion {
  v1: Integer;
  v2: Integer;
}

export interface FallbackCounts {
  total: Integer;
  /** counted in 16 bits, so the sum may be smaller than the total */
  reasons: CountedReason[];
}

export interface CountedReason extends Reason {
  count: Integer;
}

/** One direction. */
export interface TrafficCounts {
  bytes: Integer;
  requests: Integer;
  /** in use at this moment; null before Linux 6.12 */
  buffer_usage_bytes: Integer | null;
  buffer_events: {
    full: Integer;
    full_peer: Integer;
    too_small: Integer;
    too_small_peer: Integer;
    allocated: Integer;
    reused: Integer;
    downgraded: Integer;
  };
  buffer_sizes: CountsBySize;
  request_sizes: CountsBySize;
}

/** By the smallest class that holds the size. */
export interface CountsBySize {
  '8K': Integer;
  '16K': Integer;
  '32K': Integer;
  '64K': Integer;
  '128K': Integer;
  '256K': Integer;
  '512K': Integer;
  '1024K': Integer;
  larger: Integer;
}

/**
 * Rates by interval.
 * @title smcd stats --interval
 */
export interface RatesDocument {
  intervals: RateRow[];
  /** why it ended early; present only after a failure */
  error?: string;
}

export interface RateRow {
  /** end of the interval */
  time: Time;
  /** measured */
  seconds: number;
  connections_per_second: number;
  fallbacks_per_second: number;
  handshake_errors_per_second: number;
  rx_bytes_per_second: number;
  rx_requests_per_second: number;
  tx_bytes_per_second: number;
  tx_requests_per_second: number;
  tx_buffer_full_per_second: number;
}

/**
 * The counters of one technology under the names of the C suite.
 * @title smcd stats json
 */
export type SuiteStatisticsDocument =
  | { SMCD: Record<string, SuiteCount> }
  | { SMCR: Record<string, SuiteCount> };

/** null for what the kernel does not report: SMC_RX_RMB_USAGE and SMC_TX_RMB_USAGE before Linux 6.12 */
export type SuiteCount = Integer | null;

/**
 * User-defined enterprise IDs.
 * @title smcd ueid
 */
export interface UeidsDocument {
  ueids: string[];
}

/**
 * Enterprise ID of the machine.
 * @title smcd seid
 */
export interface SeidDocument {
  /** both null if there is none */
  seid: { seid: string | null; enabled: boolean | null };
}

/**
 * Handshake limitation.
 * @title smcd hs-limit
 */
export interface HandshakeLimitDocument {
  hs_limit: { enabled: boolean };
}

/**
 * Settings net.smc.*
 * @title smcd sysctl
 */
export interface SysctlsDocument {
  sysctls: SysctlRow[];
}

export interface SysctlRow {
  /** without net.smc. */
  name: string;
  /** null if this kernel does not have the setting; a string for hs_ctrl */
  value: Integer | string | null;
  default: Integer | string;
  /**
   * smallest and largest value; null if any value is allowed. The largest is null if it depends on the build of the kernel:
   * 2147483647 / HZ
   */
  range: [Integer, Integer | null] | null;
  unit: string | null;
  /** name of the value */
  value_name: string | null;
  meaning: string;
  /** Linux version that introduced the setting; null if older than 6.1 */
  since: string | null;
}
