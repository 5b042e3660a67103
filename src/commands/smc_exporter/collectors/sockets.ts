// SPDX-License-Identifier: MIT
/** The sockets that are open at the moment. */
import { fallbackReasons } from '../../../smc/fallback-reasons.ts';
import { OWNER_GROUPINGS, SMC_PROTOCOLS } from '../../../smc/reading-sockets.ts';
import type { SocketGroup, SocketGroups } from '../../../smc/socket-summary.ts';
import { stateName } from '../../../smc/sockets.ts';
import { gauge, type Metric, type Samples } from '../metric.ts';
import { defineCollector } from './collector.ts';

const open = gauge({
  name: 'smc_protocol_sockets',
  help: 'Open sockets by protocol, as /proc/net/protocols counts them.',
  labels: ['protocol'],
});

/** Its cost does not depend on how many there are. */
export const protocols = defineCollector({
  name: 'protocols',
  about: 'How many sockets there are, without a look at each.',
  onByDefault: true,
  needs: ['protocols'],
  metrics: [open],
  collect({ protocols: counts }, samples) {
    for (const protocol of SMC_PROTOCOLS) samples.add(open, counts?.[protocol], { protocol });
  },
});

const sockets = gauge({
  name: 'smc_sockets',
  help: 'Sockets by state and by what they run over: smcr, smcd, tcp, or none for those without a connection.',
  labels: ['state', 'mode'],
});

const connections = gauge({
  name: 'smc_open_connections',
  help: 'Connections by what they run over: smcr, smcd, or tcp for those that fell back.',
  labels: ['mode'],
});

const fallenBack = gauge({
  name: 'smc_open_fallbacks',
  help: 'Connections that fell back to TCP, by reason and by the side that found it: own or peer. Codes without a name are unknown.',
  labels: ['reason', 'found_by'],
});

const byUnit = gauge({
  name: 'smc_open_connections_by_unit',
  help: 'Connections by the unit of systemd that has them; with `--by` unit. Those of units after the first are other.',
  labels: ['unit', 'mode'],
});

const byCommand = gauge({
  name: 'smc_open_connections_by_comm',
  help: 'Connections by the name of the program that has them; with `--by` comm. Those of programs after the first are other.',
  labels: ['comm', 'mode'],
});

const MODES = ['smcr', 'smcd', 'tcp'] as const;

/** What the connections of the rest, and those without an owner, are labelled with. */
const OTHER = 'other';
const NOBODY = '';

export const socketList = defineCollector({
  name: 'sockets',
  about:
    'Counts of all sockets, for which the kernel is asked for each of them. Left out, unless it is asked for with `--collector`, while more than 10,000 are open or if the list can crash this kernel (see smcss(8)).',
  onByDefault: true,
  needs: ['sockets'],
  metrics: [sockets, connections, fallenBack, byUnit, byCommand],
  collect({ sockets: counts }, samples, { top }) {
    if (!counts) return;
    const { summary, groups } = counts;
    for (const [number, states] of [...summary.states].sort(([one], [other]) => one - other))
      for (const mode of [...MODES, 'none'] as const)
        if (states[mode] > 0) samples.add(sockets, states[mode], { state: stateName(number), mode });
    for (const mode of MODES) samples.add(connections, summary.connections[mode], { mode });
    addFallbacks(samples, summary.reasons());
    const owners = { unit: byUnit as Metric, comm: byCommand as Metric };
    for (const by of OWNER_GROUPINGS) if (groups[by]) addOwners(samples, owners[by], by, groups[by], top);
  },
});

/** Codes that a peer made up do not become labels: it could send any number of them. */
function addFallbacks(
  samples: Samples,
  reasons: readonly { code: number; client: number; server: number; byPeer: number }[],
): void {
  const counts = new Map<string, { own: number; peer: number }>();
  for (const { code, client, server, byPeer } of reasons) {
    const reason = fallbackReasons.get(code)?.name ?? 'unknown';
    const count = counts.get(reason) ?? { own: 0, peer: 0 };
    count.peer += byPeer;
    count.own += client + server - byPeer;
    counts.set(reason, count);
  }
  for (const [reason, { own, peer }] of counts) {
    if (own > 0) samples.add(fallenBack, own, { reason, found_by: 'own' });
    if (peer > 0) samples.add(fallenBack, peer, { reason, found_by: 'peer' });
  }
}

function addOwners(samples: Samples, metric: Metric, by: string, groups: SocketGroups, top: number): void {
  const ranking = groups.ranking();
  const named = ranking.filter(({ key }) => key !== undefined);
  const rest = { key: OTHER, smcr: 0, smcd: 0, tcp: 0 };
  for (const group of named.slice(top)) for (const mode of MODES) rest[mode] += group[mode];
  const shown: Pick<SocketGroup, 'key' | (typeof MODES)[number]>[] = named.slice(0, top);
  if (named.length > top) shown.push(rest);
  shown.push(...ranking.filter(({ key }) => key === undefined));
  for (const group of shown)
    for (const mode of MODES) samples.add(metric, group[mode], { [by]: String(group.key ?? NOBODY), mode });
}
