#!/usr/bin/env bash
# Programs of others that the server is tested with, from the system's packages: Prometheus with promtool, nginx, Caddy,
# and Python 3 with venv.
set -euo pipefail
PATH=$PATH:/usr/sbin
missing() { for tool in prometheus promtool nginx caddy python3; do command -v "$tool" >/dev/null || echo "$tool"; done; }

if [[ -n $(missing) && $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    # The tests start what they need. As services these would take ports.
    policy=/usr/sbin/policy-rc.d
    if [[ ! -e $policy ]]; then
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod +x $policy
        trap 'rm -f $policy' EXIT
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends prometheus nginx-light caddy python3 python3-venv
fi
if [[ -n $(missing) ]]; then
    echo "error: the tests of the server need programs that are missing: $(missing | tr '\n' ' ')" >&2
    echo "help: install them (Debian: \`apt-get install prometheus nginx-light caddy python3-venv\`)" >&2
    exit 1
fi
