// SPDX-License-Identifier: MIT
/** smcss --summary and --group-by. */
import { UsageError } from '../../cli/options.ts';
import { writeDocument } from '../../cli/print.ts';
import type { Context } from '../../cli/run.ts';
import type {
  SocketGroup as GroupDocument,
  SocketGroupRates as GroupRates,
  SocketGroupsDocument,
  SocketSummaryDocument,
} from '../../documents/smcss.ts';
import type { Made } from '../../output/document.ts';
import { hex } from '../../output/numbers.ts';
import { type FittedColumn, fitted, headerLine, printable, rowLine } from '../../output/table.ts';
import { fallbackReasons, formatReasonCode, namedReason } from '../../smc/fallback-reasons.ts';
import type { SeenSocket } from '../../smc/seen-socket.ts';
import type { FilterNeed } from '../../smc/socket-filter-fields.ts';
import {
  addToGroups,
  GROUPINGS,
  type GroupBy,
  type SocketGroup,
  SocketGroups,
  SocketSummary,
  type StateCounts,
  SUMMARY_NEEDS,
} from '../../smc/socket-summary.ts';
import { stateName } from '../../smc/sockets.ts';
import type { SmcssOptions } from './options.ts';
import { rateText } from './rates.ts';
import { type Measure, type SocketVisitor, visitSockets } from './selection.ts';

/** Groups of each kind in a summary. */
const MOST = 10;

/** Prints a summary of all sockets that the filter selects, of those without a connection, too. */
export async function summarize(
  context: Context,
  options: SmcssOptions,
  words: readonly string[],
): Promise<number> {
  const summary = new SocketSummary();
  const end = await visitAll(context, options, words, SUMMARY_NEEDS, (socket) => summary.add(socket));
  if (options.json) writeDocument<SocketSummaryDocument>(context, summaryDocument(summary, end));
  else writeSummary(context, summary);
  return finish(end);
}

/** Prints a table of counts. */
export async function group(
  context: Context,
  options: SmcssOptions,
  words: readonly string[],
): Promise<number> {
  const by = options.groupBy!;
  if (by === 'netns' && !options.allNetns) throw new UsageError('--group-by=netns requires --all-netns');
  const groups = new SocketGroups();
  const needs = new Set<FilterNeed>(GROUPINGS[by].needs);
  const { rates } = options;
  if (rates !== undefined) context.needsRunningSystem('--rates');
  const measure =
    rates === undefined
      ? undefined
      : async () => (await import('./measure.ts')).startRates(context, options, rates);
  const visit = (socket: SeenSocket): void => addToGroups(groups, by, socket);
  const end = await visitAll(context, options, words, needs, visit, measure);
  const ranking = groups.ranking();
  if (options.json)
    writeDocument<SocketGroupsDocument>(context, {
      group_by: by,
      groups: ranking.map((one) => ({
        ...groupDocument(by, one),
        ...(measure && { rates: trafficDocument(one) }),
      })),
      uncounted: groups.uncounted,
      complete: !end.interrupted,
    });
  else writeGroups(context, by, ranking, options);
  if (groups.uncounted > 0)
    context.note(
      `${groups.uncounted} connections are in no group: there are more than can be kept`,
      'use a filter',
    );
  return finish(end);
}

type End = Awaited<ReturnType<typeof visitSockets>>;

function visitAll(
  context: Context,
  options: SmcssOptions,
  words: readonly string[],
  needs: ReadonlySet<FilterNeed>,
  visit: SocketVisitor,
  measure?: Measure,
): Promise<End> {
  const details = { connection: measure !== undefined };
  return visitSockets(context, { ...options, all: true }, words, { details, needs }, visit, measure);
}

function finish({ remark }: End): number {
  remark();
  return 0;
}

function keyText(by: GroupBy, key: SocketGroup['key']): string {
  if (key === undefined) return '-';
  if (by === 'lgr') return hex(Number(key), 8);
  if (by !== 'reason') return String(key);
  return `${formatReasonCode(Number(key))} ${fallbackReasons.get(Number(key))?.name ?? ''}`.trimEnd();
}

function groupDocument(by: GroupBy, { key, connections, smcr, smcd, tcp }: SocketGroup): Made<GroupDocument> {
  const name = by === 'reason' && key !== undefined ? formatReasonCode(Number(key)) : keyText(by, key);
  return { group: key === undefined ? null : name, connections, smcr, smcd, tcp };
}

const trafficDocument = ({ rx, tx, unknown }: SocketGroup): Made<GroupRates> => ({
  rx_bytes_per_second: Math.round(rx),
  tx_bytes_per_second: Math.round(tx),
  unknown,
});

function summaryDocument(summary: SocketSummary, { interrupted }: End): Made<SocketSummaryDocument> {
  const groups = (by: 'peer' | 'port' | 'comm'): Made<SocketSummaryDocument['peers']> => ({
    most_connections: summary.groups[by].ranking('connections', MOST).map((one) => groupDocument(by, one)),
    most_fallbacks: summary.groups[by].ranking('tcp', MOST).map((one) => groupDocument(by, one)),
  });
  return {
    sockets: total(summary).total,
    states: states(summary).map(([state, counts]) => ({ state: stateName(state), ...counts })),
    ...summary.connections,
    fallbacks: summary.reasons().map(({ code, client, server, byPeer }) => ({
      reason: namedReason(code),
      client,
      server,
      declined_by_peer: byPeer,
    })),
    peers: groups('peer'),
    ports: groups('port'),
    commands: groups('comm'),
    complete: !interrupted,
  };
}

const states = (summary: SocketSummary): [number, StateCounts][] =>
  [...summary.states].sort(([one], [other]) => one - other);

function total(summary: SocketSummary): StateCounts {
  const sum = { smcr: 0, smcd: 0, tcp: 0, none: 0, total: 0 };
  for (const counts of summary.states.values())
    for (const key of Object.keys(sum) as (keyof StateCounts)[]) sum[key] += counts[key];
  return sum;
}

/** Characters of a rate, with the sign in front. */
const RATE_WIDTH = 7;

/** Columns of numbers end below each other. */
function numbers<Row>(titles: readonly string[], of: (row: Row) => readonly number[]): FittedColumn<Row>[] {
  return titles.map((title, at) => ({ title, text: (row) => String(of(row)[at]).padStart(title.length) }));
}

function writeRows<Row>(
  { io, paint }: Context,
  columns: readonly FittedColumn<Row>[],
  rows: readonly Row[],
  withHeader = true,
): void {
  const table = fitted(columns, rows);
  if (withHeader) io.write(`${paint('heading', headerLine(table).trimEnd())}\n`);
  for (const row of rows) io.write(`${rowLine(table, row, paint).trimEnd()}\n`);
}

function writeSummary(context: Context, summary: SocketSummary): void {
  const { io } = context;
  const { connections, smcr, smcd, tcp } = summary.connections;
  const share = connections === 0 ? '' : ` (${((100 * (smcr + smcd)) / connections).toFixed(1)}%)`;
  io.write(`Connections: ${connections}, over SMC: ${smcr + smcd}${share}, fallbacks: ${tcp}\n\n`);
  writeRows<readonly [string, StateCounts]>(
    context,
    [
      { title: 'State           ', text: ([state]) => state },
      ...numbers<readonly [string, StateCounts]>(
        [' SMC-R', ' SMC-D', '   TCP', '  none', ' total'],
        ([, counts]) => [counts.smcr, counts.smcd, counts.tcp, counts.none, counts.total],
      ),
    ],
    [
      ...states(summary).map(([state, counts]) => [stateName(state), counts] as const),
      ['total', total(summary)] as const,
    ],
  );
  writeReasons(context, summary);
  for (const [by, title] of [
    ['peer', 'Peers'],
    ['port', 'Ports'],
    ['comm', 'Commands'],
  ] as const)
    writeTop(context, by, title, summary.groups[by]);
}

function writeReasons(context: Context, summary: SocketSummary): void {
  const reasons = summary.reasons();
  if (reasons.length === 0) return;
  context.io.write('\n');
  writeRows(
    context,
    [
      { title: 'Fallbacks', text: ({ code }) => keyText('reason', code) },
      ...numbers<(typeof reasons)[number]>(['Client', 'Server', 'By peer'], (one) => [
        one.client,
        one.server,
        one.byPeer,
      ]),
      { title: 'Reason', text: ({ code }) => fallbackReasons.get(code)?.meaning ?? 'unknown reason' },
    ],
    reasons,
  );
}

/** The groups with most connections, and beside them those with most fallbacks. */
function writeTop(context: Context, by: 'peer' | 'port' | 'comm', title: string, groups: SocketGroups): void {
  const [busiest, worst] = [groups.ranking('connections', MOST), groups.ranking('tcp', MOST)];
  if (busiest.length === 0) return;
  const entry = (one: SocketGroup | undefined, number: number | undefined): string =>
    one ? `${String(number).padStart(6)}  ${printable(keyText(by, one.key))}` : '';
  context.io.write('\n');
  writeRows(
    context,
    [
      { title: `${title} with most connections`, text: (at) => entry(busiest[at], busiest[at]?.connections) },
      { title: worst.length > 0 ? 'and most fallbacks' : '', text: (at) => entry(worst[at], worst[at]?.tcp) },
    ],
    busiest.map((_, at) => at),
  );
}

/** Titles of the column that names the groups. */
const TITLES: Readonly<Record<GroupBy, string>> = {
  peer: 'Peer',
  port: 'Port',
  comm: 'Command',
  unit: 'Unit',
  reason: 'Reason',
  lgr: 'LG-ID',
  netns: 'Network namespace',
};

function writeGroups(
  context: Context,
  by: GroupBy,
  ranking: readonly SocketGroup[],
  { noHeader, rates }: SmcssOptions,
): void {
  // of connections whose rates are not known, there may be more
  const sum = (rate: number, { unknown }: SocketGroup): string =>
    `${unknown > 0 ? '>' : ''}${rateText(rate)}`.padStart(RATE_WIDTH);
  writeRows(
    context,
    [
      ...numbers<SocketGroup>(['Connections', ' SMC-R', ' SMC-D', '   TCP'], (one) => [
        one.connections,
        one.smcr,
        one.smcd,
        one.tcp,
      ]),
      ...(rates === undefined
        ? []
        : [
            { title: 'RX-B/s'.padStart(RATE_WIDTH), text: (one: SocketGroup) => sum(one.rx, one) },
            { title: 'TX-B/s'.padStart(RATE_WIDTH), text: (one: SocketGroup) => sum(one.tx, one) },
          ]),
      { title: TITLES[by], text: ({ key }) => keyText(by, key) },
    ],
    ranking,
    !noHeader,
  );
}
