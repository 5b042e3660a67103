// SPDX-License-Identifier: MIT
/** How SMC is set up at the moment. */
import { closeSync, openSync } from 'node:fs';
import type { Context } from '../../cli/run.ts';
import { isInitialNetworkNamespace } from '../../host/network-namespace.ts';
import { NAMED_NAMESPACES } from '../../host/network-namespaces.ts';
import { isIsm } from '../../host/pci-devices.ts';
import { entries } from '../../host/sysfs.ts';
import { SmcClient } from '../../smc/client.ts';
import type { SmcrPort } from '../../smc/devices.ts';
import { isTooOld } from '../../smc/explain.ts';
import { type HostFiles, hostFiles } from '../../smc/host.ts';
import { findAddon } from '../../smc/native-parts.ts';
import type { PnetEntry } from '../../smc/pnet-table.ts';
import { readSysctls } from '../../smc/sysctls.ts';
import type { Configuration, NamespaceSettings, PnetDevice, PnetNetwork } from './configuration.ts';
import { readServices } from './services.ts';

/** What of a context is needed to read the state. */
export type Source = Pick<Context, 'client' | 'hostRoot' | 'transport' | 'isRecorded'>;

/** A namespace that could not be looked at. */
export interface NotRead {
  namespace: string;
  /** a clause */
  reason: string;
}

export interface Running {
  /** complete; `undefined` is what this kernel or machine does not have */
  state: Configuration;
  /** namespaces that were asked for */
  notRead: NotRead[];
  /** ports of RDMA devices; none in other namespaces than the initial one */
  ports: readonly SmcrPort[];
}

/**
 * Reads the state of the host and of the network namespace of this process, and of others.
 * @param namespaces names of others; a recording has none
 * @throws SmcError NO_SMC; NetlinkError
 */
export async function readRunning(source: Source, namespaces: readonly string[]): Promise<Running> {
  const client = await source.client();
  const { hostRoot } = source;
  const files = hostFiles(hostRoot);
  const ports = isInitialNetworkNamespace(hostRoot) === false ? [] : await client.smcrPorts();
  const own = await readNamespace(client, files, ports);
  const seid = await unlessTooOld(() => client.seid.read());
  const others = new Map<string, NamespaceSettings>();
  const notRead: NotRead[] = [];
  for (const name of namespaces) {
    const read = source.isRecorded
      ? 'a recording has one network namespace'
      : await inNamespace(name, source, (there) => readNamespace(there, files, []));
    if (typeof read === 'string') notRead.push({ namespace: name, reason: read });
    else others.set(name, read);
  }
  return {
    state: {
      ...own,
      ueids: await unlessTooOld(() => client.ueids.list()),
      // other machines than IBM Z have a switch that does nothing, if any
      seid: seid?.seid ? seid.isEnabled : undefined,
      services: source.isRecorded ? undefined : readServices(hostRoot),
      namespaces: others,
    },
    notRead,
    ports,
  };
}

/** Names of ip-netns(8), sorted. */
export function namedNamespaces(root: string): string[] {
  return [...new Set(NAMED_NAMESPACES.flatMap((directory) => entries(`${root}${directory}`)))].sort();
}

/**
 * Does something in a network namespace, and comes back.
 * @param act gets a client for it; files have to be read synchronously
 * @returns what `act` returns, or why the namespace cannot be entered, in a clause
 */
export async function inNamespace<T extends object>(
  name: string,
  { hostRoot, transport }: Source,
  act: (client: SmcClient) => Promise<T>,
): Promise<T | string> {
  const directory = NAMED_NAMESPACES.find((path) => entries(`${hostRoot}${path}`).includes(name));
  if (directory === undefined) return 'there is no network namespace of this name';
  const addon = findAddon();
  const home = openSync('/proc/self/ns/net', 'r');
  try {
    addon.setNetworkNamespace(`${directory}/${name}`);
  } catch (error) {
    closeSync(home);
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return code === 'EPERM' || code === 'EACCES'
      ? 'it cannot be entered: run it as root, outside of containers'
      : `it cannot be entered (${code})`;
  }
  const client = new SmcClient({ hostRoot, ...(transport && { transport }) });
  try {
    return await act(client);
  } finally {
    client.close();
    // by its descriptor: /proc/self/ns/net is another one by now
    addon.setNetworkNamespace(`/proc/self/fd/${home}`);
    closeSync(home);
  }
}

async function readNamespace(
  client: SmcClient,
  files: HostFiles,
  ports: readonly SmcrPort[],
): Promise<NamespaceSettings> {
  const { root } = files;
  const table = await client.pnet.list();
  return {
    pnet: tableOf([...table, ...unlistedPorts(table, ports)], files),
    handshakeLimit: await unlessTooOld(() => client.handshakeLimit.isEnabled()),
    sysctls: new Map(
      readSysctls(undefined, root).flatMap(({ name, value }): [string, string][] =>
        // the same switch as that of netlink
        value === undefined || name === 'limit_smc_hs' ? [] : [[name, value]],
      ),
    ),
  };
}

/**
 * Ports that have a PNET ID by a user's hand, but no entry: the table has room for one port of a device only.
 * @param table the entries that there are
 */
function unlistedPorts(table: readonly PnetEntry[], ports: readonly SmcrPort[]): PnetEntry[] {
  return ports.flatMap(({ device, number, pnetId, isUserPnetId }): PnetEntry[] => {
    if (!isUserPnetId || pnetId === undefined) return [];
    const isListed = table.some(
      ({ kind, ibName, ibPort }) =>
        kind === 'device' && ibPort === number && (ibName === device.ibName || ibName === device.pciId),
    );
    return isListed
      ? []
      : [{ pnetId, kind: 'device', ethName: 'n/a', ibName: device.ibName, ibPort: number }];
  });
}

/** The table by PNET ID, everything sorted: the order of the entries has no meaning. */
function tableOf(table: readonly PnetEntry[], files: HostFiles): Map<string, PnetNetwork> {
  const ids = [...new Set(table.map(({ pnetId }) => pnetId))].sort();
  return new Map(
    ids.map((id) => {
      const ofId = table.filter(({ pnetId }) => pnetId === id);
      const interfaces = ofId.filter(({ kind }) => kind === 'ethernet').map(({ ethName }) => ethName);
      const devices = ofId
        .filter(({ kind }) => kind === 'device')
        .map(({ ibName, ibPort }) => deviceOf(ibName, ibPort, files));
      return [id, { interfaces: interfaces.sort(), devices: devices.sort(inOrder) }];
    }),
  );
}

function inOrder(one: PnetDevice, other: PnetDevice): number {
  if (one.name !== other.name) return one.name < other.name ? -1 : 1;
  return one.port - other.port;
}

function deviceOf(name: string, port: number, { pciFunctions, dibsDevices }: HostFiles): PnetDevice {
  const isSmcd =
    /^(?:loopback-ism|lo|ism[0-9a-f]+)$/.test(name) ||
    pciFunctions.some((pci) => isIsm(pci) && pci.address === name) ||
    (dibsDevices ?? []).some((device) => device.name === name);
  // a port that somebody gave an ISM device is kept, though the kernel does not look at it
  return { name, port, kind: isSmcd && port === 1 ? 'ism' : 'rdma' };
}

/** The answer, or `undefined` from a kernel that does not know the question. */
export async function unlessTooOld<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (isTooOld(error)) return undefined;
    throw error;
  }
}
