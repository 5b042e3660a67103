// SPDX-License-Identifier: MIT
/**
 * Programs whose job is to start another one: which one that is, and whether it gets the environment. Words are
 * latin1 strings, so that every byte survives. Sources: the man pages of the programs.
 */

export type Effect =
  /** becomes or starts another program; `wipes` says what kept LD_PRELOAD from it */
  | { kind: 'starts'; argv: readonly string[]; path: string | undefined; wipes: string | null }
  /** starts another program with an environment of its own, and is not followed */
  | { kind: 'wipes'; by: string }
  /** has a service start its program, which is no child of it */
  | { kind: 'elsewhere'; by: string };

/** Where execvp(3) looks when PATH is not set. */
export const DEFAULT_PATH = '/bin:/usr/bin';

/** Options with a value, and the operands that come before the command. */
interface Form {
  letters: string;
  words?: readonly string[];
  operands?: number;
}

const TRANSPARENT: Readonly<Record<string, Form>> = {
  chrt: { letters: 'TPD', words: ['sched-runtime', 'sched-period', 'sched-deadline'], operands: 1 },
  ionice: { letters: 'cn', words: ['class', 'classdata'] },
  nice: { letters: 'n', words: ['adjustment'] },
  nohup: { letters: '' },
  setsid: { letters: '' },
  stdbuf: { letters: 'ioe', words: ['input', 'output', 'error'] },
  taskset: { letters: '', operands: 1 },
  timeout: { letters: 'ks', words: ['kill-after', 'signal'], operands: 1 },
};

/** sudo and doas keep no LD_ variables whatever their configuration; pg_ctlcluster (Debian) empties the environment. */
const WIPING: ReadonlySet<string> = new Set(['doas', 'pg_ctlcluster', 'podman', 'sudo']);

/** With this option only. */
const WIPING_AS_LOGIN: ReadonlySet<string> = new Set(['runuser', 'su']);

const ELSEWHERE: ReadonlySet<string> = new Set([
  'at',
  'batch',
  'docker',
  'flatpak',
  'machinectl',
  'nerdctl',
  'snap',
  'systemctl',
  'systemd-run',
]);

/**
 * What a program does with the program that its arguments name; undefined for all that are not known as wrappers,
 * and for command lines that they would refuse.
 * @param name base name
 * @param path PATH as the wrapper gets it
 */
export function wrapperEffect(
  name: string,
  argv: readonly string[],
  path: string | undefined,
): Effect | undefined {
  const words = argv.slice(1);
  if (name === 'env') return envEffect(words, path);
  if (ELSEWHERE.has(name)) return { kind: 'elsewhere', by: name };
  if (WIPING.has(name)) return { kind: 'wipes', by: name };
  if (WIPING_AS_LOGIN.has(name)) {
    const login = words.find((word) => ['-', '-l', '--login'].includes(word));
    return login ? { kind: 'wipes', by: `${name} ${login}` } : undefined;
  }
  const form = Object.hasOwn(TRANSPARENT, name) ? TRANSPARENT[name] : undefined;
  if (!form) return undefined;
  let at = 0;
  for (; at < words.length && words[at]!.startsWith('-') && words[at] !== '-'; at++) {
    if (words[at] === '--') {
      at++;
      break;
    }
    if (takesNext(words[at]!, form)) at++;
  }
  const command = words.slice(at + (form.operands ?? 0));
  return command.length > 0 ? { kind: 'starts', argv: command, path, wipes: null } : undefined;
}

/** The value of this option is the next word. */
function takesNext(word: string, { letters, words = [] }: Form): boolean {
  if (word.startsWith('--')) return words.includes(word.slice(2));
  const at = [...word].findIndex((letter, index) => index > 0 && letters.includes(letter));
  return at === word.length - 1 && at > 0;
}

const ENV_FORM: Form = { letters: 'uCSa', words: ['unset', 'chdir', 'split-string', 'argv0'] };

function envEffect(given: readonly string[], path: string | undefined): Effect | undefined {
  let words = [...given];
  let wipes: string | null = null;
  let search = path;
  while (words[0]?.startsWith('-')) {
    const word = words.shift()!;
    if (word === '--') break;
    if (word === '-' || word === '--ignore-environment') {
      wipes = `env ${word}`;
      search = undefined;
      continue;
    }
    const { option, value, isIgnoring } = envOption(word, words);
    if (isIgnoring) {
      wipes = 'env -i';
      search = undefined;
    }
    // another directory: names relative to it are not followed
    if (option === 'C' || option === 'chdir') return undefined;
    if (option === 'u' || option === 'unset') {
      if (value === 'LD_PRELOAD') wipes = 'env -u LD_PRELOAD';
      if (value === 'PATH') search = undefined;
    }
    if (option === 'S' || option === 'split-string') {
      const parts = splitString(value ?? '');
      if (!parts) return undefined;
      words = [...parts, ...words];
    }
  }
  for (; words[0]?.includes('='); words.shift()) {
    const [, name, value] = /^([^=]*)=(.*)$/s.exec(words[0]) ?? [];
    if (name === 'PATH') search = value;
    if (name === 'LD_PRELOAD') wipes ??= 'env LD_PRELOAD=';
  }
  return words.length > 0 ? { kind: 'starts', argv: words, path: search, wipes } : undefined;
}

/** Takes an option apart, and its value out of `rest` where it is the next word. */
function envOption(
  word: string,
  rest: string[],
): { option: string; value: string | undefined; isIgnoring: boolean } {
  if (word.startsWith('--')) {
    const [, option = '', glued] = /^--([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    const value = glued ?? (takesNext(word, ENV_FORM) ? rest.shift() : undefined);
    return { option, value, isIgnoring: false };
  }
  const at = [...word].findIndex((letter, index) => index > 0 && ENV_FORM.letters.includes(letter));
  const flags = at < 0 ? word : word.slice(0, at);
  if (at < 0) return { option: '', value: undefined, isIgnoring: flags.includes('i') };
  const value = at === word.length - 1 ? rest.shift() : word.slice(at + 1);
  return { option: word[at]!, value, isIgnoring: flags.includes('i') };
}

/** The words of `env -S`; undefined where it has more than blanks and plain quotes. */
function splitString(text: string): string[] | undefined {
  if (/[\\$#]/.test(text)) return undefined;
  const words = text.match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? [];
  return words.map((word) => word.replace(/'([^']*)'|"([^"]*)"/g, (_, one, two) => one ?? two));
}
