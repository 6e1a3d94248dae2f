# shellcheck shell=bash
# A machine of its own to install the package on: a real systemd in namespaces, over this machine's files, which it sees
# and cannot change. Sourced by `systemd`. Needs root and a cgroup2 hierarchy that root may write to.

MACHINE_CGROUP='' MACHINE_PID='' MACHINE_INIT=''

# machine_start <scratch folder>
machine_start() {
  local at=$1 cgroups
  cgroups=$(findmnt -n -t cgroup2 -o TARGET | head -n 1)
  [ -n "$cgroups" ] || { echo "there is no cgroup2 hierarchy"; return 1; }
  MACHINE_CGROUP=$cgroups/bia-packaging-$$
  mkdir "$MACHINE_CGROUP" || return 1
  mkdir -p "$at/machine"
  # The shell enters the control group, then becomes the machine.
  bash -c 'echo $BASHPID >"$1/cgroup.procs" && exec unshare --fork --pid --mount --uts --ipc --net --cgroup --kill-child \
    bash "$2" "$3"' - "$MACHINE_CGROUP" "${here:?is set by who sources this}/machine-init.sh" "$at/machine" >"$at/machine.log" 2>&1 &
  MACHINE_PID=$!
  for _ in $(seq 100); do
    MACHINE_INIT=$(pgrep -P "$MACHINE_PID" | head -n 1)
    if [ -n "$MACHINE_INIT" ] && machine systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded'; then return 0; fi
    kill -0 "$MACHINE_PID" 2>/dev/null || break
    sleep 0.2
  done
  cat "$at/machine.log"
  return 1
}

# Runs a command in the machine.
machine() {
  nsenter --target "$MACHINE_INIT" --mount --uts --ipc --net --pid --cgroup --root \
    env -i -C / PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive "$@"
}

machine_stop() {
  # The end of the first process is the end of all others.
  [ -z "$MACHINE_INIT" ] || kill -KILL "$MACHINE_INIT" 2>/dev/null || true
  [ -z "$MACHINE_PID" ] || wait "$MACHINE_PID" 2>/dev/null || true
  if [ -n "$MACHINE_CGROUP" ] && [ -d "$MACHINE_CGROUP" ]; then
    for _ in $(seq 50); do
      find "$MACHINE_CGROUP" -depth -type d -exec rmdir {} + 2>/dev/null && break
      sleep 0.1
    done
  fi
}
