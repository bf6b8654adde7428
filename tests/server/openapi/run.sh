#!/usr/bin/env bash
# Asks a real server whatever its description allows, and more: schemathesis, in an environment of its own below target.
set -euo pipefail
cd "$(dirname "$0")/../../.."
binary=${1:-target/debug/flcm}
tools=target/schemathesis
[[ -x $tools/bin/schemathesis ]] || { python3 -m venv "$tools"; "$tools/bin/pip" --quiet install schemathesis==4.32.5; }
folder=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
cp examples/feature-flags.yaml "$folder/flags.yaml"
"$binary" key tester --role admin 2>/dev/null >"$folder/key"
printf '[%s]' "$(sed -n 2p "$folder/key")" >"$folder/keys.json"
"$binary" serve "$folder/flags.yaml" --listen 127.0.0.1:0 --keys "$folder/keys.json" 2>"$folder/log" &
server=$!
until address=$(sed -n 's/^listening on //p' "$folder/log") && [[ -n $address ]]; do kill -0 "$server" || { cat "$folder/log"; exit 1; }; sleep 0.1; done
export SCHEMATHESIS_HOOKS=tests/server/openapi/hooks.py
# Streams have no end.
"$tools/bin/schemathesis" --config-file tests/server/openapi/schemathesis.toml run "http://$address/openapi.json" \
    --header "Authorization: Bearer $(sed -n 1p "$folder/key")" --exclude-path /flags/stream \
    --max-examples "${EXAMPLES:-100}" --request-timeout 10 --no-color
kill -0 "$server" || { cat "$folder/log"; exit 1; }
