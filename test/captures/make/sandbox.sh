#!/bin/sh
# sandbox.sh WORK: a real systemd-journald with its own /run, /dev, machine ID and host name.
# Run under "unshare -m -u"; the journal is written to WORK/journal, SIGTERM ends it.
set -e
W=$1
mount --make-rprivate /
hostname worker-7
mkdir -p "$W/dev" "$W/journal" "$W/etc"
mount -t tmpfs tmpfs "$W/dev"
for d in kmsg null zero urandom random full; do touch "$W/dev/$d"; mount --bind "/dev/$d" "$W/dev/$d"; done
echo 5f4dcc3b5aa765d61d8327deb882cf99 > "$W/etc/machine-id"
mount --bind "$W/etc/machine-id" /etc/machine-id
mkdir -p "$W/run"
mount -t tmpfs tmpfs "$W/run"
mkdir -p "$W/run/systemd/journal" "$W/run/systemd/journald.conf.d" "$W/run/log/journal"
mount --bind "$W/journal" "$W/run/log/journal"
cat > "$W/run/systemd/journald.conf.d/own.conf" <<'END'
[Journal]
Storage=volatile
Audit=no
ReadKMsg=yes
RateLimitIntervalSec=0
ForwardToSyslog=no
ForwardToKMsg=no
ForwardToConsole=no
ForwardToWall=no
END
mount --rbind "$W/run" /run
mount --rbind "$W/dev" /dev
exec /lib/systemd/systemd-journald
