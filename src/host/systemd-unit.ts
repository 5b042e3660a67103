// SPDX-License-Identifier: MIT
/**
 * Reads units as systemd does: the unit's file, found in the load path, and its drop-ins. Specifiers
 * such as %i are left alone. It does not ask a running systemd, so it can read a recorded tree.
 * Sources: systemd.unit(5), systemd.syntax(7).
 */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** One assignment, in the order in which systemd reads them. */
export interface Assignment {
  section: string;
  key: string;
  /** continued lines joined, without blanks at either end; quotes and escapes as written */
  value: string;
  /** path below the root */
  file: string;
}

export interface Unit {
  /** real name; for an alias, the name of its unit */
  name: string;
  /** path of its file below the root */
  file: string;
  /** paths of the drop-ins that apply, in the order in which they are read */
  dropIns: readonly string[];
  assignments: readonly Assignment[];
}

/** Why there is no unit to read. */
export type Missing = 'missing' | 'masked';

/** Search path for units of the system; the first match wins. See the table in systemd.unit(5). */
const UNIT_PATH: readonly string[] = [
  '/etc/systemd/system.control',
  '/run/systemd/system.control',
  '/run/systemd/transient',
  '/run/systemd/generator.early',
  '/etc/systemd/system',
  '/etc/systemd/system.attached',
  '/run/systemd/system',
  '/run/systemd/system.attached',
  '/run/systemd/generator',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
  // before /usr was merged
  '/lib/systemd/system',
  '/run/systemd/generator.late',
];

/** Longer than any chain of symbolic links for an alias. */
const LINKS_MAX = 16;

/** Parts of a unit's name; for foo@bar.service prefix "foo" and instance "bar", for foo@.service instance "". */
export function nameParts(name: string): { prefix: string; instance: string | undefined; type: string } {
  const dot = name.lastIndexOf('.');
  const stem = name.slice(0, dot);
  const at = stem.indexOf('@');
  return at < 0
    ? { prefix: stem, instance: undefined, type: name.slice(dot + 1) }
    : { prefix: stem.slice(0, at), instance: stem.slice(at + 1), type: name.slice(dot + 1) };
}

/**
 * Reads a unit.
 * @param name with its suffix, such as "nginx.service"
 * @param without base name of a drop-in to leave out
 * @throws Node's own error when one of its files cannot be read
 */
export function readUnit(name: string, root: string, without?: string): Unit | Missing {
  const found = findUnit(name, root);
  if (typeof found === 'string') return found;
  const names = found.names;
  const dropIns = dropInsOf(names, root).filter((path) => basename(path) !== without);
  const assignments = [found.file, ...dropIns].flatMap((file) =>
    parseUnit(readFileSync(followLinks(root, file), 'utf8'), file),
  );
  return { name: found.name, file: found.file, dropIns, assignments };
}

/** The file of a unit, the names that lead to it, and the names under which it can have drop-ins. */
function findUnit(name: string, root: string): { name: string; file: string; names: string[] } | Missing {
  const names = [name];
  let current = name;
  for (let links = 0; links < LINKS_MAX; links++) {
    const file = fileOf(current, root) ?? templateFileOf(current, root);
    if (!file) return 'missing';
    const target = linkTarget(root, file);
    if (target === '/dev/null' || isEmpty(root, file)) return 'masked';
    const real = target === undefined ? undefined : realName(current, basename(target));
    if (real === undefined || real === current) return { name: current, file, names };
    names.push(real);
    current = real;
  }
  return 'missing';
}

function fileOf(name: string, root: string): string | undefined {
  return UNIT_PATH.map((directory) => `${directory}/${name}`).find((path) =>
    lstatSync(join(root, path), { throwIfNoEntry: false }),
  );
}

function templateFileOf(name: string, root: string): string | undefined {
  const { prefix, instance, type } = nameParts(name);
  return instance ? fileOf(`${prefix}@.${type}`, root) : undefined;
}

/** The meaning of a symbolic link in a unit directory; undefined for a regular file. */
function linkTarget(root: string, path: string): string | undefined {
  const file = join(root, path);
  return lstatSync(file).isSymbolicLink() ? readlinkSync(file) : undefined;
}

/** A link from foo.service to bar.service makes foo an alias. The instance is kept: foo@1 → bar@ means bar@1. */
function realName(name: string, target: string): string {
  const [from, to] = [nameParts(name), nameParts(target)];
  return from.instance && to.instance === '' ? `${to.prefix}@${from.instance}.${to.type}` : target;
}

/** An empty file also masks a unit. */
function isEmpty(root: string, path: string): boolean {
  return lstatSync(followLinks(root, path), { throwIfNoEntry: false })?.size === 0;
}

/**
 * Drop-ins of all names of a unit: of the instance, of its template, of prefixes that end in a dash, and of its type.
 * Of several with the same base name, the first one in the load path applies. They are sorted by base name.
 */
function dropInsOf(names: readonly string[], root: string): string[] {
  const byName = new Map<string, string>();
  const collect = (path: string): void => {
    for (const entry of entriesOf(join(root, path)))
      if (entry.endsWith('.conf') && !byName.has(entry)) byName.set(entry, `${path}/${entry}`);
  };
  const folders = [...new Set(names.flatMap(dropInFolders))];
  for (const directory of UNIT_PATH) for (const folder of folders) collect(`${directory}/${folder}`);
  for (const directory of UNIT_PATH) collect(`${directory}/${nameParts(names[0]!).type}.d`);
  return [...byName]
    .sort(([one], [other]) => Buffer.compare(Buffer.from(one), Buffer.from(other)))
    .map(([, path]) => path)
    .filter((path) => linkTarget(root, path) !== '/dev/null');
}

/** Folders with drop-ins of a unit: foo-bar@1.service.d, foo-bar@.service.d, foo-@.service.d. */
function dropInFolders(name: string): string[] {
  const { prefix, instance, type } = nameParts(name);
  const folders = [`${name}.d`];
  if (instance) folders.push(`${prefix}@.${type}.d`);
  const at = instance === undefined ? '' : '@';
  for (
    let dash = prefix.lastIndexOf('-', prefix.length - 2);
    dash > 0;
    dash = prefix.lastIndexOf('-', dash - 1)
  )
    folders.push(`${prefix.slice(0, dash + 1)}${at}.${type}.d`);
  return folders;
}

function entriesOf(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // most of them do not exist
  }
}

/** Resolves the symbolic links of a file. Absolute links start at the root of the tree. */
function followLinks(root: string, path: string): string {
  let current = path;
  for (let links = 0; links < LINKS_MAX; links++) {
    const stats = lstatSync(join(root, current), { throwIfNoEntry: false });
    if (!stats?.isSymbolicLink()) break;
    const target = readlinkSync(join(root, current));
    current = target.startsWith('/') ? target : join(dirname(current), target);
  }
  return join(root, current);
}

/** Assignments of one file. Other lines are ignored, as systemd does. */
export function parseUnit(text: string, file: string): Assignment[] {
  const assignments: Assignment[] = [];
  let section = '';
  let pending = '';
  for (const line of text.replace(/^\ufeff/, '').split('\n')) {
    // there may be comments between continued lines
    if (/^\s*[#;]/.test(line)) continue;
    const whole = pending + line;
    if (whole.endsWith('\\')) {
      pending = `${whole.slice(0, -1)} `;
      continue;
    }
    pending = '';
    const logical = whole.trim();
    const header = /^\[(.*)\]$/.exec(logical);
    if (header) {
      section = header[1]!;
      continue;
    }
    const equals = logical.indexOf('=');
    if (equals > 0)
      assignments.push({
        section,
        key: logical.slice(0, equals).trimEnd(),
        value: logical.slice(equals + 1).trimStart(),
        file,
      });
  }
  return assignments;
}

/** Values of a list setting. An empty assignment removes all values before it. */
export function listOf(unit: Unit, key: string, section = 'Service'): Assignment[] {
  const all = unit.assignments.filter((entry) => entry.key === key && entry.section === section);
  return all.slice(all.findLastIndex(({ value }) => value === '') + 1);
}

/** Value of a simple setting: that of the last assignment; an empty one means the default. */
export function settingOf(unit: Unit, key: string, section = 'Service'): string | undefined {
  return (
    unit.assignments.findLast((entry) => entry.key === key && entry.section === section)?.value || undefined
  );
}

/** Words of systemd for true. */
export function isYes(value: string | undefined): boolean {
  return /^(1|y|yes|t|true|on)$/i.test(value ?? '');
}

/** A word and its position in the text. */
export interface Word {
  text: string;
  start: number;
  end: number;
  isQuoted: boolean;
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  s: ' ',
};

/**
 * Splits a value as systemd splits command lines, Environment= and lists of paths: at blanks, with quotes at the
 * start of a word and C escapes. A missing closing quote is assumed at the end of the text.
 */
export function splitWords(text: string): Word[] {
  const words: Word[] = [];
  for (let at = 0; at < text.length; ) {
    if (/\s/.test(text[at]!)) {
      at++;
      continue;
    }
    const start = at;
    let word = '';
    let quote = '';
    let isQuoted = false;
    for (; at < text.length; at++) {
      const char = text[at]!;
      if (quote ? char === quote : !quote && (char === '"' || char === "'")) {
        isQuoted = true;
        quote = quote ? '' : char;
      } else if (char === '\\' && at + 1 < text.length) {
        const found = decodeEscape(text.slice(at + 1));
        word += found.text;
        at += found.length;
      } else if (!quote && /\s/.test(char)) break;
      else word += char;
    }
    words.push({ text: word, start, end: at, isQuoted });
  }
  return words;
}

function decodeEscape(rest: string): { text: string; length: number } {
  const code = /^(?:x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/.exec(rest);
  if (code) {
    const value = code[2]
      ? Number.parseInt(code[2], 8)
      : Number.parseInt((code[1] ?? code[3] ?? code[4])!, 16);
    return { text: value <= 0x10ffff ? String.fromCodePoint(value) : '', length: code[0].length };
  }
  const char = rest[0]!;
  return { text: ESCAPES[char] ?? char, length: 1 };
}

/** Formats a word for Environment= and similar settings: in double quotes if needed, with percent signs doubled. */
export function quoteWord(text: string): string {
  const plain = text.replaceAll('%', '%%');
  if (/^[\w@%+=:,./-]+$/.test(plain)) return plain;
  return `"${plain.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`;
}

/** Variables of Environment=, the last value of each. */
export function environmentOf(unit: Unit): Map<string, string> {
  const variables = new Map<string, string>();
  for (const { value } of listOf(unit, 'Environment'))
    for (const { text } of splitWords(value)) {
      const equals = text.indexOf('=');
      if (equals > 0) variables.set(text.slice(0, equals), text.slice(equals + 1));
    }
  return variables;
}

/**
 * Expands the specifiers for names in a path setting: %i, %n and similar. Others stay as they are.
 */
export function expandSpecifiers(text: string, name: string): string {
  const { prefix, instance = '', type } = nameParts(name);
  const values: Readonly<Record<string, string>> = {
    '%': '%',
    n: name,
    N: name.slice(0, -type.length - 1),
    p: prefix,
    P: unescapeName(prefix),
    i: instance,
    I: unescapeName(instance),
    j: prefix.slice(prefix.lastIndexOf('-') + 1),
  };
  return text.replace(/%(.)/g, (all, letter: string) => values[letter] ?? all);
}

/** Undoes systemd-escape(1): a dash is a slash, \xNN a byte. */
function unescapeName(text: string): string {
  return text
    .replaceAll('-', '/')
    .replace(/\\x([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Names of the units of a type in the load path, including aliases. */
export function unitNames(type: string, root: string): string[] {
  const suffix = `.${type}`;
  return [...new Set(UNIT_PATH.flatMap((directory) => entriesOf(join(root, directory))))]
    .filter((name) => name.endsWith(suffix))
    .sort();
}
