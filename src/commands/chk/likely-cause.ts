// SPDX-License-Identifier: MIT
/** Why a connection is not SMC, found by looking at this host instead of guessing from the code. */
import type { Check, CheckStatus } from '../../smc/checks/check.ts';
import type { SmcClient } from '../../smc/client.ts';
import type { ConnectionVerdict } from '../../smc/connection-verdict.ts';
import { PEERNOSMC } from '../../smc/fallback-reasons.ts';
import { STATE_LISTEN } from '../../smc/sockets.ts';
import type { Role } from './verdict-text.ts';

/** What was found. */
export interface LikelyCause {
  /** where it lies */
  at: 'this host' | 'the peer' | 'unknown';
  /** one line, lower case, no full stop */
  text: string;
  /** the command that mends it, or what to do */
  fix: string | null;
  /** what was looked at for this reason, what fails first */
  checks: readonly Check[];
}

/** A connection that fell back, as far as it matters here. */
export interface FallenBack {
  verdict: ConnectionVerdict;
  role: Role;
  local: { address: string; port: number };
  peer: { address: string; port: number };
}

/** Checks of smc/checks that can tell the cause of a reason, by its name. */
const CHECKS: Readonly<Record<string, readonly string[]>> = {
  MEM: ['memory', 'buffer-limit', 'rlimit', 'sysctl'],
  TIMEOUT_CL: ['rdma-port', 'mtu', 'kernel-fault', 'kernel-log'],
  TIMEOUT_AL: ['rdma-port', 'mtu', 'kernel-fault', 'kernel-log'],
  CNFERR: ['interface'],
  PEERNOSMC: ['handshake-limit'],
  NOSMCDEV: ['rdma-device', 'rdma-port', 'ueid', 'interface', 'ism-device'],
  NOSMCDDEV: ['ism-device', 'interface'],
  NOSMCRDEV: ['rdma-device', 'rdma-port', 'ueid', 'interface'],
  NOISM2SUPP: ['ism-device'],
  NOV2EXT: ['ueid', 'kernel-fault'],
  NOV2DEXT: ['ism-device', 'ueid'],
  NOSEID: ['ueid'],
  NOSMCD2DEV: ['ism-device', 'interface'],
  NOUEID: ['ueid'],
  RELEASEERR: ['kernel-fault'],
  MAXCONNERR: ['sysctl'],
  MAXLINKERR: ['sysctl'],
  MODEUNSUPP: ['interface', 'rdma-port', 'ism-device'],
  DIFFPREFIX: ['interface', 'ueid'],
  GETVLANERR: ['interface'],
  ISMVLANERR: ['interface', 'ism-device'],
  NOACTLINK: ['rdma-device', 'rdma-port'],
  NOSRVLINK: ['rdma-port'],
  VERSMISMAT: ['kernel-fault'],
  MAX_DMB: ['ism-device'],
  NOROUTE: ['interface', 'rdma-port'],
  NOINDIRECT: ['interface'],
  SYNCERR: ['kernel-log'],
  INTERR: ['kernel-log', 'kernel-fault'],
  ERR_RTOK: ['kernel-log', 'rdma-port'],
  ERR_RDYLNK: ['rdma-port', 'mtu', 'kernel-log'],
  ERR_REGBUF: ['rlimit', 'memory', 'sysctl', 'kernel-log'],
};

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
  const { cause } = connection.verdict;
  const checks = await checksFor(client, cause?.reason?.name ?? '', connection, root);
  if (cause?.code === PEERNOSMC) return noOffer(client, connection, checks);

  const [worst] = checks;
  if (worst?.status === 'fail' || worst?.status === 'warning')
    return {
      at: 'this host',
      text: describe(worst),
      fix: worst.fix ?? cause?.reason?.fixes[0] ?? null,
      checks,
    };
  const name = cause?.reason?.name ?? '';
  if (connection.local.address.includes(':') && NO_DEVICE.includes(name))
    return {
      at: 'this host',
      text: 'the connection uses IPv6, and version 2 of SMC-R, the only one that RoCE v2 devices have, needs IPv4',
      fix: 'connect to the IPv4 address',
      checks,
    };
  if (NO_DEVICE.includes(name) && !isOwnAddress(connection)) return noDevice(connection, checks);
  const { causes = [], fixes = [] } = cause?.reason ?? {};
  const usual = causes.length > 0 ? `as a rule: ${causes.join(', or ')}` : 'the code is not known here';
  const fix = fixes[0] ?? null;
  if (isOwnAddress(connection))
    return { at: 'this host', text: `not found by looking; ${usual}`, fix, checks };
  if (connection.verdict.declinedBy === 'the peer')
    return {
      at: 'the peer',
      text: `${checks.length > 0 ? 'nothing on this host explains it' : 'this host cannot tell'}; ${usual}`,
      fix: `run smc_chk at the peer${fix ? `; ${fix}` : ''}`,
      checks,
    };
  return { at: 'unknown', text: `not found by looking; ${usual}`, fix, checks };
}

/**
 * Nobody has a device. RDMA devices with version 2 only give these over IPv6, too, and the server gives them, and not
 * NOUEID, when it has none of the client's UEIDs.
 */
const NO_DEVICE = ['NOSMCDEV', 'NOSMCRDEV'];

/** One side found no device though nothing is wrong on this host. */
function noDevice({ role, verdict: { declinedBy } }: FallenBack, checks: readonly Check[]): LikelyCause {
  const known = checks.find(({ id }) => id === 'ueid')?.facts['ueids'];
  const [ueid = 'NAME'] = (Array.isArray(known) ? known : []).map(String);
  const ours = Array.isArray(known) && known.length > 0 ? ` (this host has ${known.join(', ')})` : '';
  const fix = `compare smcd ueid on both hosts; the same UEID on both: smcd ueid add ${ueid}`;
  if (declinedBy === 'the peer')
    return role === 'Client'
      ? {
          at: 'the peer',
          text: `nothing on this host explains it; the UEIDs of the hosts differ${ours}, or the server has no device for the connection`,
          fix: `at the peer: smc_chk; ${fix}`,
          checks,
        }
      : {
          at: 'the peer',
          text: 'the client has no device for the connection, or no UEID',
          fix: 'at the peer: smc_chk',
          checks,
        };
  return role === 'Server'
    ? {
        at: 'unknown',
        text: `devices and PNET IDs of this host are in order, so the UEIDs of the hosts differ${ours}, or the client is in another subnet`,
        fix,
        checks,
      }
    : {
        at: 'this host',
        text: `not found by looking; as a rule: no PNET ID, a device that is down, or no UEID${ours}`,
        fix: 'smc_chk',
        checks,
      };
}

const describe = ({ subject, finding, reason }: Check): string =>
  `${subject ? `${subject}: ` : ''}${finding}${reason ? ` (${reason})` : ''}`;

async function checksFor(
  client: SmcClient,
  name: string,
  connection: FallenBack,
  root: string,
): Promise<Check[]> {
  const ids = CHECKS[name];
  if (!ids) return [];
  const { systemCheck } = await import('../../smc/checks/index.ts');
  const usedInterface = await interfaceOf(client, connection);
  const checks = await systemCheck({
    client,
    root,
    ...(usedInterface && { interfaces: [usedInterface] }),
  });
  const used = checks.find(({ id, subject }) => id === 'interface' && subject === usedInterface);
  const rank = ({ id, status }: Check): number => SEVERITY.indexOf(status) * 100 + ids.indexOf(id);
  return checks
    .filter((check) => ids.includes(check.id) && !isOfOthers(check, used, SMCD_REASONS.includes(name)))
    .sort((a, b) => rank(a) - rank(b));
}

/** Reasons that name SMC-D: what is wrong with its devices counts though the interface has another one. */
const SMCD_REASONS = ['NOSMCDDEV', 'NOISM2SUPP', 'NOV2DEXT', 'NOSMCD2DEV', 'MAX_DMB'];

/** Whether a device that is wrong does not matter, as the interface has others that would do. */
function isOfOthers({ id, subject }: Check, used: Check | undefined, isSmcd: boolean): boolean {
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
  return local.address === peer.address || (isLoopback(local.address) && isLoopback(peer.address));
}

const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1';

/** The interface that the kernel chose a device for. */
async function interfaceOf(client: SmcClient, connection: FallenBack): Promise<string | undefined> {
  if (isOwnAddress(connection)) return 'lo';
  const address = connection.local.address.replace(/%.*/, '');
  const addresses = await client.interfaceAddresses();
  return addresses.find((candidate) => candidate.address === address)?.interface;
}

/** The peer did not offer SMC: on this host the program can be looked at, elsewhere it cannot. */
async function noOffer(
  client: SmcClient,
  { role, peer, ...connection }: FallenBack,
  checks: readonly Check[],
): Promise<LikelyCause> {
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
    text: `port ${peer.port} is served over SMC, but did not offer it this time`,
    fix: 'try again; look at smcd hs-limit',
    checks,
  };
}

async function listensOverSmc(client: SmcClient, port: number): Promise<boolean> {
  for await (const { state, local } of client.sockets())
    if (state === STATE_LISTEN && local.port === port) return true;
  return false;
}
