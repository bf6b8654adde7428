#!/usr/bin/env bash
# Chromium, and openssl for a certificate, from the system's packages: no test downloads a browser of its own. CHROMIUM
# names another one.
set -euo pipefail
chromium=${CHROMIUM:-/usr/bin/chromium}
there() { [[ -x $chromium ]] && command -v openssl >/dev/null; }

if ! there && [[ -z ${CHROMIUM:-} && $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium openssl
fi
there || {
  echo "error: the tests need Chromium and openssl, and $chromium or openssl is missing" >&2
  echo "help: install them (Debian: \`apt-get install chromium openssl\`), or name the first in CHROMIUM" >&2
  exit 1
}
