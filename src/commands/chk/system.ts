// SPDX-License-Identifier: MIT
/** smc_chk without a mode: the checks of this host, or of the interfaces that are named. */
import type { Parsed } from '../../cli/options.ts';
import type { Context } from '../../cli/run.ts';
import { stringify } from '../../output/json.ts';
import { type Paint, printable, type Style } from '../../output/table.ts';
import type { Check, CheckStatus } from '../../smc/checks/check.ts';
import { systemCheck } from '../../smc/checks/index.ts';

/** A check failed. */
const STATUS_FAILED = 3;
/** No check failed, but something could not be looked at. */
const STATUS_UNKNOWN = 4;

const STATUSES: readonly CheckStatus[] = ['pass', 'warning', 'fail', 'unknown'];

/**
 * Prints the table of checks, or one JSON document.
 * @returns exit status: 0 nothing failed, 3 a check failed, 4 something could not be looked at
 * @throws SmcError NOT_FOUND for an interface that is not there or not up: exit status 2
 */
export async function systemMode(context: Context, { flags, operands }: Parsed): Promise<number> {
  const { io, hostRoot, client, paint } = context;
  const checks = await systemCheck({
    client: await client(),
    root: hostRoot,
    ...(operands.length > 0 && { interfaces: operands }),
  });
  const counts = Object.fromEntries(
    STATUSES.map((status) => [status, checks.filter((check) => check.status === status).length]),
  ) as Record<CheckStatus, number>;
  if (flags.has('json'))
    io.write(`${stringify({ checks: checks.map(inOrder), summary: counts }, io.isTerminal ? 2 : 0)}\n`);
  else if (io.isTerminal) io.write(await forPeople(checks, counts, io.columns, paint));
  else io.write(checks.map(forScripts).join(''));
  if (counts.fail > 0) return STATUS_FAILED;
  return counts.unknown > 0 ? STATUS_UNKNOWN : 0;
}

function inOrder({ id, subject, status, finding, reason, fix, facts }: Check) {
  return { id, subject, status, finding, reason, fix, facts };
}

/** `STATUS id subject: finding`, and the reason and the fix on lines that begin with blanks. */
function forScripts({ id, subject, status, finding, reason, fix }: Check): string {
  const head = `${status.toUpperCase()} ${id}${subject === null ? '' : ` ${subject}`}`;
  return [`${head}: ${finding}`, reason && `  reason: ${reason}`, fix && `  fix: ${fix}`]
    .flatMap((line) => (line ? `${printable(line)}\n` : []))
    .join('');
}

/** Width when the terminal does not tell its own. */
const USUAL_WIDTH = 80;

const STYLES: Readonly<Record<CheckStatus, Style>> = {
  pass: 'good',
  warning: 'bad',
  fail: 'alarm',
  unknown: 'info',
};

async function forPeople(
  checks: readonly Check[],
  counts: Readonly<Record<CheckStatus, number>>,
  width = USUAL_WIDTH,
  paint: Paint,
): Promise<string> {
  const { grid } = await import('../../output/grid.ts');
  const head = ['status', 'check', 'finding'].map((title) => paint('heading', title));
  const rows = checks.map(({ id, subject, status, finding, reason, fix }) => [
    paint(STYLES[status], status),
    printable(subject === null ? id : `${id} ${subject}`),
    [
      printable(finding),
      // a row that is as it should be is one line
      ...(status === 'pass'
        ? []
        : [reason && paint('dim', printable(reason)), fix && `fix: ${printable(fix)}`]),
    ]
      .filter(Boolean)
      .join('\n'),
  ]);
  const summary = STATUSES.map((status) =>
    paint(counts[status] > 0 ? STYLES[status] : 'dim', `${counts[status]} ${status}`),
  );
  return `${grid(head, rows, width)}${summary.join(', ')}\n`;
}
