// SPDX-License-Identifier: MIT
/** `sysctl`: the settings net.smc.* of this network namespace. */
import { matchKeyword, unexpected } from '../../cli/object-grammar.ts';
import { HelpOrVersion, UsageError } from '../../cli/options.ts';
import { rowObjects, writeDocument, writeTable } from '../../cli/print.ts';
import type { Context } from '../../cli/run.ts';
import { didYouMean } from '../../cli/suggest.ts';
import type { SysctlRow, SysctlsDocument } from '../../documents/smcd.ts';
import { documentColumns, printable } from '../../output/table.ts';
import { SmcError } from '../../smc/error.ts';
import { readSysctls, SYSCTLS, type Sysctl, setSysctl } from '../../smc/sysctls.ts';
import type { ObjectContext, SmcObject } from './object.ts';

export const sysctl: SmcObject = {
  usage: () => '[show [NAME] | set NAME VALUE]',
  operands: () => [
    'show',
    'set',
    'help',
    ...SYSCTLS.flatMap(({ name }) => [`show ${name}`, `set ${name} default`]),
  ],
  examples: (flavor) => [
    [`${flavor} sysctl`, 'all settings with their defaults and ranges'],
    [`${flavor} sysctl set wmem 256k`, 'larger send buffers for new sockets'],
    [`${flavor} sysctl set wmem default`, "back to the kernel's default"],
  ],
  read: (words) => (context) => act(context, words),
};

/** Carries the words out, and shows the settings. */
function act(context: ObjectContext, words: readonly string[]): void {
  const settings = apply(words, context);
  // what this kernel does not have is in JSON only
  const present = settings.filter(({ value }) => value !== undefined);
  if (context.json) writeDocument<SysctlsDocument>(context, { sysctls: rowObjects(columns, settings) });
  else if (words.length < 3) writeTable(context, columns, present, present.length, 'such settings here');
}

/** Carries the words out; returns the settings to show. */
function apply(
  [word, name, value, ...rest]: readonly string[],
  { hostRoot, needsRunningSystem }: Context,
): Sysctl[] {
  const action = word === undefined ? 'show' : matchKeyword(word, ['help', 'show', 'set'] as const);
  if (action === 'help') throw new HelpOrVersion('help');
  if (!action) throw unexpected(word!, ['show', 'set', 'help']);
  const surplus = action === 'show' ? value : rest[0];
  if (surplus !== undefined) throw unexpected(surplus);
  if (action === 'show') return suggesting(name, () => readSysctls(name, hostRoot));
  if (name === undefined || value === undefined) throw new UsageError('set needs a name and a value');
  needsRunningSystem('set');
  return [suggesting(name, () => change(name, value, hostRoot))];
}

/** Does the work; a name that no setting has comes with one that is like it. */
function suggesting<T>(name: string | undefined, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (name === undefined || !(error instanceof SmcError) || error.code !== 'NOT_FOUND') throw error;
    const like = didYouMean(
      name.replace(/^net\.smc\./, ''),
      SYSCTLS.map((setting) => setting.name),
    );
    throw new SmcError(error.code, `${error.message}${like}`, { hint: error.hint, cause: error });
  }
}

function change(name: string, value: string, hostRoot: string): Sysctl {
  try {
    return setSysctl(name, value, hostRoot);
  } catch (error) {
    const hint = REFUSALS[(error as NodeJS.ErrnoException).code ?? ''];
    if (!hint) throw error;
    throw new SmcError('NOT_SUPPORTED', `${name} cannot be changed`, { hint, cause: error });
  }
}

/** What to do when /proc/sys cannot be written to, by errno. */
const REFUSALS: Readonly<Record<string, string>> = {
  EACCES: 'run it as root of this network namespace',
  EPERM: 'run it as root of this network namespace',
  EROFS: '/proc/sys is read-only here: change it outside of this container',
};

/** What HZ is, the kernel does not tell. */
function rangeText({ range, isInTicks }: Sysctl): string {
  if (!range) return 'any';
  return isInTicks ? `${range[0]}..2147483647/HZ` : range.join('..');
}

const columns = documentColumns<Sysctl, SysctlRow>()([
  { key: 'name', header: 'Name'.padEnd(23), text: ({ name }) => name.padEnd(23), json: ({ name }) => name },
  {
    key: 'value',
    header: 'Value'.padStart(10),
    text: ({ value = '' }) => printable(value).padStart(10),
    style: (setting) => (setting.value === setting.default ? undefined : 'info'),
    json: ({ value, range }) => (value === undefined ? null : range ? Number(value) : value),
  },
  {
    key: 'default',
    header: 'Default'.padStart(10),
    text: (setting) => setting.default.padStart(10),
    json: (setting) => (setting.range ? Number(setting.default) : setting.default),
  },
  {
    key: 'range',
    header: `  ${'Range'.padEnd(18)}`,
    text: (setting) => `  ${rangeText(setting).padEnd(18)}`,
    json: ({ range, isInTicks }) => (range ? [range[0], isInTicks ? null : range[1]] : null),
  },
  { key: 'unit', json: ({ unit }) => unit ?? null },
  {
    key: 'value_name',
    json: ({ values, value }) => (values && value !== undefined ? (values[Number(value)] ?? null) : null),
  },
  { key: 'meaning', header: 'Meaning', text: ({ meaning }) => meaning, json: ({ meaning }) => meaning },
  { key: 'since', json: ({ since }) => since ?? null },
]);
