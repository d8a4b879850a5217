#!/bin/busybox sh
# The first process of a guest: mounts what programs expect, runs the test programs of /vm/runs as the users named there,
# and says on the console how each went, in lines that begin with @@. Then the guest ends. On the kernel's
# command line, `vm=shell` means a shell instead of tests, and `vm=trial` nothing at all.
busybox mount -t proc proc /proc
if [ "$vm" = trial ]; then
    echo "@@TRIAL"
    busybox sleep 1
    busybox reboot -f
fi
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs dev /dev
busybox mkdir -p /dev/pts /dev/shm
busybox mount -t devpts -o mode=620,ptmxmode=666 devpts /dev/pts
busybox mount -t tmpfs -o mode=1777,size=75%,nr_inodes=1000000 shm /dev/shm
busybox mount -t tmpfs -o mode=1777,size=75%,nr_inodes=1000000 tmp /tmp
busybox mount -t tmpfs -o mode=0755 run /run
busybox mount -t cgroup2 cgroup /sys/fs/cgroup 2>/dev/null
busybox ln -snf /proc/self/fd /dev/fd
busybox ln -sf /proc/self/fd/0 /dev/stdin
busybox ln -sf /proc/self/fd/1 /dev/stdout
busybox ln -sf /proc/self/fd/2 /dev/stderr
busybox --install -s /bin
ln -s /bin/busybox /usr/bin/env
ln -s /bin/busybox /usr/bin/setsid
ip link set lo up
hostname guest
chown 1000:1000 /home/user
. /vm/environment
ulimit -c 0

# Seconds since the start, with hundredths.
now() { read -r up _ </proc/uptime; echo "$up"; }
# Dropped with whatever a test left running.
beat() { while sleep 10; do echo "@@ALIVE"; done & }
# As the user $1: the command $2. A user's own variables, and no more privileges.
as() {
    case $1 in
    root) HOME=/root USER=root LOGNAME=root sh -c "$2" ;;
    *) HOME=/home/$1 USER=$1 LOGNAME=$1 su -p -s /bin/sh "$1" -c "$2" ;;
    esac
}

if [ "$vm" = shell ]; then
    echo "Test programs: /vm/runs. End the guest by: exit"
    stty sane -F /dev/console 2>/dev/null
    HOME=/root setsid -c sh -l </dev/console >/dev/console 2>&1
    reboot -f
fi

echo "@@KERNEL $(uname -r)"
for user in $(cut -f1 /vm/runs | sort -u); do
    echo "@@DOCTOR $user $(as "$user" "$NONO_TEST_BIN_DIR/nono doctor --json" | tr -d '\n')"
done
count=0
beat
# The list is on descriptor 9: a test that reads its input must not eat it.
while IFS='	' read -r user group directory program rest <&9; do
    echo "@@BEGIN $user $group"
    began=$(now)
    as "$user" "cd '$directory' && exec timeout -s KILL '$vm_limit' '$program' $rest" </dev/null 9<&- 2>&1
    status=$?
    kill -9 -1 2>/dev/null
    beat
    # A test may have ended in the middle of a line.
    echo
    echo "@@END $user $group $status $began $(now)"
    count=$((count + 1))
done 9</vm/runs
echo "@@DONE $count"
# The console may still be at it.
sleep 1
reboot -f
