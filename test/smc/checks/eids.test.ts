// SPDX-License-Identifier: MIT
import t from 'tap';
import { ueidCheck } from '../../../src/smc/checks/eids.ts';
import { healthyHost, NOT_SEEN, outline, run, SOFT_ROCE, wellFormed } from '../../helpers/healthy-host.ts';

const none = { ueids: { value: [] } };

t.test('UEIDs', async (t) => {
  const checks = run(ueidCheck, healthyHost({ ueids: { value: ['A.B', 'C'] } }));
  wellFormed(t, checks);
  t.match(checks, [{ status: 'pass', finding: '2 UEIDs: A.B, C', facts: { ueids: ['A.B', 'C'] } }]);
});

t.test('none, where version 2 is all there is', async (t) => {
  const checks = run(ueidCheck, healthyHost({ ...none, rdmaDevices: [SOFT_ROCE] }));
  wellFormed(t, checks);
  t.match(checks, [{ status: 'fail', id: 'ueid', fix: /^smcd ueid add NAME/ }]);
  t.match(run(ueidCheck, healthyHost({ ...none, rdmaDevices: [], isMainframe: true })), [
    { status: 'fail', reason: /SEID/ },
  ]);
});

t.test('none, with an adapter that has addresses of RoCE v1', async (t) => {
  const checks = run(ueidCheck, healthyHost(none));
  wellFormed(t, checks);
  t.strictSame(outline(checks), ['warning ueid']);
});

t.test('none, but the SEID', async (t) => {
  const seid = { value: { seid: 'IBM-SYSZ-ISMSEID0000000012345678', isEnabled: true } };
  const checks = run(ueidCheck, healthyHost({ ...none, seid }));
  wellFormed(t, checks);
  t.strictSame(outline(checks), ['pass ueid']);
  t.match(checks[0]!.facts, { seid: 'IBM-SYSZ-ISMSEID0000000012345678', seid_enabled: true });
  const off = run(ueidCheck, healthyHost({ ...none, seid: { value: { ...seid.value, isEnabled: false } } }));
  t.strictSame(outline(off), ['warning ueid']);
  const loopback = { value: { seid: '', isEnabled: true } };
  t.strictSame(outline(run(ueidCheck, healthyHost({ ...none, seid: loopback, rdmaDevices: [] }))), [
    'fail ueid',
  ]);
});

t.test('not to be seen', async (t) => {
  const checks = run(ueidCheck, healthyHost({ ueids: NOT_SEEN }));
  wellFormed(t, checks);
  t.match(checks, [{ status: 'unknown', reason: 'permission denied' }]);
});
