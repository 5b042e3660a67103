// SPDX-License-Identifier: MIT
/** The PNET table: which interface and which RDMA or ISM device belong to one physical network. */
import { NetlinkError } from '../netlink/error.ts';
import type { GenericNetlink } from '../netlink/genetlink.ts';
import {
  IBNAME_MAX_LENGTH,
  IBPORT_MAX,
  IBPORT_NONE,
  IFNAME_MAX_LENGTH,
  PNETID_MAX_LENGTH,
  smcGenNetlink,
  smcPnetid,
} from '../netlink/uapi/smc.ts';
import { SmcError } from './error.ts';

/** One line of the table: either an Ethernet interface or a port of an RDMA or ISM device. */
export interface PnetEntry {
  /** 1 to 16 letters and digits, upper case */
  pnetId: string;
  kind: 'ethernet' | 'device';
  /** interface; `n/a` in a device entry */
  ethName: string;
  /** RDMA device, or PCI address; `n/a` in an Ethernet entry */
  ibName: string;
  /** 1 or 2; 255 in an Ethernet entry */
  ibPort: number;
}

/** What to put into the table: an interface, a device, or both. */
export interface PnetAddition {
  pnetId: string;
  ethName?: string | undefined;
  ibName?: string | undefined;
  /** 1 or 2, default 1 */
  ibPort?: number | undefined;
}

/** What an addition did. */
export interface PnetAdded {
  /** the PNET ID as it is stored; differs from the one given when the kernel folds it */
  pnetId: string;
  /** entries that were asked for and had been there before, with this very PNET ID */
  alreadyThere: PnetEntry[];
  /**
   * The second port of a device whose first port is in the table gets its PNET ID, but no line in the table: the
   * kernel keys the table by device name alone. `smcr device` shows it.
   */
  unlistedPort: boolean;
}

/** White space as the kernel's skip_spaces() and strim() see it, and JavaScript's trim() does not quite. */
const KERNEL_SPACE = /^[ \t\n\v\f\r\u00a0]+|[ \t\n\v\f\r\u00a0]+$/g;

/** Folds a PNET ID the way the kernel does when it stores one: trimmed, upper case. */
export function foldPnetId(pnetId: string): string {
  return pnetId.replace(KERNEL_SPACE, '').toUpperCase();
}

/**
 * Checks a PNET ID that is to be stored. The kernel would take some Latin-1 letters as well, and store UTF-8
 * spelled ones half mangled, so only ASCII passes.
 * @returns the ID as the kernel will store it
 * @throws SmcError INVALID
 */
export function checkPnetId(pnetId: string): string {
  const quoted = JSON.stringify(pnetId);
  const rule = `a PNET ID has 1 to ${PNETID_MAX_LENGTH} letters and digits`;
  // the limit comes first in the kernel, blanks included
  if (Buffer.byteLength(pnetId) > PNETID_MAX_LENGTH)
    throw new SmcError('INVALID', `PNET ID ${quoted} is too long`, { hint: rule });
  const trimmed = pnetId.replace(KERNEL_SPACE, '');
  if (trimmed === '') throw new SmcError('INVALID', 'the PNET ID is empty', { hint: rule });
  const bad = /[^A-Za-z0-9]/u.exec(trimmed);
  if (bad)
    throw new SmcError(
      'INVALID',
      `PNET ID ${quoted} must not contain the character ${JSON.stringify(bad[0])}`,
      {
        hint: rule,
      },
    );
  return foldPnetId(pnetId);
}

function checkName(kind: string, name: string, maxLength: number): void {
  const quoted = JSON.stringify(name);
  if (name.replace(KERNEL_SPACE, '') === '') throw new SmcError('INVALID', `the ${kind} name is empty`);
  if (/[\0-\x20/\x7f]/.test(name))
    throw new SmcError(
      'INVALID',
      `${kind} name ${quoted} must not contain blanks, slashes or control characters`,
    );
  if (Buffer.byteLength(name) > maxLength)
    throw new SmcError('INVALID', `${kind} name ${quoted} is too long`, {
      hint: `${kind} names have at most ${maxLength} bytes`,
    });
}

/** @throws SmcError INVALID for a name that no entry of the table may have */
export function checkInterfaceName(name: string): void {
  checkName('interface', name, IFNAME_MAX_LENGTH);
}

/** Likewise for an RDMA or ISM device. @throws SmcError INVALID */
export function checkDeviceName(name: string): void {
  checkName('device', name, IBNAME_MAX_LENGTH);
}

/** Text for messages: `interface eth0` or `device mlx5_0 port 1`. */
export function describeEntry(entry: PnetEntry): string {
  return entry.kind === 'ethernet'
    ? `interface ${entry.ethName}`
    : `device ${entry.ibName} port ${entry.ibPort}`;
}

/** Client for the PNET table of the caller's network namespace. Reading needs no privilege since Linux 5.6. */
export class PnetTable {
  readonly #netlink: () => Promise<GenericNetlink>;

  /** @param netlink gives the (shared) connection when it is first needed */
  constructor(netlink: () => Promise<GenericNetlink>) {
    this.#netlink = netlink;
  }

  /**
   * All entries in the order they were made.
   * @throws NetlinkError ENOENT with op "resolve family" when the kernel has no SMC
   */
  async list(): Promise<PnetEntry[]> {
    const netlink = await this.#netlink();
    // GET as do would be answered in one buffer of 3.7 KiB and be cut silently
    const rows = await netlink.dumpAll(smcPnetid.GET);
    return rows.map(({ name, ethName, ibName, ibPort }) => ({
      pnetId: name,
      kind: ibPort === IBPORT_NONE ? 'ethernet' : 'device',
      ethName,
      ibName,
      ibPort,
    }));
  }

  /**
   * Adds an interface, a device, or both under one PNET ID; both or none. Needs CAP_NET_ADMIN in the initial user
   * namespace. Names of interfaces and devices that do not exist (yet) are accepted, as the kernel does.
   * @throws SmcError INVALID, EXISTS, NOT_SUPPORTED; NetlinkError EPERM and others
   */
  async add(addition: PnetAddition): Promise<PnetAdded> {
    const pnetId = checkPnetId(addition.pnetId);
    const { ethName, ibName } = addition;
    if (ethName === undefined && ibName === undefined)
      throw new SmcError('INVALID', 'an interface or a device is needed');
    if (ethName !== undefined) checkInterfaceName(ethName);
    if (ibName !== undefined) checkDeviceName(ibName);
    const ibPort = addition.ibPort ?? 1;
    if (!Number.isInteger(ibPort) || ibPort < 1 || ibPort > IBPORT_MAX)
      throw new SmcError('INVALID', `port ${ibPort} is out of range`, {
        hint: `ports are 1 to ${IBPORT_MAX}`,
      });

    // The kernel calls an addition a success when one of its two entries is new, so conflicts are looked for first.
    const table = await this.list();
    const alreadyThere: PnetEntry[] = [];
    const isMissing = (existing: PnetEntry | undefined): boolean => {
      if (existing && existing.pnetId !== pnetId) throw inTheWay(existing);
      if (existing) alreadyThere.push(existing);
      return !existing;
    };
    const wantsEth =
      ethName !== undefined &&
      isMissing(table.find((entry) => entry.kind === 'ethernet' && entry.ethName === ethName));
    const wantsIb =
      ibName !== undefined &&
      isMissing(
        table.find((entry) => entry.kind === 'device' && entry.ibName === ibName && entry.ibPort === ibPort),
      );
    if (!wantsEth && !wantsIb) throw inTheWay(alreadyThere[0]!);

    // In other namespaces the kernel drops the device part without a word.
    if (wantsEth && wantsIb && !(await this.#takesDevices(pnetId, ibName))) throw wrongNamespace(ibName);
    const ethernet = wantsEth ? { ethName } : {};
    // When the other port of the device has the table's one line, the kernel may set this port and says EEXIST anyway.
    // So that goes first and alone, to know before the interface is entered.
    const unlistedPort = wantsIb && table.some((entry) => entry.kind === 'device' && entry.ibName === ibName);
    if (unlistedPort) await this.#addOtherPort({ pnetId, ibName, ibPort });
    if (wantsIb && !unlistedPort) await this.#send({ pnetId, ...ethernet, ibName, ibPort });
    else if (wantsEth) await this.#send({ pnetId, ...ethernet });
    return { pnetId, alreadyThere, unlistedPort };
  }

  async #send(addition: PnetAddition): Promise<void> {
    const { pnetId, ethName, ibName, ibPort } = addition;
    const netlink = await this.#netlink();
    try {
      await netlink.do(smcPnetid.ADD, {
        name: pnetId,
        ...(ethName !== undefined && { ethName }),
        ...(ibName !== undefined && { ibName, ...(ibPort !== undefined && { ibPort }) }),
      });
    } catch (error) {
      if (!isNetlinkError(error) || error.op !== 'request') throw error;
      if (error.code === 'EEXIST') {
        if (ibName !== undefined && !(await this.#takesDevices(pnetId, ibName)))
          throw wrongNamespace(ibName, error);
        throw await this.#explainExists(addition, error);
      }
      // before Linux 5.6 the kernel wanted the interface and the device to exist
      if (error.code === 'ENOENT' || error.code === 'ENODEV')
        throw new SmcError(
          'NOT_FOUND',
          `the kernel does not know ${[ethName, ibName].filter((name) => name !== undefined).join(' or ')}`,
          { cause: error },
        );
      throw error;
    }
  }

  /** Gives a PNET ID to a port whose device is in the table with its other port. */
  async #addOtherPort(device: { pnetId: string; ibName: string; ibPort: number }): Promise<void> {
    try {
      await this.#send(device);
    } catch (error) {
      const wasRefused = error instanceof SmcError && error.code === 'EXISTS';
      if (!wasRefused || !(await this.#portHas(device.ibName, device.ibPort, device.pnetId))) throw error;
    }
  }

  /**
   * Removes all entries of a PNET ID, on RDMA ports and ISM devices too. Hardware PNET IDs stay.
   * @throws SmcError NOT_FOUND, INVALID; NetlinkError EPERM and others
   */
  async remove(pnetId: string): Promise<void> {
    const folded = foldPnetId(pnetId);
    if (folded === '') throw new SmcError('INVALID', 'the PNET ID is empty');
    const unknown = (cause?: unknown): SmcError =>
      new SmcError('NOT_FOUND', `PNET ID ${JSON.stringify(folded)} is not in the table`, { cause });
    if (Buffer.byteLength(folded) > PNETID_MAX_LENGTH) throw unknown();
    try {
      const netlink = await this.#netlink();
      // a blank inside ends the name for the kernel: "NET1 junk" would delete NET1
      if (/[^A-Z0-9\u00c0-\u00ff]/u.test(folded)) throw unknown();
      await netlink.do(smcPnetid.DEL, { name: folded });
    } catch (error) {
      if (isNetlinkError(error) && error.op === 'request' && error.code === 'ENOENT') throw unknown(error);
      throw error;
    }
  }

  /** Empties the table. Kernels of the 5.1 rework answered ENOENT for an empty one; that is a success, too. */
  async flush(): Promise<void> {
    const netlink = await this.#netlink();
    try {
      await netlink.do(smcPnetid.FLUSH, {});
    } catch (error) {
      if (!isNetlinkError(error) || error.op !== 'request' || error.code !== 'ENOENT') throw error;
    }
  }

  /**
   * Tells whether this network namespace can have device entries. Probes with a port that cannot be: the initial
   * namespace checks it (EINVAL), others ignore the device part altogether (EEXIST). Changes nothing.
   */
  async #takesDevices(pnetId: string, ibName: string): Promise<boolean> {
    const netlink = await this.#netlink();
    try {
      await netlink.do(smcPnetid.ADD, { name: pnetId, ibName, ibPort: IBPORT_MAX + 1 });
      return true;
    } catch (error) {
      if (!isNetlinkError(error) || (error.code !== 'EINVAL' && error.code !== 'EEXIST')) throw error;
      return error.code === 'EINVAL';
    }
  }

  /** Whether a port of an RDMA device carries this PNET ID by a user's hand. */
  async #portHas(ibName: string, ibPort: number, pnetId: string): Promise<boolean> {
    const netlink = await this.#netlink();
    const devices = await netlink.dumpAll(smcGenNetlink.GET_DEV_SMCR).catch((error: unknown) => {
      // before Linux 5.11 the kernel does not report it
      if (isNetlinkError(error) && error.op === 'resolve family' && error.code === 'ENOENT') return [];
      throw error;
    });
    const device = devices.find(({ devSmcr }) => devSmcr.ibName === ibName)?.devSmcr;
    const port = ibPort === 1 ? device?.port : device?.port2;
    return port?.pnetUser === 1 && port.pnetId === pnetId;
  }

  async #explainExists(
    { ethName, ibName, ibPort }: Omit<PnetAddition, 'pnetId'>,
    cause: Error,
  ): Promise<SmcError> {
    const table = await this.list();
    const culprit = table.find(
      (entry) =>
        (entry.kind === 'ethernet' && entry.ethName === ethName) ||
        (entry.kind === 'device' && entry.ibName === ibName),
    );
    if (culprit?.kind === 'device' && culprit.ibPort !== ibPort)
      return new SmcError(
        'EXISTS',
        `port ${ibPort} of device ${ibName} was not set; the table has one port per device, and ` +
          `${describeEntry(culprit)} is already in it, with PNET ID ${culprit.pnetId}`,
        {
          hint: 'a second port is set without a table entry, and only if the device has a second port',
          cause,
        },
      );
    if (culprit) return inTheWay(culprit, cause);
    const objects = [ethName && `interface ${ethName}`, ibName && `device ${ibName}`];
    return new SmcError('EXISTS', `${objects.filter(Boolean).join(' or ')} has a PNET ID in hardware`, {
      hint: 'a hardware PNET ID cannot be replaced',
      cause,
    });
  }
}

function inTheWay(entry: PnetEntry, cause?: unknown): SmcError {
  return new SmcError(
    'EXISTS',
    `${describeEntry(entry)} is already in the table, with PNET ID ${entry.pnetId}`,
    {
      hint: `delete that entry first (smc_pnet -d ${entry.pnetId} deletes all entries of ${entry.pnetId})`,
      cause,
    },
  );
}

function wrongNamespace(ibName: string, cause?: unknown): SmcError {
  return new SmcError('NOT_SUPPORTED', `device ${ibName} cannot be added in this network namespace`, {
    hint: 'RDMA and ISM devices belong in the table of the initial network namespace',
    cause,
  });
}

function isNetlinkError(error: unknown): error is NetlinkError {
  return error instanceof NetlinkError;
}
