# SPDX-License-Identifier: MIT
# Read by the interactive zsh that capture.zsh types into: the completion system prints what it is given.
PS1= PROMPT_EOL_MARK=
setopt extended_glob
fpath=($COMPLETIONS $fpath)
[[ -r ~/.zshrc ]] && source ~/.zshrc
autoload -U compinit
compinit -u -D

compadd() {
  # some calls filter lists for their caller and add nothing
  if [[ ${@[1,(i)(-|--)]} == *-[a-zA-Z]#[OAD]\ * ]]; then
    builtin compadd "$@"
    return
  fi
  local -a hits
  builtin compadd -O hits "$@"
  (( $#hits )) && print -rl -- "offers <"$^hits">"
  builtin compadd "$@"
}

complete() {
  _main_complete
  print -r -- "the end"
}
zle -C complete-word complete-word complete
bindkey "^I" complete-word
print -r -- "is ""ready"
