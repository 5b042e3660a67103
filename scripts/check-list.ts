// SPDX-License-Identifier: MIT
/** Writes the list of checks of smc_chk(8) from their definitions. */
import { isDeepStrictEqual } from 'node:util';
import type { CheckDefinition, FactTexts } from '../src/smc/checks/check.ts';
import { sentence } from './json-section.ts';
import { type Names, prose } from './mdoc.ts';

/**
 * A list with an item for each check.
 * @param sections of the page
 */
export function checkList(
  page: string,
  explained: CheckDefinition['explained'],
  sections: ReadonlySet<string>,
): string[] {
  const [longest] = explained.map(({ id }) => id).sort((a, b) => b.length - a.length);
  return [
    `.Bl -tag -width "${longest}"`,
    ...explained.flatMap(({ id, about, facts = {} }) => {
      const names: Names = { page, sections, fields: new Set(keysOf(facts)) };
      return [`.It Sy ${id}`, ...prose(about, names), ...factList(facts, names)];
    }),
    '.El',
  ];
}

/** Names of facts and of their keys. */
const keysOf = (facts: FactTexts): string[] =>
  Object.entries(facts).flatMap(([key, text]) => [key, ...(typeof text === 'string' ? [] : keysOf(text[1]))]);

function factList(facts: FactTexts, names: Names): string[] {
  return [
    '.Bl -tag -width Ds -compact',
    ...groups(facts).flatMap(([keys, text]) => {
      const [words, inner] = typeof text === 'string' ? [text, undefined] : text;
      return [
        `.It Va ${keys.join(' , ')}`,
        ...prose(sentence(inner ? `${words}:` : words), names),
        ...(inner ? factList(inner, names) : []),
      ];
    }),
    '.El',
  ];
}

/** Facts next to each other that are the same in words share an item. */
function groups(facts: FactTexts): [keys: string[], text: FactTexts[string]][] {
  const groups: [keys: string[], text: FactTexts[string]][] = [];
  for (const [key, text] of Object.entries(facts)) {
    const last = groups.at(-1);
    if (last && isDeepStrictEqual(last[1], text)) last[0].push(key);
    else groups.push([[key], text]);
  }
  return groups;
}
