//! Work that is split into parts, for callers with threads, gives the same results as the whole.

use flcm_flags::{Millis, Policy, Snapshot};
use flcm_flags_config::OwnedContext;
use flcm_flags_config::diff::{ContextCounter, Version, compare_all, compare_for};
use flcm_flags_config::simulate::{Comparison, Traffic};
use flcm_flags_config::{check, compile};

fn snapshot(percentage: u32) -> Snapshot<Vec<u8>> {
    let variants = "[{ name: a, weight: 1 }, { name: b, weight: 1 }]";
    let text = format!("flags: {{ beta: {{ rollout: {{ percentage: {percentage} }}, variants: {variants} }} }}");
    Snapshot::from_bytes(compile(&check(&text).0.unwrap())).unwrap()
}

#[test]
fn contexts_may_be_counted_in_parts() {
    let (before, after) = (snapshot(10), snapshot(50));
    let [old, new] = [&before, &after].map(|snapshot| Version { name: "", snapshot, config: None });
    let contexts: Vec<OwnedContext> = (0..1_000).map(|user| OwnedContext::of(&format!("user-{user}"))).collect();
    let whole = compare_for(&old, &new, Millis(0), &contexts);

    let mut difference = compare_all(&old, &new, Millis(0));
    let count = |part: &[OwnedContext]| {
        let mut counter = ContextCounter::new(&difference, [&before, &after], Millis(0));
        for context in part {
            context.with_core(|context| counter.add(&context));
        }
        counter
    };
    let (mut counter, rest) = (count(&contexts[..300]), count(&contexts[300..]));
    counter.merge(&rest);
    counter.write_to(&mut difference);

    let moves = difference.flags[0].contexts.as_ref().unwrap();
    assert_eq!(serde_json::to_string(&difference).unwrap(), serde_json::to_string(&whole).unwrap());
    assert_eq!((difference.contexts, moves.gain + moves.same), (Some(1_000), 1_000));
    assert!((300..500).contains(&moves.gain), "about 40 % of the users gain the feature: {}", moves.gain);
}

#[test]
fn policies_may_be_compared_in_parts() {
    let traffic = Traffic { requests: 20.0, share: 0.5, treatment: 0.3, control: 0.01 };
    let comparison = Comparison { policy: Policy::DEFAULT, traffic, runs: 7, days: 2, seed: 5, with_plain: true };
    let whole = comparison.run();
    assert_eq!(whole[0].from_start.found.len(), 7);
    for parts in [2, 3, 10] {
        let results = (0..parts).map(|part| comparison.part(part, parts));
        assert_eq!(Comparison::merge(results), whole, "{parts} parts");
    }
}
