// SPDX-License-Identifier: MIT
/** YAML text with the places of its parts. Only this file loads the package yaml. */
import {
  Composer,
  type CST,
  Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  type ParsedNode,
  Parser,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { FileError, type Place, type Problem } from './file-error.ts';

export type { Node, Pair, ParsedNode, YAMLMap, YAMLSeq };

/** Lines are as long as what is in them; an editor folds them if someone wants it. */
export const TO_STRING = { lineWidth: 0 } as const;
export { Document, isAlias, isMap, isScalar, isSeq };

export interface ParsedText {
  document: Document.Parsed;
  /** place of a character, by its number from 0 */
  placeOf: (offset: number) => Place;
}

/** Deeper than any file of ours. The package composes recursively, and at some depth V8 would end the process. */
const DEPTH_MAX = 24;

/**
 * Parses one YAML document, which JSON is, too.
 * @param file its name in errors
 * @throws FileError with all mistakes of syntax
 */
export function parseYaml(text: string, file: string): ParsedText {
  const lines = new LineCounter();
  const placeOf = (offset: number): Place => {
    // what is missing at the end of the text is missing in its last line
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const problem = (offset: number, message: string, hint?: string): Problem => ({
    ...placeOf(offset),
    message,
    hint,
  });
  const tokens = [...new Parser(lines.addNewLine).parse(text)];
  const tooDeep = firstTooDeep(tokens);
  if (tooDeep !== undefined)
    throw new FileError(file, [problem(tooDeep, `this is nested more than ${DEPTH_MAX} levels deep`)]);
  // duplicate keys are found by the reader, with the place of the first one
  const composer = new Composer({ uniqueKeys: false, version: '1.2', prettyErrors: false });
  const [document, second] = [...composer.compose(tokens, true, text.length)];
  const parsed = document as Document.Parsed;
  const { errors, warnings, directives } = parsed;
  const problems = [...errors, ...warnings].map(({ code, message, pos: [offset] }) => {
    const { text = inWords(message), hint } = SYNTAX[code] ?? {};
    return problem(offset, text, hint);
  });
  if (second)
    problems.push(
      problem(
        second.range?.[0] ?? text.length,
        'a second document begins here',
        'a file has one, without ---',
      ),
    );
  if (directives.yaml.explicit && directives.yaml.version !== '1.2')
    problems.push(problem(0, `%YAML ${directives.yaml.version} is not supported`, 'the file is YAML 1.2'));
  if (problems.length > 0) throw new FileError(file, firstOfLines(problems));
  return { document: parsed, placeOf };
}

/** Place of the first value that is nested too deeply. Not recursive. */
function firstTooDeep(tokens: readonly CST.Token[]): number | undefined {
  const rest: { token: object; depth: number; offset: number }[] = tokens.map((token) => ({
    token,
    depth: 0,
    offset: 'offset' in token ? token.offset : 0,
  }));
  for (let next = rest.pop(); next; next = rest.pop()) {
    const { token, depth } = next;
    const offset = (token as { offset?: number }).offset ?? next.offset;
    if (depth > DEPTH_MAX) return offset;
    const { items, key, value } = token as { items?: object[]; key?: object; value?: object };
    for (const item of items ?? []) rest.push({ token: item, depth: depth + 1, offset });
    for (const inner of [key, value])
      if (inner && typeof inner === 'object') rest.push({ token: inner, depth, offset });
  }
  return undefined;
}

/** What follows in the same line is a consequence, as a rule. */
const firstOfLines = (problems: readonly Problem[]): Problem[] =>
  problems.filter(({ line }, index) => problems.findIndex((one) => one.line === line) === index);

/** Our words for mistakes that people make; for the others, those of the package. */
const SYNTAX: Readonly<Record<string, { text?: string; hint?: string }>> = {
  TAB_AS_INDENT: { text: 'a tab is used to indent', hint: 'YAML takes blanks only' },
  BAD_DQ_ESCAPE: { hint: 'in double quotes a backslash begins an escape; single quotes have none' },
  BAD_SCALAR_START: { hint: 'put the text in quotes' },
  BLOCK_AS_IMPLICIT_KEY: {
    text: 'a key and its value cannot follow another key in the same line',
    hint: 'begin a new line, or put a text with a colon in quotes',
  },
  MULTILINE_IMPLICIT_KEY: { text: 'a key without its colon', hint: 'write "key: value"' },
  MULTIPLE_DOCS: { text: 'a second document begins here', hint: 'a file has one, without ---' },
  TAG_RESOLVE_FAILED: { hint: 'tags such as !name are not needed here' },
};

/** Likewise where a kind of mistake has several messages. */
const MESSAGES: readonly (readonly [RegExp, string])[] = [
  [/^Implicit map keys need to be followed by map values$/, 'a key without its colon'],
  [/^Missing closing (.)quote$/, 'the closing $1 is missing'],
  [/^Flow (?:sequence|map) .*end with a (.)$/, 'the closing $1 is missing'],
  [
    /^All (?:mapping|sequence) items must start at the same column$/,
    'this begins in another column than what is above',
  ],
];

function inWords(message: string): string {
  const [pattern, words] = MESSAGES.find(([one]) => one.test(message)) ?? [];
  return pattern && words !== undefined
    ? message.replace(pattern, words)
    : `${message[0]?.toLowerCase() ?? ''}${message.slice(1)}`;
}
