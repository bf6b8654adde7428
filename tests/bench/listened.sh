#!/usr/bin/env bash
# A server, started as its arguments say, while 20 pages of the dashboard listen to what happens. `FLCM` names the
# program. `just bench listened` measures it. The pages cost next to nothing themselves: each is a curl.
set -euo pipefail

listen() {
  while read -r line; do
    echo "$line" >&2
    [[ $line =~ listening\ on\ ([^ ]+) ]] || continue
    for _ in {1..20}; do curl -sN "http://${BASH_REMATCH[1]}/events" -o /dev/null & done
  done
}

exec "${FLCM:?names the program}" "$@" 2> >(listen)
