// SPDX-License-Identifier: MIT
import t from 'tap';
import { familyCheck } from '../../../src/smc/checks/families.ts';
import { FAMILIES, healthyHost, NOT_SEEN, outline, run, wellFormed } from '../../helpers/healthy-host.ts';

const [general, pnetid] = FAMILIES as [(typeof FAMILIES)[0], (typeof FAMILIES)[0]];

t.test('all there', async (t) => {
  const checks = run(familyCheck, healthyHost());
  wellFormed(t, checks);
  t.strictSame(outline(checks), ['pass family SMC_GEN_NETLINK', 'pass family SMC_PNETID']);
  t.equal(checks[0]!.finding, 'version 1, 18 commands');
});

t.test('commands of an old kernel', async (t) => {
  const until = (last: number) => ({
    ...general,
    operations: general.operations.filter(({ id }) => id <= last),
  });
  const [check] = run(familyCheck, healthyHost({ families: { value: [until(15), pnetid] } }));
  t.match(check, {
    status: 'warning',
    finding: '3 commands missing: DUMP_HS_LIMITATION, ENABLE_HS_LIMITATION, DISABLE_HS_LIMITATION',
    reason: /Linux 5\.18 has them all/,
    facts: { missing_commands: ['DUMP_HS_LIMITATION', 'ENABLE_HS_LIMITATION', 'DISABLE_HS_LIMITATION'] },
  });
  wellFormed(t, [check!]);
});

t.test('one family without the other', async (t) => {
  const old = run(familyCheck, healthyHost({ families: { value: [pnetid] } }));
  t.strictSame(outline(old), ['warning family SMC_GEN_NETLINK', 'pass family SMC_PNETID']);
  t.match(old[0]!.reason, 'Linux 5.11');
  const odd = run(familyCheck, healthyHost({ families: { value: [general] } }));
  t.strictSame(outline(odd), ['pass family SMC_GEN_NETLINK', 'warning family SMC_PNETID']);
  wellFormed(t, [...old, ...odd]);
});

t.test('nothing to be seen', async (t) => {
  for (const families of [{ value: [] }, NOT_SEEN]) {
    const checks = run(familyCheck, healthyHost({ families }));
    wellFormed(t, checks);
    t.strictSame(outline(checks), ['unknown family SMC_GEN_NETLINK', 'unknown family SMC_PNETID']);
  }
});
