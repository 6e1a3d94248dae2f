# shellcheck shell=bash
# Becomes the first process of the machine that `machine.sh` starts: this machine's files with a layer in memory above.
set -e
at=$1
ip link set lo up
mount -t tmpfs -o size=1g tmpfs "$at"
mkdir "$at/upper" "$at/work" "$at/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$at/upper,workdir=$at/work" "$at/root"
mount -t proc proc "$at/root/proc"
mount -t sysfs sysfs "$at/root/sys"
mount -t cgroup2 cgroup2 "$at/root/sys/fs/cgroup"
mount -t tmpfs tmpfs "$at/root/run"
mount -t tmpfs tmpfs "$at/root/tmp"
mount --rbind /dev "$at/root/dev"
mount --make-rslave "$at/root/dev"
# Nothing of what is installed here is started there.
cat >"$at/root/etc/systemd/system/packaging-test.target" <<'UNIT'
[Unit]
Description=An empty machine
AllowIsolate=yes
UNIT
# No chroot: inside one nobody may make user namespaces, and the unit's PrivateUsers= does.
cd "$at/root"
mkdir -p old
pivot_root . old
umount -l /old
# As systemd does on real machines; credentials reach a service by way of a mount.
mount --make-rshared /
exec env -i container=packaging-test PATH="$PATH" \
  /lib/systemd/systemd --system --unit=packaging-test.target --log-target=console --show-status=no
