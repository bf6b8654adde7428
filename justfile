# Everything the project does, one line each. Without `just`: `npx --yes rust-just@1.57.0 RECIPE`.

set shell := ["bash", "-euo", "pipefail", "-c"]

# List the recipes.
default:
    @just --list

# Decide the example for a thousand users and print who gets what.
demo:
    cargo run --release --quiet -p flcm -- decide examples/feature-flags.yaml --contexts examples/users.jsonl --summary

# Everything that must hold: what CI runs.
test: lint unit vectors no-std fuzz-corpus examples docs generated

# Formatting and lints.
lint:
    cargo fmt --all --check
    cargo fmt --check --manifest-path tests/fuzz/Cargo.toml
    cargo fmt --check --manifest-path tests/no-std/Cargo.toml
    cargo clippy --workspace --all-targets --locked -- -D warnings

# Unit, integration and documentation tests of every crate.
unit:
    cargo test --workspace --locked

# 50,000 random decisions, besides those of the vectors that `unit` runs.
vectors:
    cargo run --release --quiet --locked -p flcm-flags-conformance --bin random-parity -- --decisions 50000

# The core needs neither std nor alloc, and nothing but its two crates.
no-std:
    cargo build --release --locked --target wasm32-unknown-unknown --manifest-path tests/no-std/Cargo.toml
    bash tests/no-std/dependencies.sh

# Run the fuzz targets over their corpus, without a fuzzer.
fuzz-corpus:
    cargo test --locked --manifest-path tests/fuzz/Cargo.toml

# The Rust examples run, and the documents check.
examples:
    for example in decide_once roll_out split explain hot_swap; do cargo run --quiet --locked -p flcm-flags-config --example "$example"; done
    cargo run --quiet --locked -p flcm -- check examples/feature-flags.yaml examples/shop.yaml
    cargo run --quiet --locked -p flcm -- decide examples/feature-flags.yaml --contexts examples/users.jsonl --summary

# Documentation builds without a warning.
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet

# Generated files are what their recipes make.
generated: schema
    git diff --exit-code -- schema

# Regenerate the JSON Schema of documents.
schema:
    cargo run --quiet --locked -p flcm -- schema > schema/feature-flags.json

# A million random decisions: fast path against oracle.
parity decisions="1000000":
    cargo run --release --locked -p flcm-flags-conformance --bin random-parity -- --decisions {{ decisions }}

# Put one-line faults into the core and see each caught.
seeded-faults:
    bash crates/flcm-flags-conformance/seeded-faults.sh

# Fuzz each target for a while (needs nightly and `cargo install cargo-fuzz`).
fuzz seconds="60":
    cd tests/fuzz && for target in snapshot document contexts; do mkdir -p "target/corpus/$target"; cargo +nightly fuzz run --fuzz-dir . --features fuzzer "$target" "target/corpus/$target" "corpus/$target" -- -max_total_time={{ seconds }}; done

# Times; compare the column `fastest`.
bench:
    cargo bench -p flcm-flags-config --bench decide

# Instructions per operation under callgrind: exact, whatever else the machine does. Needs valgrind.
bench-instructions:
    bash crates/flcm-flags-config/benches/instructions.sh
