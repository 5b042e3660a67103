// SPDX-License-Identifier: MIT
/** A verdict on a connection as smc_chk prints it: lines, one line, JSON. */
import type { TestedConnection } from '../../documents/smc_chk.ts';
import type { Reason } from '../../documents/values.ts';
import type { Made } from '../../output/document.ts';
import { hex } from '../../output/numbers.ts';
import { printable } from '../../output/table.ts';
import {
  type ConnectionVerdict,
  type Role,
  reasonText,
  type VerdictReason,
  versionText,
} from '../../smc/connection-verdict.ts';
import { formatReasonCode, namedReason } from '../../smc/fallback-reasons.ts';

/** `Label: value` pairs of a verdict, in order. */
export function verdictFields(verdict: ConnectionVerdict, role: Role): [label: string, value: string][] {
  const fields: [string, string | undefined][] =
    verdict.mode === 'TCP' ? fallbackFields(verdict, role) : smcFields(verdict);
  return fields.filter((field): field is [string, string] => Boolean(field[1]));
}

function smcFields({ device, linkGroup }: ConnectionVerdict): [string, string | undefined][] {
  return [
    ['Version', linkGroup ? versionText(linkGroup) : undefined],
    ['Device', device?.ibDevice && `${printable(device.ibDevice)} port ${device.ibPort}`],
    ['GID', device?.gid],
    ['Peer GID', device?.peerGid],
    ['Link group', linkGroup ? hex(linkGroup.id, 8) : undefined],
    ['EID', linkGroup?.eid && printable(linkGroup.eid)],
    ['PNET ID', linkGroup?.pnetId && printable(linkGroup.pnetId)],
    ['Peer host', linkGroup?.peerHost && printable(linkGroup.peerHost)],
  ];
}

function fallbackFields(
  { reason, peerDiagnosis, declinedBy }: ConnectionVerdict,
  role: Role,
): [string, string | undefined][] {
  const peer: Role = role === 'Client' ? 'Server' : 'Client';
  return [
    [role, reason ? reasonText(reason) : 'the kernel gives no reason'],
    [peer, peerDiagnosis ? reasonText(peerDiagnosis) : undefined],
    ['Declined by', declinedBy ?? undefined],
  ];
}

/** All on one line, for lists of connections. */
export function verdictLine(verdict: ConnectionVerdict): string {
  if (verdict.mode !== 'TCP') {
    const { device, linkGroup } = verdict;
    const parts = [
      verdict.mode,
      linkGroup && versionText(linkGroup) && `version ${versionText(linkGroup)}`,
      device?.ibDevice && `device ${printable(device.ibDevice)} port ${device.ibPort}`,
      linkGroup && `link group ${hex(linkGroup.id, 8)}`,
      linkGroup?.eid && `EID ${printable(linkGroup.eid)}`,
    ];
    return parts.filter(Boolean).join(', ');
  }
  const { reason, peerDiagnosis, cause, declinedBy } = verdict;
  if (!reason || !cause) return 'TCP, the kernel gives no reason';
  // both codes as smcss prints them
  const codes = [reason, peerDiagnosis]
    .filter((code) => code !== null)
    .map(({ code }) => formatReasonCode(code));
  const [, ...words] = reasonText(cause).split(' ');
  return `TCP, declined by ${declinedBy}: ${codes.join('/')} ${words.join(' ')}`;
}

const MODE_NAMES = { 'SMC-R': 'SMCR', 'SMC-D': 'SMCD', TCP: 'TCP' } as const;
const DECLINERS = { 'this host': 'local', 'the peer': 'peer', nobody: 'nobody' } as const;

const reasonJson = (reason: VerdictReason | null): Made<Reason> | null => reason && namedReason(reason.code);

/** What a verdict adds to the document of a test. */
type Verdict = Omit<TestedConnection, 'role' | 'local' | 'peer' | 'likely_cause' | 'checks'>;

/** Keys as `smcss -j` and `smcr linkgroup -j` have them. */
export function verdictJson(verdict: ConnectionVerdict): Made<Verdict> {
  const { mode, device, linkGroup, reason, peerDiagnosis, cause, declinedBy } = verdict;
  return {
    mode: MODE_NAMES[mode],
    version: linkGroup?.version ?? null,
    release: linkGroup?.release ?? null,
    ib_device: device?.ibDevice ?? null,
    ib_port: device?.ibPort ?? null,
    gid: device?.gid ?? null,
    peer_gid: device?.peerGid ?? null,
    link_group_id: linkGroup ? hex(linkGroup.id, 8) : null,
    eid: linkGroup?.eid ?? null,
    pnet_id: linkGroup?.pnetId ?? null,
    peer_host: linkGroup?.peerHost ?? null,
    reason: reasonJson(reason),
    peer_diagnosis: reasonJson(peerDiagnosis),
    cause: reasonJson(cause),
    declined_by: declinedBy && DECLINERS[declinedBy],
  };
}
