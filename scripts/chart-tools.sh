#!/usr/bin/env bash
# What the tests of the charts need, into a cache: helm and kubeconform, built by Go, and Kubernetes' JSON schemas, from
# a package of PyPI. Needs go, pip and unzip; takes some minutes the first time and nothing after.
set -euo pipefail

helm=helm.sh/helm/v4/cmd/helm@v4.3.1
kubeconform=github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0
schemas=kubernetes-validate==1.37.0

cache=${OPENDATA_CHART_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/opendata-chart-tools}
mkdir -p "$cache"
for program in "$helm" "$kubeconform"; do
  name=$(basename "${program%@*}")
  [ -x "$cache/$name" ] || GOBIN=$cache go install "$program"
done
if [ ! -d "$cache/schemas" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  pip download --quiet --no-deps --dest "$work" "$schemas"
  unzip -q "$work"/*.whl '*/kubernetes-json-schema/*-strict/*' -d "$work"
  node "$(dirname "$0")/standalone-schemas.mjs" "$work/kubernetes_validate/kubernetes-json-schema" "$work/schemas"
  mv "$work/schemas" "$cache/schemas"
fi
echo "$cache"
