#!/bin/sh
":" /*
# Node changes its own process at start-up in ways that a program started by smc_run must not see, and cannot tell
# afterwards what was there before: signals that are ignored (nohup) or blocked, the soft limit of open files,
# inherited descriptors. So a shell takes a look first, without starting a process, and then becomes node; node
# takes these lines for a comment. Run as "node smc_run.js" all works but for that.
state=
if [ -r /proc/self/status ]; then
  while read -r key value; do
    case $key in
      SigIgn:) state="$state,ign=$value" ;;
      SigBlk:) state="$state,blk=$value" ;;
    esac
  done </proc/self/status
  while read -r first second third soft rest; do
    case "$first $second $third" in 'Max open files') state="$state,nofile=$soft" ;; esac
  done </proc/self/limits
  fds=
  for fd in /proc/self/fd/[0-9]*; do
    # not this script, which the shell has open
    case ${fd#/proc/self/fd/} in
      [012]) ;;
      *) if [ -e "$fd" ] && ! [ "$fd" -ef "$0" ]; then fds="$fds ${fd#/proc/self/fd/}"; fi ;;
    esac
  done
  state="$state,fds=$fds"
fi
export SMC_RUN_STATE="$state"
exec node "$0" "$@"
*/
require('../dist/commands/smc_run.cjs').run();
