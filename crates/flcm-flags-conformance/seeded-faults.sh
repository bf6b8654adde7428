#!/usr/bin/env bash
# Proves that the conformance tests can fail: puts one fault at a time into a copy of the sources, and expects a test to
# catch it. Prints a line per fault and exits 1 if one was missed.
#
#   crates/flcm-flags-conformance/seeded-faults.sh [names of faults]
#
# SEEDED_FAULTS_TARGET   cargo's target directory, kept between runs to save time; default a temporary one
#
# SEEDED_FAULTS_TESTS    which modules of tests/it may catch a fault, in order; default all of the list below. It leaves
#                        out the statistics of the breaker, which are slow. The first that catches it ends the search,
#                        so name one alone to see what it can do. `parity` cannot see all faults, because it compares
#                        within what is generated
#
# A fault is a name, a file below crates/ and a sed expression that changes it. When a source has moved on and the
# expression changes nothing, that is an error: write it anew.
set -euo pipefail

only=" $* "
root=$(cd "$(dirname "$0")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export CARGO_TARGET_DIR=${SEEDED_FAULTS_TARGET:-$scratch/target}
# A fleet in which pages report is simulated for hours: without optimisation that takes longer than compiling.
export CARGO_PROFILE_TEST_OPT_LEVEL=1 CARGO_PROFILE_TEST_DEBUG=0 CARGO_INCREMENTAL=1 RUST_BACKTRACE=0
copy=$scratch/copy
pristine=$scratch/pristine
log=$scratch/log
count=0
missed=0

mkdir -p "$copy/tests"
cp -r "$root/crates" "$root/bindings" "$root/xtask" "$root/examples" "$root/schema" "$copy"
cp -r "$root/tests/vectors" "$root/tests/fuzz" "$copy/tests"
cp "$root/Cargo.toml" "$root/Cargo.lock" "$root/rust-toolchain.toml" "$root/rustfmt.toml" "$copy"
cp -r "$copy/crates" "$pristine"
cd "$copy"

# Those of the breaker and of metrics, cheapest first.
of_breakers="breaker_golden breaker_bugs breaker_holds breaker_states pages acceptance metrics"

# The tests, cheapest first; says which of them fails. 1: none does. 2: they do not compile. 3: a module has no tests.
caught_by() {
    local group
    cargo build -q -p flcm-flags-conformance --test it --profile test >"$log" 2>&1 || return 2
    for group in ${SEEDED_FAULTS_TESTS:-vectors parity properties $of_breakers}; do
        if ! cargo test -q -p flcm-flags-conformance --test it -- "$group::" >"$log" 2>&1; then
            grep -E '^    [a-z0-9_:]+$' "$log" | sort -u | paste -sd' ' | tr -s ' ' | sed 's/^ //'
            return 0
        fi
        if grep -q '^test result: ok\. 0 passed' "$log"; then return 3; fi
    done
    return 1
}

fault() {
    local name=$1 file=$2 change=$3 by status
    if [[ $only != "  " && $only != *" $name "* ]]; then return; fi
    count=$((count + 1))
    sed -i -E "$change" "$copy/crates/$file"
    if cmp -s "$pristine/$file" "$copy/crates/$file"; then
        echo "STALE   $name: the expression changes nothing in $file"
        missed=$((missed + 1))
        return
    fi
    status=0
    by=$(caught_by) || status=$?
    case $status in
    0) echo "caught  $name ($by)" ;;
    1) echo "MISSED  $name" && missed=$((missed + 1)) ;;
    2) echo "BROKEN  $name: the fault does not compile" && cat "$log" && missed=$((missed + 1)) ;;
    *) echo "EMPTY   $name: a module has no tests" && cat "$log" && missed=$((missed + 1)) ;;
    esac
    cp "$pristine/$file" "$copy/crates/$file"
}

# Without a fault the tests compile, are there, and pass; otherwise nothing below means anything.
status=0
caught_by || status=$?
if [[ $status -ne 1 ]]; then
    echo "the tests fail without any fault, or there are none" && cat "$log"
    exit 1
fi

core=flcm-flags/src

# Buckets.
fault inside-is-below-or-equal $core/rollout.rs 's/bucket < percentage/bucket <= percentage/'
fault split-from-the-half-of-the-gate $core/bucket.rs 's/self\.0 & 0xffff_ffff, total/self.0 >> 32, total/'
fault utf-16-in-place-of-utf-8 $core/bucket.rs 's/^    SipHasher13::new_with_keys\(0, 0\)\.hash\(bytes\)/    let mut hasher = SipHasher13::new_with_keys(0, 0);\n    core::str::from_utf8(bytes).unwrap_or_default().encode_utf16().for_each(|unit| hasher.write(\&unit.to_le_bytes()));\n    hasher.finish()/'
fault no-flag-in-the-hash $core/bucket.rs 's/Self\(mix\(digest \^ key\)\)/Self(mix(digest ^ (key \& 0)))/'
fault no-mix $core/bucket.rs 's/Self\(mix\(digest \^ key\)\)/Self(digest ^ key)/'
fault no-bucket-is-inside-everything $core/rollout.rs 's/None => percentage >= BUCKETS/None => percentage > 0/'

# Time.
fault truncating-ramp $core/rollout.rs 's/wrapping_mul\(passed\)/wrapping_mul(passed \/ whole)/'
fault ramp-rounds-toward-zero $core/rollout.rs 's/p1\.wrapping_add\(share\(p0\.wrapping_sub\(p1\), whole\.wrapping_sub\(passed\), whole\)\)/p0.wrapping_sub(share(p0.wrapping_sub(p1), passed, whole))/'
fault schedule-begins-late $core/rollout.rs 's/\*at <= now\.0/*at < now.0/'
fault offset-of-a-time-added $core/time.rs 's/\.wrapping_sub\(offset\)/.wrapping_add(offset)/'

# Conditions and cohorts.
fault negative-operators-true-without-a-value $core/condition.rs 's/\.is_some_and\(\|held\| held != self\.is_negated\(\)\)/.map_or(self.is_negated(), |held| held != self.is_negated())/'
fault strictly-greater-is-not-strict $core/condition.rs 's/node::GREATER \| node::AFTER => Some\(value > operand\(\)\)/node::GREATER | node::AFTER => Some(value >= operand())/'
fault versions-as-text $core/version.rs 's/left\.len\(\)\.cmp\(&right\.len\(\)\)\.then_with\(\|\| left\.cmp\(right\)\)/left.cmp(right)/'
fault except-ignored $core/cohort.rs 's/if listed\(cohort\.except\.get\(\), cohort\.except_count\.get\(\)\)/if false \&\& listed(cohort.except.get(), cohort.except_count.get())/'
fault host-cohorts-ignored $core/cohort.rs 's/if !cohorts\.is_empty\(\) &&/if false \&\&/'
fault attributes-beyond-the-slots-lost $core/context.rs 's/None => look\(&self\.search\(reader, id\)\)/None => look(\&Slot::ABSENT)/'
fault user-id-reads-the-attribute $core/context.rs 's/\&\& is_user == \(position == USER\)//'

# The order of the checks, and what they serve.
fault kill-switch-ignored $core/evaluate.rs 's/if flag\.has\(step::DISABLED\)/if false \&\& flag.has(step::DISABLED)/'
fault overrides-behind-rules $core/evaluate.rs 's/^        if flag\.has\(step::OVERRIDES\)$/        let early = self.first_rule(flag, BUCKETS, draw, decided, visitor);\n        if early.reason() != Reason::Default { return early; }\n&/'
fault overrides-ahead-of-dependencies $core/evaluate.rs 's/^        if flag\.has\(step::DEPENDENCIES\)/        let draw = digest.map(|digest| Draw::new(digest, flag.hash_key.get()));\n        if let Some(packed) = self.overridden(flag, draw, visitor) { return packed; }\n&/'
fault control-never-set $core/evaluate.rs 's/arm = Arm::Control;/arm = Arm::Outside;/'
fault cohorts-are-treatment $core/evaluate.rs 's/let mut arm = Arm::Outside;/let mut arm = Arm::Treatment;/'
fault probe-drawn-by-the-gate $core/evaluate.rs 's/key\("probe", salt\)/key("flag", salt)/'
fault an-error-meets-an-expectation $core/targeting.rs 's/packed\.filter\(\|packed\| packed\.reason\(\)\.error_code\(\)\.is_none\(\)\)/packed/'
fault shortcut-ignores-the-breaker $core/evaluate.rs 's/^            \&\& self\.trips\.is_clear\(id\)$//'
fault shortcut-is-control-without-conditions $core/evaluate.rs 's/return Some\(off\(flag, Reason::Default\)\);/return Some(off(flag, Reason::Default).of_arm(Arm::Control));/'
fault shortcut-forgets-control $core/evaluate.rs 's/\.of_arm\(Arm::Control\), \|packed\|/, |packed|/'
fault split-in-the-order-of-the-rule flcm-flags-config/src/compile.rs 's/^        weights\.sort_unstable\(\);//'
fault salt-inherited flcm-flags-config/src/check/inherit.rs 's/^        salt: _,/        salt,/; s/^    fill\(&mut child\.default, default\);/&\n    fill(\&mut child.salt, salt);/'

# The breaker.
fault generation-not-checked $core/breaker.rs 's/counts\.generation != self\.generation \|\| //'
fault clock-goes-back $core/breaker.rs 's/now\.max\(self\.now\)/now/'
fault late-counts-are-of-this-second $core/breaker.rs 's/if counts\.age > LATE /if false \&\& counts.age > LATE /'
fault a-pause-adds-all-of-its-mass $core/breaker/machine.rs 's/gap\.min\(QUIET\)/gap/'
fault stratum-closes-with-one-arm $core/breaker/machine.rs 's/self\.stratum\.treatment >= STRATUM && /self.stratum.treatment >= STRATUM || /'
fault spread-learnt-from-the-treated $core/breaker/sequential.rs 's/\*spoiled \|= treated;/let _ = treated;/'
fault half-open-without-an-end $core/breaker/machine.rs 's/State::HalfOpen => Millis\(self\.now\.0\.saturating_add\(PROBING\)\)/State::HalfOpen => Millis(u64::MAX - PROBING)/'
fault back-off-does-not-grow $core/breaker/machine.rs 's/self\.attempt\.saturating_sub\(1\)\.min\(16\)/self.attempt.saturating_sub(1).min(0)/'
fault own-fault-is-probed $core/breaker/machine.rs 's/Recovery::ByCause => self\.cause\.is_own_fault\(\)/Recovery::ByCause => false/'
fault trips-of-a-day-without-end $core/breaker/machine.rs 's/self\.trips >= TRIPS_PER_DAY \|\| //'
fault cap-ignored $core/evaluate.rs 's/percentage_at\(rule, self\.now\)\.min\(cap\)/percentage_at(rule, self.now).min(cap.max(100_000))/'
fault the-higher-cap-counts $core/trips.rs 's/Self::Capped\(cap\.min\(other\)\)/Self::Capped(cap.max(other))/'
fault a-breaker-lifts-an-external-trip $core/orchestrate.rs 's/external\.state\(\*flag\)\.stricter\(breaker\.trip_state\(\)\)/breaker.trip_state()/'
fault dependants-do-not-rest $core/orchestrate.rs 's/described\.record\.depth > 0 && rests/false \&\& rests/'

# Pages.
fault pages-wait-for-a-person $core/breaker/machine.rs 's/!comes_back && \(/(/'
fault lies-are-not-tolerated $core/breaker/plan.rs 's/INVENTED: f64 = 0\.05/INVENTED: f64 = 0.0/'
fault a-network-counts-as-often-as-it-likes flcm-flags-host/src/page_evidence.rs 's/Err\(place\) = self\.networks/Err(place) | Ok(place) = self.networks/'
fault pages-are-always-a-source flcm-flags-host/src/fleet_guards.rs 's/policy\.evidence\.include\(Source::Pages\)/true/'
fault pages-hold-nothing-back flcm-flags-host/src/fleet_guards.rs 's/held\.stricter\(of_pages\)/held/'

# Metrics.
fault rank-one-too-high $core/metrics/distinct.rs 's/rest\.leading_zeros\(\)\.saturating_add\(1\)/rest.leading_zeros().saturating_add(2)/'
fault value-in-the-bucket-below $core/metrics/histogram.rs 's/\.saturating_sub\(FIRST\)\)/.saturating_sub(FIRST + 1))/'
fault batch-applied-twice $core/metrics/batch/ledger.rs 's/if sequence <= self\.last/if sequence < self.last/'

echo "$((count - missed)) of $count faults caught"
[[ $missed -eq 0 ]]
