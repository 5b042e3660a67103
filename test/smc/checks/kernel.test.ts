// SPDX-License-Identifier: MIT
import t from 'tap';
import { kernelCheck, kernelFaultCheck, kernelFixesCheck } from '../../../src/smc/checks/kernel.ts';
import { ETH0, healthyHost, outline, RDMA, run, SOFT_ROCE, wellFormed } from '../../helpers/healthy-host.ts';

const KERNEL_CHECKS = [kernelCheck, kernelFaultCheck, kernelFixesCheck];

t.test('a kernel of today', async (t) => {
  const checks = run(KERNEL_CHECKS, healthyHost());
  wellFormed(t, checks);
  t.strictSame(outline(checks), ['pass kernel', 'pass kernel-fault', 'pass kernel-fixes']);
  t.match(checks[0]!.finding, /^Linux 6\.12\.120-test, by its version without .*\(6\.14\)/);
  t.equal(run(KERNEL_CHECKS, healthyHost({ release: '7.3.4' }))[0]!.finding, 'Linux 7.3.4');
});

t.test('older ones', async (t) => {
  const [middle] = run(KERNEL_CHECKS, healthyHost({ release: '6.1.0-48-amd64' }));
  t.match(middle, {
    status: 'pass',
    finding:
      /^Linux 6\.1\.0-48-amd64, by its version without SMC version 2\.1 \(6\.6\), loopback-ism \(6\.10\), IPPROTO_SMC sockets \(6\.11\), /,
    facts: {
      version: '6.1',
      missing_features: [
        'SMC version 2.1',
        'loopback-ism',
        'IPPROTO_SMC sockets',
        'SMC-R version 2 from IPv4-mapped IPv6 addresses',
        'RDMA devices with one receive SGE',
        'DIBS',
        'hs_ctrl',
        'settings for work requests',
      ],
    },
  });
  const [old] = run(KERNEL_CHECKS, healthyHost({ release: '5.4.0' }));
  t.match(old, { status: 'warning', fix: 'boot Linux 5.16 or later' });
  wellFormed(t, [old!]);
});

t.test('a release that is not known', async (t) => {
  for (const release of [undefined, 'mine']) {
    const checks = run(KERNEL_CHECKS, healthyHost({ release }));
    wellFormed(t, checks);
    t.strictSame(outline(checks), ['unknown kernel']);
  }
});

t.test('known faults, where they can be met', async (t) => {
  const faults = (changes: object): string[] => {
    const checks = run(KERNEL_CHECKS, healthyHost(changes));
    wellFormed(t, checks);
    return outline(checks.filter(({ id }) => id === 'kernel-fault'));
  };
  t.strictSame(faults({ release: '6.1.0', rdmaDevices: [SOFT_ROCE] }), [
    'fail kernel-fault soft-roce-handshake',
  ]);
  t.strictSame(faults({ release: '6.8.0', rdmaDevices: [SOFT_ROCE] }), [
    'warning kernel-fault soft-roce-handshake',
  ]);
  t.strictSame(faults({ release: '6.12.0', rdmaDevices: [SOFT_ROCE] }), ['pass kernel-fault']);
  t.strictSame(faults({ release: '6.1.0', rdmaDevices: [RDMA] }), ['pass kernel-fault']);

  const port = { device: {}, port: {} };
  t.strictSame(
    faults({
      smcrPorts: {
        value: [
          { ...port, number: 1 },
          { ...port, number: 2 },
        ],
      },
    }),
    ['warning kernel-fault second-port'],
  );
  t.strictSame(faults({ smcdDevices: { value: [{}, {}] } }), ['warning kernel-fault link-groups-left-out']);
  t.strictSame(faults({ smcdDevices: { value: [{}] } }), ['pass kernel-fault']);
  t.strictSame(
    faults({ smcdDevices: { value: [{}] }, dibsDevices: [{ isLoopback: true }] }),
    ['warning kernel-fault link-groups-left-out'],
    'loopback beside ISM',
  );

  const root = t.testdir({ proc: { sys: { net: { smc: { wmem: '1048576\n', rmem: '65536\n' } } } } });
  t.strictSame(faults({ release: '6.1.0', root }), ['warning kernel-fault small-buffers']);
  t.strictSame(faults({ release: '6.12.0', root }), ['pass kernel-fault']);

  const pnetTable = {
    value: [{ pnetId: 'NET1', kind: 'device', ethName: 'n/a', ibName: 'loopback-ism', ibPort: 1 }],
  };
  t.strictSame(faults({ release: '6.18.0', pnetTable }), ['warning kernel-fault loopback-name']);
  t.strictSame(faults({ release: '6.17.0', pnetTable }), ['pass kernel-fault']);
});

t.test('the stable release, where the name does not have it', async (t) => {
  const kernel = { major: 6, minor: 1, patch: 192, isFrozen: false, isCandidate: false };
  const [first] = run(KERNEL_CHECKS, healthyHost({ release: '6.1.0-56-amd64', kernel }));
  t.match(first!.finding, /^Linux 6\.1\.0-56-amd64 \(6\.1\.192\), by its version/);
  t.equal(first!.facts['version'], '6.1.192');
});

t.test('faults that later releases do not have', async (t) => {
  const fixes = (release: string) => {
    const checks = run(KERNEL_CHECKS, healthyHost({ release })).filter(({ id }) => id === 'kernel-fixes');
    wellFormed(t, checks);
    t.equal(checks.length, 1, 'one, however many there are');
    return checks[0]!;
  };
  const old = fixes('6.1.70');
  t.match(old, {
    status: 'warning',
    finding: 'judging by its version (6.1.70), this kernel has 8 faults that later kernels do not have',
    reason:
      /^unless the distributor has added the fixes: listing SMC-D sockets .* \(CVE-2024-26615\); listing SMC-R .*; .*MSG_PEEK/,
    fix: 'update the kernel to Linux 6.1.183 or later',
    facts: { version: '6.1.70' },
  });
  t.match((old.facts['faults'] as object[])[0], {
    name: 'dump-of-smcd',
    cve: 'CVE-2024-26615',
    fixed_in: ['6.1.76', '6.6.15', '6.8'],
  });
  t.match(fixes('6.12.103'), {
    finding: /has 1 fault that/,
    reason: /^unless the distributor has added the fix: splice/,
    fix: 'update the kernel to Linux 6.12.104 or later',
  });
  t.match(fixes('6.5.13'), { status: 'warning', fix: 'update the kernel to Linux 6.18 or later' });
  t.match(fixes('7.3.4'), { status: 'pass', finding: /^judging by its version, it has the fixes/ });
  t.match(fixes('5.14.0-570.el9.s390x'), {
    status: 'pass',
    finding: 'the release of this kernel does not show which fixes it has',
    facts: { faults: [] },
  });
});

t.test('faults of releases that matter on some hosts only', async (t) => {
  const faults = (release: string, changes: object) =>
    outline(
      run(KERNEL_CHECKS, healthyHost({ release, ...changes })).filter(({ id }) => id === 'kernel-fault'),
    );
  const bond = { ...ETH0, name: 'bond0', kind: 'bond', lower: ['eth0'] };
  const entry = (ethName: string) => ({
    interfaces: [ETH0, bond],
    pnetTable: { value: [{ pnetId: 'NET1', kind: 'ethernet', ethName, ibName: 'n/a', ibPort: 255 }] },
  });
  t.strictSame(faults('6.12.30', entry('bond0')), ['warning kernel-fault entry-of-upper-interface']);
  t.strictSame(faults('6.12.30', entry('eth0')), ['pass kernel-fault']);
  t.strictSame(faults('6.12.31', entry('bond0')), ['pass kernel-fault']);
  t.strictSame(faults('6.1.59', { isInitialNamespace: false }), ['warning kernel-fault other-namespace']);
  t.strictSame(faults('6.1.59', {}), ['pass kernel-fault']);
  t.strictSame(faults('6.1.60', { isInitialNamespace: false }), ['pass kernel-fault']);
});
