// SPDX-License-Identifier: MIT
/** Reads the metrics of smc_exporter, and compares them with the commands. */
import type { Test } from 'tap';
import type { Guest } from './guest.ts';
import { batch, type JsonSocket } from './suite.ts';

/** The statistics of `smcr -j stats`, as far as the tests use them. */
interface Statistics {
  connections: Record<'client' | 'server', { v1: number; v2: number }>;
  fallbacks: Record<
    'client' | 'server',
    { total: number; reasons: { name: string | null; count: number }[] }
  >;
  rx: { bytes: number; requests: number };
  tx: { bytes: number; requests: number };
}

/** Values by series, `name{label="value"}`. */
export function seriesOf(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line && !line.startsWith('#'));
  return new Map(
    lines.map((line): [string, number] => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

/** What the commands say now must be what the metrics say. */
export async function agrees(t: Test, guest: Guest, metrics: ReadonlyMap<string, number>): Promise<void> {
  const answers = await batch(guest, [
    'smcr -j -a stats',
    'smcd -j -a stats',
    'smcss -j -a',
    'smcr -j linkgroup',
  ]);
  const [smcr, smcd, sockets, groups] = answers.map(({ stdout }) => JSON.parse(stdout));
  for (const [technology, { statistics }] of [
    ['smcr', smcr],
    ['smcd', smcd],
  ] as [string, { statistics: Statistics }][]) {
    for (const role of ['client', 'server'] as const)
      for (const version of ['1', '2'] as const)
        t.equal(
          metrics.get(
            `smc_connections_total{technology="${technology}",role="${role}",version="${version}"}`,
          ),
          statistics.connections[role][`v${version}`],
          `${technology} ${role} v${version}`,
        );
    for (const direction of ['rx', 'tx'] as const) {
      const labels = `{technology="${technology}",direction="${direction}"}`;
      t.equal(metrics.get(`smc_traffic_bytes_total${labels}`), statistics[direction].bytes, labels);
      t.equal(metrics.get(`smc_requests_total${labels}`), statistics[direction].requests, labels);
    }
  }
  for (const role of ['client', 'server'] as const) {
    const { total } = (smcr.statistics as Statistics).fallbacks[role];
    t.equal(metrics.get(`smc_fallbacks_total{role="${role}"}`), total, `fallbacks of ${role}s`);
  }
  const all = sockets.sockets as JsonSocket[];
  const isConnection = ({ state }: JsonSocket): boolean => state !== 'INIT' && state !== 'LISTEN';
  for (const mode of ['SMCR', 'SMCD', 'TCP'] as const)
    t.equal(
      metrics.get(`smc_open_connections{mode="${mode.toLowerCase()}"}`),
      all.filter((socket) => socket.mode === mode && isConnection(socket)).length,
      mode,
    );
  for (const group of groups.link_groups) {
    const labels = `{technology="smcr",lgr="${group.link_group_id}"}`;
    t.equal(metrics.get(`smc_link_group_connections${labels}`), group.connections, labels);
  }
  t.equal(metrics.get('smc_link_groups{technology="smcr"}'), groups.link_groups.length);
  const failed = [...metrics].filter(([series, value]) => /collector_success/.test(series) && value !== 1);
  t.strictSame(failed, []);
}
