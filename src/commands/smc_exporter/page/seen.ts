// SPDX-License-Identifier: MIT
/** What the page is made of: one look at the host. */
import type { HostCheck } from '../../../smc/checks/index.ts';
import type { HostWith } from '../../../smc/host.ts';
import type { SmcdLinkGroup, SmcrLinkGroup } from '../../../smc/link-groups.ts';
import type { Observed } from '../../../smc/observed.ts';
import type { SeenSocket } from '../../../smc/seen-socket.ts';
import type { SocketSummary } from '../../../smc/socket-summary.ts';

/** All sockets, counted, and a few of them. */
export interface SeenSockets {
  summary: SocketSummary;
  /** false if the table changed while it was read */
  isComplete: boolean;
  /** the connections with most traffic, or the first ones where that is not known; with their owners */
  some: readonly SeenSocket[];
  /** why their owners are not known; `undefined` if they are */
  whyNoOwners: string | undefined;
}

export type PageHost = HostWith<'system' | 'smcrPorts' | 'smcdDevices' | 'statistics'>;

export interface Seen {
  /** milliseconds since 1970 */
  at: number;
  /** when the counters were read, in milliseconds of a clock that nobody sets */
  clock: number;
  /** whether it is from a bundle */
  isRecorded: boolean;
  host: PageHost;
  sockets: Observed<SeenSockets>;
  smcrGroups: Observed<SmcrLinkGroup[]>;
  /** and how many the kernel did not list */
  smcdGroups: Observed<{ groups: SmcdLinkGroup[]; missing: number }>;
  checks: Observed<HostCheck[]>;
}
