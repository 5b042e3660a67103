// SPDX-License-Identifier: MIT
/** What became of a connection: SMC-R or SMC-D and over what, or TCP and why. The one place that decides it. */
import {
  type FallbackReason,
  fallbackReasons,
  formatReasonCode,
  PEERDECL,
  PEERNOSMC,
} from './fallback-reasons.ts';
import type { LinkGroup, SmcdLinkGroup, SmcrLinkGroup } from './link-groups.ts';
import { connectionMode, type SmcSocket } from './sockets.ts';
import { linkRole } from './words.ts';

/** What this host is in a connection. */
export type Role = 'Client' | 'Server';

/** A reason code with what is known of it. */
export interface VerdictReason {
  code: number;
  /** `undefined` for a code that Linux does not have: the peer may run another system */
  reason: FallbackReason | undefined;
}

/** The link group that a connection belongs to. Attributes that the kernel does not tell are `undefined`. */
export interface VerdictLinkGroup {
  id: number;
  /** 1 or 2; `undefined` when the group no longer exists */
  version: number | undefined;
  /** release of version 2 */
  release: number | undefined;
  /** enterprise ID that both hosts have; of version 2 only */
  eid: string | undefined;
  pnetId: string | undefined;
  peerHost: string | undefined;
}

/** What carries an SMC connection on this host and at the peer. */
export interface VerdictDevice {
  /** RDMA device; `undefined` for SMC-D */
  ibDevice: string | undefined;
  ibPort: number | undefined;
  /** GID as the kernel prints it for SMC-R, 16 hexadecimal digits for SMC-D */
  gid: string;
  peerGid: string;
}

export interface ConnectionVerdict {
  mode: 'SMC-R' | 'SMC-D' | 'TCP';
  /** of SMC connections */
  device: VerdictDevice | null;
  linkGroup: VerdictLinkGroup | null;
  /** of TCP connections: what this host's kernel says; `null` when it has none */
  reason: VerdictReason | null;
  /** what the peer said when it declined */
  peerDiagnosis: VerdictReason | null;
  /** the reason that counts: the peer's if the peer declined, else our own */
  cause: VerdictReason | null;
  /** who said no to SMC; nobody did when there was no handshake at all. `null` for SMC connections */
  declinedBy: 'this host' | 'the peer' | 'nobody' | null;
}

/** Link groups in which to find that of a connection. */
export interface LinkGroups {
  smcr: readonly SmcrLinkGroup[];
  smcd: readonly SmcdLinkGroup[];
}

/** What a verdict has besides the mode, where nothing of it applies. */
export const NOTHING = {
  device: null,
  linkGroup: null,
  reason: null,
  peerDiagnosis: null,
  cause: null,
  declinedBy: null,
} as const;

/**
 * The verdict on a socket.
 * @param socket fetched with `link` and `dmb`
 * @param groups fetched after the socket was seen
 * @returns `undefined` while the socket has no connection
 */
export function connectionVerdict(
  socket: SmcSocket,
  groups: LinkGroups = { smcr: [], smcd: [] },
): ConnectionVerdict | undefined {
  switch (connectionMode(socket)) {
    case undefined:
      return undefined;
    case 'TCP':
      return { ...NOTHING, mode: 'TCP', ...fallback(socket) };
    case 'SMCR':
      return { ...NOTHING, mode: 'SMC-R', ...smcr(socket, groups.smcr) };
    case 'SMCD':
      return { ...NOTHING, mode: 'SMC-D', ...smcd(socket, groups.smcd) };
  }
}

/** The verdict on a fallback, from its two codes alone; 0 is none. */
export function fallbackVerdict(
  reasonCode: number,
  peerCode: number,
): Pick<ConnectionVerdict, 'reason' | 'peerDiagnosis' | 'cause' | 'declinedBy'> {
  const reason = verdictReason(reasonCode);
  const peerDiagnosis = verdictReason(peerCode);
  if (reasonCode === PEERDECL)
    return { reason, peerDiagnosis, cause: peerDiagnosis ?? reason, declinedBy: 'the peer' };
  const declinedBy = reasonCode === 0 || reasonCode === PEERNOSMC ? 'nobody' : 'this host';
  return { reason, peerDiagnosis, cause: reason, declinedBy };
}

/** Code, name and meaning on one line, e.g. `0x03030008 NOUEID: the client offered no enterprise ID`. */
export function reasonText({ code, reason }: VerdictReason): string {
  const meaning = reason
    ? `${reason.name}: ${reason.meaning}`
    : 'not a Linux code; the peer may run another system';
  return `${formatReasonCode(code)} ${meaning}`;
}

/** `2.1`, `1`; `undefined` when it is not known. */
export function versionText({ version, release }: VerdictLinkGroup): string | undefined {
  if (version === undefined) return undefined;
  return version > 1 && release !== undefined ? `${version}.${release}` : String(version);
}

function fallback({ attributes }: SmcSocket): ReturnType<typeof fallbackVerdict> {
  return fallbackVerdict(attributes.fallback?.reason ?? 0, attributes.fallback?.peerDiagnosis ?? 0);
}

const verdictReason = (code: number): VerdictReason | null =>
  code === 0 ? null : { code, reason: fallbackReasons.get(code) };

function smcr(
  { attributes: { link } }: SmcSocket,
  groups: readonly SmcrLinkGroup[],
): Pick<ConnectionVerdict, 'device' | 'linkGroup'> {
  if (!link) return { device: null, linkGroup: null };
  // smc_diag tells the link, not the group. Between two hosts there can be several groups over the same devices: one for
  // each direction, and another one when the older are full, so it is the youngest that a new connection is in.
  const group = groups.findLast(
    ({ role, links }) =>
      (role === undefined || role === linkRole(link.role)) &&
      links.some(
        ({ id, ibDevice, ibPort, gid, peerGid }) =>
          id === link.linkId &&
          ibDevice === link.ibName &&
          ibPort === link.ibPort &&
          gid === link.gid &&
          peerGid === link.peerGid,
      ),
  );
  return {
    device: { ibDevice: link.ibName, ibPort: link.ibPort, gid: link.gid, peerGid: link.peerGid },
    linkGroup: group ? linkGroup(group) : null,
  };
}

function smcd(
  { attributes: { dmb } }: SmcSocket,
  groups: readonly SmcdLinkGroup[],
): Pick<ConnectionVerdict, 'device' | 'linkGroup'> {
  if (!dmb) return { device: null, linkGroup: null };
  const hex = (value: bigint): string => value.toString(16).padStart(16, '0');
  const group = groups.find(({ id, gid }) => id === dmb.linkId && (gid === undefined || gid === dmb.myGid));
  return {
    device: { ibDevice: undefined, ibPort: undefined, gid: hex(dmb.myGid), peerGid: hex(dmb.peerGid) },
    linkGroup: group
      ? linkGroup(group)
      : {
          id: dmb.linkId,
          version: undefined,
          release: undefined,
          eid: undefined,
          pnetId: undefined,
          peerHost: undefined,
        },
  };
}

function linkGroup({ id, version, v2, pnetId }: LinkGroup): VerdictLinkGroup {
  return { id, version, release: v2?.peerRelease, eid: v2?.eid, pnetId, peerHost: v2?.peerHost };
}
