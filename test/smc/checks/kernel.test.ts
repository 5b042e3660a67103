// SPDX-License-Identifier: MIT
import t from 'tap';
import { checkKernel } from '../../../src/smc/checks/kernel.ts';
import { isAtLeast, kernelVersion } from '../../../src/smc/checks/kernel-version.ts';
import { healthyHost, outline, RDMA, SOFT_ROCE, wellFormed } from '../../helpers/host-view.ts';

t.test('versions', async (t) => {
  t.strictSame(kernelVersion('6.12.94+deb12-amd64'), [6, 12]);
  t.strictSame(kernelVersion('7.0-rc1'), [7, 0]);
  t.equal(kernelVersion('linux'), undefined);
  t.equal(isAtLeast('6.9.1', '6.10'), false, 'as numbers, not as text');
  t.equal(isAtLeast('6.10', '6.10'), true);
  t.equal(isAtLeast('7.0', '6.12'), true);
  t.equal(isAtLeast('5.19', '6.1'), false);
  t.equal(isAtLeast(undefined, '6.1'), undefined);
});

t.test('a kernel of today', async (t) => {
  const checks = checkKernel(healthyHost());
  wellFormed(t, checks);
  t.strictSame(outline(checks), ['pass kernel', 'pass kernel-fault']);
  t.equal(checks[0]!.finding, 'Linux 6.12.1-test');
});

t.test('older ones', async (t) => {
  const [middle] = checkKernel(healthyHost({ release: '6.1.0-48-amd64' }));
  t.match(middle, {
    status: 'pass',
    finding:
      'Linux 6.1.0-48-amd64, by its version without SMC version 2.1 (6.6), loopback-ism (6.10), IPPROTO_SMC sockets (6.11)',
    facts: { missing_features: ['SMC version 2.1', 'loopback-ism', 'IPPROTO_SMC sockets'] },
  });
  const [old] = checkKernel(healthyHost({ release: '5.4.0' }));
  t.match(old, { status: 'warning', fix: 'boot Linux 5.16 or later' });
  wellFormed(t, [old!]);
});

t.test('a release that is not known', async (t) => {
  for (const release of [undefined, 'mine']) {
    const checks = checkKernel(healthyHost({ release }));
    wellFormed(t, checks);
    t.strictSame(outline(checks), ['unknown kernel']);
  }
});

t.test('known faults, where they can be met', async (t) => {
  const faults = (changes: object): string[] => {
    const checks = checkKernel(healthyHost(changes));
    wellFormed(t, checks);
    return outline(checks.slice(1));
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

  const root = t.testdir({ proc: { sys: { net: { smc: { wmem: '1048576\n', rmem: '65536\n' } } } } });
  t.strictSame(faults({ release: '6.1.0', root }), ['warning kernel-fault small-buffers']);
  t.strictSame(faults({ release: '6.12.0', root }), ['pass kernel-fault']);

  const pnetTable = {
    value: [{ pnetId: 'NET1', kind: 'device', ethName: 'n/a', ibName: 'loopback-ism', ibPort: 1 }],
  };
  t.strictSame(faults({ release: '6.18.0', pnetTable }), ['warning kernel-fault loopback-name']);
  t.strictSame(faults({ release: '6.17.0', pnetTable }), ['pass kernel-fault']);
});
