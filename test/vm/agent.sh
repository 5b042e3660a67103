# The guest's first process after init.sh: takes orders from the host on $CHANNEL, a serial port, one per
# line, and answers there. Before that, the host has put the files of a job into /run/bed/jobs/JOB.
#
#   start JOB        run JOB/enter; answers "started JOB", and at its end "done JOB STATUS", with the output
#                    in JOB/stdout and JOB/stderr
#   kill JOB SIGNAL  send a signal to all processes of the job's process group
#   poweroff

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

job() {
  # Jobs write to the guest's memory, because each write to a shared directory costs a round trip to the host.
  shared=/run/bed/jobs/$1 own=/run/jobs/$1
  mkdir "$own"
  # This shell makes its background jobs ignore SIGINT and SIGQUIT. env undoes that, and only then the job
  # is reported as started.
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

# Handles one order; descriptor 3 is the serial port.
if [ $# -gt 0 ]; then
  set -- $1
  case $1 in
    start) job "$2" & ;;
    kill) [ -e "/run/jobs/$2/pid" ] && kill "-$3" "-$(cat "/run/jobs/$2/pid")" ;;
    poweroff) poweroff -f ;;
  esac
  exit
fi

exec 3<>"$CHANNEL"
stty raw -echo <&3
echo ready >&3

# The shell must not read the orders itself: busybox's read starts again when the end of a child interrupts it, and loses
# the part of the line that it has already read.
/run/busybox xargs -I ORDER /run/busybox sh "$0" ORDER <&3 &

# The first process inherits the orphans of the whole guest. It reaps them only while it waits.
wait
poweroff -f
