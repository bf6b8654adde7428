//! What a document says about rolling back reaches the snapshot, and what it leaves out costs nothing there.

use flcm_flags::{Action, Detector, Policy, Recovery, Shared, Snapshot, Sources};
use flcm_flags_config::{check, compile};

/// The bytes of `tests/vectors/snapshot/policy.json`.
const KEPT: &[u8] = include_bytes!("../../../../tests/vectors/snapshot/policy.snapshot");

fn policy(bytes: &[u8], flag: &str) -> Option<Policy> {
    let snapshot = Snapshot::from_bytes(bytes).unwrap();
    snapshot.describe(snapshot.flag(flag).unwrap()).unwrap().policy()
}

#[test]
fn kept_bytes_say_how_flags_roll_back() {
    let evidence = Policy {
        rate: 0.02,
        window: 600,
        detector: Detector::Evidence,
        ratio: 2.0,
        margin: 0.005,
        budget: 0.0001,
        min_samples: 30,
        slow_ms: 800,
        slow_rate: 0.1,
        action: Action::StepBack,
        shared: Shared::Hold,
        evidence: Sources::Servers,
        recovery: Recovery::Sticky,
        cooldown: 120,
        probe: 2_500,
    };
    assert_eq!(policy(KEPT, "evidence"), Some(evidence));
    let rate = Policy {
        rate: 0.25,
        window: 60,
        detector: Detector::Rate,
        ratio: 1.0,
        margin: 0.0,
        budget: 0.5,
        min_samples: 100,
        slow_ms: 1,
        slow_rate: 0.9,
        action: Action::Notify,
        shared: Shared::RollBack,
        evidence: Sources::Servers,
        recovery: Recovery::Auto,
        cooldown: 0,
        probe: 100_000,
    };
    assert_eq!(policy(KEPT, "rate"), Some(rate));
    assert_eq!(policy(KEPT, "story"), Some(Policy { rate: 0.05, window: 300, ..Policy::DEFAULT }));
    assert_eq!(policy(KEPT, "unguarded"), None);
}

fn compiled(threshold: &str) -> Vec<u8> {
    let text =
        format!("flags: {{ f: {{ rollout: {{ percentage: 5 }}, error_threshold: {{ rate: 0.1{threshold} }} }} }}");
    let (config, diagnostics) = check(&text);
    compile(&config.unwrap_or_else(|| panic!("{}", diagnostics.render("document", &text, false))))
}

#[test]
fn what_is_left_out_is_the_default() {
    assert_eq!(policy(&compiled(""), "f"), Some(Policy { rate: 0.1, ..Policy::DEFAULT }));
}

#[test]
fn words_for_budgets() {
    for (word, budget) in [("fast", 0.01), ("strict", 0.0001)] {
        let expected = Policy { rate: 0.1, budget, ..Policy::DEFAULT };
        assert_eq!(policy(&compiled(&format!(", budget: {word}")), "f"), Some(expected));
    }
}

#[test]
fn sources_of_evidence_share_a_byte_with_what_a_shared_fault_leads_to() {
    for (written, evidence) in [
        ("[servers]", Sources::Servers),
        ("[pages]", Sources::Pages),
        ("[servers, pages]", Sources::ServersAndPages),
        ("[pages, servers]", Sources::ServersAndPages),
    ] {
        for shared in [Shared::RollBack, Shared::Hold] {
            let expected = Policy { rate: 0.1, shared, evidence, ..Policy::DEFAULT };
            assert_eq!(policy(&compiled(&format!(", shared: {shared}, evidence: {written}")), "f"), Some(expected));
        }
    }
}

/// Any of them alone, so that none is forgotten when the details are compared with the default.
#[test]
fn details_take_room_only_when_one_is_not_the_default() {
    let has_details = |threshold: &str| {
        let snapshot = Snapshot::from_bytes(compiled(threshold)).unwrap();
        snapshot.sections().any(|(name, count, _)| name == "policy_details" && count > 0)
    };
    for usual in [
        "",
        ", window: 60, min_samples: 1, cooldown: 1, probe: 1",
        ", detector: evidence, ratio: 1.25, margin: 0.001, budget: 0.001, slow_rate: 0.5, action: disable, shared: roll_back, evidence: [servers], recovery: by_cause",
    ] {
        assert!(!has_details(usual), "{usual}");
    }
    for detail in [
        ", detector: rate",
        ", ratio: 2",
        ", margin: 0",
        ", budget: fast",
        ", slow_ms: 1",
        ", slow_rate: 0.4",
        ", action: notify",
        ", shared: hold",
        ", evidence: [servers, pages]",
        ", evidence: [pages]",
        ", recovery: auto",
    ] {
        assert!(has_details(detail), "{detail}");
    }
}
