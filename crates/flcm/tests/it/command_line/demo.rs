//! `flcm demo`: real processes, so it takes its time.

use super::run::TestFolder;

#[test]
fn a_rollout_and_a_rollback_reach_both_hosts() {
    let shown = TestFolder::new().run(&["demo", "--once"]).well();
    let facts: Vec<&str> = shown.lines().filter_map(|line| line.strip_prefix("→ ")).collect();
    let [followed, rolled_back, words, back] = facts[..] else { panic!("{shown}") };
    assert!(followed.starts_with("both hosts use the new revision"), "{followed}");
    assert!(rolled_back.starts_with("rolled back on both hosts"), "{rolled_back}");
    assert!(words.starts_with("`v2_mentor_layer` rolled back 50 % → 0 %"), "{words}");
    assert_eq!(back, "both hosts serve it again");
    println!("{followed}\n{rolled_back}\n{words}");
}
