# SPDX-License-Identifier: MIT
# zsh -f capture.zsh SHELL LINE [run]: types LINE and the Tab key into an interactive bash or zsh in a
# pseudo-terminal, and prints what it offers, one word a line. With "run" the Enter key follows, and the output is that
# of the command, up to its line "the end". COMPLETIONS is the directory of the completions.
zmodload zsh/zpty
here=${0:A:h}
export PROGRAM=${2%% *}
case $1 in
  zsh) zpty z zsh -f -i ;;
  bash) zpty z bash --noprofile --norc -i ;;
esac
zpty -w z "source ${(q)here}/inside.$1"
zpty -r -m z output $'*is ready\r*'
zpty -w -n z "$2"$'\t'
zpty -r -m z output '*the end*'
if [[ $3 == run ]]; then
  zpty -w -n z $'\n'
  zpty -r -m z output '*the end*'
fi
for line in ${(f)output}; do
  line=${line%$'\r'}
  [[ $line == *'offers <'*'>' ]] && print -r -- "${${line#*offers <}%>}"
done
zpty -d z
