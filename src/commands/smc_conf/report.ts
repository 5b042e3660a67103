// SPDX-License-Identifier: MIT
/** What apply and undo print: a line for each change as it is made, or one document at the end. */
import { writeDocument } from '../../cli/print.ts';
import type { Context } from '../../cli/run.ts';
import type { ApplyDocument, OutcomeRow, UndoDocument } from '../../documents/smc_conf.ts';
import type { Made } from '../../output/document.ts';
import { printable } from '../../output/printable.ts';
import type { Explanation } from '../../smc/explain.ts';
import type { Carried, Outcome, Reporter } from './carry-out.ts';
import { changeRow, keptRow, obstacleRow } from './change-json.ts';
import { changeText, doneText, keptText, obstacleText } from './change-text.ts';
import type { Change, Plan } from './changes.ts';
import { printPlan } from './diff.ts';
import type { ConfOptions } from './options.ts';

export class Report implements Reporter {
  readonly #context: Context;
  readonly #options: ConfOptions;
  readonly #file: string | undefined;
  #plan: Plan = { changes: [], kept: [], obstacles: [] };
  readonly #remarks: string[] = [];

  /** @param file as it is called in messages */
  constructor(context: Context, options: ConfOptions, file: string | undefined) {
    this.#context = context;
    this.#options = options;
    this.#file = file;
  }

  /** What would be done, for --dry-run. */
  planned(plan: Plan): void {
    this.#plan = plan;
    if (this.#options.json)
      this.#document(
        plan.changes.map((change) => ({ change, result: 'planned' })),
        false,
      );
    else printPlan(this.#context, plan);
  }

  /** What stays, and what this host cannot have. */
  surroundings(plan: Plan): void {
    this.#plan = plan;
    if (this.#options.json) return;
    const { note } = this.#context;
    for (const obstacle of plan.obstacles) note(obstacleText(obstacle));
    for (const kept of plan.kept) this.#line(`kept ${keptText(kept)}`, 'dim');
    if (plan.kept.length > 0) note('the file does not have what is kept', '--prune removes it');
  }

  done(change: Change, remark: string | undefined): void {
    if (remark) this.#remarks.push(remark);
    if (this.#options.json) return;
    this.#line(doneText(change), 'good');
    if (remark) this.#context.note(remark);
  }

  failed(change: Change, { text, hint }: Explanation): void {
    if (!this.#options.json) this.#context.note(`could not ${changeText(change)}: ${text}`, hint);
  }

  wentBack(change: Change): void {
    if (!this.#options.json) this.#line(`back: ${doneText(change)}`, 'bad');
  }

  /**
   * Says how it has ended.
   * @param ineffective changes that were made, and that the host does not show
   * @returns exit status
   */
  end({ outcomes, wayBack }: Carried, ineffective: readonly Change[] = []): number {
    const hasFailed = outcomes.some(({ result }) => result === 'failed') || ineffective.length > 0;
    const { json } = this.#options;
    const { note } = this.#context;
    if (json) this.#document(outcomes, isChanged(outcomes, wayBack), wayBack, ineffective);
    else {
      if (outcomes.length === 0)
        note(this.#file === undefined ? 'nothing to undo' : `nothing to do: all is as ${this.#file} says`);
      for (const change of ineffective)
        note(`without effect, though the kernel accepted it: ${changeText(change)}`);
      this.#sayWayBack(outcomes, wayBack);
    }
    return hasFailed ? 1 : 0;
  }

  #sayWayBack(outcomes: readonly Outcome[], wayBack: Carried['wayBack']): void {
    const { note } = this.#context;
    if (!wayBack) return;
    const { failed, made } = wayBack;
    if (!failed) {
      note(
        made.length > 0 ? 'what was changed before is undone: the host is as it was' : 'nothing was changed',
      );
      return;
    }
    const { change, failure } = failed;
    note(`could not go back: ${change ? `${changeText(change)}: ` : ''}${failure.text}`, failure.hint);
    for (const { change } of outcomes.filter(({ result }) => result === 'done'))
      note(`this was done: ${changeText(change)}`);
    for (const change of made) note(`and then this, on the way back: ${changeText(change)}`);
    note('the host is between the two states', 'smc_conf undo tries to go back again');
  }

  #document(
    outcomes: readonly (Omit<Outcome, 'result'> & { result: Outcome['result'] | 'planned' })[],
    changed: boolean,
    wayBack?: Carried['wayBack'],
    ineffective: readonly Change[] = [],
  ): void {
    const rows = outcomes.map(
      ({ change, result, failure }): Made<OutcomeRow> => ({
        ...changeRow(change),
        result: result === 'done' && ineffective.includes(change) ? 'failed' : result,
        error: failure ? { text: failure.text, hint: failure.hint ?? null } : null,
      }),
    );
    const document: Made<UndoDocument> = {
      dry_run: this.#options.dryRun,
      changed,
      changes: rows,
      went_back: !wayBack ? null : !wayBack.failed,
      went_back_by: (wayBack?.made ?? []).map(changeRow),
      back_error: wayBack?.failed
        ? { text: wayBack.failed.failure.text, hint: wayBack.failed.failure.hint ?? null }
        : null,
      without_effect: ineffective.map(changeRow),
      kept: this.#plan.kept.map(keptRow),
      obstacles: this.#plan.obstacles.map(obstacleRow),
      remarks: this.#remarks,
    };
    if (this.#file === undefined) writeDocument<UndoDocument>(this.#context, document);
    else writeDocument<ApplyDocument>(this.#context, { file: this.#file, ...document });
  }

  #line(text: string, style?: 'good' | 'bad' | 'dim'): void {
    const { io, paint } = this.#context;
    io.write(`${style ? paint(style, printable(text)) : printable(text)}\n`);
    // who watches sees each change when it is made
    io.flush();
  }
}

/** Whether the host is another than before. */
function isChanged(outcomes: readonly Outcome[], wayBack: Carried['wayBack']): boolean {
  return outcomes.some(({ result }) => result === 'done') && (!wayBack || wayBack.failed !== undefined);
}
