#!/bin/sh
# Builds Prometheus from the Go module proxy, for the tests that compare answers with it.
#
#   scripts/build-prometheus.sh FOLDER [VERSION]
#
# Needs Go and some minutes. The binary is FOLDER/prometheus; tests find it by the environment variable
# PROMETHEUS_NEWEST. VERSION is a module version, for instance v0.315.0 for Prometheus 3.15; the default is the newest.
set -eu

if [ $# -lt 1 ]; then
  echo "usage: $0 FOLDER [VERSION]" >&2
  exit 2
fi
mkdir -p "$1"
folder=$(cd "$1" && pwd)
version=${2:-latest}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
go mod init prometheus-build >/dev/null 2>&1
go get "github.com/prometheus/prometheus/cmd/prometheus@$version"
go build -o "$folder/prometheus" github.com/prometheus/prometheus/cmd/prometheus
"$folder/prometheus" --version
echo "PROMETHEUS_NEWEST=$folder/prometheus"
