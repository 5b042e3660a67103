// SPDX-License-Identifier: MIT
/** smc_chk -C: a connection to a service, and what became of it. */
import { writeDocument } from '../../cli/print.ts';
import type { Context } from '../../cli/run.ts';
import type { ConnectionTestDocument } from '../../documents/smc_chk.ts';
import type { Made } from '../../output/document.ts';
import { printable } from '../../output/table.ts';
import { isSmc, type Tested, testConnection, testedJson, writeResult } from './connection-test.ts';
import type { ChkOptions } from './options.ts';
import { enterShim } from './preload.ts';
import { SocketLookup, warnBeforeLookup } from './socket-lookup.ts';
import {
  type Attempt,
  addressesOf,
  attempt,
  endpointText,
  type Obstacle,
  parseTarget,
  type Target,
  UnreachableError,
} from './target.ts';

/** The connection could not be made. */
const STATUS_FAILED = 1;
/** It was, and it is TCP. */
export const STATUS_TCP = 3;

const DEFAULT_TIMEOUT_S = 15;

/** @param connect value of --connect */
export async function connectMode(context: Context, options: ChkOptions, connect: string): Promise<number> {
  const target = parseTarget(connect, options.port);
  const timeoutMs = timeoutOf(options);
  enterShim(context);
  warnBeforeLookup(context);
  const { io, note, hostRoot } = context;
  const debug = (line: string): void => {
    if (options.debug) note(`[DEBUG] ${line}`);
  };
  const { json } = options;
  const document = (attempts: readonly Attempt[], tested?: Tested, error?: Obstacle): void =>
    writeDocument<ConnectionTestDocument>({ io }, toJson(target, attempts, tested, error));

  const attempts: Attempt[] = [];
  try {
    const socket = await connectToAny(target, timeoutMs, attempts, debug);
    // the verdict is about how the connection began, so what comes over it does not matter
    socket.on('error', () => {});
    socket.resume();
    try {
      const client = await context.client();
      if (!json) io.write(heading(target, attempts));
      io.flush();
      const tested = await testConnection(client, new SocketLookup(client), socket, 'Client', hostRoot);
      if (json) document(attempts, tested);
      else {
        await writeResult(context, tested);
        io.write('\n');
      }
      return isSmc(tested) ? 0 : STATUS_TCP;
    } finally {
      socket.destroy();
    }
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    if (json) document(attempts, undefined, error.obstacle);
    note(error.obstacle.text, error.obstacle.hint);
    return STATUS_FAILED;
  }
}

/** Of --timeout, in milliseconds. */
export const timeoutOf = ({ timeout = DEFAULT_TIMEOUT_S }: ChkOptions): number => timeout * 1000;

/**
 * Tries the addresses one after the other. Each has an equal part of the time that is left, so that one that does not
 * answer leaves something to the next.
 * @param attempts gets what was tried
 * @throws UnreachableError
 */
async function connectToAny(
  target: Target,
  timeoutMs: number,
  attempts: Attempt[],
  debug: (line: string) => void,
) {
  const addresses = await addressesOf(target);
  debug(`addresses of ${target.host}: ${addresses.join(', ')}`);
  const end = Date.now() + timeoutMs;
  for (const [at, address] of addresses.entries()) {
    const share = Math.max(1, (end - Date.now()) / (addresses.length - at));
    const tried = await attempt(address, target.port, Math.ceil(share));
    attempts.push(tried);
    if ('socket' in tried) {
      debug(`connected to ${endpointText(address, target.port)}`);
      return tried.socket;
    }
    debug(`${endpointText(address, target.port)}: ${tried.obstacle.text}`);
  }
  throw new UnreachableError(obstacleOf(target, attempts));
}

function obstacleOf({ host, port }: Target, attempts: readonly Attempt[]): Obstacle {
  const failed = attempts.filter((tried) => 'obstacle' in tried);
  const [first] = failed;
  if (!first) return { text: `${host}: the name has no address`, hint: 'give an address' };
  if (failed.length === 1)
    return {
      text: `${endpointText(first.address, port)}: ${first.obstacle.text}`,
      hint: first.obstacle.hint,
    };
  const each = failed.map(({ address, obstacle }) => `${endpointText(address, port)}: ${obstacle.text}`);
  const isSame = failed.every(({ obstacle }) => obstacle.hint === first.obstacle.hint);
  return {
    text: `no address of ${host} can be reached: ${each.join(', ')}`,
    hint: isSame ? first.obstacle.hint : 'see the reason given for each address',
  };
}

function heading({ host, port }: Target, attempts: readonly Attempt[]): string {
  const { address } = attempts.at(-1)!;
  const skipped = attempts
    .slice(0, -1)
    .map(
      (tried) =>
        `  Not reached: ${endpointText(tried.address, port)}${'obstacle' in tried ? `: ${tried.obstacle.text}` : ''}\n`,
    );
  const name = host === address ? '' : ` (${printable(host)})`;
  return `Test with target IP ${address} and port ${port}${name}\n${skipped.join('')}  Live test (SMC-D and SMC-R)\n`;
}

function toJson(
  { host, port }: Target,
  attempts: readonly Attempt[],
  tested: Tested | undefined,
  error: Obstacle | undefined,
): Made<ConnectionTestDocument> {
  return {
    target: { host, port },
    addresses: attempts.map((tried) => ({
      address: tried.address,
      error: 'obstacle' in tried ? tried.obstacle.text : null,
    })),
    connection: tested ? testedJson(tested) : null,
    error: error ? { text: error.text, hint: error.hint } : null,
  };
}
