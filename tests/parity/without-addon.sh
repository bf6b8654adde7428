#!/usr/bin/env bash
# The suite on what `@flcm/flags-node` chooses without an addon: `without-addon.sh CASES.jsonl`. It runs on a copy of the
# package, so that other tests may use the addon meanwhile.
set -euo pipefail
cd "$(dirname "$0")/../.."
copy=target/parity/without-addon
rm -rf "$copy"
mkdir -p "$copy"
cp -r pkg/node/dist pkg/node/package.json "$copy"
node tests/parity/node.js default "$1" "$copy/dist/index.js" | tee "$copy.log"
grep -q '^wasm: .* agree' "$copy.log" || { echo "error: it was not the wasm engine that ran" >&2; exit 1; }
