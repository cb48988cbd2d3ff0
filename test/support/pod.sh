#!/bin/sh
# Runs a program as a container would: a root of its own that is read-only, the user 1000 without any capability.
# Usage: pod.sh ROOT NODE APP [SOURCE:TARGET:MODE]... -- ARGUMENT...    (as root, inside `unshare --mount`)
# MODE is ro, rw, or a size such as 8m: a file system of that size, empty, instead of SOURCE.
set -e
root=$1 node=$2 app=$3
shift 3
mount -t tmpfs -o mode=755 pod "$root"

# bind SOURCE TARGET ro|rw
bind() {
  if [ -d "$1" ]; then mkdir -p "$root$2"; else mkdir -p "$root$(dirname "$2")"; : >"$root$2"; fi
  mount --bind "$1" "$root$2"
  if [ "$3" = ro ]; then mount -o remount,bind,ro "$root$2"; fi
}

for folder in /bin /lib /lib64 /usr /etc; do
  if [ -L "$folder" ]; then ln -s "$(readlink "$folder")" "$root$folder"; elif [ -d "$folder" ]; then bind "$folder" "$folder" ro; fi
done
bind "$node" /node ro
bind "$app" /app ro
mkdir -p "$root/proc" "$root/dev" "$root/tmp"
mount -t proc proc "$root/proc" 2>/dev/null || mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"
while [ "$1" != -- ]; do
  source=${1%%:*}
  target=${1#*:}
  mode=${target#*:}
  target=${target%%:*}
  case $mode in
    ro | rw) bind "$source" "$target" "$mode" ;;
    *) mkdir -p "$root$target" && mount -t tmpfs -o "size=$mode,uid=1000,gid=1000" volume "$root$target" ;;
  esac
  shift
done
shift
mount -o remount,ro "$root"
exec chroot "$root" setpriv --reuid 1000 --regid 1000 --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all /node "$@"
