// SPDX-License-Identifier: MIT
// The checks of resource limits, network namespace, statistics and kernel log
import t from 'tap';
import { kernelLogCheck } from '../../../src/smc/checks/kernel-log.ts';
import { rlimitCheck } from '../../../src/smc/checks/limits.ts';
import { namespaceCheck } from '../../../src/smc/checks/namespace.ts';
import { fallbacksCheck, handshakeErrorsCheck } from '../../../src/smc/checks/statistics.ts';
import { healthyHost, NOT_SEEN, noStatistics, outline, run, wellFormed } from '../../helpers/healthy-host.ts';

const STATISTICS_CHECKS = [fallbacksCheck, handshakeErrorsCheck];

const LIMITS = (soft: string, hard: string) =>
  `Limit                     Soft Limit           Hard Limit           Units     
Max open files            ${soft.padEnd(20)} ${hard.padEnd(20)} files     
Max locked memory         8388608              unlimited            bytes     
`;

t.test('resource limits', async (t) => {
  const checks = (files: object) => {
    const found = run(rlimitCheck, healthyHost({ root: t.testdir({ proc: files as never }) }));
    wellFormed(t, found);
    return found;
  };
  const own = (soft: string, hard: string) => checks({ self: { limits: LIMITS(soft, hard) } });
  t.match(own('1024', '524288'), [
    {
      status: 'pass',
      subject: 'nofile',
      finding: '1024 open files, at most 524288',
      facts: { soft: 1024, hard: 524_288 },
    },
    { status: 'pass', subject: 'memlock', facts: { soft: 8_388_608, hard: null } },
  ]);
  t.match(own('256', 'unlimited')[0], { status: 'warning', fix: 'ulimit -n 1024' });
  t.match(own('256', '512')[0], { status: 'warning', fix: /^as root: / });
  const parent = { self: { status: 'Name:\tnode\nPPid:\t7\n', limits: LIMITS('9999', '9999') } };
  t.match(
    checks({ ...parent, 7: { limits: LIMITS('100', '9999') } })[0],
    { status: 'warning' },
    "the shell's count",
  );
  t.match(checks(parent)[0], { status: 'pass' }, 'our own, if those cannot be read');
  t.strictSame(outline(checks({})), ['unknown rlimit nofile', 'unknown rlimit memlock']);
  t.strictSame(outline(checks({ self: { limits: '' } })), [
    'unknown rlimit nofile',
    'unknown rlimit memlock',
  ]);
});

t.test('network namespace', async (t) => {
  const parameter = (text: string) =>
    t.testdir({ sys: { module: { ib_core: { parameters: { netns_mode: text } } } } });
  const found = (isInitialNamespace: boolean | undefined, root: string) => {
    const checks = run(namespaceCheck, healthyHost({ isInitialNamespace, root }));
    wellFormed(t, checks);
    return checks[0]!;
  };
  t.match(found(true, parameter('Y\n')), { status: 'pass', facts: { initial: true, rdma_mode: 'shared' } });
  t.match(found(false, parameter('Y\n')), { status: 'warning', reason: /only by PNET ID/ });
  t.match(found(false, parameter('N\n')), {
    status: 'warning',
    reason: /was moved/,
    facts: { rdma_mode: 'exclusive' },
  });
  t.match(found(undefined, t.testdir({})), { status: 'unknown', facts: { initial: null, rdma_mode: null } });
});

t.test('statistics', async (t) => {
  const connections = (smc: bigint, fallen: bigint, reasons: { code: number; count: number }[] = []) => {
    const statistics = noStatistics();
    statistics.smcr.connections.clientV2 = smc;
    statistics.fallbacks.client = { total: fallen, reasons };
    const checks = run(STATISTICS_CHECKS, healthyHost({ statistics: { value: { statistics } } }));
    wellFormed(t, checks);
    return checks;
  };
  t.match(connections(0n, 0n), [
    { status: 'pass', finding: /^no connection was made/, facts: { fallback_ratio: 0 } },
  ]);
  t.match(connections(9n, 1n, [{ code: 0x03010000, count: 1 }]), [
    { status: 'pass', finding: '1 of 10 connections fell back to TCP (10 %) since smc was loaded' },
  ]);
  const [bad] = connections(1n, 3n, [
    { code: 0x03010000, count: 1 },
    { code: 0x03030008, count: 2 },
  ]);
  t.match(bad, {
    status: 'warning',
    finding: '3 of 4 connections fell back to TCP (75 %) since smc was loaded',
    reason: /^2 as client: 0x03030008 NOUEID, .*; 1 as client: 0x03010000 PEERNOSMC, /,
    fix: /UEID.*; to restart the counts: smcr stats reset$/,
    facts: {
      smc_connections: 1n,
      tcp_connections: 3n,
      fallback_ratio: 0.75,
      reasons: [{ name: 'NOUEID' }, {}],
    },
  });
  t.match(connections(0n, 1n, [{ code: 0x77777777, count: 1 }])[0], {
    status: 'warning',
    reason: '1 as client: 0x77777777 with unknown meaning',
  });
  const since = (baseline: object, more: object = {}) =>
    run(
      STATISTICS_CHECKS,
      healthyHost({ statistics: { value: { statistics: noStatistics(), ...baseline } }, ...more }),
    )[0];
  t.match(since({ baseline: { time: '2026-01-02T03:04:05.678Z' } }), {
    finding: 'no connection was made since the reset at 2026-01-02T03:04:05.678Z',
    facts: { since: '2026-01-02T03:04:05.678Z' },
  });
  t.match(since({}, { isInitialNamespace: false }), {
    finding: 'no connection was made since this network namespace was created',
    facts: { since: null },
  });
  const errors = noStatistics();
  errors.handshakeErrors.server = 2n;
  t.strictSame(
    outline(run(STATISTICS_CHECKS, healthyHost({ statistics: { value: { statistics: errors } } }))),
    ['pass fallbacks', 'warning handshake-errors'],
  );
  t.strictSame(outline(run(STATISTICS_CHECKS, healthyHost({ statistics: NOT_SEEN }))), ['unknown fallbacks']);
});

t.test('kernel log', async (t) => {
  const found = (kmsg: string) => {
    const checks = run(kernelLogCheck, healthyHost({ root: t.testdir({ dev: { kmsg } }) }));
    wellFormed(t, checks);
    return checks[0]!;
  };
  const quiet =
    '6,500,1234567,-;smc: adding ib device rxelo with port count 1\n SUBSYSTEM=x\n' +
    '4,501,1234568,-;smc: SMC-R lg 00010000 net 1 link added: id 1\n' +
    '4,504,1234569,-;smc: SMC-R lg 00010000 net 1 state changed: SINGLE, pnetid NET1\n3,502,2000000,-;smcx: error\n';
  t.match(found(quiet), {
    status: 'pass',
    finding: '3 messages about SMC, none indicates a problem',
    facts: { messages: [/adding ib device/, /link added/, /SINGLE/] },
  });
  t.match(found(`${quiet}4,503,3000000,c;smc: SMC-R lg 00010000 net 1 link removed: id 1\n`), {
    status: 'warning',
    reason: '[3.000000] smc: SMC-R lg 00010000 net 1 link removed: id 1',
  });
  const link =
    '4,503,3000000,c;smc: SMC-R lg 00010000 net 1 link removed: id 1, peerid 2, ibdev rxelo, ibport 1\n';
  const gone = '4,503,2900000,-;smc: removing ib device rxelo\n';
  t.match(found(quiet + gone + link), {
    status: 'pass',
    reason: 'devices that were removed: rxelo',
    facts: { messages: { length: 5 } },
  });
  t.match(found(quiet + link), { status: 'warning' }, 'the device is there, so the path broke');
  t.match(found(`${quiet}${gone}4,503,2950000,-;smc: adding ib device rxelo with port count 1\n${link}`), {
    status: 'warning',
    finding: '1 message about problems with SMC',
  });
  for (const text of [
    'smc:    ib device rxelo port 1 has no pnetid',
    'smc: adding smcd device ism1a without pnetid',
    'smc: adding smcd device lo without pnetid',
    'dibs: something new',
  ])
    t.match(
      found(`4,1,1000000,-;${text}\n`),
      { status: 'pass', facts: { messages: [`[1.000000] ${text}`] } },
      text,
    );
  for (const text of [
    'smc: SMC-R lg 00010000 net 1 LLC protocol violation: llc_type 1',
    'smc: SMC-R lg 00010000 net 1 dropped parallel LLC msg: msg 1 flow 2 role 0',
    'smc: SMC-R lg 00010000 net 1 dropped unexpected LLC msg: msg 1 exp 2',
    'dibs: dibs_init fails with -12',
    'dibs ism1a: sysfs_create_group failed for dibs_dev',
    'ism 0000:00:00.0: error 5',
  ])
    t.match(found(`4,1,1000000,-;${text}\n`), { status: 'warning', reason: `[1.000000] ${text}` }, text);
  const unseen = run(kernelLogCheck, healthyHost({ root: t.testdir({}) }));
  wellFormed(t, unseen);
  t.match(unseen, [{ status: 'unknown', reason: /dev\/kmsg: not found$/ }]);
});
