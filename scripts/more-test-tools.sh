#!/usr/bin/env bash
# Built by Go into the cache of scripts/test-tools.sh, some 15 minutes of CPU, so it has to be asked for: fake-gcs-server
# for test/stores, and kube-apiserver for test/server/kubernetes.test.ts, which also needs etcd (Debian's etcd-server) and
# openssl. Without them these tests are skipped, and counted.
set -euo pipefail

version=${1:-1.34.2}
cache=${OPENDATA_TEST_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/opendata-test-tools}
mkdir -p "$cache"
GOBIN=$cache go install github.com/fsouza/fake-gcs-server@v1.56.1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

go mod init kube-apiserver
file=$(go mod download -json "k8s.io/kubernetes@v$version" | node -p 'JSON.parse(require("node:fs").readFileSync(0)).GoMod')
# Kubernetes takes its own modules from its tree; outside of it they are the ones that are published with it.
grep -oE '^\s*k8s.io/[a-z-]+ =>' "$file" | awk '{print $1}' | sort -u | while read -r module; do
  go mod edit -replace "$module=$module@v0.${version#1.}"
done
go mod edit -require "k8s.io/kubernetes@v$version"
go build -mod=mod -trimpath -ldflags '-s -w' -o "$cache/kube-apiserver" k8s.io/kubernetes/cmd/kube-apiserver
echo "$cache/kube-apiserver"
