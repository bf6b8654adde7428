#!/usr/bin/env bash
# Chromium and its driver, and openssl for a certificate, from the system's packages: no test downloads a browser of its own.
# CHROMIUM and CHROMEDRIVER name others.
set -euo pipefail
chromium=${CHROMIUM:-/usr/bin/chromium}
driver=${CHROMEDRIVER:-/usr/bin/chromedriver}
there() { [[ -x $chromium && -x $driver ]] && command -v openssl >/dev/null; }

if ! there && [[ -z ${CHROMIUM:-} && -z ${CHROMEDRIVER:-} && $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium chromium-driver openssl
fi
there || {
  echo "error: the tests need Chromium, chromedriver and openssl, and $chromium, $driver or openssl is missing" >&2
  echo "help: install them (Debian: \`apt-get install chromium chromium-driver openssl\`), or name the first two in CHROMIUM and CHROMEDRIVER" >&2
  exit 1
}
