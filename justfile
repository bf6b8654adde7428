# Everything the project does, one line each. Without `just`: `npx --yes rust-just@1.57.0 RECIPE`.

set shell := ["bash", "-euo", "pipefail", "-c"]

cargo-target := env("CARGO_TARGET_DIR", "target")

# List the recipes.
default:
    @just --list

# A server and two hosts, a rollout and a rollback.
demo:
    cargo run -p flcm -- demo

# Everything that must hold: what CI runs.
test: lint unit vectors no-std fuzz-corpus examples docs generated lint-js packages types wasm-test engine-test features-test rust-host-test openfeature-test server-test doors example-test snippets reference packaging sizes

# Formatting and lints.
lint:
    cargo fmt --all --check
    cargo fmt --check --manifest-path tests/fuzz/Cargo.toml
    cargo fmt --check --manifest-path tests/no-std/Cargo.toml
    cargo fmt --all --check --manifest-path tests/bench-peers/rust/Cargo.toml
    cargo fmt --check --manifest-path tests/bench-peers/rust/flcm/Cargo.toml
    cargo clippy --workspace --features flcm-flags-client/open-feature --all-targets --locked -- -D warnings

# Unit, integration and documentation tests of every crate.
unit:
    cargo test --workspace --features flcm-flags-client/open-feature --locked

# 50,000 random decisions, besides those of the vectors that `unit` runs.
vectors:
    cargo run --release --quiet --locked -p flcm-flags-conformance --bin random-parity -- --decisions 50000

# The core needs neither std nor alloc, and nothing but its three crates.
no-std: wasm-target
    cargo build --release --locked --target wasm32-unknown-unknown --manifest-path tests/no-std/Cargo.toml
    bash tests/no-std/dependencies.sh

# Run the fuzz targets over their corpus, without a fuzzer.
fuzz-corpus:
    cargo test --locked --manifest-path tests/fuzz/Cargo.toml

# The Rust examples run, and the documents check.
examples:
    for example in decide_once roll_out roll_back split explain hot_swap; do cargo run --quiet --locked -p flcm-flags-config --example "$example"; done
    cargo run --quiet --locked -p flcm -- check examples/feature-flags.yaml examples/shop.yaml
    cargo run --quiet --locked -p flcm -- decide examples/feature-flags.yaml --contexts examples/users.jsonl --summary

# Documentation builds without a warning.
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --features flcm-flags-client/open-feature --no-deps --locked --quiet

# Generated files are what their recipes make.
generated: schema
    git diff --exit-code -- schema

# Put in place what the recipes below need: the npm packages of package-lock.json, and Chromium.
install: npm
    bash tests/browser/install.sh

[private]
npm:
    [[ node_modules/.package-lock.json -nt package-lock.json ]] || npm ci --ignore-scripts

# The target of rust-toolchain.toml, where rustup is told not to install by itself.
[private]
wasm-target:
    rustup target add wasm32-unknown-unknown

# Formatting and lints of what is not Rust.
lint-js: npm
    npx biome ci --error-on-warnings

# The npm packages, whole: wasm modules, glue, native addon, JavaScript, types; into pkg/*/dist.
packages: npm glue addon
    node pkg/build.js

# The wasm modules and their glue, into target/bindings. Two builds, because one would give both the features of both;
# and the compiler is not optimised as far as it goes, because -Oz takes 8 % off its bytes but adds 5 % to what gzip leaves.
[doc('The wasm modules and their glue, into target/bindings.')]
glue: npm wasm-target
    cargo build --profile wasm --target wasm32-unknown-unknown --locked -p flcm-flags-wasm
    cargo build --profile wasm --target wasm32-unknown-unknown --locked -p flcm-flags-wasm-compile
    cargo run --quiet --locked -p xtask -- "{{ cargo-target }}" target/bindings
    npx wasm-opt -Oz --converge target/bindings/wasm/flags_bg.wasm -o target/bindings/wasm/flags_bg.wasm
    npx wasm-opt -O1 target/bindings/compile/compile_bg.wasm -o target/bindings/compile/compile_bg.wasm

# The native addon; napi-derive leaves its types where it is told to, but only while it compiles.
addon:
    mkdir -p "{{ cargo-target }}/napi"
    [[ -s "{{ cargo-target }}/napi/flcm-flags-node" ]] || export NAPI_FORCE_BUILD_FLCM_FLAGS_NODE="$RANDOM"; \
        NAPI_TYPE_DEF_TMP_FOLDER="$(realpath "{{ cargo-target }}/napi")" cargo build --release --locked -p flcm-flags-node

# What the bindings export is what bindings/contract.d.ts says, and the TypeScript is sound.
types: packages
    npx tsc

# What is internal to the wasm crate, in Node and in Chromium.
wasm-test: install
    cargo build --quiet --locked -p xtask --features test-runner --bin wasm-test-runner
    bash tests/browser/wasm-test.sh "{{ cargo-target }}"

# The runtime in TypeScript: decisions, rollback, metrics, in Node and in Chromium, and the fault suite.
features-test: install packages
    npx vitest run tests/features tests/hosts

# The fault suite over the client in Rust; says what of it was left out, and why.
[doc('The fault suite over the client in Rust.')]
rust-host-test: npm packages agent
    FLCM_HOST=rust npx vitest run tests/hosts --exclude tests/hosts/chaos/herd.test.ts

# A crowd of 2,000 hosts in Rust, each with sockets of its own: as even as the machine is idle, so it is no part of `test`.
[doc('A crowd of 2,000 hosts in Rust; on a machine that does nothing else.')]
rust-crowd: npm packages agent
    FLCM_HOST=rust npx vitest run tests/hosts/chaos/herd.test.ts

# In the profile of tests, because a crowd is large.
[private]
agent:
    cargo build --quiet --locked --profile test -p flcm-flags-client --features open-feature --example agent

# OpenFeature's providers, and the specification's scenarios where they are to be found.
openfeature-test: install packages
    npx vitest run tests/openfeature

# The server with hosts that are real: processes of Node, a page in Chromium, and what else speaks its protocols. One file
# after the other, because times are measured.
[doc('The server with real hosts.')]
server-test: install packages service
    cargo build --quiet --locked -p flcm
    npx vitest run --no-file-parallelism tests/server

# What the bindings share: places, remembered answers, misuse, memory, threads.
engine-test: packages
    node --expose-gc --test --test-timeout=300000 tests/engine/*.test.js

# One suite, over all vectors and 100,000 generated decisions, through every door: the addon, wasm in Node, wasm in
# Chromium, and the package for Node without its addon. In Rust, `unit` runs the vectors and making the cases compares.
[doc('One suite through every door.')]
doors: install packages
    mkdir -p target/parity
    cargo run --release --quiet --locked -p flcm-flags-conformance --bin parity-cases -- --out target/parity/cases.jsonl
    node tests/parity/node.js native target/parity/cases.jsonl
    node tests/parity/node.js wasm target/parity/cases.jsonl
    node tests/parity/chromium.js target/parity/cases.jsonl
    bash tests/parity/without-addon.sh target/parity/cases.jsonl

# The examples for JavaScript; the page in Chromium.
example-test: install packages
    node --test --test-timeout=120000 tests/examples/*.test.js

# What the guides say: files are type-checked, programs run, and print what stands below them.
snippets: install packages
    node --test --test-timeout=300000 tests/docs/*.test.js

# The reference of the runtime's API, into target/reference. TypeDoc brings the TypeScript that it can read.
reference: packages
    npm ci --prefix docs/reference --ignore-scripts --no-audit --no-fund
    cd docs/reference && npx typedoc

# A service that greets by a flag, and follows edits of its document.
example-node: packages
    node examples/node/server.js

# A page with a flag in two variants, and live controls.
example-browser: packages
    node examples/browser/serve.js

# A page and a service that follow one document while it is edited.
example-live: packages
    node examples/page/serve.js

# A page of React that follows a document while it is edited, by OpenFeature's hooks.
example-react: packages
    node examples/react/serve.js

# A service in Node, one in Rust and a page of React, all through OpenFeature, follow one server.
example-openfeature: packages service
    cargo build --quiet --locked -p flcm
    node examples/openfeature/run.js

[private]
service:
    cargo build --quiet --locked --profile test -p flcm-flags-client --features open-feature --example service

# The packed packages, in the hands of those who install them.
packaging: install packages
    node --test --test-timeout=120000 tests/packaging/*.test.js

# How large each file is, and whether that is within its budget.
sizes: packages
    node tests/packaging/sizes.js

# Regenerate the JSON Schema of documents, and the OpenAPI description of the server.
schema:
    cargo run --quiet --locked -p flcm -- schema > schema/feature-flags.json
    cargo run --quiet --locked -p flcm -- openapi > schema/openapi.json

# A million random decisions: fast path against oracle.
parity decisions="1000000":
    cargo run --release --locked -p flcm-flags-conformance --bin random-parity -- --decisions {{ decisions }}

# Put one-line faults into the core and see each caught.
seeded-faults:
    bash crates/flcm-flags-conformance/seeded-faults.sh

# How soon faults are found, by error rate and traffic, as `flcm simulate` says.
delays runs="1000":
    cargo build --release --quiet --locked -p flcm
    node tests/bench/delays.js "{{ cargo-target }}/release/flcm" {{ runs }}

# How often healthy flags are rolled back, over more than 20,000 simulated days, beside two plain rules: minutes.
[doc('How often healthy flags are rolled back, over more than 20,000 simulated days.')]
false-alarms days="1000":
    cargo run --release --locked -p flcm-flags-conformance --bin false-alarms -- --days {{ days }}

# Fuzz each target for a while (needs nightly and `cargo install cargo-fuzz`).
fuzz seconds="60":
    cd tests/fuzz && for target in snapshot document contexts breaker batch; do mkdir -p "target/corpus/$target"; cargo +nightly fuzz run --fuzz-dir . --features fuzzer "$target" "target/corpus/$target" "corpus/$target" -- -max_total_time={{ seconds }}; done

# Times; compare the column `fastest`.
bench:
    cargo bench -p flcm-flags-config --bench decide --bench breaker --bench metrics

# The ways into the engines, in Node and in Chromium, beside plain JavaScript, in one run.
bench-doors: install packages
    node tests/bench/node.js

# What the runtime takes: updates, rollbacks, sums.
bench-runtime: packages
    node tests/bench/runtime.js

# The runtimes in Node and Rust beside other SDKs, in one run; OPTIONS are those of tests/bench-peers. An hour, and half of one to build.
[doc('The runtimes beside other SDKs, in one run.')]
[positional-arguments]
bench-peers *options: packages
    bash tests/bench-peers/run.sh "$@"

# Instructions per operation under callgrind: exact, whatever else the machine does. Needs valgrind.
bench-instructions:
    bash crates/flcm-flags-config/benches/instructions.sh

# Ask a real server whatever its description allows, and more (needs Python 3).
schemathesis:
    cargo build --quiet --locked -p flcm
    bash tests/server/openapi/run.sh

# What the server takes: requests, batches, streams, rollbacks; on this machine. The generator is not optimised as far as the server.
[doc('What the server takes: requests, batches, streams, rollbacks.')]
bench-server *which:
    cargo build --release --locked -p flcm
    cargo bench --profile load -p flcm-flags-server --bench load -- "$(realpath "{{ cargo-target }}")/release/flcm" {{ which }}
