// SPDX-License-Identifier: MIT
/** What smc_chk connects to: how it is written, and how it is reached. */
import { lookup } from 'node:dns/promises';
import { isIP, type Socket } from 'node:net';
import { mustBe, readNumber } from '../../cli/number-option.ts';
import { UsageError } from '../../cli/options.ts';
import { isEstablished } from '../../host/procfs.ts';
import { PORT } from './options.ts';

/** As the original: a port that nobody else uses. */
export const DEFAULT_PORT = 37_373;

export interface Target {
  /** name or address, without brackets */
  host: string;
  port: number;
}

/**
 * `HOST`, `HOST:PORT`, an IPv4 or IPv6 address, an IPv6 address in brackets with or without a port; IPv6 addresses may
 * have a scope, as in fe80::1%eth0.
 * @param port of --port
 * @throws UsageError
 */
export function parseTarget(text: string, port?: number): Target {
  if (/[\s/\0]/.test(text)) throw new UsageError(`'${text}' is not a host to connect to`);
  const [, bracketed, named, after] = /^(?:\[([^\]]*)\]|([^:]*))(?::(.*))?$/s.exec(text) ?? [];
  // two colons or more without brackets: all of it is an address
  const host = bracketed ?? (text.split(':').length > 2 ? text : named);
  const given = host === text ? undefined : after;
  if (!host) throw new UsageError(`'${text}' is not a host to connect to`);
  if ((bracketed !== undefined || host.includes(':')) && isIP(host) !== 6)
    throw new UsageError(`'${text}' is not a host to connect to: '${host}' is not an IPv6 address`);
  if (given !== undefined && port !== undefined)
    throw new UsageError(`--port ${port} and the port of '${text}' exclude each other`);
  const own = given === undefined ? port : readNumber(given, PORT);
  if (given !== undefined && own === undefined) throw new UsageError(`the port of '${text}' ${mustBe(PORT)}`);
  return { host, port: own ?? DEFAULT_PORT };
}

/** `10.0.0.1:80`, `[::1]:80` */
export function endpointText(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Why a target could not be reached, in words. */
export interface Obstacle {
  text: string;
  hint: string;
}

/**
 * All addresses of a target, in the order in which the system's resolver wants them to be tried.
 * @throws Error with the `obstacle` that keeps the name from being resolved
 */
export async function addressesOf({ host }: Target): Promise<string[]> {
  if (isIP(host)) return [host];
  try {
    const found = await lookup(host, { all: true, verbatim: true });
    return [...new Set(found.map(({ address }) => address))];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UnreachableError(
      code === 'EAI_AGAIN'
        ? { text: `the name ${host} cannot be looked up at the moment`, hint: 'no name server answers' }
        : { text: `the name ${host} is unknown`, hint: 'check the spelling, or give an address' },
    );
  }
}

/** A target that cannot be reached. */
export class UnreachableError extends Error {
  readonly obstacle: Obstacle;

  constructor(obstacle: Obstacle) {
    super(obstacle.text);
    this.obstacle = obstacle;
  }
}
UnreachableError.prototype.name = 'UnreachableError';

/** An attempt at one address. */
export type Attempt = { address: string; socket: Socket } | { address: string; obstacle: Obstacle };

/** Tries one address. The socket comes back paused. */
export async function attempt(address: string, port: number, timeoutMs: number): Promise<Attempt> {
  const { connect } = await import('node:net');
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, family: isIP(address) });
    const begin = Date.now();
    // the handshake of SMC comes after that of TCP, and can fail by itself
    let isTcpThere = false;
    const look = (): void => {
      isTcpThere ||= socket.localPort !== undefined && isEstablished(socket.localPort, port, '/');
    };
    const looking = setInterval(look, LOOK_MS);
    const finish = (): void => {
      clearInterval(looking);
      clearTimeout(timer);
    };
    const give = (code: string, waitedMs = Date.now() - begin): void => {
      finish();
      socket.destroy();
      resolve({ address, obstacle: obstacleOf(code, isTcpThere, waitedMs) });
    };
    const timer = setTimeout(() => {
      look();
      give('ETIMEDOUT', timeoutMs);
    }, timeoutMs);
    socket.once('connect', () => {
      finish();
      socket.removeAllListeners('error');
      resolve({ address, socket });
    });
    socket.once('error', ({ code = 'UNKNOWN' }: NodeJS.ErrnoException) => give(code));
  });
}

/** How often is looked whether TCP is connected. */
const LOOK_MS = 500;

const OBSTACLES: Readonly<Record<string, Obstacle>> = {
  ECONNREFUSED: {
    text: 'connection refused',
    hint: 'nothing listens on that port: start the service there, or smc_chk -S',
  },
  ECONNRESET: { text: 'the connection was reset', hint: 'the service or a firewall rejects it' },
  EHOSTUNREACH: { text: 'no route to the host', hint: 'check address, routes and neighbours' },
  ENETUNREACH: { text: 'the network is unreachable', hint: 'check address and routes' },
  EADDRNOTAVAIL: { text: 'no local address reaches it', hint: 'check addresses and routes of this host' },
  EACCES: { text: 'not permitted', hint: 'a firewall or a security module of this host forbids it' },
  EPERM: { text: 'not permitted', hint: 'a firewall or a security module of this host forbids it' },
  EAFNOSUPPORT: { text: 'this host does not have that address family', hint: 'try another address' },
  EINVAL: {
    text: 'the address needs a scope, or cannot be connected to',
    hint: 'write a link-local address with its interface: fe80::1%eth0',
  },
};

/**
 * @param isTcpThere TCP was connected, so it is the handshake of SMC that failed
 * @param waitedMs how long it took
 */
function obstacleOf(code: string, isTcpThere: boolean, waitedMs: number): Obstacle {
  const waited = `${Math.max(0.1, Math.round(waitedMs / 100) / 10)} s`;
  if (isTcpThere)
    return {
      text: `TCP was connected, but the SMC handshake ${code === 'ETIMEDOUT' ? `got no answer within ${waited}` : `failed (${code})`}`,
      hint: 'the RDMA path may be broken, or a firewall drops what SMC sends; see the kernel logs of both hosts',
    };
  if (code === 'ETIMEDOUT')
    return {
      text: `no answer within ${waited}`,
      hint: 'the host is down, or a firewall drops the packets',
    };
  return (
    OBSTACLES[code] ?? {
      text: `the connection failed (${code})`,
      hint: 'an error after both sides agreed on SMC ends the connection; see the kernel log',
    }
  );
}
