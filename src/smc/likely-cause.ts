// SPDX-License-Identifier: MIT
/** Why a connection is not SMC, found by looking at this host instead of guessing from the code. */
import { kernelRelease } from '../host/architecture.ts';
import { isAtLeast } from '../host/kernel-version.ts';
import type { CheckStatus } from './checks/check.ts';
import type { HostCheck } from './checks/index.ts';
import type { SmcClient } from './client.ts';
import type { ConnectionVerdict, Role } from './connection-verdict.ts';
import { PEERNOSMC } from './fallback-reasons.ts';
import { STATE_LISTEN } from './sockets.ts';
import { canBeCause, placeOf, suspectsFor } from './suspects.ts';

/** What was found. */
export interface LikelyCause {
  /** where it lies */
  at: 'this host' | 'the peer' | 'unknown';
  /** one line, lower case, no full stop */
  text: string;
  /** the command that mends it, or what to do */
  fix: string | null;
  /** what was looked at for this reason, what fails first */
  checks: readonly HostCheck[];
}

/** A connection that fell back, as far as it matters here. */
export interface FallenBack {
  verdict: ConnectionVerdict;
  role: Role;
  local: { address: string; port: number };
  peer: { address: string; port: number };
}

const SEVERITY: readonly CheckStatus[] = ['fail', 'warning', 'unknown', 'pass'];

/**
 * Looks for the cause of a fallback.
 * @throws NetlinkError
 */
export async function likelyCause(
  client: SmcClient,
  connection: FallenBack,
  root: string,
): Promise<LikelyCause> {
  const { cause, declinedBy } = connection.verdict;
  const name = cause?.reason?.name ?? '';
  const { causes = [], fixes = [] } = cause?.reason ?? {};
  const usual = causes.length > 0 ? `usual cause: ${causes.join(', or ')}` : 'the code is not known here';
  const fix = fixes[0] ?? null;
  const atPeer = (text: string, checks: readonly HostCheck[]): LikelyCause => ({
    at: 'the peer',
    text: `${text}; ${usual}`,
    fix: `run smc_chk at the peer${fix ? `; ${fix}` : ''}`,
    checks,
  });
  if (cause?.code === PEERNOSMC)
    return noOffer(client, connection, await checksFor(client, name, connection, root));
  if (!canLieHere(connection))
    return atPeer(
      declinedBy === 'the peer' ? 'it is not on this host' : 'this is the reason that the peer sent',
      [],
    );

  const checks = await checksFor(client, name, connection, root);
  const found = checks.find(canBeCause);
  if (found) return { at: 'this host', text: describe(found), fix: found.fix ?? fix, checks };
  const special =
    byAddress(connection, name, root) ??
    (name === 'INTERR' ? byAdapter(checks, root) : undefined) ??
    (isOwnAddress(connection) ? undefined : noDevice(connection, name, checks));
  if (special) return { checks, ...special };
  if (isOwnAddress(connection))
    return { at: 'this host', text: `not found by these checks; ${usual}`, fix, checks };
  if (declinedBy === 'the peer')
    return atPeer(
      checks.length > 0 ? 'nothing on this host explains it' : 'this host cannot determine it',
      checks,
    );
  return { at: 'unknown', text: `not found by these checks; ${usual}`, fix, checks };
}

/** Whether the cause may be on this host: the code tells which side has to be looked at. */
function canLieHere(connection: FallenBack): boolean {
  const { cause, declinedBy } = connection.verdict;
  const lies = cause?.reason?.lies ?? 'both';
  if (lies === 'both' || isOwnAddress(connection)) return true;
  return (lies === 'decliner') !== (declinedBy === 'the peer');
}

type Found = Omit<LikelyCause, 'checks'>;

/** From then on SMC-R version 2 takes IPv4 addresses of IPv6 sockets. */
const MAPPED_SINCE = '6.14';

/** SMC-R version 2 knows IPv4 only, and soft-RoCE has no other; the client finds that out. */
function byAddress({ local, role, verdict }: FallenBack, name: string, root: string): Found | undefined {
  if (name !== 'NOSMCDEV' || verdict.declinedBy !== 'this host' || !local.address.includes(':'))
    return undefined;
  if (!isMapped(local.address))
    return {
      at: 'this host',
      text: 'the connection uses IPv6, but SMC-R version 2, the only version that RoCE v2 devices support, requires IPv4',
      fix: 'connect to the IPv4 address',
    };
  if (role === 'Server' || isAtLeast(kernelRelease(root), MAPPED_SINCE)) return undefined;
  return {
    at: 'this host',
    text: `${local.address} is an IPv4 address on an IPv6 socket, as Java opens them, and SMC-R version 2 supports these only since Linux ${MAPPED_SINCE}`,
    fix: `boot Linux ${MAPPED_SINCE} or later, or have the program open IPv4 sockets; with Java: -Djava.net.preferIPv4Stack=true`,
  };
}

/** Why an adapter may have refused a queue pair. */
function byAdapter(checks: readonly HostCheck[], root: string): Found | undefined {
  const raised = checks.filter(({ id, reason }) => id === 'sysctl' && reason !== null);
  if (raised.length > 0)
    return {
      at: 'this host',
      text: raised.map(describe).join('; '),
      fix: raised.map(({ subject, facts }) => `sysctl -w ${subject}=${facts['default']}`).join('; '),
    };
  const oneElement = checks.find(({ id, facts }) => id === 'rdma-device' && facts['driver'] === 'erdma');
  if (!oneElement || isAtLeast(kernelRelease(root), MAPPED_SINCE)) return undefined;
  return {
    at: 'this host',
    text: `${oneElement.subject} supports only one receive element (eRDMA), which SMC-R version 2 can use only since Linux ${MAPPED_SINCE}`,
    fix: `boot Linux ${MAPPED_SINCE} or later`,
  };
}

/** One side found no device though nothing is wrong on this host. A server says so, too, when no enterprise ID matches. */
function noDevice(
  { role, local, verdict: { declinedBy } }: FallenBack,
  name: string,
  checks: readonly HostCheck[],
): Found | undefined {
  const devices: Readonly<Record<string, string>> = {
    NOSMCDEV: 'has no device for the connection',
    NOSMCDDEV: 'has no SMC-D device for the connection',
    NOSMCD2DEV: 'is on another machine and SMC-R was not possible either',
  };
  const device = devices[name];
  if (!device) return undefined;
  const known = checks.find(({ id }) => id === 'ueid')?.facts['ueids'];
  const [ueid = 'NAME'] = (Array.isArray(known) ? known : []).map(String);
  const ours = Array.isArray(known) && known.length > 0 ? ` (this host has ${known.join(', ')})` : '';
  const compare = name === 'NOSMCDEV' ? 'smcd ueid' : 'smcd ueid and smcd seid';
  const fix = `compare the output of ${compare} on both hosts; define the same UEID on both: smcd ueid add ${ueid}`;
  if (declinedBy === 'the peer' && role === 'Client')
    return {
      at: 'the peer',
      text: `nothing on this host explains it; the UEIDs of the hosts differ${ours}, or the server ${device}`,
      fix: `at the peer: smc_chk; ${fix}`,
    };
  if (declinedBy === 'the peer') {
    const mapped =
      local.address.includes(':') && !isMapped(local.address)
        ? ''
        : `, or it connects from an IPv6 socket (Java), which requires Linux ${MAPPED_SINCE} there`;
    return {
      at: 'the peer',
      text: `the client has no device for the connection, or no UEID${mapped}`,
      fix: 'at the peer: smc_chk',
    };
  }
  if (role === 'Server')
    return {
      at: 'unknown',
      text:
        name === 'NOSMCD2DEV'
          ? `the client ${device}; SMC-R version 2 requires the same UEID on both hosts${ours}`
          : `devices and PNET IDs of this host are in order, so the UEIDs of the hosts differ${ours}, or the client is in another subnet`,
      fix,
    };
  return {
    at: 'this host',
    text: `not found by these checks; usual cause: no PNET ID, a device that is down, or no UEID${ours}`,
    fix: 'smc_chk',
  };
}

const describe = ({ subject, finding, reason }: HostCheck): string =>
  `${subject ? `${subject}: ` : ''}${finding}${reason ? ` (${reason})` : ''}`;

async function checksFor(
  client: SmcClient,
  name: string,
  connection: FallenBack,
  root: string,
): Promise<HostCheck[]> {
  const { role, verdict } = connection;
  const isProposed = role === 'Client' && verdict.declinedBy === 'the peer' && !isOwnAddress(connection);
  const suspects = suspectsFor(name, isProposed);
  if (suspects.length === 0) return [];
  const { systemCheck } = await import('./checks/index.ts');
  const usedInterface = await interfaceOf(client, connection);
  const checks = await systemCheck({
    client,
    root,
    ...(usedInterface && { interfaces: [usedInterface] }),
  });
  const used = checks.find(({ id, subject }) => id === 'interface' && subject === usedInterface);
  // the worst first, and what only goes with it behind
  const rank = (check: HostCheck): number =>
    (canBeCause(check) ? 0 : 1000) + SEVERITY.indexOf(check.status) * 100 + placeOf(check, suspects);
  return checks
    .filter((check) => placeOf(check, suspects) >= 0 && !isOfOthers(check, used, SMCD_REASONS.includes(name)))
    .sort((a, b) => rank(a) - rank(b));
}

/** Reasons that name SMC-D: what is wrong with its devices counts though the interface has another one. */
const SMCD_REASONS = ['NOSMCDDEV', 'NOISM2SUPP', 'NOSMCD2DEV', 'MAX_DMB'];

/** Whether a device that is wrong does not matter, as the interface has others that would do. */
function isOfOthers({ id, subject }: HostCheck, used: HostCheck | undefined, isSmcd: boolean): boolean {
  if (used?.status !== 'pass' || subject === null) return false;
  const { rdma_ports: ports, smcd_devices: devices } = used.facts;
  if (!Array.isArray(ports) || !Array.isArray(devices)) return false;
  switch (id) {
    case 'rdma-port':
      return !ports.includes(subject);
    case 'rdma-device':
      return !ports.some((port) => String(port).startsWith(`${subject}/`));
    case 'ism-device':
      return !isSmcd && !devices.includes(subject);
    default:
      return false;
  }
}

/** What goes to an own address leaves by no interface but lo. */
function isOwnAddress({ local, peer }: FallenBack): boolean {
  const [here, there] = [unmapped(local.address), unmapped(peer.address)];
  return here === there || (isLoopback(here) && isLoopback(there));
}

const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1';

/** An IPv4 address as an IPv6 socket has it. */
const MAPPED = /^::ffff:(?=\d+\.)/i;
const isMapped = (address: string): boolean => MAPPED.test(address);
const unmapped = (address: string): string => address.replace(MAPPED, '');

/** The interface that the kernel chose a device for. */
async function interfaceOf(client: SmcClient, connection: FallenBack): Promise<string | undefined> {
  if (isOwnAddress(connection)) return 'lo';
  const address = unmapped(connection.local.address.replace(/%.*/, ''));
  const addresses = await client.interfaceAddresses();
  return addresses.find((candidate) => candidate.address === address)?.interface;
}

/** The peer did not offer SMC: on this host the program can be looked at, elsewhere it cannot. */
async function noOffer(
  client: SmcClient,
  { role, peer, ...connection }: FallenBack,
  checks: readonly HostCheck[],
): Promise<LikelyCause> {
  const policy = checks.find(({ id, status }) => id === 'sysctl' && status === 'warning');
  if (policy)
    return {
      at: 'this host',
      text: `${policy.reason}, and it may have left SMC out of this one`,
      fix: `try without it: ${policy.fix}`,
      checks,
    };
  const limited = checks.find(({ id, status }) => id === 'handshake-limit' && status === 'warning');
  if (role === 'Server')
    return {
      at: limited ? 'unknown' : 'the peer',
      text: `${limited ? 'handshakes are limited on this host, so under load connections become TCP; or ' : ''}the program at ${peer.address} was not started over SMC, or its host has no SMC`,
      fix: limited?.fix ?? 'start it with smc_run',
      checks,
    };
  if (!isOwnAddress({ role, peer, ...connection }))
    return {
      at: 'the peer',
      text: 'the program at the other end does not use SMC, its host has none, or something on the way removes the TCP option',
      fix: 'start the program there with smc_run; at the peer: smc_chk',
      checks,
    };
  if (!(await listensOverSmc(client, peer.port)))
    return {
      at: 'this host',
      text: `the program that listens on port ${peer.port} of this host was not started over SMC`,
      fix: 'start it with smc_run',
      checks,
    };
  if (limited) return { at: 'this host', text: describe(limited), fix: limited.fix, checks };
  return {
    at: 'this host',
    text: `port ${peer.port} is served over SMC, but SMC was not offered this time`,
    fix: 'try again; check smcd hs-limit',
    checks,
  };
}

async function listensOverSmc(client: SmcClient, port: number): Promise<boolean> {
  for await (const { state, local } of client.sockets())
    if (state === STATE_LISTEN && local.port === port) return true;
  return false;
}
