# Sourced by .ci/run: sets CARGO_TARGET_DIR to a folder of the user's, for this toolchain and these dependencies. Crates
# of crates.io that were compiled there are used again. Nothing else is: no npm package, no crate of the project. Where
# the folder cannot be used (no flock, a read-only home, another run in it), CARGO_TARGET_DIR stays unset and everything
# is compiled.

use_cache() {
    local cache=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}/flcm-flags-gate key
    # Without a home, or with a relative one, there is no folder of the user's.
    [[ $cache == /?*/flcm-flags-gate ]] || return 1
    key=$({ rustc -vV && cat Cargo.toml Cargo.lock tests/no-std/Cargo.*; } | sha256sum | cut -c1-16) || return 1
    command -v flock >/dev/null && mkdir -p "$cache" 2>/dev/null && : 2>/dev/null >>"$cache/lock" || return 1
    # The lock is held until the gate ends.
    exec 9>>"$cache/lock"
    flock --nonblock 9 || return 1
    # One folder is kept: that of the dependencies in use.
    find "$cache" -mindepth 1 -maxdepth 1 -type d ! -name "$key" -exec rm -rf {} +
    mkdir -p "$cache/$key"
    # The project's own crates are compiled anew. Cargo goes by the times of files, which a clone does not keep.
    find "$cache/$key" -type d -path '*/.fingerprint/*' \( -name 'flcm*' -o -name 'xtask*' \) -prune -exec rm -rf {} +
    export CARGO_TARGET_DIR=$cache/$key
}

if use_cache; then
    echo "compiled dependencies are kept in $CARGO_TARGET_DIR"
else
    echo "compiled dependencies are not kept"
fi
