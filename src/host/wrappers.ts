// SPDX-License-Identifier: MIT
/**
 * Programs that start another program: which one they start, and whether it gets the preloaded library. Words are latin1
 * strings, so that every byte survives.
 */
import { takeApart } from './wrapper-line.ts';
import { WRAPPERS, type Wrapper } from './wrapper-table.ts';

export type Effect =
  | {
      kind: 'starts';
      /** the program with its arguments; empty if it cannot be followed, or need not be */
      argv: readonly string[];
      /** PATH in which it is looked up */
      path: string | undefined;
      /** through a shell, in which the name may be a builtin */
      isText: boolean;
      /** what removes LD_PRELOAD: "env -i" */
      wipes: string | null;
      /** what starts it in another file tree: "chroot" */
      moves: string | null;
    }
  /** has a service start its program, which is then not a child of the wrapper */
  | { kind: 'elsewhere'; by: string }
  /** starts something, but the command line is not understood: "nice --new-option" */
  | { kind: 'unclear'; by: string };

/** Search path of execvp(3) if PATH is not set. */
export const DEFAULT_PATH = '/bin:/usr/bin';

/**
 * What a wrapper does with the program that its arguments name; undefined for programs that are not known as wrappers,
 * and for command lines that start nothing.
 * @param name base name
 * @param argv its name included
 * @param path value of PATH for the wrapper
 */
export function wrapperEffect(
  name: string,
  argv: readonly string[],
  path: string | undefined,
): Effect | undefined {
  if (name === 'env') return envEffect(argv.slice(1), path);
  const [wrapper, words] = rowOf(name, argv.slice(1));
  if (!wrapper) return undefined;
  // sudo and similar programs always remove LD_PRELOAD
  if (wrapper.wipes === '*') return { ...NOT_FOLLOWED, path, wipes: name };
  if (wrapper.service?.unless === '') return { kind: 'elsewhere', by: name };

  const line = takeApart(words, wrapper);
  if (typeof line === 'string') return { kind: 'unclear', by: `${name} ${line}` };
  const hit = (list = ''): string | undefined =>
    list.split(' ').find((option) => (option === '*' ? true : line.has(option)));
  if (hit(wrapper.stops)) return undefined;
  if (wrapper.service && !line.has(wrapper.service.unless)) return { kind: 'elsewhere', by: name };
  const told = (option: string | undefined): string | null =>
    option === undefined ? null : option === '*' ? name : `${name} ${dashed(option)}`;
  const wipes = told(hit(wrapper.wipes));
  const moves = isSameTree(name, words) ? null : told(hit(wrapper.moves));
  const found = targetOf(wrapper, line);
  if (found === 'unclear') return { kind: 'unclear', by: name };
  if (!found && !wipes && !moves) return undefined;
  // names in another tree mean nothing here
  if (moves || !found) return { ...NOT_FOLLOWED, path, wipes, moves };
  return { kind: 'starts', ...found, path, wipes, moves };
}

/** The row of the table, and the words to which it applies; for perf(1), those of the subcommand. */
function rowOf(name: string, words: readonly string[]): [Wrapper | undefined, readonly string[]] {
  const at = words.findIndex((word) => !word.startsWith('-'));
  const key =
    name === 'perf'
      ? `perf ${words[at]}`
      : /^ld(-linux.*|-musl.*|64|)\.so(\.\d+)*$/.test(name)
        ? 'ld.so'
        : name;
  const row = Object.hasOwn(WRAPPERS, key) ? WRAPPERS[key] : undefined;
  return [row, name === 'perf' ? words.slice(at + 1) : words];
}

const NOT_FOLLOWED = { kind: 'starts', argv: [], isText: false, wipes: null, moves: null } as const;

const dashed = (option: string): string =>
  option === '-' ? '-' : option.length === 1 ? `-${option}` : `--${option}`;

/** Whether the file tree is that of the host after all: `chroot /`, and bwrap if it binds / to /. */
function isSameTree(name: string, words: readonly string[]): boolean {
  if (name === 'chroot') return words.includes('/');
  return (
    name === 'bwrap' &&
    words.some(
      (word, at) => /^--(dev-|ro-)?bind$/.test(word) && words[at + 1] === '/' && words[at + 2] === '/',
    )
  );
}

type CommandLineOf = Exclude<ReturnType<typeof takeApart>, string>;

/** The program that is started, if any. */
function targetOf(
  wrapper: Wrapper,
  line: CommandLineOf,
): { argv: readonly string[]; isText: boolean } | 'unclear' | undefined {
  const target = wrapper.find ? wrapper.find(line) : { words: line.operands.slice(wrapper.operands ?? 0) };
  if (target === null || target === 'unclear') return target ?? undefined;
  if ('text' in target) return { argv: simpleCommand(target.text), isText: true };
  const [command, ...rest] = target.words;
  if (command === undefined) return undefined;
  const directory = wrapper.directory && line.value(...wrapper.directory.split(' '));
  return { argv: [inDirectory(command, directory), ...rest], isText: false };
}

/** The name, relative to the current directory. */
function inDirectory(command: string, directory: string | undefined): string {
  const isRelative = command.includes('/') && !command.startsWith('/');
  return directory && isRelative ? `${directory}/${command}` : command;
}

/** The words of a shell command; none if it contains more than words, assignments and plain quotes. */
function simpleCommand(text: string): string[] {
  const words = /[$`|&;<>()*?[\]{}~!\n]/.test(text) ? [] : (splitString(text) ?? []);
  while (/^[A-Za-z_]\w*=/.test(words[0] ?? '')) if (/^(PATH|LD_PRELOAD)=/.test(words.shift()!)) return [];
  if (words[0] === 'exec') words.shift();
  return words;
}

const ENV: Wrapper = {
  short: 'i0vu:C:S:a:',
  long: 'ignore-environment null debug unset= chdir= split-string= argv0= block-signal=? default-signal=? ignore-signal=? list-signal-handling',
};

/** env(1): options, of which -S is replaced with the words of its value, and assignments. */
function envEffect(given: readonly string[], path: string | undefined): Effect | undefined {
  let words = [...given];
  let wipes: string | null = null;
  let search = path;
  let directory: string | undefined;
  const empty = (by: string): void => {
    wipes = `env ${by}`;
    search = undefined;
  };
  while (words[0]?.startsWith('-')) {
    if (words[0] === '-') {
      empty('-');
      words.shift();
      break;
    }
    // one option at a time, because their order matters; the word after an option may be its value
    const [word = '', next, ...rest] = words;
    const probe = takeApart([word, ''], ENV);
    if (typeof probe === 'string') return { kind: 'unclear', by: `env ${probe}` };
    const takesNext = !probe.operands.includes('');
    if (takesNext && next === undefined) return undefined;
    const alone = takesNext ? (takeApart([word, next!], ENV) as CommandLineOf) : probe;
    words = takesNext ? rest : words.slice(1);
    if (word === '--') break;
    if (alone.has('i', 'ignore-environment')) empty(alone.has('i') ? '-i' : '--ignore-environment');
    directory = alone.value('C', 'chdir') ?? directory;
    const unset = alone.value('u', 'unset');
    if (unset === 'LD_PRELOAD') wipes = 'env -u LD_PRELOAD';
    if (unset === 'PATH') search = undefined;
    const text = alone.value('S', 'split-string');
    const parts = text === undefined ? [] : splitString(text);
    if (!parts || /[$#]/.test(text ?? '')) return { kind: 'unclear', by: 'env -S' };
    words = [...parts, ...words];
  }
  for (; words[0]?.includes('='); words.shift()) {
    const [, name, value] = /^([^=]*)=(.*)$/s.exec(words[0]) ?? [];
    if (name === 'PATH') search = value;
    if (name === 'LD_PRELOAD') wipes ??= 'env LD_PRELOAD=';
  }
  const [command, ...rest] = words;
  if (command === undefined) return undefined;
  const argv = [inDirectory(command, directory), ...rest];
  return { kind: 'starts', argv, path: search, isText: false, wipes, moves: null };
}

/** Words with plain quotes; undefined if there is anything else in them. */
function splitString(text: string): string[] | undefined {
  if (!/^(?:\s|'[^']*'|"[^"\\$`]*"|[^\s'"\\])*$/.test(text)) return undefined;
  const words = text.match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? [];
  return words.map((word) => word.replace(/'([^']*)'|"([^"]*)"/g, (_, one, two) => one ?? two));
}
