#!/usr/bin/env bash
# Builds a container image: `bash deploy/container.sh [NAME]`. Needs musl-gcc and buildah, which are Debian's packages
# musl-tools and buildah, the certificates of ca-certificates, and Node for the dashboard.
set -euo pipefail
cd "$(dirname "$0")/.."
name=${1:-flcm-flags}
target=${CARGO_TARGET_DIR:-target}
triple=$(uname -m)-unknown-linux-musl
for tool in musl-gcc buildah; do
    command -v "$tool" >/dev/null || { echo "$tool is missing: apt-get install musl-tools buildah" >&2; exit 1; }
done
rustup target add "$triple"
# The linker of the host, because rustc brings what musl needs; musl-gcc for the C code of SQLite and ring.
export CC_"${triple//-/_}"=musl-gcc
# Into the crate that embeds it.
npx --yes rust-just@1.57.0 dashboard
cargo build --release --locked --target "$triple" -p flcm

context=$target/container
rm -rf "$context"
mkdir -p "$context/data"
cp "$target/$triple/release/flcm" /etc/ssl/certs/ca-certificates.crt "$context"
# Without namespaces of users, as in another container, buildah can only use the folder isolation of chroot.
buildah build --isolation chroot --tag "$name" --file deploy/Containerfile "$context"
