//! What is counted of a flag: read, summed up, in fixed memory.

use flcm_flags::metrics::batch::{Batch, Writer, set_age};
use flcm_flags::metrics::{CustomValue, Distinct, FlagMetrics, Group, Histogram};
use flcm_flags::{Arm, Context, Reason, Sample};

use super::{
    Customs, FAILED, HEADER, MISSING, Metrics, STANDARD_ERROR, empty, outcome, outcome_in, read, snapshot,
    variant_index, variant_name, write,
};

#[test]
fn memory_is_fixed() {
    assert_eq!(size_of::<Distinct>(), 2048);
    assert_eq!(size_of::<Histogram>(), 384 * 4 + 4 * 8);
    assert!(size_of::<Group>() <= 3_640, "{}", size_of::<Group>());
    assert!(size_of::<FlagMetrics>() <= 3 * 3_640 + 100, "{}", size_of::<FlagMetrics>());
}

#[test]
fn a_summary_says_what_was_counted() {
    let (snapshot, mut metrics) = (snapshot(), empty());
    for user in 0..1_000 {
        let user = format!("user-{user}");
        let context = Context::new(Some(&user), &[]).bind(&snapshot);
        metrics.decision(outcome(Some(1), Reason::Split.code()), &context);
        metrics.decision(outcome(None, Reason::Disabled.code()), &context);
    }
    for milliseconds in 1..=100_u32 {
        let (errors, slow) = (u32::from(milliseconds > 90), u32::from(milliseconds > 50));
        metrics.outcome(Arm::Treatment, &Sample { total: 1, errors, slow, missing: 0 }, milliseconds.into());
    }
    (0..2).for_each(|_| metrics.outcome(Arm::Control, &MISSING, f64::NAN));
    (0..6).for_each(|_| metrics.outcome(Arm::Control, &Sample { missing: 0, ..MISSING }, f64::NAN));
    metrics.outcome(Arm::Outside, &FAILED, f64::NAN);
    let summary = metrics.summary();
    assert_eq!((summary.decisions, metrics.count(Some(1), Reason::Split)), (2_000, 1_000));
    assert_eq!((metrics.count(None, Reason::Split), metrics.count(Some(9), Reason::Split)), (0, 0));
    assert!((summary.users / 1_000.0 - 1.0).abs() < 4.0 * STANDARD_ERROR);
    assert_eq!(summary.outcomes.treatment, Sample { total: 100, errors: 10, slow: 50, missing: 0 });
    assert_eq!(summary.outcomes.control, Sample { total: 8, errors: 0, slow: 0, missing: 2 });
    assert_eq!(summary.outcomes.outside, FAILED);
    assert_eq!((summary.treatment_error_rate, summary.control_error_rate), (0.1, 0.25));
    let durations = summary.durations;
    assert_eq!((durations.count, durations.mean, durations.min, durations.max), (100, 50.5, 1.0, 100.0));
    for (value, exact) in [(durations.p50, 50.0), (durations.p95, 95.0), (durations.p99, 99.0)] {
        assert!((value / exact - 1.0_f64).abs() <= 0.032, "{value} for {exact}");
    }
    let nothing = empty().summary();
    assert_eq!((nothing.users, nothing.treatment_error_rate, nothing.durations.p99), (0.0, 0.0, 0.0));
}

#[test]
fn each_arm_and_variant_has_its_own_users_outcomes_and_durations() {
    let (snapshot, mut metrics) = (snapshot(), empty());
    let places = [(Arm::Control, None), (Arm::Outside, Some(2)), (Arm::Treatment, Some(0)), (Arm::Treatment, Some(1))];
    for (count, (arm, variant)) in (1_u32..).zip(places) {
        for user in 0..count * 10 {
            let user = format!("{arm} {variant:?} {user}");
            let decision = outcome_in(arm, variant, Reason::Split.code());
            metrics.decision(decision, &Context::new(Some(&user), &[]).bind(&snapshot));
        }
        metrics.outcome_of(arm, variant, &Sample { total: count, errors: 1, ..Sample::default() }, count.into());
    }
    let bytes = write(|writer| _ = writer.flag("f", variant_name, &metrics));
    let flag = read(&bytes).flags().next().expect("a flag");
    let mut server = empty();
    assert_eq!(flag.merge_into(&mut server, variant_index), 0);
    assert_eq!(server, metrics);
    let found: Vec<_> = server
        .groups()
        .map(|(arm, variant, group)| {
            let users = (group.users().estimate() / 10.0).round() * 10.0;
            (arm, variant, users, group.outcomes().total, group.durations().max())
        })
        .collect();
    let expected = [
        (Arm::Control, None, 10.0, 1, 1.0),
        (Arm::Treatment, Some(0), 30.0, 3, 3.0),
        (Arm::Treatment, Some(1), 40.0, 4, 4.0),
        (Arm::Outside, Some(2), 20.0, 2, 2.0),
    ];
    assert_eq!(found, expected);
    assert_eq!(flag.outcomes(), metrics.outcomes());
    assert_eq!((metrics.outcomes().treatment.total, metrics.durations().count()), (7, 4));
    // Where a variant has no group, nothing is lost.
    let mut by_arm = FlagMetrics::new([0; FlagMetrics::counters_for(0)]);
    assert!(flag.merge_into(&mut by_arm, |_| None) > 0);
    let by_arm = by_arm.groups().map(|(arm, _, group)| (arm, group.outcomes().total)).collect::<Vec<_>>();
    assert_eq!(by_arm, [(Arm::Outside, 2), (Arm::Treatment, 7), (Arm::Control, 1)]);
}

#[test]
fn a_decision_that_was_given_many_times_counts_as_many() {
    let (snapshot, mut metrics) = (snapshot(), empty());
    let context = Context::new(Some("alice"), &[]).bind(&snapshot);
    metrics.decisions(outcome(Some(1), Reason::Split.code()), &context, 1_000);
    metrics.decision(outcome(Some(1), Reason::Split.code()), &context);
    assert_eq!((metrics.count(Some(1), Reason::Split), metrics.users().estimate().round()), (1_001, 1.0));
    (0..2).for_each(|_| metrics.decisions(outcome(Some(1), Reason::Split.code()), &context, u32::MAX));
    assert_eq!(metrics.count(Some(1), Reason::Split), u32::MAX, "it stops at the largest");
}

#[test]
fn whatever_was_counted_it_is_not_empty() {
    let snapshot = snapshot();
    let context = Context::new(Some("alice"), &[]).bind(&snapshot);
    let nobody = Context::new(None, &[]).bind(&snapshot);
    let default = outcome(None, Reason::Default.code());
    let count: [&dyn Fn(&mut Metrics); 5] = [
        &|metrics| metrics.decision(default, &nobody),
        &|metrics| metrics.decisions(default, &context, 0),
        &|metrics| metrics.outcome(Arm::Outside, &MISSING, f64::NAN),
        &|metrics| metrics.outcome(Arm::Outside, &Sample::default(), 1.0),
        &|metrics| metrics.add_evidence(Arm::Control, &MISSING),
    ];
    for (place, count) in count.into_iter().enumerate() {
        let mut metrics = empty();
        count(&mut metrics);
        assert!(!metrics.is_empty(), "{place}");
        let bytes = write(|writer| {
            writer.flag("f", variant_name, &metrics);
        });
        let mut merged = empty();
        read(&bytes).flags().for_each(|flag| assert_eq!(flag.merge_into(&mut merged, variant_index), 0));
        assert_eq!(merged, metrics, "{place}");
        metrics.clear();
        assert!(metrics == empty() && metrics.is_empty(), "{place}");
    }
}

#[test]
fn recording_and_draining_allocate_nothing() {
    let (snapshot, mut metrics, mut server, mut customs) = (snapshot(), empty(), empty(), Customs::new());
    let mut bytes = vec![0; 1 << 16];
    let measured = allocation_counter::measure(|| {
        let context = Context::new(Some("alice"), &[]).bind(&snapshot);
        for code in 0..11 {
            metrics.decision(outcome(Some(1), code), &context);
            metrics.outcome(Arm::Treatment, &FAILED, f64::from(code));
            metrics.add_evidence(Arm::Treatment, &FAILED);
        }
        customs.add("a", 1);
        customs.observe("b", 1.0);
        std::hint::black_box(metrics.summary());
        let mut length = 0;
        let mut writer = Writer::new(HEADER, |written: &[u8]| {
            bytes[length..length + written.len()].copy_from_slice(written);
            length += written.len();
        });
        writer.drain("f", variant_name, &mut metrics);
        writer.drain_custom(&mut customs);
        writer.finish();
        set_age(&mut bytes[..length], 5).expect("a batch");
        let batch = Batch::from_bytes(&bytes[..length]).expect("a batch");
        batch.flags().for_each(|flag| {
            flag.merge_into(&mut server, variant_index);
        });
        batch.merge_customs_into(&mut customs);
    });
    assert_eq!(measured.count_total, 0);
    assert_eq!((server.summary().decisions, server.durations().count()), (11, 11));
    assert!(matches!(customs.iter().next(), Some(("a", CustomValue::Counter(1)))));
}
