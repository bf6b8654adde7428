#!/usr/bin/env bash
# This project beside other feature-flag SDKs, in one run: bash tests/bench/peers/run.sh FOLDER [ADAPTER…]
# FOLDER holds the bench of peers (run.mjs, adapters/, package-lock.json); it is copied, because it installs the peers.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:?say where the bench of peers is}
shift
adapters=("${@:-growthbook}")
copy=$here/../../../target/bench-peers
mkdir -p "$copy"
cp -R "$folder/." "$copy"
cd "$copy"
[[ -d node_modules ]] || npm ci --ignore-scripts --no-audit --no-fund
list=$here/flcm.mjs
for adapter in "${adapters[@]}"; do list+=,adapters/$adapter.mjs; done
node run.mjs --npm-only --adapters "$list" --workloads W1,W2,W3h,W4,W5 --rounds 2 --sample-ms 800 --warm-ms 400
