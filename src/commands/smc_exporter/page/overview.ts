// SPDX-License-Identifier: MIT
/** The model of the page: what was seen of the host, in the terms of those who look at it. */
import type {
  ConnectionRow,
  CountedConnections,
  FallbackRow,
  OpenSockets,
  OverviewDocument,
  OverviewFinding,
  OwnerRow,
  UnseenPart,
} from '../../../documents/smc_exporter-page.ts';
import type { CheckStatus } from '../../../smc/checks/check.ts';
import { sinceText } from '../../../smc/checks/statistics.ts';
import { fallbackReasons, namedReason, PEERDECL } from '../../../smc/fallback-reasons.ts';
import { hasSmc } from '../../../smc/host.ts';
import type { Observed } from '../../../smc/observed.ts';
import { fallbackOf, type SeenSocket } from '../../../smc/seen-socket.ts';
import { connectionMode, type Endpoint, STATE_LISTEN, stateName } from '../../../smc/sockets.ts';
import { smcConnections, sum } from '../../../smc/statistics.ts';
import { withoutSmc } from '../../../smc/without-smc.ts';
import { deviceRows } from './device-rows.ts';
import type { History, Increase } from './history.ts';
import { linkGroupRows } from './link-group-rows.ts';
import type { PageHost, Seen, SeenSockets } from './seen.ts';
import { verdictOf } from './verdict.ts';

/**
 * Counters of 64 bits become numbers, which hold more than a page has room for.
 * @param history with this reading as its last one
 * @param last what happened since the reading before; `undefined` if there was none
 */
export function overviewOf(
  seen: Seen,
  history: Pick<History, 'recent'>,
  last: Increase | undefined,
): OverviewDocument {
  const { host, sockets } = seen;
  const recent = history.recent();
  const parts = {
    sockets: sockets.value ? openSockets(sockets.value) : null,
    recent: recent ? { ...recent.made, seconds: recent.seconds } : null,
    counted: countedConnections(host),
    fallbacks: fallbackRows(seen, recent),
    findings: seen.checks.value ? findingRows(seen.checks.value) : null,
  };
  return {
    time: new Date(seen.at).toISOString() as OverviewDocument['time'],
    recorded: seen.isRecorded,
    host: {
      name: host.system.value?.hostName || null,
      kernel: host.release ?? null,
      initial_namespace: host.isInitialNamespace ?? null,
    },
    verdict: verdictOf(parts, hasSmc(host) === false ? withoutSmc(host.modules.smc).text : undefined),
    ...parts,
    traffic: last ? trafficOf(last) : null,
    link_groups: linkGroupRows(seen),
    devices: deviceRows(host),
    connections: sockets.value ? sockets.value.some.map(connectionRow) : [],
    unseen: unseenParts(seen),
  };
}

function openSockets({ summary, isComplete }: SeenSockets): OpenSockets {
  const { smcr, smcd, tcp } = summary.connections;
  const states = [...summary.states];
  return {
    smcr,
    smcd,
    tcp,
    listening: states.find(([state]) => state === STATE_LISTEN)?.[1].total ?? 0,
    total: states.reduce((all, [, { total }]) => all + total, 0),
    complete: isComplete,
  };
}

function countedConnections(host: PageHost): CountedConnections | null {
  if (!host.statistics.value) return null;
  const { smcr, smcd, fallbacks, handshakeErrors } = host.statistics.value.statistics;
  return {
    smcr: Number(sum(smcConnections(smcr))),
    smcd: Number(sum(smcConnections(smcd))),
    tcp: Number(fallbacks.client.total + fallbacks.server.total),
    since: sinceText(host),
    handshake_errors: Number(sum(handshakeErrors)),
    smcr_rx_bytes: Number(smcr.rx.bytes),
    smcr_tx_bytes: Number(smcr.tx.bytes),
    smcd_rx_bytes: Number(smcd.rx.bytes),
    smcd_tx_bytes: Number(smcd.tx.bytes),
  };
}

function fallbackRows({ sockets, host }: Seen, recent: Increase | undefined): FallbackRow[] {
  const open = new Map(sockets.value?.summary.reasons().map((reason) => [reason.code, reason]));
  const counted = host.statistics.value?.statistics.fallbacks;
  const of = (side: 'client' | 'server', code: number): number | null =>
    counted ? (counted[side].reasons.find((reason) => reason.code === code)?.count ?? 0) : null;
  const codes = new Set([
    ...open.keys(),
    ...(recent?.reasons.keys() ?? []),
    ...(['client', 'server'] as const).flatMap(
      (side) => counted?.[side].reasons.map(({ code }) => code) ?? [],
    ),
  ]);
  const rows = [...codes].map((code): FallbackRow => {
    const here = open.get(code);
    return {
      ...namedReason(code),
      remedy: fallbackReasons.get(code)?.remedy ?? null,
      open: sockets.value ? (here ? here.client + here.server : 0) : null,
      recent: recent ? (recent.reasons.get(code) ?? 0) : null,
      client: of('client', code),
      server: of('server', code),
    };
  });
  const weight = ({ open, recent, client, server }: FallbackRow): number[] => [
    recent ?? 0,
    open ?? 0,
    (client ?? 0) + (server ?? 0),
  ];
  return rows.sort((one, other) => {
    const [mine, theirs] = [weight(one), weight(other)];
    const at = mine.findIndex((count, index) => count !== theirs[index]);
    return at < 0 ? (one.code < other.code ? -1 : 1) : theirs[at]! - mine[at]!;
  });
}

const WORST_FIRST: readonly CheckStatus[] = ['fail', 'warning', 'unknown'];

/** What needs attention. */
function findingRows(checks: NonNullable<Seen['checks']['value']>): OverviewFinding[] {
  return WORST_FIRST.flatMap((wanted) => checks.filter(({ status }) => status === wanted)).map(
    ({ id, subject, status, finding, reason, fix }) => ({
      id,
      subject,
      status: status as OverviewFinding['status'],
      finding,
      reason,
      fix,
    }),
  );
}

const perSecond = (bytes: number, { seconds }: Increase): number => Math.round(bytes / seconds);

const trafficOf = (last: Increase): OverviewDocument['traffic'] => ({
  seconds: last.seconds,
  smcr_rx_bytes_per_second: perSecond(last.bytes.smcrRx, last),
  smcr_tx_bytes_per_second: perSecond(last.bytes.smcrTx, last),
  smcd_rx_bytes_per_second: perSecond(last.bytes.smcdRx, last),
  smcd_tx_bytes_per_second: perSecond(last.bytes.smcdTx, last),
});

const endText = ({ address, port }: Endpoint): string =>
  address?.includes(':') ? `[${address}]:${port}` : `${address ?? '?'}:${port}`;

function connectionRow(socket: SeenSocket): ConnectionRow {
  const { traffic, ownership } = socket;
  const fallback = fallbackOf(socket);
  const byPeer = fallback?.reason === PEERDECL && fallback.peerDiagnosis !== 0;
  const whole = (rate: number | undefined): number | null => (rate === undefined ? null : Math.round(rate));
  return {
    local: endText(socket.local),
    peer: endText(socket.peer),
    mode: connectionMode(socket) ?? 'TCP',
    state: stateName(socket.state),
    reason: fallback ? namedReason(byPeer ? fallback.peerDiagnosis : fallback.reason) : null,
    rx_bytes_per_second: whole(traffic?.rx),
    tx_bytes_per_second: whole(traffic?.tx),
    rx_buffer_fill: traffic?.fill ?? null,
    owners: owners(ownership),
  };
}

/** Each process once, whatever number of descriptors it has. */
function owners(ownership: SeenSocket['ownership']): OwnerRow[] {
  const byProcess = new Map(
    ownership?.holders.map(({ command, pid, unit }) => [
      pid,
      { command: command ?? null, pid, unit: unit ?? null },
    ]),
  );
  return [...byProcess.values()];
}

/** What could not be read, each reason once. */
function unseenParts({ sockets, smcrGroups, smcdGroups, checks, host }: Seen): UnseenPart[] {
  const missing = smcdGroups.value?.missing ?? 0;
  const parts: [part: string, observed: Observed<unknown>][] = [
    ['sockets', sockets],
    ['counters', host.statistics],
    ['link groups of SMC-R', smcrGroups],
    ['link groups of SMC-D', smcdGroups],
    ['RDMA devices', host.smcrPorts],
    ['ISM devices', host.smcdDevices],
    ['system check', checks],
  ];
  const byReason = new Map<string, string[]>();
  for (const [part, observed] of parts)
    if ('why' in observed) byReason.set(observed.why, [...(byReason.get(observed.why) ?? []), part]);
  const rows = [...byReason].map(([why, names]): UnseenPart => ({ part: names.join(', '), why }));
  if (missing > 0)
    rows.push({ part: `${missing} link groups of SMC-D`, why: 'the kernel left them out of its list' });
  const whyNoOwners = sockets.value?.whyNoOwners;
  if (whyNoOwners !== undefined) rows.push({ part: 'owners of some connections', why: whyNoOwners });
  return rows;
}
