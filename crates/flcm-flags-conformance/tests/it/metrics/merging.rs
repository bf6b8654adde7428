//! Merging: the same bits in whatever order and grouping.

use std::collections::BTreeMap;

use fastrand::Rng;
use flcm_flags::metrics::{Custom, Distinct, Histogram};
use flcm_flags::{Arm, Sample};

use super::{ARMS, Customs, FAILED, MISSING, Metrics, any_duration, empty, happenings, random_metrics, recorded};

fn random_distinct(rng: &mut Rng) -> Distinct {
    let mut distinct = Distinct::new();
    (0..rng.usize(0..5_000)).for_each(|_| distinct.insert(rng.u64(..)));
    distinct
}

fn random_histogram(rng: &mut Rng) -> Histogram {
    let mut histogram = Histogram::new();
    (0..rng.usize(0..500)).for_each(|_| {
        histogram.record(any_duration(rng));
    });
    histogram
}

/// What is merged is the same, bit for bit, in whatever order and grouping.
fn assert_merges<T: Clone + std::fmt::Debug + PartialEq>(
    nothing: &T,
    mut random: impl FnMut(&mut Rng) -> T,
    merge: impl Fn(&mut T, &T),
) {
    let merged = |left: &T, right: &T| {
        let mut both = left.clone();
        merge(&mut both, right);
        both
    };
    for seed in 0..100 {
        let mut rng = Rng::with_seed(seed);
        let [a, b, c] = [(); 3].map(|()| random(&mut rng));
        assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)), "seed {seed}: grouping");
        assert_eq!(merged(&a, &b), merged(&b, &a), "seed {seed}: order");
        assert_eq!((merged(&a, nothing), merged(nothing, &a)), (a.clone(), a.clone()), "seed {seed}: identity");
    }
}

#[test]
fn merging_is_associative_and_commutative_and_has_an_identity() {
    assert_merges(&Distinct::new(), random_distinct, Distinct::merge);
    assert_merges(&Histogram::new(), random_histogram, Histogram::merge);
    assert_merges(&empty(), random_metrics, Metrics::merge);
    // Of counts that stop at the largest as well.
    let nearly_full = |rng: &mut Rng| {
        let mut metrics = random_metrics(rng);
        let total = u32::MAX - rng.u32(0..3);
        metrics.outcome(ARMS[rng.usize(0..3)], &Sample { total, missing: total, ..MISSING }, f64::NAN);
        (0..3).for_each(|_| metrics.outcome(Arm::Control, &FAILED, f64::MAX));
        metrics
    };
    assert_merges(&empty(), nearly_full, Metrics::merge);
}

#[test]
fn seeing_the_same_users_again_changes_nothing() {
    for seed in 0..50 {
        let distinct = random_distinct(&mut Rng::with_seed(seed));
        let mut again = distinct.clone();
        again.merge(&distinct);
        assert!(again == distinct, "seed {seed}");
    }
}

#[test]
fn what_is_recorded_in_parts_and_merged_is_what_is_recorded_whole() {
    for seed in 0..50 {
        let mut rng = Rng::with_seed(seed);
        let all = happenings(&mut rng, 1_000);
        let mut merged = empty();
        for part in all.chunks(1 + rng.usize(0..100)) {
            merged.merge(&recorded(part, 0));
        }
        assert_eq!(merged, recorded(&all, 0), "seed {seed}");
    }
}

#[test]
fn custom_metrics_in_parts_are_those_of_the_whole_by_name() {
    for seed in 0..50 {
        let mut rng = Rng::with_seed(seed);
        let (mut whole, mut merged) = (Customs::new(), Customs::new());
        for _ in 0..rng.usize(0..10) {
            let mut part = Customs::new();
            for _ in 0..rng.usize(0..20) {
                let (name, value) = (["a", "b", "größe", "d\n"][rng.usize(0..4)], any_duration(&mut rng));
                let amount = rng.u64(..) >> rng.u8(0..64);
                for metrics in [&mut whole, &mut part] {
                    metrics.add(name, amount);
                    metrics.observe(&name.to_uppercase(), value);
                }
            }
            merged.merge(&part);
        }
        assert_eq!(merged.dropped(), whole.dropped(), "seed {seed}");
        let by_name = |metrics: &Customs| {
            metrics.iter().map(|(name, value)| (name.to_owned(), format!("{value:?}"))).collect::<BTreeMap<_, _>>()
        };
        assert_eq!(by_name(&merged), by_name(&whole), "seed {seed}");
    }
}

#[test]
fn custom_metrics_that_find_no_room_are_dropped_and_counted() {
    let (mut wide, mut narrow): (Custom<3, 3>, Custom<1, 1>) = (Custom::new(), Custom::new());
    for name in ["a", "b", "c"] {
        assert!(wide.add(name, 7) && wide.observe(&name.to_uppercase(), 7.0));
    }
    narrow.merge(&wide);
    assert_eq!((narrow.iter().count(), narrow.dropped()), (2, 4));
    narrow.merge(&narrow.clone());
    assert_eq!(narrow.dropped(), 8);
}
