//! The corpus, without a fuzzer: what was found once stays fixed.

use std::fs;
use std::path::Path;

use flcm_flags::Policy;
use flcm_flags::breaker::{Breaker, Plan, Scope};
use flcm_flags::metrics::batch::Batch;
use flcm_flags_host::Unverified;

fn run(folder: &str, target: fn(&[u8])) {
    let count = each(folder, |_, bytes| target(bytes));
    assert!(count > 0, "`{folder}` is empty");
}

/// Shows the files of a corpus; how many there are.
fn each(folder: &str, mut show: impl FnMut(&str, &[u8])) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(folder);
    let mut count = 0;
    for entry in fs::read_dir(&folder).expect("a corpus") {
        let path = entry.expect("an entry").path();
        show(&path.file_name().expect("a name").to_string_lossy(), &fs::read(&path).expect("a file"));
        count += 1;
    }
    count
}

/// Files are accepted or refused as their names say, and there are some of both.
fn are_as_named(folder: &str, is_accepted: impl Fn(&[u8]) -> bool) {
    let mut seen = [0, 0];
    each(folder, |name, bytes| {
        let accepted = is_accepted(bytes);
        let named = name.split('-').next();
        assert_eq!(named, Some(if accepted { "accepted" } else { "refused" }), "{folder}/{name}");
        seen[usize::from(accepted)] += 1;
    });
    assert!(seen.iter().all(|count| *count > 2), "{folder}: {seen:?}");
}

#[test]
fn snapshots() {
    run("snapshot", flcm_flags_fuzz::snapshot);
}

#[test]
fn documents() {
    run("document", flcm_flags_fuzz::document);
}

#[test]
fn edits() {
    run("edit", flcm_flags_fuzz::edit);
}

#[test]
fn contexts() {
    run("contexts", flcm_flags_fuzz::contexts);
}

#[test]
fn breakers() {
    run("breaker", flcm_flags_fuzz::breaker);
    // Behind the bytes of a breaker stands what is done to it.
    let plan = Plan::new(&Policy::DEFAULT, Scope::Fleet);
    are_as_named("breaker", |bytes| Breaker::from_bytes(bytes.get(..Breaker::LENGTH).unwrap_or(bytes), &plan).is_ok());
}

#[test]
fn batches() {
    run("batch", flcm_flags_fuzz::batch);
    are_as_named("batch", |bytes| Batch::from_bytes(bytes).is_ok());
}

#[test]
fn pages() {
    run("pages", flcm_flags_fuzz::pages);
}

#[test]
fn statements() {
    run("statement", flcm_flags_fuzz::statement);
    are_as_named("statement", |bytes| str::from_utf8(bytes).is_ok_and(|text| Unverified::parse(text).is_some()));
}

#[test]
fn the_shop_is_that_of_the_examples() {
    let shop = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/shop.yaml")).expect("an example");
    let mut found = false;
    each("document", |name, bytes| found |= name == "shop.yaml" && bytes == shop);
    assert!(found, "copy `examples/shop.yaml` into the corpus");
}
