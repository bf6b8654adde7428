#!/usr/bin/env bash
# The suite on what `@flcm/flags-node` chooses when its addon is gone: `without-addon.sh CASES.jsonl`.
set -euo pipefail
cd "$(dirname "$0")/../.."
hidden=$(mktemp -d)
trap 'mv "$hidden"/*.node pkg/node/; rmdir "$hidden"' EXIT
mv pkg/node/*.node "$hidden/"
node tests/parity/node.js default "$1" | tee "$hidden.log"
grep -q '^wasm: .* agree' "$hidden.log" || { echo "error: it was not the wasm engine that ran" >&2; exit 1; }
rm "$hidden.log"
