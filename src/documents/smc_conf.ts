// SPDX-License-Identifier: MIT
import type { Integer } from './values.ts';

/**
 * How SMC is set up on a host. Everything but the version may be missing: what a file does not mention is not touched.
 * @title smc.yaml
 */
export interface ConfigurationDocument {
  /** for editors: where the schema of this file is */
  $schema?: string;
  /** version of the format */
  version: 1;
  /** the PNET table, by PNET ID; in a namespace with a name it can have interfaces only */
  pnet?: { [pnetId: string]: PnetNetworkSection };
  /** user-defined enterprise IDs; at most four on most kernels */
  ueids?: Ueid[];
  /** whether the SEID is offered; IBM Z only */
  seid?: boolean;
  /** whether connections use TCP while handshakes queue up */
  handshake_limit?: boolean;
  /** settings of the kernel, without `net.smc.`; bytes may end in `k` or `m`, and `default` is what the kernel starts with */
  sysctls?: SysctlsSection;
  /** systemd services that run over SMC, by name of the unit, with the options of `smc_run --enable` */
  services?: { [unit: string]: ServiceSection };
  /** other network namespaces, by the names that ip-netns(8) lists */
  namespaces?: { [name: string]: NamespaceSection };
}

/**
 * Letters, digits, dots and hyphens.
 * @pattern ^[A-Za-z0-9][A-Za-z0-9.-]{0,31}$
 */
export type Ueid = string;

/** What each network namespace has of its own. */
export interface NamespaceSection {
  /** the PNET table, by PNET ID */
  pnet?: { [pnetId: string]: InterfacesSection };
  /** whether connections use TCP while handshakes queue up */
  handshake_limit?: boolean;
  /** settings of the kernel, as for the host */
  sysctls?: SysctlsSection;
}

/** Interfaces of one physical network. */
export interface InterfacesSection {
  /** names of interfaces; at the bottom of a bond or VLAN, the lowest one */
  interfaces?: string[];
}

/** What is on one physical network. */
export interface PnetNetworkSection extends InterfacesSection {
  /** RDMA devices, by name or PCI address; a text stands for port 1 */
  rdma_devices?: (string | RdmaDeviceSection)[];
  /** SMC-D devices: ISM devices by PCI address, or since Linux 6.18 by name; and loopback-ism */
  ism_devices?: string[];
}

/** A port of an RDMA device. */
export interface RdmaDeviceSection {
  /** name or PCI address of the device */
  name: string;
  /** port; 1 if it is missing */
  port?: 1 | 2;
}

/** A number of bytes, or a text: a number with `k` or `m`, or `default`. */
export type ByteCount = Integer | string;

/** @pattern ^default$ */
export type Default = string;

/** A number, or `default` for what the kernel starts with. */
export type Setting = Integer | Default;

/** Settings of the kernel; smcd-sysctl(8) explains them. */
export interface SysctlsSection {
  /** bytes that are collected before they are sent */
  autocorking_size?: ByteCount;
  /** size of buffers of new sockets */
  wmem?: ByteCount;
  rmem?: ByteCount;
  /** memory of SMC-R buffers: 0 physically contiguous, 1 virtually, 2 either */
  smcr_buf_type?: Setting;
  /** seconds between tests of an idle link */
  smcr_testlink_time?: Setting;
  /** limits of a new SMC-R link group */
  smcr_max_links_per_lgr?: Setting;
  smcr_max_conns_per_lgr?: Setting;
  /** work requests of a link */
  smcr_max_send_wr?: Setting;
  smcr_max_recv_wr?: Setting;
  /** BPF program that decides on handshakes; empty for none */
  hs_ctrl?: string;
}

/** How a service is made to run over SMC. */
export interface ServiceSection {
  /** report each socket in the journal */
  debug?: boolean;
  /** size of the buffers of its SMC sockets, in bytes or with `k` or `m` */
  rcvbuf?: ByteCount;
  sndbuf?: ByteCount;
  /** how its sockets are converted */
  via?: 'auto' | 'preload' | 'seccomp';
  /** what its sockets become */
  socket?: 'af_smc' | 'inet' | 'auto';
  /** let socket() fail rather than use TCP */
  strict?: boolean;
  /** convert only in programs whose names match one of these patterns */
  only?: string[];
  /** convert in all programs but those whose names match one of these patterns */
  except?: string[];
}

/**
 * What is wrong with a file, and what of it has no effect on this host.
 * @title smc_conf check
 */
export interface CheckDocument {
  /** name of the file; - for standard input */
  file: string;
  /** whether the file can be used: there are no errors */
  is_valid: boolean;
  /** mistakes in the file, all of them */
  errors: FindingRow[];
  /** what has no effect on this host; empty if there are errors */
  warnings: FindingRow[];
}

/** Something about a place of a file. */
export interface FindingRow {
  /** line and column of the place, from 1; null if it is about the file as a whole */
  line: Integer | null;
  column: Integer | null;
  /** what it is */
  text: string;
  /** what is allowed, or what to do; null if there is nothing to say */
  hint: string | null;
}

/**
 * What apply would do.
 * @title smc_conf diff
 */
export interface DiffDocument {
  /** name of the file; - for standard input */
  file: string;
  /** whether there is something to do */
  is_different: boolean;
  /** requests to the kernel, in their order */
  changes: ChangeRow[];
  /** what the host has and the file does not, and what would stay: without `--prune` */
  kept: KeptRow[];
  /** what the file has and this host cannot have at the moment */
  obstacles: ObstacleRow[];
}

/** One request to the kernel, or one service. A field that the action does not have is null. */
export interface ChangeRow {
  /** what is done */
  action:
    | 'add-pnet'
    | 'delete-pnet'
    | 'add-ueid'
    | 'remove-ueid'
    | 'set-seid'
    | 'set-handshake-limit'
    | 'set-sysctl'
    | 'enable-service'
    | 'disable-service';
  /** the same in words */
  text: string;
  /** network namespace; null for the one in which the command works */
  namespace: string | null;
  /** PNET ID that gets an entry, or is deleted with all its entries */
  pnet_id: string | null;
  /** entry that is added, or entries that are deleted; empty for other actions */
  entries: PnetMemberRow[];
  /** UEID that is added or removed */
  ueid: string | null;
  /** name of the setting or of the unit */
  name: string | null;
  /** value of the setting or switch before and after */
  from: string | boolean | null;
  to: string | boolean | null;
}

/**
 * What apply has done.
 * @title smc_conf apply
 */
export interface ApplyDocument extends UndoDocument {
  /** name of the file; - for standard input */
  file: string;
}

/**
 * What undo has done.
 * @title smc_conf undo
 */
export interface UndoDocument {
  /** whether `--dry-run` was given: then nothing was done */
  dry_run: boolean;
  /** whether the host is another than before */
  changed: boolean;
  /** changes in their order, and what became of them */
  changes: OutcomeRow[];
  /** after a failure without `--keep-going`: whether all is as it was before; null if nothing failed */
  went_back: boolean | null;
  /** what was made to go back */
  went_back_by: ChangeRow[];
  /** why going back failed, or null */
  back_error: FailureRow | null;
  /** what the kernel has accepted, and what the host does not show */
  without_effect: ChangeRow[];
  /** what the host has and the file does not, and what stays: without `--prune` */
  kept: KeptRow[];
  /** what the file has and this host cannot have at the moment */
  obstacles: ObstacleRow[];
  /** what else has happened, in words */
  remarks: string[];
}

/**
 * Whether the file is applied at boot.
 * @title smc_conf status
 */
export interface BootDocument {
  /** whether the unit is started at boot */
  enabled: boolean;
  /** path of the unit, or null */
  unit: string | null;
  /**
   * whether the unit is as smc_conf enable made it: `intact`; `changed` if it was edited since; `foreign` if it was not
   * made by smc_conf; null if there is none, or if a package brought it
   */
  seal: 'intact' | 'changed' | 'foreign' | null;
  /** path of the file that it applies */
  file: string;
  /** whether there is such a file */
  file_exists: boolean;
  /** the last run of the unit since the boot; null where systemd does not run */
  last_run: {
    /** state of the unit: `active`, `inactive`, `failed`, … */
    state: string;
    /** `success`, or how it has failed */
    result: string;
    /** when it ended, or null if there was none */
    time: string | null;
  } | null;
}

/** One change and what became of it. */
export interface OutcomeRow extends ChangeRow {
  /**
   * `planned` with `--dry-run`; `undone` if a later one failed; `skipped` if an earlier one failed
   */
  result: 'planned' | 'done' | 'undone' | 'failed' | 'skipped';
  /** why it failed, or null */
  error: FailureRow | null;
}

/** A failure. */
export interface FailureRow {
  /** what is wrong */
  text: string;
  /** what to do, or null */
  hint: string | null;
}

/** What has a PNET ID. */
export interface PnetMemberRow {
  /** name of the interface; null for a device */
  interface: string | null;
  /** RDMA device, or SMC-D device; null for an interface */
  device: string | null;
  /** port of the device; null for an interface */
  port: Integer | null;
}

/** Something that stays. */
export interface KeptRow {
  /** what it is, in words */
  text: string;
  /** network namespace; null for the one in which the command works */
  namespace: string | null;
}

/** Something that cannot be set. */
export interface ObstacleRow {
  /** what, and why, in words */
  text: string;
  /** network namespace; null for the one in which the command works */
  namespace: string | null;
}
