#!/usr/bin/env bash
# Runs the tests inside the wasm crate where it will run: `wasm-test.sh TARGET`, with the runner built into TARGET.
set -euo pipefail
target=$(realpath "$1")
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER=$target/debug/wasm-test-runner
export CHROMEDRIVER=${CHROMEDRIVER:-/usr/bin/chromedriver}
export WASM_BINDGEN_TEST_WEBDRIVER_JSON=$target/webdriver.json
cat >"$WASM_BINDGEN_TEST_WEBDRIVER_JSON" <<END
{ "goog:chromeOptions": { "binary": "${CHROMIUM:-/usr/bin/chromium}", "args": ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"] } }
END

# The runner is content with no tests at all; we are not.
run() {
  cargo test --locked --target wasm32-unknown-unknown -p flcm-flags-wasm --lib | tee "$target/wasm-test.log"
  grep -q '^test result: ok. [1-9]' "$target/wasm-test.log" || { echo "error: no test ran" >&2; exit 1; }
}
echo "in Node"
run
echo "in Chromium"
WASM_BINDGEN_USE_BROWSER=1 run
