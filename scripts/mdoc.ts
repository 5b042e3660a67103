// SPDX-License-Identifier: MIT
/** Writes the English of comments as mdoc(7). */

/** What the words of a page can refer to. */
export interface Names {
  /** the page, such as smcss(8) */
  page: string;
  /** fields of its documents */
  fields: ReadonlySet<string>;
  /** its sections */
  sections: ReadonlySet<string>;
}

/** Lines of the source are filled to this width. */
const WIDTH = 80;

/** A word, or several between backticks, with what stands around them without a blank. */
const WORD = /[^\s`]*`[^`]+`[^\s`]*|\S+/g;

/** Where a sentence ends: mdoc wants each to begin a line. */
const SENTENCE_END = /(?<=[.!?]) (?=[A-Z`])/;

/**
 * Sentences as lines of mdoc. Backticks mark options, fields of the page, files, and words to be taken literally; paths,
 * page(8) and sections of the page in capitals are found without.
 */
export function prose(text: string, names: Names): string[] {
  // a page does not refer to itself
  const sentences = text.replaceAll(names.page, 'this page').split(SENTENCE_END);
  return sentences.flatMap((sentence) => filled(sentence.match(WORD) ?? [], names));
}

function filled(words: readonly string[], names: Names): string[] {
  const lines: string[] = [];
  let line = '';
  const end = (): void => {
    if (line) lines.push(line);
    line = '';
  };
  for (const word of words) {
    const call = macro(word, names);
    if (call) {
      const last = lines.at(-1) ?? '';
      // `a`, `b`: one call with both; a name with a section is a call of its own
      const joins = !line && last.startsWith(`.${call.name} `) && last.endsWith(' ,') && call.name !== 'Xr';
      end();
      if (joins) lines[lines.length - 1] = `${last} ${call.words}`;
      else lines.push(`.${call.name} ${call.words}`);
      continue;
    }
    const plain = escaped(word);
    if (line && line.length + 1 + plain.length > WIDTH) end();
    line += line ? ` ${plain}` : plain.replace(/^(?=[.'])/, '\\&');
  }
  end();
  return lines;
}

/** Text without macros. */
export const escaped = (text: string): string => text.replaceAll('\\', '\\e').replaceAll('--', '\\-\\-');

function macro(word: string, names: Names): { name: string; words: string } | undefined {
  const [, opening = '', core = '', closing = ''] =
    /^([([]*)([\w.-]+\(\d\)|.*?)([.,:;)\]]*)$/.exec(word) ?? [];
  const found = call(core, names);
  if (!found) return undefined;
  return { name: found[0], words: [...opening, found[1], ...closing].join(' ') };
}

/** The macro of a word, and its argument. */
function call(word: string, { fields, sections }: Names): [name: string, argument: string] | undefined {
  const quoted = /^`(.*)`$/.exec(word)?.[1];
  if (quoted?.startsWith('-')) return ['Fl', quoted.slice(1)];
  if (quoted && fields.has(quoted)) return ['Va', quoted];
  if (quoted && /\.(json|ids)$/.test(quoted)) return ['Pa', quoted];
  if (quoted) return ['Sy', argument(quoted)];
  if (word.includes('`')) throw new Error(`backticks within a word: ${word}`);
  if (/^\/\w/.test(word)) return ['Pa', word];
  const [, page, section] = /^([\w.-]+)\((\d)\)$/.exec(word) ?? [];
  if (page) return ['Xr', `${page} ${section}`];
  return sections.has(word) && /^[A-Z]{3,}$/.test(word) ? ['Sx', word] : undefined;
}

/** Of a macro: with quotes where there are blanks, and without a meaning of its own. */
function argument(text: string): string {
  const plain = escaped(text).replace(/[.,:;!?)\]]$/, '$&\\&');
  return /\s/.test(plain) ? `"${plain}"` : plain;
}
