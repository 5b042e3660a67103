# SPDX-License-Identifier: MIT
# Read by the interactive bash that capture.zsh types into. bash-completion finds the file of the command $PROGRAM by
# itself; its function then prints what it offers.
PS1= PS2=
. /usr/share/bash-completion/bash_completion
_completion_loader "$PROGRAM"
read -r _ _ function _ < <(complete -p "$PROGRAM")
capture() {
  "$function" "$@"
  echo
  ((${#COMPREPLY[@]} > 0)) && printf 'offers <%s>\n' "${COMPREPLY[@]}"
  echo 'the end'
}
complete -F capture "$PROGRAM"
bind 'set enable-bracketed-paste off'
echo 'is 'ready
