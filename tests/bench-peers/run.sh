#!/usr/bin/env bash
# Installs and builds what is not there, and measures: bash tests/bench-peers/run.sh [OPTION…], with the options of run.js.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
options=" $* "
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$here/target}
bash "$here/install.sh"
if [[ $options != *" --npm-only "* ]]; then
  cargo build --release --locked --manifest-path "$here/rust/flcm/Cargo.toml"
  # A peer that does not build is reported with the others' results.
  cargo build --release --locked --keep-going --manifest-path "$here/rust/Cargo.toml" || echo "not every peer was built" >&2
fi
node "$here/run.js" "$@"
