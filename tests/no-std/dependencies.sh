#!/usr/bin/env bash
# The core depends on these crates and what they need, and nothing else.
set -euo pipefail
allowed='flcm-flags|libm|zerocopy|zerocopy-derive|proc-macro2|quote|syn|unicode-ident'
found=$(cargo tree --locked -p flcm-flags -e normal --prefix none --format '{p}' | cut -d' ' -f1 | sort -u)
printf '%s\n' "$found"
if printf '%s\n' "$found" | grep -qvxE "$allowed"; then
    echo "error: the core has a dependency that is not on the list in tests/no-std/dependencies.sh" >&2
    exit 1
fi
