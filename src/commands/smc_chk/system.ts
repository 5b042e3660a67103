// SPDX-License-Identifier: MIT
/** smc_chk without a mode: the checks of this host, or of the interfaces that are named. */
import { writeDocument } from '../../cli/print.ts';
import type { Context } from '../../cli/run.ts';
import type { ChecksDocument } from '../../documents/smc_chk.ts';
import { type Paint, printable } from '../../output/table.ts';
import type { Check, CheckStatus } from '../../smc/checks/check.ts';
import { systemCheck } from '../../smc/checks/index.ts';
import { checkJson } from './check-json.ts';
import type { ChkOptions } from './options.ts';
import { STATUS_STYLES, STATUSES, statusWord } from './status.ts';

/** A check failed. */
const STATUS_FAILED = 3;
/** No check failed, but something could not be looked at. */
const STATUS_UNKNOWN = 4;

/**
 * Prints the checks, what needs attention first, or one JSON document. On a terminal those that passed are folded to one
 * line, unless `--all` asks for them; with `--problems` they are left out everywhere.
 * @returns exit status: 0 nothing failed, 3 a check failed, 4 something could not be looked at
 * @throws SmcError NOT_FOUND for an interface that is not there or not up: exit status 2
 */
export async function systemMode(
  context: Context,
  { json, all, problems: onlyProblems }: ChkOptions,
  names: readonly string[],
): Promise<number> {
  const { io, hostRoot, client, paint, isRecorded } = context;
  const checks = await systemCheck({
    client: await client(),
    root: hostRoot,
    ...(names.length > 0 && { interfaces: names }),
    // what was reset on a recorded host is not recorded
    ...(!isRecorded && { env: io.env }),
  });
  const counts = Object.fromEntries(
    (['pass', 'warning', 'fail', 'unknown'] as const).map((status) => [
      status,
      checks.filter((check) => check.status === status).length,
    ]),
  ) as Record<CheckStatus, number>;
  const sorted = STATUSES.flatMap((status) => checks.filter((check) => check.status === status));
  const problems = sorted.filter(({ status }) => status !== 'pass');
  if (json) {
    // programs sort for themselves
    const wanted = onlyProblems ? checks.filter(({ status }) => status !== 'pass') : checks;
    writeDocument<ChecksDocument>(context, { checks: wanted.map(checkJson), summary: counts });
  } else if (!io.isTerminal || onlyProblems)
    io.write((onlyProblems ? problems : sorted).map(forScripts).join(''));
  else {
    const rows = all ? sorted : problems;
    io.write(rows.length > 0 ? await asTable(rows, io.columns, paint) : '');
    if (!all && counts.pass > 0) io.write(`${folded(checks, paint)}\n`);
    io.write(`${summary(counts, paint)}\n`);
  }
  if (counts.fail > 0) return STATUS_FAILED;
  return counts.unknown > 0 ? STATUS_UNKNOWN : 0;
}

/** `STATUS id subject: finding`, and the reason and the fix on lines that begin with blanks. */
function forScripts({ id, subject, status, finding, reason, fix }: Check): string {
  const head = `${statusWord(status)} ${id}${subject === null ? '' : ` ${subject}`}`;
  return [`${head}: ${finding}`, reason && `  reason: ${reason}`, fix && `  fix: ${fix}`]
    .flatMap((line) => (line ? `${printable(line)}\n` : []))
    .join('');
}

/** Width when the terminal does not tell its own. */
const USUAL_WIDTH = 80;

async function asTable(checks: readonly Check[], width = USUAL_WIDTH, paint: Paint): Promise<string> {
  const { grid } = await import('../../output/grid.ts');
  const head = ['status', 'check', 'finding'].map((title) => paint('heading', title));
  const rows = checks.map(({ id, subject, status, finding, reason, fix }) => [
    paint(STATUS_STYLES[status], statusWord(status)),
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
  return grid(head, rows, width);
}

/** Those that passed, by their ids. */
function folded(checks: readonly Check[], paint: Paint): string {
  const ids = new Set(checks.filter(({ status }) => status === 'pass').map(({ id }) => id));
  return `${paint(STATUS_STYLES.pass, statusWord('pass'))} ${[...ids].join(', ')} (--all shows them)`;
}

function summary(counts: Readonly<Record<CheckStatus, number>>, paint: Paint): string {
  return STATUSES.map((status) =>
    paint(counts[status] > 0 ? STATUS_STYLES[status] : 'dim', `${counts[status]} ${status}`),
  ).join(', ');
}
