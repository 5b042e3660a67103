// SPDX-License-Identifier: MIT
/** Completion for fish: one file per command. */
import { type Candidates, LOOK_UP, lookUps, type Model, origin, takesNext } from './model.ts';

const FUNCTIONS: Readonly<Record<string, string>> = {
  directory: '(__fish_complete_directories)',
  command: '(__fish_complete_command)',
  host: '(__fish_print_hostnames)',
};

/** A text in single quotes, in which a backslash is literal unless it precedes one of these two. */
const quote = (text: string): string => `'${text.replace(/['\\]/g, '\\$&')}'`;

export function fish(model: Model): string {
  const { name, options, operands, startsCommand } = model;
  const own = `__smc_tools_${name}`;
  const words = (candidates: Candidates): string =>
    'words' in candidates
      ? candidates.words.map(({ word }) => word).join(' ')
      : (FUNCTIONS[candidates.names] ?? `(${own}_names ${candidates.names})`);
  const value = (candidates: Candidates | undefined): string => {
    if (!candidates) return ' -x';
    if ('names' in candidates && candidates.names === 'file') return ' -r -F';
    return ` -x -a ${quote(words(candidates))}`;
  };
  const atStart = startsCommand ? ` -n ${quote(`${own}_at ''`)}` : '';
  const optionLines = options.map(
    ({ short, long, help, value: valueName, candidates }) =>
      `complete -c ${name}${atStart}${short ? ` -s ${short}` : ''}${long ? ` -l ${long}` : ''}${valueName ? value(candidates) : ''} -d ${quote(help)}\n`,
  );
  const valued = options.flatMap(({ short, long, value }) =>
    value === undefined ? [] : [...(short ? [`-${short}`] : []), ...(long ? [`--${long}`] : [])],
  );
  const operandLines = [...operands].flatMap(([before, some]) =>
    some.flatMap((candidates) => {
      const condition = `complete -c ${name} -n ${quote(`${own}_at ${quote(before)}`)}`;
      return 'words' in candidates
        ? candidates.words.map(
            ({ word, meaning }) => `${condition} -a ${word}${meaning ? ` -d ${quote(meaning)}` : ''}\n`,
          )
        : [`${condition} -a ${quote(words(candidates))}\n`];
    }),
  );
  const kinds = lookUps(model);
  return `${origin(model)}

# whether these are the operands so far
function ${own}_at
    set -l words (commandline -opc)
    set -l operands
    set -e words[1]
    while set -q words[1]
        if test "$words[1]" = --
            set -a operands $words[2..-1]
            break
        else if string match -qr -- ${quote(takesNext(model))} $words[1]
            set -e words[2]
        else if not string match -qr -- '^-.' $words[1]
            set -a operands $words[1]
        end
        set -e words[1]
    end
    test "$operands" = "$argv[1]"
end

${
  kinds.length > 0
    ? `function ${own}_names
    set -l typed (commandline -opc)[1]
    switch $argv[1]
${kinds.map((kind) => `        case ${kind}\n            sh -c ${quote(LOOK_UP[kind])} sh $typed 2>/dev/null\n`).join('')}    end
end

`
    : ''
}complete -c ${name} -f
${optionLines.join('')}${startsCommand ? `complete -c ${name} -x -a ${quote(`(__fish_complete_subcommand -- ${valued.join(' ')})`)}\n` : operandLines.join('')}`;
}
