// SPDX-License-Identifier: MIT
/** The model of the page of smc_exporter: what was seen, in the terms of those who look at it. */
import t from 'tap';
import { History } from '../../../src/commands/smc_exporter/page/history.ts';
import { overviewOf } from '../../../src/commands/smc_exporter/page/overview.ts';
import type { Seen } from '../../../src/commands/smc_exporter/page/seen.ts';
import type { OverviewDocument } from '../../../src/documents/smc_exporter-page.ts';
import { checkHost } from '../../../src/smc/checks/index.ts';
import { NO_SMC } from '../../../src/smc/host.ts';
import type { SeenSocket } from '../../../src/smc/seen-socket.ts';
import { SocketSummary } from '../../../src/smc/socket-summary.ts';
import type { Statistics } from '../../../src/smc/statistics.ts';
import { healthyHost, noStatistics } from '../../helpers/healthy-host.ts';
import { validate } from '../../helpers/schemas.ts';

const MODES = { SMCR: 0, TCP: 1, SMCD: 2, LISTEN: 0 };

const socketOf = (mode: keyof typeof MODES, port: number, reason = 0, peerDiagnosis = 0): SeenSocket => ({
  family: 43,
  state: mode === 'LISTEN' ? 10 : 1,
  mode: MODES[mode],
  id: { interface: 0, cookieLow: port, cookieHigh: 0 },
  uid: 0,
  inode: BigInt(port),
  attributes: { shutdown: 0, fallback: { reason, peerDiagnosis } } as SeenSocket['attributes'],
  addressFamily: 'ipv4',
  local: { address: '10.0.0.1', port },
  peer: { address: 'fe80::2', port: 80 },
});

const PEERNOSMC = 0x03010000;
const PEERDECL = 0x05000000;
const NOSMCDEV = 0x03030000;

function seen(sockets: readonly SeenSocket[], changes: Partial<Seen> = {}): Seen {
  const summary = new SocketSummary();
  for (const socket of sockets) summary.add(socket);
  return {
    at: Date.parse('2026-01-31T12:00:00Z'),
    clock: 0,
    isRecorded: false,
    host: healthyHost(),
    sockets: { value: { summary, isComplete: true, some: sockets, whyNoOwners: undefined } },
    smcrGroups: { value: [] },
    smcdGroups: { value: { groups: [], missing: 0 } },
    checks: { value: [] },
    ...changes,
  };
}

const times = <T>(count: number, make: (at: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => make(at));
const smc = (count: number) => times(count, (at) => socketOf('SMCR', 1000 + at));
const tcp = (count: number, reason = PEERNOSMC) => times(count, (at) => socketOf('TCP', 2000 + at, reason));

/** With what a schema says of it. */
function overview(
  what: Seen,
  history = new History(),
  last?: Parameters<typeof overviewOf>[2],
): OverviewDocument {
  const document = overviewOf(what, history, last);
  const mistakes = validate('smc_exporter --page', document);
  if (mistakes.length > 0) throw new Error(mistakes.join('\n'));
  return document;
}

const verdict = (what: Seen) => Object.values(overview(what).verdict).join(' | ');

t.test('the verdict on open connections', async (t) => {
  t.equal(verdict(seen(smc(8))), 'works | Yes: all 8 open connections run over SMC.');
  t.equal(verdict(seen(smc(1))), 'works | Yes: the only open connection runs over SMC.');
  t.equal(
    verdict(seen([...smc(19), ...tcp(1)])),
    'works | Yes: 95 % of 20 open connections run over SMC, 1 fell back to TCP: the peer did not offer SMC.',
  );
  t.equal(
    verdict(seen([...smc(1), ...tcp(3)])),
    'partly | Partly: 3 of 4 open connections run over TCP only (75 %): the peer did not offer SMC.',
  );
  t.equal(
    verdict(seen([...tcp(2), ...tcp(1, NOSMCDEV)])),
    'fails | No: all 3 open connections run over TCP only; most often: the peer did not offer SMC.',
  );
  t.equal(
    verdict(seen(tcp(1, 0x77))),
    'fails | No: the only open connection runs over TCP only: for the reason 0x00000077.',
  );
});

t.test('the verdict without connections', async (t) => {
  t.equal(
    verdict(seen([])),
    'unused | Ready, but unused: no connection has asked for SMC since smc was loaded.',
  );
  const broken = healthyHost({ rdmaDevices: [], smcrPorts: { value: [] } });
  t.match(
    verdict(seen([], { checks: { value: checkHost(broken) } })),
    /^fails \| No: [a-z-]+( \S+)?: [^.]+\.$/,
    'a check that failed',
  );
  const nothing = { why: NO_SMC };
  const none = healthyHost({ families: { value: [] }, statistics: nothing });
  t.equal(
    verdict(seen([], { host: none, sockets: nothing })),
    'fails | No: the kernel module smc is not loaded.',
  );
  const modules = { smc: 'absent', smcDiag: 'absent' } as const;
  t.equal(
    verdict(seen([], { host: healthyHost({ ...none, modules }), sockets: nothing })),
    'fails | No: this kernel has no SMC.',
  );
  const blind = healthyHost({ statistics: { why: 'permission denied' } });
  t.equal(
    verdict(seen([], { host: blind, sockets: { why: 'permission denied' } })),
    'unknown | Unknown: neither the sockets nor the counters can be read.',
  );
});

function counted(smcr: number, client: number, server: number): Statistics {
  const statistics = noStatistics();
  statistics.smcr.connections.clientV2 = BigInt(smcr);
  statistics.smcr.tx.bytes = BigInt(smcr) * 2n ** 56n;
  statistics.fallbacks = {
    client: { total: BigInt(client), reasons: [{ code: PEERDECL, count: client }] },
    server: { total: BigInt(server), reasons: [{ code: PEERNOSMC, count: server }] },
  };
  return statistics;
}

t.test('the last hour counts for more than what is open, if it was long enough', async (t) => {
  const history = new History();
  const readings = [
    [0, counted(0, 0, 0)],
    [3600, counted(30, 20, 50)],
  ] as const;
  let last: Parameters<typeof overviewOf>[2];
  for (const [seconds, statistics] of readings)
    last = history.add({ at: seconds * 1000, clock: seconds * 1000, open: undefined, statistics });
  const host = healthyHost({ statistics: { value: { statistics: readings[1][1] } } });
  const {
    verdict,
    recent,
    counted: all,
    traffic,
    fallbacks,
  } = overview(seen(smc(2), { host }), history, last);
  t.equal(
    verdict.sentence,
    'Partly: 70 of 100 connections of the last hour run over TCP only (70 %); most often: the peer did not offer SMC.',
  );
  t.strictSame(recent, { smcr: 30, smcd: 0, tcp: 70, seconds: 3600 });
  t.match(all, {
    smcr: 30,
    smcd: 0,
    tcp: 70,
    since: 'since smc was loaded',
    handshake_errors: 0,
    smcr_tx_bytes: 30 * 2 ** 56,
  });
  t.equal(traffic?.smcr_tx_bytes_per_second, Math.round((30 * 2 ** 56) / 3600));
  t.match(fallbacks, [
    { name: 'PEERNOSMC', open: 0, recent: 50, client: 0, server: 50 },
    { name: 'PEERDECL', open: 0, recent: 20, client: 20, server: 0 },
  ]);
});

t.test('fallbacks with what to do', async (t) => {
  const { fallbacks } = overview(
    seen([...tcp(1), socketOf('TCP', 9, PEERDECL, NOSMCDEV), socketOf('TCP', 10, 0x77)]),
  );
  t.match(
    fallbacks.find(({ name }) => name === 'NOSMCDEV'),
    { code: '0x03030000', open: 1, remedy: /PNET ID/ },
  );
  t.match(
    fallbacks.find(({ code }) => code === '0x00000077'),
    { name: null, text: null, remedy: null, open: 1 },
  );
  t.equal(fallbacks.length, 3);
});

t.test('open sockets and connections', async (t) => {
  const sockets = [...smc(2), socketOf('SMCD', 5), ...tcp(1), socketOf('LISTEN', 7)];
  const { sockets: counts, connections } = overview(seen(sockets));
  t.strictSame(counts, { smcr: 2, smcd: 1, tcp: 1, listening: 1, total: 5, complete: true });
  t.match(connections[0], {
    local: '10.0.0.1:1000',
    peer: '[fe80::2]:80',
    mode: 'SMCR',
    reason: null,
    owners: [],
  });
  t.match(connections[3], { mode: 'TCP', reason: { name: 'PEERNOSMC' } });
});

t.test('a process with several descriptors is named once', async (t) => {
  const socket = socketOf('SMCR', 1);
  const holder = { command: 'nginx', pid: 12, unit: 'nginx.service', container: undefined };
  socket.ownership = {
    state: 'held',
    holders: [
      { ...holder, fd: 3 },
      { ...holder, fd: 4 },
    ],
  };
  t.strictSame(overview(seen([socket])).connections[0]?.owners, [
    { command: 'nginx', pid: 12, unit: 'nginx.service' },
  ]);
});

t.test('link groups and devices of both technologies', async (t) => {
  const group = {
    id: 0x100,
    vlanId: 0,
    connections: 3,
    pnetId: 'NET1',
    version: 2,
    v2: { peerRelease: 1, peerHost: 'beta', peerOs: 1, eid: 'E' },
    sndbufBytes: 10n,
  };
  const { link_groups: groups, devices } = overview(
    seen([], {
      smcrGroups: {
        value: [
          {
            ...group,
            role: 'CLNT',
            type: 'SYM',
            isDirect: true,
            maxConnections: undefined,
            maxLinks: undefined,
            bufferType: undefined,
            netCookie: undefined,
            rmbBytes: 20n,
            links: [
              {
                id: 1,
                ibDevice: 'mlx5_0',
                ibPort: 1,
                gid: 'G',
                peerGid: 'P',
                connections: 3,
                interfaceIndex: 2,
                uid: 1,
                peerUid: 2,
                state: 'LINK_ACTIVE',
              },
            ],
          },
        ],
      },
      smcdGroups: {
        value: {
          groups: [
            {
              ...group,
              v2: undefined,
              version: 1,
              gid: 1n,
              extGid: undefined,
              peerGid: 2n,
              peerExtGid: undefined,
              chid: 0xffffn,
              dmbBytes: undefined,
              sndbufBytes: undefined,
            },
          ],
          missing: 2,
        },
      },
    }),
  );
  t.match(groups, [
    {
      technology: 'SMC-R',
      link_group_id: '00000100',
      peer_host: 'beta',
      peer_os: 'ZOS',
      buffer_bytes: 30,
      links: [{ device: 'mlx5_0', port: 1, interface: 'eth0', state: 'LINK_ACTIVE', link_id: '01' }],
    },
    {
      technology: 'SMC-D',
      peer_host: null,
      buffer_bytes: null,
      links: [{ device: 'loopback-ism', gid: '0000000000000001', state: null }],
    },
  ]);
  t.match(devices, [
    {
      technology: 'SMC-R',
      name: 'mlx5_0',
      port: 1,
      interface: 'eth0',
      state: 'ACTIVE',
      rate: '100 Gb/sec (4X EDR)',
      software: false,
    },
  ]);
});

t.test('findings, the worst first, and what was not seen', async (t) => {
  const check = { subject: null, reason: null, fix: null, facts: {}, id: 'sysctl' as const };
  const { findings, unseen } = overview(
    seen([], {
      smcrGroups: { why: 'no answer' },
      smcdGroups: { why: 'no answer' },
      checks: {
        value: (['pass', 'unknown', 'warning', 'fail'] as const).map((status) => ({
          ...check,
          status,
          finding: status,
        })),
      },
    }),
  );
  t.strictSame(
    findings?.map(({ status }) => status),
    ['fail', 'warning', 'unknown'],
  );
  t.strictSame(unseen, [{ part: 'link groups of SMC-R, link groups of SMC-D', why: 'no answer' }]);
  t.equal(overview(seen([], { checks: { why: 'no' } })).findings, null);
});
