// SPDX-License-Identifier: MIT
/** smcss: lists SMC sockets. */

import { warnBeforeListing } from '../../cli/listing-warning.ts';
import { type Parsed, UsageError } from '../../cli/options.ts';
import type { CommandDefinition, Context } from '../../cli/run.ts';
import type { SocketsDocument } from '../../documents/smcss.ts';
import { JsonRows } from '../../output/document.ts';
import { tableLines } from '../../output/fold.ts';
import { rowObject } from '../../output/table.ts';
import { explain } from '../../smc/explain.ts';
import { fallbackReasons, formatReasonCode } from '../../smc/fallback-reasons.ts';
import { MODE_SMCD, MODE_SMCR, type SmcSocket, STATE_INIT, STATE_LISTEN } from '../../smc/sockets.ts';
import { columnsFor, jsonColumns, lastColumn, rowEnd } from './columns.ts';

export const smcss: CommandDefinition = {
  name: 'smcss',
  usage: '[options]',
  summary: 'Lists SMC sockets with their state, addresses and mode, and why connections fell back to TCP.',
  options: [
    { short: 'a', long: 'all', help: 'include sockets that listen or are not connected yet' },
    { short: 'l', long: 'listening', help: 'list only listening sockets' },
    { short: 'd', long: 'debug', help: 'add shutdown state, buffer sizes, cursors and flags' },
    { short: 'D', long: 'smcd', help: 'list only SMC-D sockets, with their device and buffer tokens' },
    { short: 'R', long: 'smcr', help: 'list only SMC-R sockets, with their device and link' },
    { short: 'W', long: 'wide', help: 'do not shorten addresses' },
    { short: 'H', long: 'no-header', help: 'omit the header line' },
  ],
  examples: [
    ['smcss', 'connected sockets and what they use'],
    ['smcss -aW', 'all sockets, with full addresses'],
    ["smcss -j | jq '.sockets[].fallback.reason.name'", 'why connections fell back'],
  ],
  run: list,
};

async function list(context: Context, { flags, operands }: Parsed): Promise<number> {
  const { io, client, paint, note } = context;
  check(flags, operands);
  const json = flags.has('json');
  const indent = io.isTerminal ? 2 : 0;
  const columns = columnsFor(flags);
  const table = tableLines(columns, paint, io.columns);
  const document = new JsonRows<SocketsDocument, 'sockets'>((text) => io.write(text), 'sockets', indent);
  const details = {
    connection: json || flags.has('debug'),
    link: json || flags.has('smcr'),
    dmb: json || flags.has('smcd'),
  };
  warnBeforeListing(context, details);
  const sockets = (await client()).sockets(details);
  const reasons = new Set<number>();
  let headerIsDue = !json && !flags.has('no-header');
  const writeHeader = (): void => {
    if (headerIsDue) io.write(`${table.header}\n`);
    headerIsDue = false;
  };
  let interrupted: boolean;
  try {
    for (;;) {
      const next = await sockets.next();
      // only now is it sure that there is a table
      writeHeader();
      if (next.done) {
        interrupted = next.value.interrupted;
        break;
      }
      if (!isWanted(next.value, flags)) continue;
      if (json) document.row(rowObject(jsonColumns, next.value));
      else {
        io.write(`${table.row(next.value, lastColumn(columns, next.value))}\n`);
        if (io.isTerminal) collectReasons(next.value, reasons);
      }
    }
  } catch (error) {
    if (json) document.end({ complete: false, error: explain(error)?.text ?? String(error) });
    throw error;
  } finally {
    await sockets.return({ interrupted: false });
  }
  if (json) document.end({ complete: !interrupted });
  io.flush();
  if (reasons.size > 0) explainReasons(reasons, (line) => io.write(`${line}\n`));
  if (interrupted)
    note('the table changed while it was read: sockets may be missing or shown twice', 'run it again');
  return 0;
}

/** Combinations that make no sense, in the order in which the C suite refuses them. */
function check(flags: ReadonlySet<string>, operands: readonly string[]): void {
  for (const [one, other] of [
    ['smcr', 'smcd'],
    ['listening', 'debug'],
    ['listening', 'all'],
    ['listening', 'smcr'],
    ['listening', 'smcd'],
  ] as const)
    if (flags.has(one) && flags.has(other))
      throw new UsageError(`--${one} and --${other} exclude each other`);
  if (operands.length > 0) throw new UsageError(`unexpected argument '${operands[0]}'`);
}

function isWanted({ state, mode }: SmcSocket, flags: ReadonlySet<string>): boolean {
  if (flags.has('listening')) return state === STATE_LISTEN;
  if (!flags.has('all') && (state === STATE_LISTEN || state === STATE_INIT)) return false;
  // with --all, sockets without a connection stay in the SMC-R list: the kernel reports them as such
  if (flags.has('smcr')) return mode === MODE_SMCR;
  if (flags.has('smcd')) return mode === MODE_SMCD;
  return true;
}

function collectReasons(socket: SmcSocket, reasons: Set<number>): void {
  const { fallback } = socket.attributes;
  // rows that end before it show no reason
  if (rowEnd(socket) !== 'fallback' || !fallback) return;
  for (const code of [fallback.reason, fallback.peerDiagnosis]) if (code !== 0) reasons.add(code);
}

/** Below the table, on a terminal: what the reason codes in it mean. */
function explainReasons(reasons: ReadonlySet<number>, write: (line: string) => void): void {
  write('');
  for (const code of [...reasons].sort((a, b) => a - b)) {
    const reason = fallbackReasons.get(code);
    write(
      `${formatReasonCode(code)}  ${reason ? `${reason.name}: ${reason.meaning}; ${reason.remedy}` : 'unknown reason; the peer may not run Linux'}`,
    );
  }
}
