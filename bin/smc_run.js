#!/bin/sh
":" /*
# Node changes its own process at start-up in ways that a program started by smc_run must not see, and cannot tell
# afterwards what was there before: signals that are ignored (nohup) or blocked, the soft limit of open files,
# inherited and closed descriptors. So a shell takes a look first and becomes node, for which this is a comment.
# The shell for its part drops variables that it cannot name (a.b, BASH_FUNC_f%%), sets others anew (PWD, IFS), and
# may ignore signals itself (bash: SIGQUIT). So a child, which has none of that, hands over the bytes of /proc; the
# environment only if it is small enough for a variable. The names here are such that no exported one is changed.
# Run as "node smc_run.js" all works but for that.
smc_run_state=
if [ -r /proc/self/status ]; then
  smc_run_state=closed=
  for smc_run_key in 0 1 2; do
    [ -e "/proc/self/fd/$smc_run_key" ] || smc_run_state="$smc_run_state $smc_run_key"
  done
  smc_run_state="$smc_run_state,fds="
  for smc_run_value in /proc/self/fd/[0-9]*; do
    smc_run_key=${smc_run_value#/proc/self/fd/}
    # not this script, which the shell has open
    case $smc_run_key in
      [012]) ;;
      *) [ -e "$smc_run_value" ] && ! [ "$smc_run_value" -ef "$0" ] && smc_run_state="$smc_run_state $smc_run_key" ;;
    esac
  done
  if smc_run_value=$(od -An -v -tx1 "/proc/$$/environ" /proc/self/status /proc/self/limits 2>/dev/null) &&
    [ ${#smc_run_value} -lt 120000 ]; then
    smc_run_state="$smc_run_state,all=$smc_run_value"
    # meant for the program: with --inspect-brk this node would wait for a debugger
    unset NODE_OPTIONS NODE_CHANNEL_FD
  else
    smc_run_state="$smc_run_state,status=$(od -An -v -tx1 /proc/self/status /proc/self/limits 2>/dev/null)"
  fi
fi
export SMC_RUN_STATE="$smc_run_state"
# Node cannot start in every place; smc-start finds out, and helps. npm calls this file by a link in PREFIX/bin or
# node_modules/.bin; start.sh is beside the file, not beside the link. To follow any other link takes a process.
for smc_tools in "${0%/*}/.." "${0%/*}/../lib/node_modules/smc-tools" "${0%/*}/../smc-tools" ''; do
  [ -e "$smc_tools/bin/start.sh" ] && [ "$smc_tools/bin/${0##*[/]}" -ef "$0" ] && break
done
[ "$smc_tools" ] || { smc_tools=$(readlink -f "$0") && smc_tools=${smc_tools%/*}/..; }
[ -r "$smc_tools/bin/start.sh" ] && . "$smc_tools/bin/start.sh"
command -v node >/dev/null || {
  echo "smc_run: Node.js cannot start: there is no node in PATH ($PATH)" >&2
  exit 1
}
exec node "$0" "$@"
*/
try {
  require.resolve('./start.js');
} catch {
  console.error(
    `smc_run: ${__filename} is part of the package smc-tools and does not work alone; install the package, or link to the file in it`,
  );
  process.exit(1);
}
require('./start.js').start('smc_run');
