# shellcheck shell=bash
# Runs one command as a container runtime does: its own mounts and processes, files read-only but for its volumes, not
# root, no privilege to be had. The network is that of the caller. Called by image.mjs.
#
#   container.sh <root> <folder> <user> <group> <count of mounts> (<ro|rw|scratch> <source> <target>)… <command…>
set -euo pipefail
if [ "${1:-}" != inside ]; then
  exec setpriv --no-new-privs unshare --mount --pid --fork --kill-child bash "$0" inside "$@"
fi
shift
root=$1 workdir=$2 user=$3 group=$4 mounts=$5
shift 5
mount --bind "$root" "$root"
while [ "$mounts" -gt 0 ]; do
  if [ "$1" = scratch ] || [ -d "$2" ]; then mkdir -p "$root$3"; else mkdir -p "$root$(dirname "$3")" && touch "$root$3"; fi
  case $1 in
    scratch) mount -t tmpfs -o mode=1777 tmpfs "$root$3" ;;
    rw) mount --bind "$2" "$root$3" ;;
    ro) mount --bind "$2" "$root$3" && mount -o remount,bind,ro "$root$3" ;;
  esac
  shift 3
  mounts=$((mounts - 1))
done
mkdir -p "$root/proc" "$root/dev"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/dev"
for device in null zero full random urandom; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mount -o remount,bind,ro "$root"
mapfile -t environment <<<"$CONTAINER_ENVIRONMENT"
exec env -i "${environment[@]}" "$(command -v unshare)" --root="$root" --wd="$workdir" --setgid="$group" --setuid="$user" "$@"
