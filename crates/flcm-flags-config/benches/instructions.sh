#!/usr/bin/env bash
# Instructions per operation: each case runs 1,000 and 2,000 times under callgrind, and the difference is divided. What
# starts up and sets up drops out, and other load on the machine does not count.
set -euo pipefail
command -v valgrind >/dev/null || { echo "error: valgrind is missing: install it by your package manager" >&2; exit 1; }
binary=$(cargo bench --locked -p flcm-flags-config --bench instructions --no-run 2>&1 | sed -n 's/.*(\(.*\))$/\1/p' | tail -n 1)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

count() {
    valgrind --tool=callgrind --callgrind-out-file="$scratch/out" "$binary" "$1" "$2" 2>&1 | awk '/Collected/ { print $4 }'
}

printf '%-16s %12s\n' case instructions
for case in percentage targeted dependent pattern version bind look-up-many decide-all-many load-many \
    breaker-step breaker-idle breaker-outcome; do
    once=$(count "$case" 1000)
    twice=$(count "$case" 2000)
    printf '%-16s %12d\n' "$case" $(((twice - once) / 1000))
done

# From the text of a document to its snapshot, in thousands of instructions.
for case in json-document-1000 yaml-document-1000 json-document-10000 yaml-document-10000; do
    none=$(count "$case" 0)
    once=$(count "$case" 1)
    printf '%-20s %8d k\n' "$case" $(((once - none) / 1000))
done
