// SPDX-License-Identifier: MIT
// Damaged answers; `npm run fuzz:netlink` makes as many as one likes.
// Runs alone: it changes Error.stackTraceLimit.
import t from 'tap';
import { fuzzCases } from '../helpers/fuzz.ts';
import { runCases } from './damaged/harness.ts';
import { sessions } from './damaged/sessions.ts';

// most cases end in an error, and its stack is what costs time
Error.stackTraceLimit = 0;

const SEED = 20_261_129;
const CASES = fuzzCases({ short: 2500, long: 10_000 });

t.test('what comes out agrees with what the answers were worth', async (t) => {
  const all = await sessions();
  t.ok(all.length > 70, `${all.length} calls with their answers`);
  const { cases, verdicts, findings } = await runCases(all, { seed: SEED, from: 0, count: CASES });
  t.equal(cases, CASES);
  const kinds = ['complete', 'failed', 'incomplete', 'interrupted', 'malformed', 'overrun', 'truncated'];
  for (const kind of kinds) t.ok((verdicts[kind] ?? 0) > CASES / 200, `${kind}: ${verdicts[kind]}`);
  for (const finding of findings.slice(0, 5))
    t.fail(`npm run fuzz:netlink -- --seed ${SEED} --case ${finding.case}: ${finding.why}`, { finding });
  t.equal(findings.length, 0);
});
