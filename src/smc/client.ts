// SPDX-License-Identifier: MIT
/** The typed client that the commands use and `import … from 'smc-tools'` offers. */
import { interfaceNames } from '../host/interface-names.ts';
import { type ModuleState, moduleState } from '../host/kernel-module.ts';
import { socketsPerProtocol } from '../host/procfs.ts';
import { hostByteOrder } from '../netlink/codec.ts';
import type { ConnectionOptions } from '../netlink/connection.ts';
import { NetlinkError } from '../netlink/error.ts';
import { type FamilyInfo, GenericNetlink } from '../netlink/genetlink.ts';
import { SockDiag } from '../netlink/sock-diag.ts';
import { smcGenNetlink, smcPnetid } from '../netlink/uapi/smc.ts';
import { readSmcdDevices, readSmcrPorts, type SmcdDevice, type SmcrPort } from './devices.ts';
import { SeidSwitch, UeidTable } from './eids.ts';
import { SmcError } from './error.ts';
import { HandshakeLimit } from './handshake-limit.ts';
import { type InterfaceAddress, readInterfaceAddresses } from './interface-addresses.ts';
import {
  readSmcdLinkGroups,
  readSmcrLinkGroups,
  type SmcdLinkGroup,
  type SmcrLinkGroup,
} from './link-groups.ts';
import { PnetTable } from './pnet-table.ts';
import { SocketAddresses } from './socket-addresses.ts';
import { type SmcSocket, type SocketDetails, smcSocketDump, smcSocketRequest } from './sockets.ts';
import { readStatistics, type Statistics } from './statistics.ts';
import { readSystemInfo, type SystemInfo } from './system.ts';
import { BOOT_ANOTHER, type MissingModule, notLoaded, notLoadedOnHost } from './without-smc.ts';

export interface SmcClientOptions extends ConnectionOptions {
  /** root of the /proc and /sys trees that are read beside netlink; default "/" */
  hostRoot?: string;
  /** families that the kernel has, as `families()` of another client told; they are not looked up again */
  known?: readonly FamilyInfo[] | undefined;
}

/**
 * Everything the kernel tells and takes about SMC. Sockets are opened when a call needs them; `close()` when done,
 * an open client keeps the process alive.
 */
export class SmcClient {
  readonly #options: SmcClientOptions;
  readonly #hostRoot: string;
  #generic: Promise<GenericNetlink> | undefined;
  readonly #diagnostics = new Set<SockDiag>();
  /** the PNET table of this network namespace */
  readonly pnet: PnetTable;
  /** the UEIDs of this host */
  readonly ueids: UeidTable;
  /** the SEID of this host */
  readonly seid: SeidSwitch;
  /** the handshake limitation of this network namespace */
  readonly handshakeLimit: HandshakeLimit;

  constructor(options: SmcClientOptions = {}) {
    this.#options = options;
    this.#hostRoot = options.hostRoot ?? '/';
    this.pnet = new PnetTable(() => this.#withFamily(smcPnetid.GET.family));
    const inspection = (): Promise<GenericNetlink> => this.#inspection();
    this.ueids = new UeidTable(inspection);
    this.seid = new SeidSwitch(inspection);
    this.handshakeLimit = new HandshakeLimit(inspection);
  }

  /**
   * What the kernel's SMC can do. This and all other reading needs no privilege.
   * @throws SmcError NO_SMC; NetlinkError
   */
  async system(): Promise<SystemInfo> {
    return readSystemInfo(await this.#inspection());
  }

  /** ISM devices of this host, without loopback-ism. @throws SmcError NO_SMC; NetlinkError */
  async smcdDevices(): Promise<SmcdDevice[]> {
    return readSmcdDevices(await this.#inspection());
  }

  /** Ports of the RDMA devices of this host. @throws SmcError NO_SMC; NetlinkError */
  async smcrPorts(): Promise<SmcrPort[]> {
    return readSmcrPorts(await this.#inspection());
  }

  /**
   * SMC-D link groups of this host, and how many the kernel failed to list.
   * @throws SmcError NO_SMC; NetlinkError
   */
  async smcdLinkGroups(): Promise<{ groups: SmcdLinkGroup[]; missing: number }> {
    return readSmcdLinkGroups(await this.#inspection());
  }

  /** SMC-R link groups of this host with their links. @throws SmcError NO_SMC; NetlinkError */
  async smcrLinkGroups(): Promise<SmcrLinkGroup[]> {
    return readSmcrLinkGroups(await this.#inspection());
  }

  /** Counters of this network namespace; since Linux 5.14. @throws SmcError NO_SMC; NetlinkError */
  async statistics(): Promise<Statistics> {
    return readStatistics(await this.#inspection());
  }

  /**
   * IP addresses of the interfaces of this network namespace. Works without SMC, too.
   * @throws NetlinkError
   */
  async interfaceAddresses(): Promise<InterfaceAddress[]> {
    return readInterfaceAddresses(this.#options, interfaceNames(this.#hostRoot));
  }

  /**
   * SMC sockets of this network namespace, all users', as a stream in kernel order. A table that changes meanwhile
   * may show a socket twice or not at all. Needs no privilege.
   * @param details what to fetch beyond the basics
   * @throws SmcError NO_SMC; NetlinkError
   */
  async *sockets(details: SocketDetails = {}): AsyncGenerator<SmcSocket, { interrupted: boolean }> {
    const batches = this.socketBatches(details);
    try {
      for (;;) {
        const next = await batches.next();
        if (next.done) return next.value;
        yield* next.value;
      }
    } finally {
      await batches.return({ interrupted: false });
    }
  }

  /**
   * The same in batches, as the kernel sends them, for long lists: a promise for each socket takes longer than the socket.
   * @throws SmcError NO_SMC; NetlinkError
   */
  async *socketBatches(details: SocketDetails = {}): AsyncGenerator<SmcSocket[], { interrupted: boolean }> {
    const openSockDiag = (): Promise<SockDiag> => this.#openSockDiag();
    let perProtocol: Record<string, number> | undefined;
    try {
      perProtocol = socketsPerProtocol(this.#hostRoot);
    } catch {
      // without /proc the addresses are looked up in any case
    }
    const order = this.#options.transport?.order ?? hostByteOrder;
    const sources = { openSockDiag, hostRoot: this.#hostRoot, order };
    const addresses = await SocketAddresses.prepare(sources, perProtocol);
    const kind = smcSocketDump(addresses.resolve);
    const diag = await openSockDiag();
    try {
      let dump = diag.dump(kind, smcSocketRequest(details));
      let batch = await dump.nextRows().catch(async (error: unknown) => {
        if (!(error instanceof NetlinkError) || error.code !== 'ENOENT') throw error;
        // smc_diag is not there. The kernel loads it by itself once smc is loaded, and resolving the family
        // SMC_PNETID loads both.
        await this.#withFamily(smcPnetid.GET.family);
        dump = diag.dump(kind, smcSocketRequest(details));
        return dump.nextRows().catch((again: unknown) => {
          throw again instanceof NetlinkError && this.moduleStates().smcDiag === 'absent'
            ? noDiag(again)
            : again;
        });
      });
      while (batch) {
        await addresses.settle();
        yield batch;
        batch = await dump.nextRows();
      }
      return { interrupted: dump.interrupted || addresses.interrupted };
    } finally {
      diag.close();
    }
  }

  /**
   * Generic netlink families that the kernel has at this moment. Loads no module, unlike all other questions.
   * @throws NetlinkError
   */
  async families(): Promise<FamilyInfo[]> {
    return (await this.#connected()).families();
  }

  /** Whether the modules that SMC consists of are there, without loading any. */
  moduleStates(): { smc: ModuleState; smcDiag: ModuleState } {
    return { smc: moduleState('smc', this.#hostRoot), smcDiag: moduleState('smc_diag', this.#hostRoot) };
  }

  /** Closes all sockets; what is pending fails with ERR_CLOSED. */
  close(): void {
    this.#generic?.then(
      (generic) => generic.close(),
      () => {},
    );
    for (const diag of this.#diagnostics) diag.close();
  }

  /** The connection for everything but sockets and the PNET table. */
  #inspection(): Promise<GenericNetlink> {
    return this.#withFamily(smcGenNetlink.GET_SYS_INFO.family);
  }

  async #openSockDiag(): Promise<SockDiag> {
    const diag = await SockDiag.open(this.#options);
    this.#diagnostics.add(diag);
    diag.onClose = () => this.#diagnostics.delete(diag);
    return diag;
  }

  /** The generic netlink connection, opened when it is first needed. */
  #connected(): Promise<GenericNetlink> {
    this.#generic ??= GenericNetlink.open(this.#options, this.#options.known);
    return this.#generic;
  }

  /** The generic netlink connection, after making sure of a family; says what is missing when it is not there. */
  async #withFamily(name: string): Promise<GenericNetlink> {
    const generic = await this.#connected();
    try {
      await generic.resolve(name);
    } catch (error) {
      if (!(error instanceof NetlinkError) || error.code !== 'ENOENT') throw error;
      // The alias of SMC_PNETID belongs to smc_diag; when that one cannot be loaded, smc alone still has the family.
      if (name === smcPnetid.GET.family)
        try {
          await generic.resolve(smcGenNetlink.GET_SYS_INFO.family);
          await generic.resolve(name);
          return generic;
        } catch (second) {
          if (!(second instanceof NetlinkError) || second.code !== 'ENOENT') throw second;
          // the first answer is the one to explain
        }
      throw this.#noSmc(error);
    }
    return generic;
  }

  #noSmc(cause: NetlinkError): SmcError {
    const { smc, smcDiag } = this.moduleStates();
    const hasSmc = smc === 'loaded' || smc === 'built-in';
    // smc alone brings SMC_GEN_NETLINK; the other family may be asked for through smc_diag
    const missing = hasSmc && cause.family === smcPnetid.GET.family ? 'smc_diag' : 'smc';
    const state = missing === 'smc' ? smc : smcDiag;
    const not = ({ text, hint }: MissingModule) => new SmcError('NO_SMC', text, { hint, cause });
    switch (state) {
      case 'available':
        return not(notLoaded(missing));
      case 'absent':
        if (missing === 'smc_diag') return noDiag(cause);
        return new SmcError('NO_SMC', 'this kernel has no SMC: there is no module smc for it', {
          hint: BOOT_ANOTHER,
          cause,
        });
      case 'loaded':
      case 'built-in':
        return new SmcError('NO_SMC', `the kernel does not provide ${cause.family ?? 'SMC'}`, {
          hint: `${missing} is ${state}, but too old for this command`,
          cause,
        });
      default:
        return not(notLoadedOnHost(missing));
    }
  }
}

/** SMC is there; only the module that lists its sockets is not. */
const noDiag = (cause: NetlinkError): SmcError =>
  new SmcError('NO_SMC', 'this kernel cannot list SMC sockets: there is no module smc_diag for it', {
    hint: 'boot a kernel that was built with CONFIG_SMC_DIAG',
    cause,
  });
