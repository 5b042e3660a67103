# The guest's first process after init.sh: takes orders from the host on the second serial port, a line
# each, and answers there. What belongs to a job, the host has put into /run/bed/jobs/JOB before.
#
#   start JOB        run JOB/enter; answers "started JOB", at its end "done JOB STATUS" with the output
#                    in JOB/stdout and JOB/stderr
#   kill JOB SIGNAL  send a signal to all processes of the job's process group
#   poweroff

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

job() {
  # Jobs write to the guest's memory: each write to a shared directory costs a round trip to the host.
  shared=/run/bed/jobs/$1 own=/run/jobs/$1
  mkdir "$own"
  # This shell has its background jobs ignore SIGINT and SIGQUIT: env undoes that, and only then is the
  # job said to have started.
  setsid /usr/bin/env --default-signal /run/busybox sh -c '
    echo $$ > "$2/pid"
    echo "started $1" >&3
    exec 3>&-
    . "$3"
  ' enter "$1" "$own" "$shared/enter" < "$shared/stdin" > "$own/stdout" 2> "$own/stderr" &
  wait $!
  status=$?
  cp "$own/stdout" "$own/stderr" "$shared/"
  rm -r "$own"
  echo "done $1 $status" >&3
}

exec 3<>/dev/ttyS1
stty raw -echo <&3
echo ready >&3

serve() {
  while read -r order job signal <&3; do
    case $order in
      start) job "$job" & ;;
      kill) [ -e "/run/jobs/$job/pid" ] && kill "-$signal" "-$(cat "/run/jobs/$job/pid")" ;;
      poweroff) poweroff -f ;;
    esac
  done
}

# The first process gets the orphans of the whole guest. Only while it waits does it bury their dead.
serve &
wait
poweroff -f
