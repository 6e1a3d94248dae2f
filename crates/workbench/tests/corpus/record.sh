#!/bin/sh
# Records what go-jsonnet, the evaluator of Kratos, makes of every mapper here with every set of claims:
#   go install github.com/google/go-jsonnet/cmd/jsonnet@v0.21.0
set -eu
cd "$(dirname "$0")"
identity='{"traits":{},"metadata_public":{},"metadata_admin":{}}'
for mapper in *.jsonnet; do
  {
    comma='{'
    for claims in claims/*.json; do
      output=$(jsonnet --ext-code-file claims="$claims" --ext-code identity="$identity" "$mapper" 2>/dev/null) || output='"fails"'
      printf '%s\n"%s": %s' "$comma" "$(basename "$claims" .json)" "$output"
      comma=','
    done
    printf '\n}\n'
  } >"${mapper%.jsonnet}.recorded.json"
done
