// SPDX-License-Identifier: MIT
/** smcss: lists SMC sockets. */

import { type Context, defineCommand } from '../../cli/run.ts';
import type { SocketsDocument } from '../../documents/smcss.ts';
import { JsonRows } from '../../output/document.ts';
import { tableLines } from '../../output/fold.ts';
import { type Column, rowObject } from '../../output/table.ts';
import { explain } from '../../smc/explain.ts';
import { fallbackReasons, formatReasonCode } from '../../smc/fallback-reasons.ts';
import type { SeenSocket } from '../../smc/seen-socket.ts';
import type { FilterNeed } from '../../smc/socket-filter-fields.ts';
import type { SmcSocket } from '../../smc/sockets.ts';
import { columnsFor, jsonColumns, lastColumns, rowEnd } from './columns.ts';
import { OPTIONS, RULES, type SmcssOptions } from './options.ts';
import { filterOf, isWanted, openList, remarkAll } from './selection.ts';

export const smcss = defineCommand({
  name: 'smcss',
  usage: '[options] [FILTER]',
  summary: 'Lists SMC sockets with their state, addresses and mode, and why connections fell back to TCP.',
  options: OPTIONS,
  rules: RULES,
  operands: { name: 'FILTER', completes: async () => (await import('./filter.ts')).FILTER_WORDS },
  examples: [
    ['smcss', 'connected sockets and what they use'],
    ['smcss -aW', 'all sockets, with full addresses'],
    ['smcss dport = :https and not mode tcp', 'connections to port 443 that do not fall back'],
    ['smcss -p', 'and whose they are'],
    ['smcss -i 1', 'and how fast they are'],
    ['smcss --watch', 'all of that, as it changes'],
    ['smcss -s', 'how many, over what, and why not over SMC'],
    ["smcss -E 'reason = NOSMCDEV'", 'a line for each of these from now on'],
    ["smcss -j | jq '.sockets[].fallback.reason.name'", 'why connections fell back'],
  ],
  run: show,
});

async function show(context: Context, options: SmcssOptions, words: readonly string[]): Promise<number> {
  if (options.watch !== undefined) return (await import('./watch/watch.ts')).watch(context, options, words);
  if (options.summary) return (await import('./summary.ts')).summarize(context, options, words);
  if (options.groupBy) return (await import('./summary.ts')).group(context, options, words);
  if (options.events) return (await import('./events/loop.ts')).printEvents(context, options, words);
  return list(context, options, words);
}

async function list(context: Context, options: SmcssOptions, words: readonly string[]): Promise<number> {
  const { io, paint } = context;
  const { json } = options;
  const indent = io.isTerminal ? 2 : 0;
  const isMeasured = options.rates !== undefined;
  if (isMeasured) context.needsRunningSystem('--rates');
  const isMore = options.processes || options.allNetns || isMeasured;
  const additions = isMore ? await import('./additions.ts') : undefined;
  const own: Column<SeenSocket>[] = columnsFor(options);
  const columns = additions ? additions.withAdditions(own, options) : own;
  const last = additions ? undefined : lastColumns(columns);
  const table = tableLines(columns, paint, io.columns);
  const document = new JsonRows<SocketsDocument, 'sockets'>((text) => io.write(text), 'sockets', indent);
  const rowOf =
    additions?.rowWithAdditions(options) ?? ((socket: SeenSocket) => rowObject(jsonColumns, socket));
  const details = {
    connection: json || options.debug || isMeasured,
    link: json || options.smcr,
    dmb: json || options.smcd,
  };
  const filter = await filterOf(context, words, options);
  const needs = new Set<FilterNeed>(filter?.needs);
  if (options.processes) needs.add('ownership');
  if (options.allNetns) needs.add('netns');
  const { batches, remark } = await openList(context, details, needs);
  const measure = isMeasured
    ? await (await import('./measure.ts')).startRates(context, options, options.rates!)
    : undefined;
  const reasons = new Set<number>();
  let headerIsDue = !json && !options.noHeader;
  const writeHeader = (): void => {
    if (headerIsDue) io.write(`${table.header}\n`);
    headerIsDue = false;
  };
  let interrupted: boolean;
  try {
    for (;;) {
      const next = await batches.next();
      // only now is it sure that there is a table
      writeHeader();
      if (next.done) {
        interrupted = next.value.interrupted;
        break;
      }
      measure?.(next.value);
      const wanted = next.value.filter((socket) => isWanted(socket, options, filter));
      if (json) document.rows(wanted.map(rowOf));
      else {
        let text = '';
        for (const socket of wanted) {
          text += `${table.row(socket, last?.[rowEnd(socket)])}\n`;
          if (io.isTerminal) collectReasons(socket, reasons);
        }
        io.write(text);
      }
    }
  } catch (error) {
    if (json) document.end({ complete: false, error: explain(error)?.text ?? String(error) });
    throw error;
  } finally {
    await batches.return({ interrupted: false });
  }
  if (json) document.end({ complete: !interrupted });
  io.flush();
  if (reasons.size > 0) explainReasons(reasons, (line) => io.write(`${line}\n`));
  remarkAll(context, interrupted, remark);
  return 0;
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
