//! Every vector, against the core, the config crate and the oracle. Those of diagnostics run in `diagnostic_codes`.

use std::path::{Path, PathBuf};

use flcm_flags_conformance::vectors::{breaker, files, run};

/// Runs all files of a kind.
fn run_all(kind: &str, run: impl FnMut(&Path) -> usize) {
    let cases: usize = files(kind).iter().map(PathBuf::as_path).map(run).sum();
    assert!(cases > 0, "{kind}: no cases");
    println!("{kind}: {cases} cases");
}

#[test]
fn evaluate() {
    run_all("evaluate", run::evaluate);
}

#[test]
fn breaker() {
    run_all("breaker", breaker::run);
}

#[test]
fn bucket() {
    run_all("bucket", run::bucket);
}

#[test]
fn condition() {
    run_all("condition", run::condition);
}

#[test]
fn schedule() {
    run_all("schedule", run::schedule);
}

#[test]
fn inherit() {
    run_all("inherit", run::inherit);
}

#[test]
fn diff() {
    run_all("diff", run::diff);
}

#[test]
fn snapshot() {
    run_all("snapshot", run::snapshot);
}
