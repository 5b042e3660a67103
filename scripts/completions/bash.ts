// SPDX-License-Identifier: MIT
/** Completion for bash: one file per command, as bash-completion loads them. */
import {
  type Candidates,
  LOOK_UP,
  letters,
  lookUps,
  type Model,
  origin,
  shellQuote,
  takesNext,
} from './model.ts';

const COMPGEN: Readonly<Record<string, string>> = {
  file: '-f',
  directory: '-d',
  command: '-c',
  host: '-A hostname',
};

export function bash(model: Model): string {
  const { name, options, operands, startsCommand } = model;
  const { flags, valued } = letters(model);
  const long = options.flatMap(({ long, value }) => (long && value ? [long] : []));
  const glued = [
    ...(valued ? [`-[${flags}]*[${valued}]`] : []),
    ...(long.length > 0 ? [`--(${long.join('|')})=`] : []),
  ];
  const own = `_smc_tools_${name}`;
  const offer = (some: readonly Candidates[]): string => some.map((one) => offerOne(own, one)).join('; ');
  const spellings = options.flatMap(({ short, long }) => [
    ...(short ? [`-${short}`] : []),
    ...(long ? [`--${long}`] : []),
  ]);
  const delegate = `            if declare -F _comp_command_offset >/dev/null; then
                _comp_command_offset "\${starts[i]}"
            elif declare -F _command_offset >/dev/null; then
                _command_offset "\${starts[i]}"
            else
                ${own}_compgen -f
            fi
            return
`;
  return `${origin(model)}

# Offers the lines of standard input that begin with what is typed. They are compared as text and quoted; compgen -W
# would expand what is in them.
${own}_offer() {
    local word
    while IFS= read -r word; do
        word=$prefix$word
        [[ $word == "$cur"* ]] || continue
        word=\${word#"$strip"}
        printf -v word %q "$word"
        COMPREPLY+=("$word")
    done
}

${own}_words() {
    ${own}_offer < <(printf '%s\\n' "$@")
}

${own}_compgen() {
    local found
    compopt -o filenames 2>/dev/null
    mapfile -t found < <(compgen "$@" -- "\${cur#"$prefix"}")
    COMPREPLY+=("\${found[@]}")
}

${own}_names() {
    case $1 in
${lookUps(model)
  .map(
    (kind) => `        ${kind}) ${own}_offer < <(sh -c ${shellQuote(LOOK_UP[kind])} sh "\${words[0]}") ;;\n`,
  )
  .join('')}        *) ;;
    esac
}

${own}() {
    local i cur rest=$COMP_LINE breaks='' strip='' prefix='' operands='' option='' ended=''
    local -a words=() starts=()
    COMPREPLY=()
    # bash splits words at = and : as well (--interface=eth0, PCI addresses); here they are whole again
    for ((i = 0; i <= COMP_CWORD; i++)); do
        if ((i == 0)) || [[ $rest == [[:space:]]* ]]; then
            words+=("")
            starts+=("$i")
            rest=\${rest#"\${rest%%[![:space:]]*}"}
        fi
        words[-1]+=\${COMP_WORDS[i]}
        rest=\${rest#"\${COMP_WORDS[i]}"}
    done
    cur=\${words[-1]}
    [[ $COMP_WORDBREAKS == *=* ]] && breaks+='='
    [[ $COMP_WORDBREAKS == *:* ]] && breaks+=':'
    # what readline leaves where it is
    [[ $breaks ]] && strip=\${cur%"\${cur##*[$breaks]}"}

    for ((i = 1; i < \${#words[@]} - 1; i++)); do
        if [[ $ended ]]; then
            operands+="\${operands:+ }\${words[i]}"
        elif [[ \${words[i]} == -- ]]; then
            ended=yes
        elif [[ \${words[i]} =~ ${takesNext(model)} ]]; then
            option=\${words[i++]}
        elif [[ \${words[i]} != -?* ]]; then
${startsCommand ? delegate : `            operands+="\${operands:+ }\${words[i]}"\n`}        fi
    done
    # is the last word the value of an option?
    if ((i < \${#words[@]})); then
        option=''
        if [[ -z $ended && $cur =~ ${glued.length > 0 ? `^(${glued.join('|')})` : '^$.'} ]]; then
            prefix=\${BASH_REMATCH[0]}
            option=\${prefix%=}
        fi
    fi

    case $option in
        '') ;;
${options
  .filter(({ value }) => value !== undefined)
  .map(({ short, long, candidates }) => {
    const patterns = [...(long ? [`--${long}`] : []), ...(short ? [`-*${short}`] : [])].join(' | ');
    return `        ${patterns})\n            ${candidates ? offer([candidates]) : ':'}\n            return\n            ;;\n`;
  })
  .join('')}    esac

    if [[ -z $ended && $cur == -* ]]; then
        ${own}_words ${spellings.join(' ')}
        return
    fi
    case $operands in
${[...operands]
  .map(([before, some]) => `        ${shellQuote(before)}) ${offer(some)} ;;\n`)
  .join('')}        *) ;;
    esac
}

complete -F ${own} ${name}
`;
}

function offerOne(own: string, candidates: Candidates): string {
  if ('words' in candidates)
    return `${own}_words ${candidates.words.map(({ word }) => shellQuote(word)).join(' ')}`;
  const compgen = COMPGEN[candidates.names];
  return compgen ? `${own}_compgen ${compgen}` : `${own}_names ${candidates.names}`;
}
