// SPDX-License-Identifier: MIT
/** The objects of smcd and smcr; where both print the same, the title names smcd. */
import type { Hex, Integer, Reason, Time, UnknownNumber } from './values.ts';

/**
 * What the kernel and the hardware support.
 * @title smcd info
 */
export interface InfoDocument {
  info: {
    /** version and release of SMC, such as 2.1 */
    version: string | null;
    /** host name without padding */
    hostname: string | null;
    /** versions that the kernel supports, such as [1,2] */
    smcd_versions: Integer[];
    smcr_versions: Integer[];
    /** enterprise ID of the machine */
    seid: string | null;
    /** versions that the devices support; empty if there is no device */
    ism_versions: Integer[];
    roce_versions: Integer[];
    /**
     * whether there is a loopback-ism; null if this is unknown, which is so before Linux 6.18 if there are ISM devices
     */
    loopback_ism: boolean | null;
    /** number of devices */
    smcd_devices: Integer;
    rdma_devices: Integer;
  };
}

type DeviceType = 'RoCE_Express' | 'RoCE_Express2' | 'RoCE_Express3' | 'ISM';

/** What only PCI devices have. */
interface PciIds {
  /** function ID, 4 digits or more; null if the device is not a PCI device */
  pci_fid: Hex | null;
  /** PCI address; null if the device is not a PCI device */
  pci_id: string | null;
  /** PCI IDs, 4 digits or more; null if the device is not a PCI device */
  pci_vendor: Hex | null;
  pci_device: Hex | null;
  /** physical channel ID, 4 digits or more; null if the device is not a PCI device */
  pchid: Hex | null;
}

/**
 * The ISM devices.
 * @title smcd device
 */
export interface IsmDevicesDocument {
  /** one object for each device */
  devices: IsmDeviceRow[];
}

export interface IsmDeviceRow extends PciIds {
  /** name of the type; null if it has none */
  type: DeviceType | null;
  /** whether a link group uses it */
  in_use: boolean | null;
  /** number of link groups that use it */
  link_groups: Integer | null;
  /** PNET ID; null if there is none */
  pnet_id: string | null;
  /** whether the PNET ID was set by a user */
  pnet_id_by_user: boolean;
  /** name of the device in /sys/class/dibs, which can be used in the PNET table; null before Linux 6.18 */
  dibs_name: string | null;
  /** GID of the device, 16 digits; null before Linux 6.18 */
  gid: Hex | null;
  /** fabric of the device, called CHID in link groups; null before Linux 6.18 */
  fabric_id: Hex | null;
}

/**
 * The ports of RDMA devices.
 * @title smcr device
 */
export interface RdmaPortsDocument {
  /** one object for each port */
  devices: RdmaPortRow[];
}

export interface RdmaPortRow extends PciIds {
  /** interface of the port; null if it is in another network namespace */
  interface: string | null;
  /** index of the interface */
  interface_index: Integer | null;
  /** RDMA device */
  ib_device: string | null;
  /** its port */
  ib_port: Integer;
  /** as in the column IB-State */
  state: 'ACTIVE' | 'INACTIVE' | UnknownNumber | null;
  /** name of the type; null if it has none */
  type: DeviceType | null;
  /** whether some link group depends on this device alone */
  critical: boolean | null;
  /** number of links that use the port */
  links: Integer | null;
  /** PNET ID; null if there is none */
  pnet_id: string | null;
  /** whether the PNET ID was set by a user */
  pnet_id_by_user: boolean;
}

/** What link groups of SMC-D and SMC-R have in common. */
interface LinkGroup {
  /** ID of the link group, 8 digits */
  link_group_id: Hex;
  /** lower 8 bits of the VLAN ID */
  vlan_id: Integer | null;
  /** number of connections */
  connections: Integer | null;
  /** PNET ID; null if there is none */
  pnet_id: string | null;
  /** version of SMC */
  version: Integer;
  /** release of SMC at the peer; null for version 1 */
  peer_release: Integer | null;
  /** host name of the peer; null for version 1 */
  peer_host: string | null;
  /** operating system of the peer; null for version 1 */
  peer_os: 'ZOS' | 'LINUX' | 'AIX' | null;
  /** enterprise ID that both hosts have; null for version 1 */
  eid: string | null;
  /** bytes in send buffers, since Linux 6.12 */
  sndbuf_bytes: Integer | null;
}

/**
 * The link groups of SMC-D.
 * @title smcd linkgroup
 */
export interface SmcdLinkGroupsDocument {
  /** one object for each link group */
  link_groups: SmcdLinkGroupRow[];
  /** false if the kernel has left out some link groups; see BUGS */
  complete: boolean;
}

export interface SmcdLinkGroupRow extends LinkGroup {
  /** bytes in receive buffers, since Linux 6.12 */
  dmb_bytes: Integer | null;
  /** GID of the device, 16 digits */
  gid: Hex | null;
  /** second half of a 128-bit GID, 16 digits; null before Linux 6.8 */
  ext_gid: Hex | null;
  /** GID of the peer's device, 16 digits */
  peer_gid: Hex | null;
  /** second half of a 128-bit GID, 16 digits; null before Linux 6.8 */
  peer_ext_gid: Hex | null;
  /** channel ID, 4 digits; `ffff` is loopback-ism */
  chid: Hex | null;
}

type LinkGroupType = 'NONE' | 'SINGLE' | 'SYM' | 'ASYMP' | 'ASYML' | UnknownNumber;
type Role = 'SERV' | 'CLNT';

/**
 * The link groups of SMC-R.
 * @title smcr linkgroup
 */
export interface SmcrLinkGroupsDocument {
  /** one object for each link group */
  link_groups: SmcrLinkGroupRow[];
}

export interface SmcrLinkGroupRow extends LinkGroup {
  /** role of this host */
  role: Role | null;
  /** as in the column LG-Type */
  type: LinkGroupType | null;
  /** whether the peer is in the same subnet; null for version 1 */
  direct: boolean | null;
  /** bytes in receive buffers, since Linux 6.12 */
  rmb_bytes: Integer | null;
  /** maximum number of connections or links, since Linux 6.6; null for version 1 */
  max_connections: Integer | null;
  max_links: Integer | null;
  /** memory of the buffers, since Linux 6.0 */
  buffer_type: 'PHYSICAL' | 'VIRTUAL' | 'MIXED' | UnknownNumber | null;
  /** cookie of the network namespace of the RDMA device, up to 64 bits, since Linux 5.17 */
  net_cookie: Integer | null;
  /** the links of the group */
  links: SmcrGroupLink[];
}

/** A link within its group. */
export interface SmcrGroupLink {
  /** number within the group, 2 digits */
  link_id: Hex;
  /** interface that the link uses; null if it is in another network namespace */
  interface: string | null;
  /** index of the interface */
  interface_index: Integer | null;
  /** as in the column Link-State */
  state: 'LINK_UNUSED' | 'LINK_INACTIVE' | 'LINK_ACTIVATING' | 'LINK_ACTIVE' | UnknownNumber | null;
  /** number of connections */
  connections: Integer | null;
  /** number of the link on this host and at the peer, 8 digits each */
  link_uid: Hex | null;
  peer_uid: Hex | null;
  /** RDMA device */
  ib_device: string | null;
  /** its port */
  ib_port: Integer | null;
  /** RDMA addresses */
  gid: string | null;
  peer_gid: string | null;
}

/**
 * The links of SMC-R.
 * @title smcr linkgroup link-show
 */
export interface SmcrLinksDocument {
  /** one object for each link */
  links: SmcrLinkRow[];
}

export interface SmcrLinkRow extends SmcrGroupLink {
  /** ID of the link group, 8 digits */
  link_group_id: Hex;
  /** role of this host in the group */
  role: Role | null;
  /** type of the group */
  type: LinkGroupType | null;
}

/**
 * All counters, as numbers of up to 64 bits.
 * @title smcd stats
 */
export interface StatisticsDocument {
  statistics: {
    /** what is counted, except for handshake errors and fallbacks, which the kernel does not count by technology */
    technology: 'SMC-D' | 'SMC-R';
    /** the reset from which the counts start; null if they are not relative to a reset */
    baseline: {
      /** when it was made */
      time: Time;
      /** inode of the network namespace */
      network_namespace: Integer;
    } | null;
    /** connections over SMC */
    connections: {
      /** all of them */
      smc: Integer;
      /** those of clients and of servers, by version of SMC */
      client: CountsByVersion;
      server: CountsByVersion;
    };
    /** connections that failed */
    handshake_errors: {
      /** those of clients and of servers */
      client: Integer;
      server: Integer;
    };
    /** connections that fell back to TCP */
    fallbacks: {
      /** those of clients and of servers */
      client: FallbackCounts;
      server: FallbackCounts;
    };
    /** what was received, and what was sent */
    rx: TrafficCounts;
    tx: TrafficCounts;
    /** number of special socket calls */
    special_calls: {
      /** calls that set TCP_CORK or TCP_NODELAY, sendpage, splice, and urgent data */
      cork: Integer;
      nodelay: Integer;
      sendpage: Integer;
      splice: Integer;
      urgent_data: Integer;
    };
  };
}

export interface CountsByVersion {
  /** connections with this version */
  v1: Integer;
  v2: Integer;
}

export interface FallbackCounts {
  /** all fallbacks */
  total: Integer;
  /** fallbacks by reason; the kernel counts reasons in 16 bits, so their sum may be smaller than `total` */
  reasons: CountedReason[];
}

export interface CountedReason extends Reason {
  /** fallbacks with this reason */
  count: Integer;
}

/** One direction. */
export interface TrafficCounts {
  /** amount of data in bytes */
  bytes: Integer;
  /** number of calls by programs */
  requests: Integer;
  /** bytes of buffers in use at this moment; null before Linux 6.12 */
  buffer_usage_bytes: Integer | null;
  /** what happened to buffers */
  buffer_events: {
    /** requests that found the buffer, or the peer's buffer, full */
    full: Integer;
    full_peer: Integer;
    /** requests larger than the buffer, or than the peer's buffer */
    too_small: Integer;
    too_small_peer: Integer;
    /** buffers that were allocated, that were reused, and that are smaller than requested */
    allocated: Integer;
    reused: Integer;
    downgraded: Integer;
  };
  /** number of buffers by size */
  buffer_sizes: CountsBySize;
  /** number of requests by size */
  request_sizes: CountsBySize;
}

/** By the smallest class that holds the size. */
export interface CountsBySize {
  /** number in the smallest class that holds the size */
  '8K': Integer;
  '16K': Integer;
  '32K': Integer;
  '64K': Integer;
  '128K': Integer;
  '256K': Integer;
  '512K': Integer;
  '1024K': Integer;
  /** number of those that no class holds */
  larger: Integer;
}

/**
 * Rates, by interval.
 * @title smcd stats --interval
 */
export interface RatesDocument {
  /** one object for each interval */
  intervals: RateRow[];
  /** why the kernel can no longer be queried; present only after a failure */
  error?: string;
}

export interface RateRow {
  /** end of the interval */
  time: Time;
  /** measured length of the interval */
  seconds: number;
  /** rate per second of what the name says */
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
 * The counters of one technology on one line, under the names of the C suite. SMC_RX_RMB_USAGE and
 * SMC_TX_RMB_USAGE are null before Linux 6.12.
 * @title smcd stats json
 */
export type SuiteStatisticsDocument =
  | {
      /** counters by name; only that of the command is there */
      SMCD: Record<string, SuiteCount>;
    }
  | {
      /** counters by name; only that of the command is there */
      SMCR: Record<string, SuiteCount>;
    };

/** A number; null for SMC_RX_RMB_USAGE and SMC_TX_RMB_USAGE before Linux 6.12. */
export type SuiteCount = Integer | null;

/**
 * The user-defined enterprise IDs.
 * @title smcd ueid
 */
export interface UeidsDocument {
  /** without padding */
  ueids: string[];
}

/**
 * The enterprise ID of the machine.
 * @title smcd seid
 */
export interface SeidDocument {
  seid: {
    /** enterprise ID; null if there is none */
    seid: string | null;
    /** whether it is enabled; null if there is none */
    enabled: boolean | null;
  };
}

/**
 * The state of handshake limitation.
 * @title smcd hs-limit
 */
export interface HandshakeLimitDocument {
  hs_limit: {
    /** whether handshake limitation is enabled */
    enabled: boolean;
  };
}

/**
 * The settings net.smc.* of the network namespace.
 * @title smcd sysctl
 */
export interface SysctlsDocument {
  /** one object for each setting */
  sysctls: SysctlRow[];
}

export interface SysctlRow {
  /** name, with no `net.smc.` before it */
  name: string;
  /** value; null if this kernel does not have the setting; a string for hs_ctrl */
  value: Integer | string | null;
  /** default of the kernel; a string for hs_ctrl */
  default: Integer | string;
  /**
   * Smallest and largest value; null if any value is allowed. The largest is null for smcr_testlink_time, because it
   * depends on the build of the kernel: 2147483647 / HZ.
   */
  range: [Integer, Integer | null] | null;
  /** unit of the value, or null */
  unit: string | null;
  /** name of the value, or null */
  value_name: string | null;
  /** what the setting is for */
  meaning: string;
  /** Linux version that introduced the setting; null if older than 6.1 */
  since: string | null;
}
