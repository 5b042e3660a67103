// SPDX-License-Identifier: MIT
/** Commands of ExecStart=. */
import { splitWords, type Word } from '../../host/systemd-unit.ts';
import type { Command } from './types.ts';

/** Commands in a value of ExecStart=. A semicolon that is a word of its own separates them. */
export function commandsOf(value: string): Command[] {
  const groups: Word[][] = [[]];
  for (const word of splitWords(value))
    if (word.text === ';' && !word.isQuoted && word.end - word.start === 1) groups.push([]);
    else groups.at(-1)!.push(word);
  return groups
    .filter((words) => words.length > 0)
    .map((words) => {
      const [, prefix = '', program = ''] = /^([-@:+!|]*)(.*)$/s.exec(words[0]!.text) ?? [];
      const name = prefix.includes('@') ? words[1]?.text : undefined;
      const begin = words[name === undefined ? 1 : 2];
      const rest = begin ? value.slice(begin.start, words.at(-1)!.end) : '';
      const args = words.slice(name === undefined ? 1 : 2).map(({ text }) => text);
      return { prefix, argv: [program, ...args], rest, name };
    });
}
