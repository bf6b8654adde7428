#!/bin/sh
# `RUSTC_WRAPPER=$PWD/.ci/count-rustc.sh RUSTC_COUNT=/tmp/crates bash .ci/run`: compiles as ever, and adds a line to the
# file RUSTC_COUNT for each crate that is compiled or checked.
previous= name=
for argument in "$@"; do
    [ "$previous" = --crate-name ] && name=$argument
    previous=$argument
done
# Cargo and build scripts also ask for versions, and compile probes from standard input.
case " $name $* " in
"  "* | *" ___ "* | *" - "*) ;;
*) echo "$name" >>"${RUSTC_COUNT:?names the file}" ;;
esac
exec "$@"
