// SPDX-License-Identifier: MIT
// The checks of the handshake limitation and of net.smc.*
import t from 'tap';
import { handshakeLimitCheck } from '../../../src/smc/checks/handshake-limit.ts';
import { sysctlCheck } from '../../../src/smc/checks/sysctls.ts';
import { healthyHost, NOT_SEEN, outline, run, wellFormed } from '../../helpers/healthy-host.ts';

t.test('handshake limitation', async (t) => {
  const status = (isHandshakeLimited: { value: boolean } | typeof NOT_SEEN) => {
    const checks = run(handshakeLimitCheck, healthyHost({ isHandshakeLimited }));
    wellFormed(t, checks);
    return outline(checks);
  };
  t.strictSame(status({ value: false }), ['pass handshake-limit']);
  t.strictSame(status({ value: true }), ['warning handshake-limit']);
  t.strictSame(status(NOT_SEEN), ['unknown handshake-limit']);
  t.match(
    run(handshakeLimitCheck, healthyHost({ isHandshakeLimited: { value: true } }))[0]!.fix,
    /^smcd hs-limit disable/,
  );
});

const DEFAULTS = {
  autocorking_size: '65536\n',
  rmem: '65536\n',
  wmem: '65536\n',
  smcr_buf_type: '0\n',
  smcr_testlink_time: '30\n',
  smcr_max_links_per_lgr: '2\n',
  smcr_max_conns_per_lgr: '255\n',
  limit_smc_hs: '0\n',
};

t.test('settings', async (t) => {
  const checks = (changes: Record<string, string>) => {
    const root = t.testdir({ proc: { sys: { net: { smc: { ...DEFAULTS, ...changes } } } } });
    const found = run(sysctlCheck, healthyHost({ root }));
    wellFormed(t, found);
    return found;
  };
  t.match(checks({}), [
    { status: 'pass', subject: null, finding: 'all 7 settings net.smc.* have their defaults' },
  ]);
  t.match(checks({ limit_smc_hs: '1' }), [{ status: 'pass', subject: null }], 'has a check of its own');
  t.match(checks({ wmem: '131072', smcr_buf_type: '2' }), [
    { status: 'pass', subject: 'net.smc.wmem', finding: '131072; the default is 65536', fix: null },
    { status: 'pass', subject: 'net.smc.smcr_buf_type' },
  ]);
  const warned = (changes: Record<string, string>, reason: RegExp, fix: string) =>
    t.match(checks(changes), [{ status: 'warning', reason, fix }]);
  warned({ smcr_testlink_time: '0' }, /noticed late/, 'sysctl -w net.smc.smcr_testlink_time=30');
  warned({ smcr_testlink_time: '-1' }, /must be 0 to/, 'sysctl -w net.smc.smcr_testlink_time=30');
  warned({ smcr_max_links_per_lgr: '1' }, /one link/, 'sysctl -w net.smc.smcr_max_links_per_lgr=2');
  warned({ rmem: '2097152' }, /SMC-D uses at most 1048576/, 'sysctl -w net.smc.rmem=65536');
  warned({ smcr_testlink_time: '21474837' }, /must be 0 to/, 'sysctl -w net.smc.smcr_testlink_time=30');
  t.match(checks({ smcr_max_send_wr: '64', smcr_max_recv_wr: '192' }), [
    {
      status: 'pass',
      subject: 'net.smc.smcr_max_send_wr',
      reason: /must support three times as many: .*INTERR/,
      fix: null,
    },
    { status: 'pass', subject: 'net.smc.smcr_max_recv_wr', reason: /must support as many: .*INTERR/ },
  ]);
  t.match(
    checks({ smcr_max_send_wr: '8' }),
    [{ status: 'pass', reason: null }],
    'fewer are no matter of the adapter',
  );
  warned({ hs_ctrl: 'picky' }, /BPF program "picky"/, "sysctl -w 'net.smc.hs_ctrl='");
});

t.test('no settings', async (t) => {
  const checks = run(sysctlCheck, healthyHost({ root: t.testdir({}) }));
  wellFormed(t, checks);
  t.strictSame(outline(checks), ['unknown sysctl']);
});
