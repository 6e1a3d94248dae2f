#!/bin/sh
# Records what go-jsonnet, the evaluator of Kratos, makes of every mapper here with every set of claims:
#   go install github.com/google/go-jsonnet/cmd/jsonnet@v0.21.0
# `documentation/` holds the shapes of Ory's documentation: mappers, session tokenizers and bodies of web hooks.
set -eu
cd "$(dirname "$0")"
none='{"traits":{},"metadata_public":{},"metadata_admin":{}}'

# one <mapper> <further options of jsonnet…>
one() {
  mapper=$1
  shift
  comma='{'
  for claims in claims/*.json; do
    output=$(jsonnet --ext-code-file claims="$claims" "$@" "$mapper" 2>/dev/null) || output='"fails"'
    printf '%s\n"%s": %s' "$comma" "$(basename "$claims" .json)" "$output"
    comma=','
  done
  printf '\n}\n'
}

for mapper in *.jsonnet; do
  one "$mapper" --ext-code identity="$none" >"${mapper%.jsonnet}.recorded.json"
done
in=documentation/inputs
for mapper in documentation/*.jsonnet; do
  set -- --ext-code-file identity=$in/identity.json
  case $mapper in
    */hook-*) set -- "$@" --tla-code-file ctx=$in/ctx.json ;;
    *) set -- "$@" --ext-code-file session=$in/session.json --ext-code-file scim=$in/scim.json ;;
  esac
  one "$mapper" "$@" >"${mapper%.jsonnet}.recorded.json"
done
