// SPDX-License-Identifier: MIT
/**
 * Kernels that a listing of sockets can crash. The kernel walks its table of sockets while they are made and ended, and
 * some releases follow pointers then that are not set yet, or no more.
 */
import { readKernelVersion } from '../host/kernel-version.ts';
import { socketsPerProtocol } from '../host/procfs.ts';
import {
  byVersion,
  DUMP_OF_NEW_SOCKETS,
  DUMP_OF_SMCD,
  DUMP_OF_SMCR,
  effectText,
  hasFault,
  type KernelFault,
  releaseWithFixes,
} from './kernel-faults.ts';
import type { SocketDetails } from './sockets.ts';

/** A listing that is about to be made. */
export interface Listing extends SocketDetails {
  /** programs are going to open sockets: those that are open now are not all that will be met */
  goesOn?: boolean;
  /** IPPROTO_SMC sockets will be among them */
  opensInet?: boolean;
}

/** Of listings that go on, or of places unknown: what is open now tells nothing. */
export const SOCKETS_TO_COME: Pick<Listing, 'goesOn' | 'opensInet'> = { goesOn: true, opensInet: true };

/** What a listing risks. */
export interface ListingDanger {
  faults: readonly KernelFault[];
  /** one line, without a full stop */
  text: string;
  /** what helps */
  hint: string;
}

/**
 * Whether a listing can crash this kernel, by its version. Reads one file of /proc, more only if so. To be asked before
 * `SmcClient.sockets`, which lists whatever the answer is.
 * @returns `undefined` for no, and when the version does not tell
 */
export function listingDanger(listing: Listing, root: string): ListingDanger | undefined {
  const version = readKernelVersion(root);
  if (!version) return undefined;
  const suspects = [
    ...(listing.dmb ? [DUMP_OF_SMCD] : []),
    ...(listing.link ? [DUMP_OF_SMCR] : []),
    DUMP_OF_NEW_SOCKETS,
  ].filter((fault) => hasFault(version, fault));
  if (suspects.length === 0) return undefined;
  const { smc, inet } = openSockets(root);
  const faults = suspects.filter((fault) =>
    fault === DUMP_OF_NEW_SOCKETS ? inet || listing.opensInet : smc || listing.goesOn,
  );
  if (faults.length === 0) return undefined;
  return {
    faults,
    text: `${byVersion(version)}, querying this kernel is dangerous: ${faults.map(effectText).join(', and ')}`,
    hint: `update it to ${releaseWithFixes(version, faults)} or later`,
  };
}

/** Whether there are SMC sockets in this network namespace, and ones of IPPROTO_SMC; true when it is not known. */
function openSockets(root: string): { smc: boolean; inet: boolean } {
  try {
    const { SMC = 0, SMC6 = 0, INET_SMC = 0, INET6_SMC = 0 } = socketsPerProtocol(root);
    const inet = INET_SMC + INET6_SMC > 0;
    return { smc: inet || SMC + SMC6 > 0, inet };
  } catch {
    return { smc: true, inet: true };
  }
}
