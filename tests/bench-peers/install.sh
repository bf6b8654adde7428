#!/usr/bin/env bash
# Installs the npm packages of the peers, unless they are there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[[ $here/node_modules/.package-lock.json -nt $here/package-lock.json ]] || npm ci --prefix "$here" --ignore-scripts --no-audit --no-fund
