// SPDX-License-Identifier: MIT
/** How a check of this host is defined, and what it tells. */
import type { NetworkInterface } from '../../host/network-interfaces.ts';
import type { Host } from '../host.ts';

export type CheckStatus =
  /** as it should be */
  | 'pass'
  /** SMC works, but not always or not well */
  | 'warning'
  /** connections end up as TCP, or do not come about */
  | 'fail'
  /** it could not be looked at */
  | 'unknown';

/** A value for programs, as JSON takes it. */
export type Fact =
  | string
  | number
  | boolean
  | null
  | bigint
  | readonly Fact[]
  | { readonly [key: string]: Fact };

/** What one check found. index.ts has the type with the ids that there are. */
export interface Check<Id extends string = string> {
  id: Id;
  /** what was looked at, such as a device or an interface; `null` when there is only one */
  subject: string | null;
  status: CheckStatus;
  /** one line, lower case, no full stop */
  finding: string;
  /** why that matters, or why it could not be looked at */
  reason: string | null;
  /** command that fixes it */
  fix: string | null;
  /** keys in snake case */
  facts: Readonly<Record<string, Fact>>;
}

/** Makes a result of one status; what is not given is null or empty. */
type Report = (
  subject: string | null,
  finding: string,
  more?: Partial<Pick<Check, 'reason' | 'fix' | 'facts'>>,
) => Check;

/** Makes the results of one id. */
export interface Reports {
  readonly pass: Report;
  readonly warn: Report;
  readonly fail: Report;
  readonly unknown: Report;
}

/** What checks look at. */
export interface Look {
  readonly host: Host;
  /** those that the user named, or else those that connections can use */
  readonly interfaces: readonly NetworkInterface[];
  /** whether the user named the interfaces */
  readonly areNamed: boolean;
}

/** What a check of one id gets. */
export interface CheckContext extends Look, Reports {}

/** What each fact is, in a few words; of an object, or of a list of objects, also what its keys are. */
export interface FactTexts {
  readonly [key: string]: string | readonly [text: string, keys: FactTexts];
}

/** A check as smc_chk(8) explains it; `npm run man` takes it from here. Backticks as in the comments of src/documents. */
interface Explanation {
  /** whole sentences */
  readonly about: string;
  readonly facts?: FactTexts;
}

/** Checks that are run together: of one id, or of several that are reported in turns. */
export interface CheckDefinition<Id extends string = string> {
  /** in the order of the man page */
  readonly explained: readonly ({ readonly id: Id } & Explanation)[];
  /** The results, in the order in which they are reported. Without side effects. */
  readonly run: (look: Look) => Check[];
}

/** A check: its id, what the man page says of it, and what it does. */
export function defineCheck<const Id extends string>({
  run,
  ...explained
}: { readonly id: Id; run(context: CheckContext): Check[] } & Explanation): CheckDefinition<Id> {
  const reports = reportsOf(explained.id);
  return { explained: [explained], run: (look) => run({ ...look, ...reports }) };
}

/** Checks of several ids that are reported in turns, such as those of a device and of its ports. */
export function defineChecks<const Id extends string>({
  ids,
  run,
}: {
  readonly ids: Readonly<Record<Id, Explanation>>;
  run(context: Look & { reports: Readonly<Record<Id, Reports>> }): Check[];
}): CheckDefinition<Id> {
  const names = Object.keys(ids) as Id[];
  const reports = Object.fromEntries(names.map((id) => [id, reportsOf(id)])) as Record<Id, Reports>;
  return {
    explained: names.map((id) => ({ id, ...ids[id] })),
    run: (look) => run({ ...look, reports }),
  };
}

function reportsOf(id: string): Reports {
  const of =
    (status: CheckStatus): Report =>
    (subject, finding, more = {}) => ({
      id,
      subject,
      status,
      finding,
      reason: null,
      fix: null,
      facts: {},
      ...more,
    });
  return { pass: of('pass'), warn: of('warning'), fail: of('fail'), unknown: of('unknown') };
}

/** "1 port", "2 ports" */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
