#!/bin/busybox sh
# The guest's first process, in the initramfs. It loads modules, makes the root file system and becomes
# the agent (agent.sh) in it. All commands are busybox's own; nothing of the host is needed until then.

fail() {
  echo "vm-bed: $1"
  poweroff -f
}

# Loads the modules that a list of the initramfs names.
load() {
  while read -r module; do
    options=
    # Without the option, dummy makes a device by itself.
    [ "$module" = dummy.ko ] && options=numdummies=0
    insmod "/modules/$module" $options || fail "cannot load $module"
  done < "/modules/$1"
}

# Mounts a directory that QEMU shares.
share() {
  mkdir -p "$2"
  mount -t 9p -o "trans=virtio,version=9p2000.L,msize=262144,$3" "$1" "$2" || fail "cannot mount $1"
}

# The shell finds its own commands only while /proc is mounted.
/bin/busybox --install -s /bin
export PATH=/bin

mkdir -p /proc /sys /dev
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
load base

share bed /bed cache=none
# Sets NAME (host name), MODULES (see GuestOptions), PROJECT (directory that must be visible), FILES (the `host`'s or its
# `own`) and CHANNEL (the line to the host).
. /bed/config
# smc keeps the host name that was set when it was loaded.
hostname "$NAME"
[ "$MODULES" = loaded ] && load smc

share host /host cache=loose,ro
mkdir /changes /new
mount -t tmpfs -o mode=755 changes /changes
mkdir /changes/upper /changes/work
mount -t overlay -o lowerdir=/host,upperdir=/changes/upper,workdir=/changes/work overlay /new || fail 'cannot make the root file system'

# The directories for scratch files are the guest's own, but a project in one of them must be visible.
mkdir /project
if [ "$FILES" = host ]; then
  mount --bind "/new$PROJECT" /project || fail "cannot see $PROJECT"
else
  share project /project cache=loose,ro
fi
mount --move /proc /new/proc
mount --move /sys /new/sys
mount --move /dev /new/dev
mkdir -p /new/dev/pts /new/dev/shm
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /new/dev/pts
mount -t tmpfs -o mode=1777 shm /new/dev/shm
mount -t tmpfs -o mode=1777 tmp /new/tmp
mount -t tmpfs -o mode=755 run /new/run
mkdir -p "/new$PROJECT"
mount --move /project "/new$PROJECT"

share modules /new/lib/modules cache=loose,ro
mkdir -p /new/run/bed /new/run/jobs /new/run/lock /new/share
chmod 1777 /new/run/lock
mount --move /bed /new/run/bed
mount --bind /new/run/bed/share /new/share
# shows what the guest has written to its file system, for tests of what is left behind
mkdir /new/run/changes
mount --bind /changes/upper /new/run/changes
cp /bin/busybox /agent /new/run/
ip link set lo up

# Kernel threads share this process's root directory. So a plain chroot in this process is needed for
# the kernel to find modprobe when it loads a module by itself.
export CHANNEL
exec chroot /new /run/busybox sh /run/agent
