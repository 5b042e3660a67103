// SPDX-License-Identifier: MIT
/** What the shells need to know about a command, taken from its declaration. */
import { readFileSync } from 'node:fs';
import {
  type NamedOption,
  type NamesOf,
  optionList,
  type Syntax,
  withCommonOptions,
} from '../../src/cli/options.ts';

/** Words to offer: fixed words, or a kind of names to look up. */
export type Candidates = { names: NamesOf } | { words: readonly Word[] };

export interface Word {
  word: string;
  /** its meaning; '' if none is declared */
  meaning: string;
}

export interface CompletedOption {
  short?: string | undefined;
  long: string;
  help: string;
  /** can be given more than once */
  repeats: boolean;
  /** name of its value; absent: it has no value */
  value?: string | undefined;
  /** the value can be left out */
  isOptional: boolean;
  /** absent: there is nothing to offer for the value */
  candidates?: Candidates | undefined;
}

export interface Model {
  name: string;
  options: readonly CompletedOption[];
  /** what can follow, by the preceding operands, joined with blanks */
  operands: ReadonlyMap<string, readonly Candidates[]>;
  /** the first operand is a command, and all following words belong to it */
  startsCommand: boolean;
}

/** Names of values from which the kind of value is clear. */
const BY_VALUE: Readonly<Record<string, NamesOf>> = {
  FILE: 'file',
  DIR: 'directory',
  DIRECTORY: 'directory',
  UNIT: 'unit',
  INTERFACE: 'interface',
  HOST: 'host',
};

export async function modelOf(command: Syntax): Promise<Model> {
  const syntax = withCommonOptions(command);
  const lines = (await syntax.operands?.completes()) ?? [];
  return {
    name: syntax.name,
    options: optionList(syntax.options)
      .filter(({ isHidden }) => !isHidden)
      .map(optionModel),
    operands: operandStates(lines, new Map(syntax.topics?.entries ?? [])),
    startsCommand: Boolean(syntax.stopAtOperand),
  };
}

function optionModel(option: NamedOption): CompletedOption {
  const { short, long, value, help, choices, completes = choices ?? BY_VALUE[value ?? ''] } = option;
  return {
    short,
    long,
    value,
    help,
    repeats: Boolean(option.repeatable),
    isOptional: Boolean(option.optional),
    candidates:
      value === undefined || completes === undefined
        ? undefined
        : typeof completes === 'string'
          ? { names: completes }
          : { words: completes.map((word) => ({ word, meaning: '' })) },
  };
}

/** @param meanings of first words */
function operandStates(
  lines: readonly string[],
  meanings: ReadonlyMap<string, string>,
): Map<string, Candidates[]> {
  const states = new Map<string, { words: Map<string, Word>; names: Set<NamesOf> }>();
  for (const line of lines) {
    const words = line.split(' ');
    words.forEach((word, index) => {
      const before = words.slice(0, index).join(' ');
      const state = states.get(before) ?? { words: new Map(), names: new Set() };
      states.set(before, state);
      const [, names] = /^<(.*)>$/.exec(word) ?? [];
      if (names) {
        if (index + 1 < words.length) throw new Error(`'${line}': names come last`);
        state.names.add(names as NamesOf);
      } else state.words.set(word, { word, meaning: index === 0 ? (meanings.get(word) ?? '') : '' });
    });
  }
  return new Map(
    [...states].map(([before, { words, names }]) => [
      before,
      [
        ...(words.size > 0 ? [{ words: [...words.values()] }] : []),
        ...[...names].map((kind) => ({ names: kind })),
      ],
    ]),
  );
}

/** The letters in a cluster: those of options without a value, and those of options with one. */
export function letters({ options }: Model): { flags: string; valued: string } {
  const join = (some: readonly CompletedOption[]): string => some.map(({ short = '' }) => short).join('');
  return {
    flags: join(options.filter(({ value }) => value === undefined)),
    valued: join(options.filter(({ value }) => value !== undefined)),
  };
}

/** Extended regular expression for words after which the value of an option is expected. */
export function takesNext(model: Model): string {
  const { flags, valued } = letters(model);
  const long = model.options.flatMap(({ long, value }) => (long && value ? [`--${long}`] : []));
  const alternatives = [...(valued ? [`-[${flags}]*[${valued}]`] : []), ...long];
  // there are no options with a value: a pattern that no word matches
  return alternatives.length > 0 ? `^(${alternatives.join('|')})$` : '^$.';
}

/** A text in single quotes, for sh, bash and zsh. */
export const shellQuote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** Kinds of names that each shell knows by itself. */
export const BUILT_IN = ['host', 'command', 'file', 'directory'] as const;

/**
 * How the other names are found: by sh scripts, in which $1 is the command as it was typed. Most scripts read files, so
 * that the answer comes at once. They run the suite only for names that only the kernel knows. Names can contain any
 * character, so the scripts print them unchanged, one per line, and the shells compare them unchanged.
 */
export const LOOK_UP: Readonly<Record<Exclude<NamesOf, (typeof BUILT_IN)[number]>, string>> = {
  interface: each('/sys/class/net/*/ifindex', true),
  'rdma-device': each('/sys/class/infiniband/*/node_type', true),
  device: `${each('/sys/class/infiniband/*/node_type', true)}; ${each('/sys/bus/pci/drivers/ism/*:*')}; ${each('/sys/class/dibs/ism*')}`,
  pnetid: `${firstColumn('smc_pnet')} | sort -u`,
  'lgr-id': `"$1" linkgroup 2>/dev/null | while read -r id rest; do [ "$id" = LG-ID ] || printf "%s\\n" "$id"; done`,
  ueid: firstColumn('smcd ueid'),
  unit: firstColumn('systemctl --no-pager --no-legend --plain list-unit-files "*.service"', false),
  fid: each('/sys/bus/pci/slots/*'),
  netns: each('/run/netns/*'),
};

/** Prints the last part of each path, or the name of its directory. */
function each(pattern: string, isInside = false): string {
  const parent = isInside ? `f=\${f%/*}; ` : '';
  return `for f in ${pattern}; do [ -e "$f" ] || continue; ${parent}printf "%s\\n" "\${f##*/}"; done`;
}

/** Runs a command and prints the first word of each line. Commands of the suite are looked for next to the typed one. */
function firstColumn(command: string, isOurs = true): string {
  const [program, ...words] = command.split(' ');
  const call = isOurs ? [`"\${1%"\${1##*/}"}${program}"`, ...words].join(' ') : command;
  return `${call} 2>/dev/null | while read -r id rest; do printf "%s\\n" "$id"; done`;
}

/** Kinds of names that a command needs and the shell does not know itself. */
export function lookUps(model: Model): (keyof typeof LOOK_UP)[] {
  const all = [...model.options.map(({ candidates }) => candidates), ...[...model.operands.values()].flat()];
  const kinds = all.flatMap((candidates) => (candidates && 'names' in candidates ? [candidates.names] : []));
  return [...new Set(kinds)].filter((kind): kind is keyof typeof LOOK_UP => kind in LOOK_UP).sort();
}

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

/** First line of a file. */
export const origin = ({ name }: Model): string =>
  `# ${name} of smc-tools ${version}, generated from its option declarations by scripts/completions`;
