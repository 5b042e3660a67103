// SPDX-License-Identifier: MIT
/**
 * npm run fuzz:netlink [-- --cases N] [--seed S] [--case K]: damaged answers by the million, see harness.ts. What it
 * prints about a case is enough to see it again: the seed and its number.
 */
import { parseArgs } from 'node:util';
import { runCases } from './harness.ts';
import { sessions } from './sessions.ts';

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '10000000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    case: { type: 'string' },
  },
});
// most cases end in an error, and its stack is what costs time
Error.stackTraceLimit = 0;
const PROGRESS_MS = 30_000;

const seed = Number(values.seed);
const from = values.case === undefined ? 0 : Number(values.case);
const count = values.case === undefined ? Number(values.cases) : 1;
const all = await sessions();
const begin = performance.now();
let told = begin;
console.log(`${all.length} calls with their answers; ${count} cases, seed ${seed}`);
const tally = await runCases(all, { seed, from, count }, ({ cases, findings }) => {
  if (performance.now() - told > PROGRESS_MS) {
    told = performance.now();
    console.log(`${cases} cases after ${Math.round((told - begin) / 1000)} s, ${findings.length} findings`);
  }
  return findings.length < 20;
});
for (const finding of tally.findings) console.log(JSON.stringify({ seed, ...finding }, undefined, 2));
console.log(
  `${tally.cases} cases, ${tally.findings.length} findings, ${Math.round((performance.now() - begin) / 1000)} s`,
);
console.log(JSON.stringify(tally.verdicts));
process.exitCode = tally.findings.length > 0 ? 1 : 0;
