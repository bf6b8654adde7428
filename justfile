# Everything the project does. Without `just`: `npx --yes rust-just@1.57.0 RECIPE`. Durations stand in CONTRIBUTING.md.

set shell := ["bash", "-euo", "pipefail", "-c"]

cargo-target := env("CARGO_TARGET_DIR", "target")

# Tools of crates.io that recipes use.
tools := cargo-target / "tools"

# Every recipe selects the same packages and features, so that each dependency is compiled once.
workspace := "--workspace --features flcm-flags-client/open-feature --locked"

[private]
default:
    @just --list

# A server and two hosts, a rollout and a rollback, in the terminal and in the dashboard.
[group('run')]
demo: dashboard-files programs
    "{{ cargo-target }}/debug/flcm" demo --dashboard target/dashboard

# `node` is a service, `page` adds a page on the same document, `browser` has live controls, `openfeature` starts a
# service in Node, one in Rust and a page.
[arg('name', pattern='node|page|browser|react|openfeature')]
[doc('Run an example: node, page, browser, react or openfeature.')]
[group('run')]
example name: packages
    case {{ name }} in \
        node) node examples/node/server.js ;; \
        page | browser | react) node examples/{{ name }}/serve.js ;; \
        openfeature) node examples/openfeature/run.js ;; \
    esac

# The checks are the dependencies of `checks`; tests/steps.js runs two at a time.
[doc('Everything that must hold: what CI runs.')]
[group('test')]
test:
    node tests/steps.js "{{ just_executable() }}" checks

# The steps of `test`. Those of the lane `cargo` compile in the profile `dev`, one after the other. Those of the lane
# `alone` print times, so they run by themselves at the end. All others run beside them.
[private]
checks: programs lint-js types test-packaging sizes lint-rust test-rust random-parity rust-examples schema-is-current rust-docs no-std deny test-engine test-features test-dashboard test-docs test-examples api-reference test-openfeature parity test-rust-host test-page-host test-server test-attacks

# Formatting, lints and tests of what changed since the last commit, or since BASE; for the time between two edits.
[doc('Formatting, lints and tests of what changed.')]
[group('test')]
quick base="HEAD": npm
    node tests/quick.js {{ base }} {{ workspace }}

# Formatting and lints, of Rust and of everything else.
[group('test')]
lint: lint-rust lint-js

[metadata('lane: cargo')]
[private]
lint-rust:
    cargo fmt --all --check
    cargo fmt --check --manifest-path tests/no-std/Cargo.toml
    cargo fmt --all --check --manifest-path tests/bench-peers/rust/Cargo.toml
    cargo fmt --check --manifest-path tests/bench-peers/rust/flcm/Cargo.toml
    cargo clippy {{ workspace }} --all-targets -- -D warnings

[private]
lint-js: npm
    npx --no -- biome ci --error-on-warnings

# Unit, integration and documentation tests of every crate, and the fuzz targets over their corpus.
[group('test')]
[metadata('lane: cargo')]
test-rust:
    cargo test {{ workspace }}

# The programs that other recipes start: `flcm`, `conformance`, `xtask`, the examples. The same build as that of
# `test-rust`.
[metadata('lane: cargo')]
[private]
programs:
    cargo build {{ workspace }} --bins --examples --tests --quiet

# Random decisions: the core against the oracle; besides the vectors, which `test-rust` runs.
[doc('Random decisions: the core against the oracle.')]
[group('test')]
[metadata('lane: cargo')]
random-parity decisions="50000": programs
    "{{ cargo-target }}/debug/conformance" random-parity --decisions {{ decisions }}

# Edits of random texts: each must do what the same edit does to the value, and keep comments and lines. The default is
# few; 1,000,000 take most of an hour.
[doc('Edits of random texts against the same edits of their values.')]
[group('test')]
[metadata('lane: cargo')]
random-edits edits="20000": programs
    "{{ cargo-target }}/debug/conformance" random-edits --edits {{ edits }}

# The core needs neither std nor alloc, and nothing but its two crates.
[metadata('lane: cargo')]
[private]
no-std: wasm-target
    CARGO_TARGET_DIR="{{ cargo-target }}" cargo build --release --locked --target wasm32-unknown-unknown --manifest-path tests/no-std/Cargo.toml
    bash tests/no-std/dependencies.sh

# The Rust examples run, and the documents check.
[private]
rust-examples: programs
    for example in decide_once roll_out roll_back split explain hot_swap; do "{{ cargo-target }}/debug/examples/$example"; done
    "{{ cargo-target }}/debug/flcm" check examples/feature-flags.yaml examples/shop.yaml
    "{{ cargo-target }}/debug/flcm" decide examples/feature-flags.yaml --contexts examples/users.jsonl --summary

# The documentation of the crates builds without a warning.
[metadata('lane: cargo')]
[private]
rust-docs:
    RUSTDOCFLAGS="-D warnings" cargo doc {{ workspace }} --no-deps --quiet

# What the bindings share: context slots, cached decisions, misuse, memory, threads; and what the wasm module exports.
[doc('What the bindings share: context slots, cached decisions, misuse, memory, threads.')]
[group('test')]
test-engine: browser packages
    npx --no -- vitest run tests/engine

# The runtime in TypeScript, in Node and in Chromium, and the fault suite over it.
[group('test')]
test-features: browser packages
    npx --no -- vitest run tests/features tests/hosts

# The fault suite over the client in Rust. Says at the end which tests it left out.
[doc('The fault suite over the client in Rust.')]
[group('test')]
test-rust-host: packages programs
    FLCM_HOST=rust npx --no -- vitest run tests/hosts --exclude tests/hosts/chaos/herd.test.ts

# The fault suite over the small runtime of pages. Says at the end which tests it left out, and why.
[doc('The fault suite over the small runtime of pages.')]
[group('test')]
test-page-host: packages
    FLCM_HOST=page npx --no -- vitest run tests/hosts --exclude tests/hosts/chaos/herd.test.ts

# OpenFeature's providers, and the specification's scenarios where they are to be found.
[doc("OpenFeature's providers, and the specification's scenarios.")]
[group('test')]
test-openfeature: browser packages
    npx --no -- vitest run tests/openfeature

# The server with real hosts: processes of Node, a page in Chromium, and clients of others that speak its protocols. One
# file after the other, because it prints times.
[doc('The server with real hosts.')]
[group('test')]
[metadata('lane: alone')]
test-server: browser server-peers packages programs
    npx --no -- vitest run --no-file-parallelism tests/server

# What a stranger with the key of a page, a careless proxy and a service that has gone mad can do to a real server.
[doc('Attacks on a real server.')]
[group('test')]
[metadata('lane: alone')]
test-attacks: npm server-peers programs
    npx --no -- vitest run --no-file-parallelism tests/attacks
    node tests/attacks/fuzz.js 10 "{{ cargo-target }}/debug/flcm"

# Whatever comes to mind, to each route of a server, for SECONDS; `program` may be a release build.
[doc('Send random requests to each route of a server.')]
[group('test')]
fuzz-server seconds="300" program=(cargo-target / "debug/flcm"): programs
    node tests/attacks/fuzz.js {{ seconds }} "{{ program }}"

# One suite, over all vectors and 100,000 generated decisions, through every engine: the addon, wasm, the compact engine and
# that of pages in Node and in Chromium, and the package for Node without its addon. In Rust, `test-rust` runs the vectors.
[doc('One suite of decisions through every engine.')]
[group('test')]
parity: browser packages programs
    mkdir -p target/parity
    "{{ cargo-target }}/debug/conformance" parity-cases --out target/parity/cases.jsonl
    node tests/parity/node.js native target/parity/cases.jsonl
    node tests/parity/node.js wasm target/parity/cases.jsonl
    node tests/parity/node.js compact target/parity/cases.jsonl
    node tests/parity/node.js page target/parity/cases.jsonl
    node tests/parity/chromium.js target/parity/cases.jsonl
    bash tests/parity/without-addon.sh target/parity/cases.jsonl

# The examples for JavaScript; the pages in Chromium.
[group('test')]
test-examples: browser packages
    npx --no -- vitest run tests/examples

# What the guides say: files are type-checked, programs run, and print what stands below them.
[doc('The guides: their programs run, and print what the guides say.')]
[group('test')]
test-docs: browser packages
    npx --no -- vitest run tests/docs

# The dashboard in Chromium, over its development server and over `flcm serve`.
[group('test')]
test-dashboard: browser dashboard-files programs
    npx --no -- vitest run tests/dashboard

# The packed packages, as those who install them use them.
[group('test')]
test-packaging: browser packages
    npx --no -- vitest run tests/packaging

# How large each download is, and whether that is within its budget.
[private]
sizes: dashboard-files
    node tests/packaging/sizes.js

# What the bindings export is what bindings/binding.d.ts says, and the TypeScript is sound.
[private]
types: packages
    npx --no -- tsc
    npx --no -- tsc -p dashboard

# The reference of the runtime's API, into target/reference. TypeDoc brings the TypeScript that it can read.
[private]
api-reference: packages
    npm ci --prefix docs/reference/api --ignore-scripts --no-audit --no-fund
    cd docs/reference/api && npx --no -- typedoc

# Put one-line faults into the core and see each caught.
[group('test')]
seeded-faults:
    bash crates/flcm-flags-conformance/seeded-faults.sh

# Without LTO, because with it the linker does not find the symbols of coverage.
[doc('Fuzz each target for a while (needs nightly and `cargo install cargo-fuzz`).')]
[group('test')]
fuzz seconds="60":
    export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_STRIP=none; \
        cd tests/fuzz && for target in snapshot document edit contexts breaker batch pages statement; do mkdir -p "target/corpus/$target"; cargo +nightly fuzz run --fuzz-dir . --features fuzzer "$target" "target/corpus/$target" "corpus/$target" -- -max_total_time={{ seconds }}; done; \
        for target in snapshot contexts; do cargo +nightly fuzz run --fuzz-dir . --features fuzzer,compact "$target" "target/corpus/$target" "corpus/$target" -- -max_total_time={{ seconds }}; done

# Licences, sources and bans of the crates' dependencies. Compiles cargo-deny at first, which takes two minutes.
[doc("Licences, sources and bans of the crates' dependencies.")]
[group('test')]
[metadata('lane: cargo')]
deny:
    [[ -x "{{ tools }}/bin/cargo-deny" ]] || cargo install --quiet --locked --root "{{ tools }}" cargo-deny@0.20.2
    "{{ tools }}/bin/cargo-deny" check licenses bans sources

# Ask a real server whatever its description allows, and more (needs Python 3).
[group('test')]
schemathesis: programs
    bash tests/server/openapi/run.sh "{{ cargo-target }}/debug/flcm"

# The npm packages, whole: wasm modules, glue, native addon, JavaScript, types; into pkg/*/dist. The compiler is not
# optimised as far as it goes, because -Oz takes 8 % off its bytes but adds 5 % to what gzip leaves.
[doc('The npm packages, into pkg/*/dist.')]
[group('make')]
packages: npm glue addon
    npx --no -- wasm-opt -Oz --converge -ocimfs=150 --reorder-functions --strip-producers --strip-target-features target/bindings/wasm/flags_bg.wasm -o target/bindings/wasm/flags_bg.wasm
    npx --no -- wasm-opt -O1 target/bindings/compile/compile_bg.wasm -o target/bindings/compile/compile_bg.wasm
    node bindings/page/strip.js target/bindings/page target/bindings/compact
    node pkg/build.js

# The dashboard, into crates/flcm-dashboard/dist, where the build of `flcm` finds it.
[group('make')]
dashboard: dashboard-files
    rm -rf crates/flcm-dashboard/dist
    cp -r target/dashboard crates/flcm-dashboard/dist

# The dashboard, into target/dashboard. Not into the crate: a check that made it anew would have `flcm` built again
# beside other checks.
[private]
dashboard-files: packages
    npx --no -- vite build -c dashboard/vite.config.js
    node dashboard/pack.js

# The pictures of the guides, into docs/pictures.
[group('make')]
pictures: browser dashboard-files
    node dashboard/dev/pictures.js

# Regenerate the JSON Schema of documents, and the OpenAPI description of the server.
[group('make')]
schema: programs
    "{{ cargo-target }}/debug/flcm" schema > schema/feature-flags.json
    "{{ cargo-target }}/debug/flcm" openapi > schema/openapi.json

[private]
schema-is-current: programs
    "{{ cargo-target }}/debug/flcm" schema | diff schema/feature-flags.json -
    "{{ cargo-target }}/debug/flcm" openapi | diff schema/openapi.json -

# The npm packages of package-lock.json.
[private]
npm:
    [[ node_modules/.package-lock.json -nt package-lock.json ]] || npm ci --ignore-scripts

# Chromium, from the system's packages.
[private]
browser:
    bash tests/kit/install-browser.sh

# Prometheus, nginx, Caddy and Python, from the system's packages.
[private]
server-peers:
    bash tests/server/kit/install.sh

# The target of rust-toolchain.toml, where rustup is told not to install by itself.
[private]
wasm-target:
    rustup target add wasm32-unknown-unknown

# The wasm modules. Each has a build of its own, because one build would give all of them the features of all.
[private]
wasm-modules: wasm-target
    cargo build --profile wasm --target wasm32-unknown-unknown --locked -p flcm-flags-wasm
    cargo build --profile wasm --target wasm32-unknown-unknown --locked -p flcm-flags-wasm-compile
    cargo build --profile page --target wasm32-unknown-unknown --locked -p flcm-flags-page --features compact
    cargo build --profile page --target wasm32-unknown-unknown --locked -p flcm-flags-compact --features compact

# The JavaScript of the wasm modules, into target/bindings.
[private]
glue: wasm-modules programs
    "{{ cargo-target }}/debug/xtask" "{{ cargo-target }}" target/bindings

# The native addon. napi-derive leaves its types where it is told to, but only while it compiles.
[private]
addon:
    mkdir -p target/napi
    [[ -s target/napi/flcm-flags-node ]] || export NAPI_FORCE_BUILD_FLCM_FLAGS_NODE="$RANDOM"; \
        NAPI_TYPE_DEF_TMP_FOLDER="$PWD/target/napi" cargo build --release --locked -p flcm-flags-node

# Program, debug symbols, npm tarballs, crate packages, SBOMs and checksums, for the platform it runs on.
[group('make')]
release out="target/release-files": dashboard (pack out / "npm") cyclonedx
    node deploy/release.js "{{ out }}"

# Tarballs of the npm packages, for `npm install PATH`.
[group('make')]
pack out="target/npm": packages
    node pkg/release.js target/staged
    rm -rf "{{ out }}" && mkdir -p "{{ out }}"
    for package in target/staged/*; do npm pack --silent --pack-destination "{{ out }}" "./$package"; done

# What the program and the packages are made of, in CycloneDX.
[group('make')]
sbom out="target/sbom": npm cyclonedx
    node deploy/sbom.js "{{ out }}"

[private]
cyclonedx:
    [[ -x "{{ tools }}/bin/cargo-cyclonedx" ]] || cargo install --quiet --locked --root "{{ tools }}" cargo-cyclonedx@0.5.9

# `engines` are compared with plain JavaScript; `peers`, `sizes` and `first-decision` compare with other SDKs.
[arg('what', pattern='core|engines|runtime|instructions|server|listened|peers|sizes|first-decision')]
[doc('Measure: core, engines, runtime, instructions, server, listened, sizes, first-decision, or peers (an hour).')]
[group('measure')]
[positional-arguments]
bench what *options:
    "{{ just_executable() }}" "bench-$1" "${@:2}"

# What the server takes while 20 pages of the dashboard listen, to be compared with `bench server`.
[private]
bench-listened *which:
    cargo build --release --locked -p flcm
    FLCM="$(realpath "{{ cargo-target }}")/release/flcm" cargo bench --profile load -p flcm-flags-server --bench load -- "$PWD/tests/bench/listened.sh" {{ which }}

# Compare the column `fastest`.
[private]
bench-core:
    cargo bench -p flcm-flags-config --bench decide --bench breaker --bench metrics

# The ways into the engines, in Node and in Chromium, beside plain JavaScript, in one run; with `--base DIR` also beside
# the packages of another checkout.
[positional-arguments]
[private]
bench-engines *options: browser packages
    node tests/bench/node.js "$@"

# What the runtime takes: updates, rollbacks, sums.
[private]
bench-runtime: packages
    node tests/bench/runtime.js

# Instructions per operation under callgrind: exact, whatever else the machine does. Needs valgrind.
[private]
bench-instructions:
    bash crates/flcm-flags-config/benches/instructions.sh

# What the server takes: requests, batches, streams, rollbacks; on this machine. The generator of load is not optimised
# as far as the server.
[private]
bench-server *which:
    cargo build --release --locked -p flcm
    cargo bench --profile load -p flcm-flags-server --bench load -- "$(realpath "{{ cargo-target }}")/release/flcm" {{ which }}

# The runtimes in Node and Rust beside other SDKs, in one run; OPTIONS are those of tests/bench-peers.
[positional-arguments]
[private]
bench-peers *options: packages
    bash tests/bench-peers/run.sh "$@"

# What a page downloads to ask for one flag, beside the clients of others.
[positional-arguments]
[private]
bench-sizes *options: packages
    bash tests/bench-peers/install.sh
    node tests/bench-peers/sizes.js "$@"

# From navigation to the first decision in Chromium, by three networks, beside the clients of others.
[positional-arguments]
[private]
bench-first-decision *options: browser packages
    bash tests/bench-peers/install.sh
    node tests/bench-peers/first-decision.js "$@"

# How soon faults are found, by error rate and traffic, as `flcm simulate` says.
[group('measure')]
delays runs="1000":
    cargo build --release --quiet --locked -p flcm
    node tests/bench/delays.js "{{ cargo-target }}/release/flcm" {{ runs }}

# How often healthy flags are rolled back, over more than 20,000 simulated days, beside two plain rules: minutes.
[doc('How often healthy flags are rolled back, over more than 20,000 simulated days.')]
[group('measure')]
false-alarms days="1000":
    cargo run --release --locked -p flcm-flags-conformance -- false-alarms --days {{ days }}

# Each host has sockets of its own. Only an idle machine lets them ask evenly, so it is no part of `test`.
[doc('A crowd of 2,000 hosts in Rust; on a machine that does nothing else.')]
[group('measure')]
rust-crowd: packages programs
    FLCM_HOST=rust npx --no -- vitest run tests/hosts/chaos/herd.test.ts
