//! What an update has changed, by flag keys.

use flcm_flags::Snapshot;
use flcm_flags_host::ChangedFlags;

fn snapshot(document: &str) -> Snapshot<Vec<u8>> {
    let (config, _) = flcm_flags_config::check(document);
    Snapshot::from_bytes(flcm_flags_config::compile(&config.unwrap())).unwrap()
}

#[test]
fn an_update_names_flags_that_are_new_different_or_gone() {
    let before = snapshot("flags: { edited: { rollout: { percentage: 1 } }, same: {}, gone: {} }");
    let after = snapshot("flags: { new: {}, same: {}, edited: { rollout: { percentage: 2 } } }");
    let ChangedFlags { mut changed, removed } = ChangedFlags::new(&after, Some(&before));
    changed.sort_unstable();
    assert_eq!(changed, ["edited", "new"]);
    assert_eq!(removed, ["gone"]);
    assert_eq!(ChangedFlags::new(&after, Some(&after)), ChangedFlags::default());
}

#[test]
fn all_flags_of_the_first_snapshot_are_new() {
    let ChangedFlags { mut changed, removed } = ChangedFlags::new(&snapshot("flags: { a: {}, b: {} }"), None);
    changed.sort_unstable();
    assert_eq!(changed, ["a", "b"]);
    assert!(removed.is_empty());
}
