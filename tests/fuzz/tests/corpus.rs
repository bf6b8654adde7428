//! The corpus, without a fuzzer: what was found once stays fixed.

use std::fs;
use std::path::Path;

fn run(folder: &str, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(folder);
    let mut count = 0;
    for entry in fs::read_dir(&folder).expect("a corpus") {
        target(&fs::read(entry.expect("an entry").path()).expect("a file"));
        count += 1;
    }
    assert!(count > 0, "{} is empty", folder.display());
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
fn contexts() {
    run("contexts", flcm_flags_fuzz::contexts);
}
