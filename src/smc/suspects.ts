// SPDX-License-Identifier: MIT
/** Which checks of smc/checks can tell the cause of a reason code. */
import type { CheckId, HostCheck } from './checks/index.ts';

/** A check that may tell the cause: by its id, or by id and subject. */
export type Suspect = CheckId | `${CheckId} ${string}`;

/**
 * By the name of the reason, the likely ones first; this order differs from reason to reason, so it is here and not in the
 * checks. A check that is not about the reason must not
 * be in it: what it warns of would be taken for the cause.
 */
const SUSPECTS: Readonly<Record<string, readonly Suspect[]>> = {
  MEM: ['memory', 'contiguous-memory'],
  TIMEOUT_CL: ['rdma-port', 'mtu', 'kernel-fault soft-roce-handshake', 'kernel-log'],
  TIMEOUT_AL: ['rdma-port', 'mtu', 'kernel-log'],
  CNFERR: ['interface'],
  PEERNOSMC: ['sysctl net.smc.hs_ctrl', 'handshake-limit'],
  NOSMCDEV: ['rdma-device', 'rdma-port', 'ueid', 'interface', 'ism-device'],
  NOSMCDDEV: ['ueid', 'ism-device', 'interface'],
  NOSMCRDEV: ['rdma-device', 'rdma-port', 'interface'],
  NOISM2SUPP: ['ism-device'],
  NOSEID: ['ueid'],
  NOSMCD2DEV: ['ueid', 'ism-device', 'interface', 'rdma-device', 'rdma-port'],
  NOUEID: ['ueid'],
  DIFFPREFIX: ['ueid', 'interface'],
  GETVLANERR: ['interface'],
  ISMVLANERR: ['interface', 'ism-device'],
  NOACTLINK: ['rdma-device', 'rdma-port', 'kernel-log'],
  NOSRVLINK: ['rdma-port', 'kernel-log'],
  MAX_DMB: ['ism-device'],
  NOROUTE: ['interface', 'rdma-port'],
  NOINDIRECT: ['interface'],
  SYNCERR: ['kernel-log'],
  INTERR: [
    'sysctl net.smc.smcr_max_send_wr',
    'sysctl net.smc.smcr_max_recv_wr',
    'rdma-device',
    'rdma-port',
    'kernel-log',
  ],
  ERR_RTOK: ['kernel-log'],
  ERR_RDYLNK: ['rdma-port', 'kernel-log'],
  ERR_REGBUF: ['rdma-port', 'memory', 'kernel-log'],
};

/** Reasons that a server gives for what it found, or did not, in a proposal: the client had a device to propose. */
const OF_PROPOSALS = ['NOSMCDEV', 'NOSMCDDEV', 'NOSMCD2DEV', 'DIFFPREFIX'];

/** What is shown, but says nothing about this one connection. */
const EVIDENCE: readonly CheckId[] = ['kernel-log'];

/**
 * The checks for a reason.
 * @param isProposed this host made a proposal, and the server declined it
 */
export function suspectsFor(name: string, isProposed: boolean): readonly Suspect[] {
  return isProposed && OF_PROPOSALS.includes(name) ? ['ueid'] : (SUSPECTS[name] ?? []);
}

/** Place of a check in the list; -1 when it is none of them. */
export const placeOf = ({ id, subject }: HostCheck, suspects: readonly Suspect[]): number =>
  suspects.findIndex((suspect) => suspect === id || suspect === `${id} ${subject}`);

/** Whether the check can be the cause by itself. */
export const canBeCause = ({ id, status }: HostCheck): boolean =>
  (status === 'fail' || status === 'warning') && !EVIDENCE.includes(id);
