// SPDX-License-Identifier: MIT
/**
 * The library: a typed client for the kernel's SMC interfaces.
 *
 *     import { SmcClient, connectionMode } from 'smc-tools';
 *
 *     const client = new SmcClient();
 *     for await (const socket of client.sockets()) console.log(connectionMode(socket), socket.local);
 *     client.close();
 */
export type * from './documents/smc_chk.ts';
export type * from './documents/smc_conf.ts';
export type * from './documents/smc_dbg.ts';
export type * from './documents/smc_exporter-page.ts';
export type * from './documents/smc_pnet.ts';
export type * from './documents/smc_rnics.ts';
export type * from './documents/smc_run.ts';
export type * from './documents/smcd.ts';
export type * from './documents/smcss.ts';
export type * from './documents/values.ts';
export type { Container, ContainerRuntime } from './host/control-group.ts';
export type { ModuleState } from './host/kernel-module.ts';
export type { NetworkInterface } from './host/network-interfaces.ts';
export type { NetworkNamespace } from './host/network-namespaces.ts';
export type { MainframeFunction, PciFunction, PciSlot } from './host/pci-devices.ts';
export type { RdmaDevice, RdmaGid, RdmaPort } from './host/rdma-devices.ts';
export { type SocketHolder, SocketOwners } from './host/socket-owners.ts';
export type { ConnectionOptions } from './netlink/connection.ts';
export { NetlinkError, type NetlinkOperation } from './netlink/error.ts';
export { kernelTransport, type RawSocket, type Transport } from './netlink/transport.ts';
export { type Adapter, type AdapterPort, listAdapters, type Use } from './smc/adapters.ts';
export type { CheckStatus } from './smc/checks/check.ts';
export { type HostCheck as Check, type SystemCheckOptions, systemCheck } from './smc/checks/index.ts';

export { SmcClient, type SmcClientOptions } from './smc/client.ts';
export {
  CHOICE_PARTS,
  type ChoiceView,
  chooseDevices,
  type DeviceView,
  type InterfaceChoice,
  type IsmCandidate,
  type PnetSource,
  type RdmaCandidate,
  type Verdict,
} from './smc/device-choice.ts';
export {
  DEVICE_TYPES,
  type Device,
  type Pnet,
  PORT_STATES,
  type PortState,
  type SmcdDevice,
  type SmcrDevice,
  type SmcrPort,
} from './smc/devices.ts';
export { checkUeid, type Seid, SeidSwitch, type UeidRemoved, UeidTable } from './smc/eids.ts';
export { SmcError, type SmcErrorCode } from './smc/error.ts';
export { type FallbackReason, fallbackReasons, formatReasonCode } from './smc/fallback-reasons.ts';
export { HandshakeLimit } from './smc/handshake-limit.ts';
export {
  type Host,
  type HostFiles,
  type HostWith,
  hostFiles,
  KERNEL_PARTS,
  type KernelAnswers,
  type KernelPart,
  observeHost,
} from './smc/host.ts';
export type { InterfaceAddress } from './smc/interface-addresses.ts';
export type { KernelFault } from './smc/kernel-faults.ts';
export {
  type BufferType,
  LINK_GROUP_TYPES,
  LINK_STATES,
  type LinkGroup,
  type LinkGroupType,
  type LinkGroupV2,
  type LinkState,
  LOOPBACK_CHID,
  linkGroupOf,
  type SmcdLinkGroup,
  type SmcrLink,
  type SmcrLinkGroup,
} from './smc/link-groups.ts';
export { type Listing, type ListingDanger, listingDanger } from './smc/listing-danger.ts';
export type { Observed } from './smc/observed.ts';
export {
  checkPnetId,
  foldPnetId,
  type PnetAdded,
  type PnetAddition,
  type PnetEntry,
  PnetTable,
} from './smc/pnet-table.ts';
export type { ConnectionSide, SeenSocket } from './smc/seen-socket.ts';
export { type Sight, seenSockets } from './smc/seen-sockets.ts';
export { parseSocketFilter, type SocketFilter } from './smc/socket-filter.ts';
export type { FilterNames, FilterNeed } from './smc/socket-filter-fields.ts';
export { FilterError } from './smc/socket-filter-words.ts';
export { type Ownership, ownershipOf } from './smc/socket-ownership.ts';
export {
  addToGroups,
  type ConnectionCounts,
  GROUPINGS,
  type GroupBy,
  type ReasonCounts,
  type SocketGroup as SocketGroupCounts,
  SocketGroups,
  SocketSummary,
  type StateCounts,
  SUMMARY_NEEDS,
} from './smc/socket-summary.ts';
export {
  type ChangeKind,
  type ListChanges,
  type SocketChange,
  SocketTracker,
  type TrackedSocket,
} from './smc/socket-tracker.ts';
export {
  connectionMode,
  type Endpoint,
  type SmcSocket,
  type SocketAttributes,
  type SocketDetails,
  type SocketId,
  type SocketMode,
  type SocketState,
  socketCookie,
  stateName,
} from './smc/sockets.ts';
export {
  type BothSides,
  type DirectionStatistics,
  type FallbackStatistics,
  SIZE_CLASSES,
  type Statistics,
  smcConnections,
  type TechnologyStatistics,
} from './smc/statistics.ts';
export {
  type Baseline,
  BaselineError,
  formatBaseline,
  parseBaseline,
  since,
} from './smc/statistics-baseline.ts';
export { readSysctls, SYSCTLS, type Sysctl, type SysctlSpec, setSysctl } from './smc/sysctls.ts';
export type { SystemInfo } from './smc/system.ts';
export type { LinkRole, UnknownWord } from './smc/words.ts';
