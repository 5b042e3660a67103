// SPDX-License-Identifier: MIT
/**
 * Enterprise ids: two hosts can use SMC version 2 when they have one in common. UEIDs are defined by the user, the
 * SEID is made by the machine (IBM Z). Both tables belong to the host, whatever the network namespace.
 */
import { NetlinkError } from '../netlink/error.ts';
import { type GenericNetlink, malformedReply } from '../netlink/genetlink.ts';
import { EID_LENGTH, smcGenNetlink } from '../netlink/uapi/smc.ts';
import { SmcError } from './error.ts';

const RULE = `a UEID has 1 to ${EID_LENGTH} characters of A-Z, 0-9, '.' and '-' and begins with a letter or digit`;

/**
 * Checks a UEID as the kernel and the C suite together do.
 * @param isDefined it is to be deleted: what another program defined may break the rule against `..`
 * @returns the UEID as it is stored: upper case, no blanks at the end
 * @throws SmcError INVALID
 */
export function checkUeid(text: string, isDefined = false): string {
  const quoted = JSON.stringify(text);
  const invalid = (why: string): SmcError => new SmcError('INVALID', why, { hint: RULE });
  if (Buffer.byteLength(text) > EID_LENGTH)
    throw invalid(`UEID ${quoted} is longer than ${EID_LENGTH} bytes`);
  // the kernel refuses lower case; only ASCII is folded, the rest is no UEID anyway
  const ueid = text.replace(/ +$/, '').replace(/[a-z]/g, (letter) => letter.toUpperCase());
  if (ueid === '') throw invalid('the UEID is empty');
  if (!/^[A-Z0-9]/.test(ueid)) throw invalid(`UEID ${quoted} does not begin with a letter or digit`);
  if (ueid.includes('..') && !isDefined) throw invalid(`UEID ${quoted} has two periods in a row`);
  const bad = /[^A-Z0-9.-]/u.exec(ueid);
  if (bad) throw invalid(`UEID ${quoted} must not contain the character ${JSON.stringify(bad[0])}`);
  return ueid;
}

/** What deleting did. */
export interface UeidRemoved {
  /** it was the last UEID, so the kernel has switched the SEID on (IBM Z) */
  seidTookOver: boolean;
}

/** The UEIDs of this host, at most four on mainline kernels; since Linux 5.16. */
export class UeidTable {
  readonly #netlink: () => Promise<GenericNetlink>;

  /** @param netlink gives the (shared) connection when it is first needed */
  constructor(netlink: () => Promise<GenericNetlink>) {
    this.#netlink = netlink;
  }

  /** In the order of their definition, without padding. @throws NetlinkError */
  async list(): Promise<string[]> {
    const rows = await (await this.#netlink()).dumpAll(smcGenNetlink.DUMP_UEID);
    return rows.map(({ entry }) => entry);
  }

  /**
   * Defines a UEID. Needs CAP_NET_ADMIN in the initial user namespace.
   * @returns the UEID as it is stored
   * @throws SmcError INVALID, EXISTS, FULL; NetlinkError EPERM and others
   */
  async add(text: string): Promise<string> {
    const entry = checkUeid(text);
    const netlink = await this.#netlink();
    const exists = (cause: Error): SmcError =>
      new SmcError('EXISTS', `UEID ${entry} is already defined`, { cause });
    try {
      await netlink.do(smcGenNetlink.ADD_UEID, { entry });
    } catch (error) {
      switch (requestErrno(error)) {
        case 'EEXIST':
          throw exists(error as Error);
        case 'ERANGE': {
          // the kernel looks at the room before it looks for the same entry
          const table = await this.list();
          if (table.includes(entry)) throw exists(error as Error);
          throw new SmcError('FULL', `the table of UEIDs is full: it has ${table.length} entries`, {
            hint: 'delete one first',
            cause: error,
          });
        }
        case 'EINVAL':
          throw new SmcError('INVALID', `the kernel does not accept UEID ${entry}`, {
            hint: RULE,
            cause: error,
          });
      }
      throw error;
    }
    return entry;
  }

  /**
   * Deletes a UEID. Needs CAP_NET_ADMIN in the initial user namespace.
   * @throws SmcError INVALID, NOT_FOUND; NetlinkError EPERM and others
   */
  async remove(text: string): Promise<UeidRemoved> {
    const entry = checkUeid(text, true);
    const netlink = await this.#netlink();
    try {
      await netlink.do(smcGenNetlink.REMOVE_UEID, { entry });
    } catch (error) {
      switch (requestErrno(error)) {
        case 'EAGAIN':
          return { seidTookOver: true };
        case 'ENOENT':
        case 'EINVAL':
          throw new SmcError('NOT_FOUND', `UEID ${entry} is not defined`, { cause: error });
      }
      throw error;
    }
    return { seidTookOver: false };
  }

  /** Deletes all. Needs CAP_NET_ADMIN in the initial user namespace. @throws NetlinkError EPERM and others */
  async flush(): Promise<UeidRemoved> {
    const netlink = await this.#netlink();
    const before = await readSeid(netlink);
    await netlink.do(smcGenNetlink.FLUSH_UEID, {});
    // the kernel does not say it here
    const seidTookOver = before?.isEnabled === false && (await readSeid(netlink))?.isEnabled === true;
    return { seidTookOver };
  }
}

/** The EID that the machine gives itself. */
export interface Seid {
  /** '' where there is none: loopback-ism on other machines than IBM Z */
  seid: string;
  isEnabled: boolean;
}

async function readSeid(netlink: GenericNetlink): Promise<Seid | undefined> {
  const { entry, enabled } = await netlink.one(smcGenNetlink.DUMP_SEID);
  if (entry === undefined && enabled === undefined) return undefined;
  if (entry === undefined || enabled === undefined)
    throw malformedReply(smcGenNetlink.DUMP_SEID, 'an SEID without its state, or a state without it');
  return { seid: entry, isEnabled: Boolean(enabled) };
}

/** Whether the SEID is offered to peers; since Linux 5.16. */
export class SeidSwitch {
  readonly #netlink: () => Promise<GenericNetlink>;

  /** @param netlink gives the (shared) connection when it is first needed */
  constructor(netlink: () => Promise<GenericNetlink>) {
    this.#netlink = netlink;
  }

  /** `undefined` on a machine without a device for SMC-D version 2. @throws NetlinkError */
  async read(): Promise<Seid | undefined> {
    return readSeid(await this.#netlink());
  }

  /**
   * Switches it, also before there is a device for SMC-D version 2, as a script at boot may do. Needs CAP_NET_ADMIN in
   * the initial user namespace.
   * @throws SmcError NOT_SUPPORTED, NOT_FOUND (off, while there is no UEID to take over); NetlinkError EPERM and others
   */
  async set(isEnabled: boolean): Promise<void> {
    const netlink = await this.#netlink();
    try {
      await netlink.do(isEnabled ? smcGenNetlink.ENABLE_SEID : smcGenNetlink.DISABLE_SEID, {});
    } catch (error) {
      switch (requestErrno(error)) {
        case 'EOPNOTSUPP':
          throw new SmcError('NOT_SUPPORTED', 'the SEID can be enabled and disabled on IBM Z only', {
            cause: error,
          });
        case 'ENOENT':
          if (isEnabled) break;
          throw new SmcError('NOT_FOUND', 'the SEID cannot be disabled: there is no UEID', {
            hint: 'define one first: smcd ueid add UEID',
            cause: error,
          });
      }
      throw error;
    }
  }
}

/** errno of a request that reached the SMC code; other failures are not ours to explain. */
function requestErrno(error: unknown): string | undefined {
  return error instanceof NetlinkError && error.op === 'request' ? error.code : undefined;
}
