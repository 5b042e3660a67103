// SPDX-License-Identifier: MIT
/** Where to listen: what --listen says, and the sockets that systemd passes. */
import { UsageError } from '../../../cli/options.ts';

/** A place to listen at. */
export type ListenAddress =
  /** without a host: all addresses, of IPv6 as well where the host uses that */
  | { host?: string; port: number }
  | { path: string }
  /** a socket of systemd, see sd_listen_fds(3) */
  | { fd: number };

/** The most that fits into sun_path, without the byte that ends it. */
const UNIX_PATH_MAX = 107;

/**
 * `HOST:PORT`, `[IPV6]:PORT`, `:PORT` for all addresses, `unix:PATH`.
 * @throws UsageError
 */
export function readAddress(text: string): ListenAddress {
  const wrong = (why: string): UsageError => new UsageError(`--listen '${text}': ${why}`);
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    if (path === '') throw wrong('the path is missing');
    if (Buffer.byteLength(path) > UNIX_PATH_MAX)
      throw wrong(`the path of a socket has at most ${UNIX_PATH_MAX} bytes`);
    return { path };
  }
  const [, bracketed, plain = '', digits = ''] = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d+)$/.exec(text) ?? [];
  if (digits === '') throw wrong('must be HOST:PORT, [IPV6]:PORT or unix:PATH');
  const port = Number(digits);
  if (port > 65_535) throw wrong('the port must be a number from 0 to 65535');
  const host = bracketed ?? plain;
  if (bracketed === '') throw wrong('the address is missing');
  return host === '' ? { port } : { host, port };
}

/** The first descriptor that systemd passes. */
const FIRST_FD = 3;

/**
 * The sockets that systemd has opened for this process.
 * @param pid of this process: the variables may be meant for another one
 */
export function passedSockets(
  env: Readonly<Record<string, string | undefined>>,
  pid = process.pid,
): ListenAddress[] {
  const count = Number(env['LISTEN_FDS'] ?? 0);
  if (Number(env['LISTEN_PID']) !== pid || !Number.isInteger(count) || count < 1) return [];
  return Array.from({ length: count }, (_, at) => ({ fd: FIRST_FD + at }));
}
