// SPDX-License-Identifier: MIT
/** The options of smc_conf, and which of its actions take them. */
import { type Options, optionTable, UsageError } from '../../cli/options.ts';
import { didYouMean } from '../../cli/suggest.ts';
import { isNamespaceName } from '../../smc/network-namespace.ts';

/** The file that describes this host. */
export const DEFAULT_FILE = '/etc/smc-tools/smc.yaml';

function namespaceName(text: string, option: string): string {
  if (!isNamespaceName(text))
    throw new UsageError(`${option} '${text}' is not the name of a network namespace`);
  return text;
}

export const OPTIONS = optionTable({
  file: {
    short: 'f',
    value: 'FILE',
    completes: 'file',
    help: 'the file, by default the one in /etc/smc-tools; - is standard input',
  },
  merge: { help: 'with export: put the state into the file, and keep its comments' },
  prune: { help: 'with diff and apply: remove what the file does not have' },
  keepGoing: { help: 'with apply and undo: go on after a failure, instead of going back' },
  only: {
    value: 'NETNS',
    parse: namespaceName,
    completes: 'netns',
    help: 'with diff and apply: only this network namespace of the file',
  },
  dryRun: { help: 'show what would be done' },
});

export type ConfOptions = Options<typeof OPTIONS>;

/** What can be done, in the order of the help. */
export const ACTIONS = {
  export: 'print how SMC is set up on this host',
  check: 'check the file, and what of it has no effect on this host',
  diff: 'show what apply would do',
  apply: 'set SMC up as the file says',
  undo: 'go back to the state before the last apply',
  enable: 'apply the file at every boot',
  disable: 'do not apply it at boot',
  status: 'show whether it is applied at boot',
} as const;

export type Action = keyof typeof ACTIONS;

/** Options that not every action takes, by action. Those of all commands that are not in this list go with every action. */
const TAKES: Readonly<Record<Action, readonly (keyof ConfOptions)[]>> = {
  export: ['file', 'merge', 'json', 'netns', 'from', 'dryRun'],
  check: ['file', 'json', 'netns', 'from'],
  diff: ['file', 'prune', 'only', 'json', 'netns', 'from'],
  apply: ['file', 'prune', 'only', 'keepGoing', 'dryRun', 'json', 'netns', 'from'],
  undo: ['keepGoing', 'dryRun', 'json', 'netns', 'from'],
  enable: ['file', 'dryRun', 'netns', 'from'],
  disable: ['dryRun', 'netns', 'from'],
  status: ['json', 'netns', 'from'],
};

/** What changes or shows the running system only, so that a recording cannot stand in for it. */
export const NEEDS_SYSTEM: ReadonlySet<Action> = new Set(['apply', 'undo', 'enable', 'disable', 'status']);

/** @throws UsageError for a word that is no action */
export function readAction(word: string): Action {
  const words = Object.keys(ACTIONS);
  if (words.includes(word)) return word as Action;
  throw new UsageError(`unknown action '${word}'${didYouMean(word, words)}`);
}

/** @throws UsageError for an option that the action does not take */
export function checkTaken(action: Action, options: ConfOptions): void {
  const somewhere = new Set(Object.values(TAKES).flat());
  for (const name of somewhere) {
    const isGiven = options[name] !== undefined && options[name] !== false;
    if (!isGiven || TAKES[action].includes(name)) continue;
    const spelled = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new UsageError(`${action} does not take --${spelled}`);
  }
}
