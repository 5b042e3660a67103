// SPDX-License-Identifier: MIT
/** Completion for zsh: one file per command, to be autoloaded from a directory of fpath. */
import {
  type Candidates,
  type CompletedOption,
  LOOK_UP,
  lookUps,
  type Model,
  origin,
  shellQuote,
  takesNext,
} from './model.ts';

const ACTIONS: Readonly<Record<string, string>> = {
  file: '_files',
  directory: '_files -/',
  command: '_command_names -e',
  host: '_hosts',
};

export function zsh(model: Model): string {
  const { name, options, operands, startsCommand } = model;
  const own = `_${name}`;
  const rest = startsCommand
    ? [`'(-)1:command: _command_names -e'`, `'*::arguments: _normal'`]
    : operands.size > 0
      ? [`'*: :->operands'`]
      : [];
  const specs = [...options.map((option) => optionSpec(own, option)), ...rest];
  const states = [...operands].map(
    ([before, some]) =>
      `        ${shellQuote(before)})\n${some.map((one) => `            ${offer(own, one)} && ret=0\n`).join('')}            ;;\n`,
  );
  const dispatch = `
if [[ $state == operands ]]; then
    for ((i = 2; i < CURRENT; i++)); do
        if [[ $words[i] == -- ]]; then
            before+=("\${(@)words[i+1,CURRENT-1]}")
            break
        elif [[ $words[i] =~ ${shellQuote(takesNext(model))} ]]; then
            ((i++))
        elif [[ $words[i] != -?* ]]; then
            before+=("$words[i]")
        fi
    done
    case "$before" in
${states.join('')}    esac
fi
`;
  return `#compdef ${name}
${origin(model)}

${lookUps(model)
  .map(
    (kind) => `(( $+functions[${own}_${kind}] )) || ${own}_${kind}() {
    local expl
    local -a names
    names=(\${(f)"$(sh -c ${shellQuote(LOOK_UP[kind])} sh "$typed" 2>/dev/null)"})
    _wanted ${kind} expl ${shellQuote(kind.replace('-', ' '))} compadd "$@" -a names
}

`,
  )
  .join('')}local curcontext="$curcontext" state line typed=$words[1] ret=1
local -a choices before
local -i i
typeset -A opt_args

_arguments -C -s -S${startsCommand ? " -A '-*'" : ''} \\
${specs.map((spec) => `    ${spec} \\\n`).join('')}    && ret=0
${startsCommand || operands.size === 0 ? '' : dispatch}
return ret
`;
}

function optionSpec(
  own: string,
  { short, long, help, value, isOptional, candidates, repeats }: CompletedOption,
): string {
  const spellings = [
    ...(short ? [`-${short}${value ? '+' : ''}`] : []),
    ...(long ? [`--${long}${value ? '=' : ''}`] : []),
  ];
  const others = [short && `-${short}`, long && `--${long}`].filter(Boolean).join(' ');
  const explanation = `[${help.replace(/[[\]\\]/g, '\\$&')}]`;
  const argument = value
    ? `${isOptional ? '::' : ':'}${value}:${candidates ? action(own, candidates) : ' '}`
    : '';
  // -dd is -d twice, so letters can be repeated; for most it makes no difference
  const first = repeats ? "'*'" : shellQuote(`(${others})`);
  const names = spellings.length > 1 ? `{${spellings.join(',')}}` : spellings[0];
  return `${first}${names}${shellQuote(`${explanation}${argument}`)}`;
}

function action(own: string, candidates: Candidates): string {
  if ('words' in candidates) return `(${candidates.words.map(({ word }) => word).join(' ')})`;
  return ACTIONS[candidates.names] ?? `${own}_${candidates.names}`;
}

function offer(own: string, candidates: Candidates): string {
  if ('names' in candidates) return ACTIONS[candidates.names] ?? `${own}_${candidates.names}`;
  const words = candidates.words.map(({ word, meaning }) =>
    shellQuote(meaning ? `${word}:${meaning.replaceAll(':', '\\:')}` : word),
  );
  return `{ choices=(${words.join(' ')}); _describe -t words word choices }`;
}
