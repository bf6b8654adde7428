//! What of the outcomes that pages report is evidence.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use flcm_flags::{Counts, FlagId, Millis, Sample};
use flcm_flags_host::{NETWORKS, Network, Page, PageEvidence};

use crate::chance::Chance;

const FLAG: FlagId = FlagId(3);
/// The beginning of a minute.
const START: u64 = 1_800_000_000;

fn network(number: u32) -> Network {
    Network::from(Ipv4Addr::from((10 << 24) | (number << 8) | 7))
}

fn page(instance: u64, of: u32) -> Page {
    Page { instance, epoch: 1, network: network(of) }
}

fn sample(total: u32, errors: u32) -> Sample {
    Sample { total, errors, ..Sample::default() }
}

fn counts(treatment: Sample, control: Sample) -> Counts {
    Counts { generation: 1, age: 0, treatment, control }
}

fn at(second: u64) -> Millis {
    Millis((START + second) * 1000)
}

/// All rounds that are over.
fn rounds(evidence: &mut PageEvidence, second: u64) -> Vec<Counts> {
    std::iter::from_fn(|| evidence.take_round(at(second)).map(|(_, counts)| counts)).collect()
}

/// A page of each of so many networks reports one outcome of each arm.
fn report_from(evidence: &mut PageEvidence, networks: u32, second: u64) {
    for number in 0..networks {
        evidence.offer(FLAG, &counts(sample(1, 0), sample(1, 0)), &page(number.into(), number), at(second));
    }
}

#[test]
fn nothing_counts_from_fewer_than_twenty_networks() {
    let mut evidence = PageEvidence::default();
    for second in 0..120 {
        for instance in 0..200 {
            let from = page(second * 1000 + instance, u32::try_from(instance % 19).unwrap());
            evidence.offer(FLAG, &counts(sample(9, 9), sample(9, 0)), &from, at(second));
        }
        assert_eq!(rounds(&mut evidence, second), []);
    }
    assert_eq!(rounds(&mut evidence, 180), [], "a minute later it is forgotten");
    report_from(&mut evidence, 20, 181);
    assert_eq!(rounds(&mut evidence, 182), [counts(sample(20, 0), sample(20, 0))]);
}

#[test]
fn a_network_counts_once_in_a_round_however_many_pages_it_invents() {
    let mut evidence = PageEvidence::default();
    for instance in 1_000..3_000 {
        evidence.offer(FLAG, &counts(sample(100, 100), sample(100, 100)), &page(instance, 7), at(0));
    }
    for number in 0..20 {
        evidence.offer(FLAG, &counts(sample(1, 0), sample(1, 0)), &page(number.into(), number), at(0));
    }
    assert_eq!(rounds(&mut evidence, 1), [counts(sample(20, 1), sample(20, 1))], "one in twenty is 5 %");
}

#[test]
fn a_page_counts_once_a_minute() {
    let mut evidence = PageEvidence::default();
    let mut total = 0;
    for second in 0..59 {
        report_from(&mut evidence, 25, second);
        total += rounds(&mut evidence, second).iter().map(|counts| counts.treatment.total).sum::<u32>();
    }
    assert_eq!(total, 25);
    report_from(&mut evidence, 25, 60);
    assert_eq!(rounds(&mut evidence, 61).len(), 1, "the next minute");
}

#[test]
fn the_share_of_failures_stays_what_it_is() {
    let mut evidence = PageEvidence::default();
    let (mut treatment, mut control) = (Sample::default(), Sample::default());
    for minute in 0..200 {
        for number in 0..100 {
            let reported = Sample { total: 20, errors: 1, slow: 5, missing: 1 };
            evidence.offer(FLAG, &counts(reported, sample(10, 1)), &page(number.into(), number), at(minute * 60));
        }
        for counts in rounds(&mut evidence, minute * 60 + 1) {
            treatment.add(&counts.treatment);
            control.add(&counts.control);
        }
    }
    assert_eq!((treatment.total, control.total), (20_000, 20_000));
    // Within five standard deviations.
    assert!((1_000_u32).abs_diff(treatment.errors) < 155, "{treatment:?}");
    assert!((1_000_u32).abs_diff(treatment.missing) < 155, "{treatment:?}");
    assert!((5_000_u32).abs_diff(treatment.slow) < 310, "{treatment:?}");
    assert!((2_000_u32).abs_diff(control.errors) < 215, "{control:?}");
}

#[test]
fn a_round_waits_for_the_control_for_a_while() {
    let mut evidence = PageEvidence::default();
    for number in 0..30 {
        evidence.offer(FLAG, &counts(sample(1, 0), Sample::default()), &page(number.into(), number), at(0));
    }
    for second in 0..10 {
        assert_eq!(rounds(&mut evidence, second), []);
    }
    assert_eq!(rounds(&mut evidence, 10), [counts(sample(30, 0), Sample::default())]);
}

#[test]
fn a_round_waits_for_the_treatment_for_a_minute() {
    let mut evidence = PageEvidence::default();
    for number in 0..30 {
        let treatment = sample(u32::from(number < 5), 0);
        evidence.offer(FLAG, &counts(treatment, sample(1, 1)), &page(number.into(), number), at(0));
    }
    for second in 0..60 {
        assert_eq!(rounds(&mut evidence, second), []);
    }
    assert_eq!(rounds(&mut evidence, 60), [counts(Sample::default(), sample(30, 30))], "what is too little is dropped");
}

#[test]
fn what_is_old_or_impossible_or_of_another_generation_is_no_evidence() {
    let mut evidence = PageEvidence::default();
    for number in 0..40 {
        let good = counts(sample(1, 1), sample(1, 1));
        let from = page(number.into(), number);
        evidence.offer(FLAG, &Counts { age: 60_001, ..good }, &from, at(0));
        evidence.offer(FLAG, &counts(sample(1, 2), sample(1, 0)), &from, at(0));
    }
    report_from(&mut evidence, 19, 0);
    assert_eq!(rounds(&mut evidence, 1), []);
    let later = Counts { generation: 2, ..counts(sample(1, 0), sample(1, 0)) };
    for number in 100..120 {
        evidence.offer(FLAG, &later, &page(number.into(), number), at(1));
    }
    let wanted = Counts { generation: 2, ..counts(sample(20, 0), sample(20, 0)) };
    assert_eq!(rounds(&mut evidence, 2), [wanted]);
}

#[test]
fn made_up_networks_and_pages_do_not_fill_the_memory() {
    let mut evidence = PageEvidence::default();
    for number in 0..50_000 {
        evidence.offer(FLAG, &counts(sample(1, 0), sample(1, 0)), &page(number.into(), number), at(0));
    }
    assert_eq!(evidence.networks(FLAG), 512);
    assert_eq!(rounds(&mut evidence, 1), [counts(sample(512, 0), sample(512, 0))]);
}

#[test]
fn networks_are_of_256_addresses_or_of_a_customer() {
    let of = |text: &str| Network::from(text.parse::<IpAddr>().unwrap());
    assert_eq!(of("198.51.100.1"), of("198.51.100.255"));
    assert_ne!(of("198.51.100.1"), of("198.51.101.1"));
    assert_eq!(of("2001:db8:1:2::3"), of("2001:db8:1:ffff::9"));
    assert_ne!(of("2001:db8:1::"), of("2001:db8:2::"));
    assert_eq!(of("::ffff:198.51.100.1"), of("198.51.100.2"));
    assert_ne!(of("::1"), Network::from(Ipv4Addr::from(0)));
    assert_eq!(Network::from(Ipv6Addr::LOCALHOST), of("::2"));
}

/// What happens to the same reports with other failures.
fn totals(seed: u64, failing: impl Fn(u32) -> bool) -> Vec<(u64, u32, u32, u32)> {
    let (mut chance, mut evidence, mut happened) = (Chance::new(seed), PageEvidence::default(), Vec::new());
    for second in 0..180 {
        for _ in 0..chance.below(60) {
            let of = u32::try_from(chance.below(30)).unwrap();
            let [treated, others] = [(); 2].map(|()| u32::try_from(chance.below(3)).unwrap());
            let errors = |total| if failing(of) { total } else { 0 };
            let reported = counts(sample(treated, errors(treated)), sample(others, errors(others)));
            evidence.offer(FLAG, &reported, &page(chance.below(200), of), at(second));
        }
        for Counts { treatment, control, .. } in rounds(&mut evidence, second) {
            happened.push((second, treatment.total, control.total, treatment.errors.max(control.errors)));
        }
    }
    happened
}

#[test]
fn when_rounds_end_and_how_much_counts_does_not_depend_on_failures() {
    for seed in 0..50 {
        let without = |rounds: Vec<(u64, u32, u32, u32)>| -> Vec<_> {
            rounds.into_iter().map(|(second, treated, others, _)| (second, treated, others)).collect()
        };
        assert_eq!(without(totals(seed, |_| false)), without(totals(seed, |of| of % 3 == 0)), "seed {seed}");
    }
}

#[test]
fn so_many_networks_have_at_most_so_many_twentieths_of_the_evidence() {
    let least = u32::try_from(NETWORKS).unwrap();
    for seed in 0..50 {
        for liars in [1, 3, 10] {
            let rounds = totals(seed, |of| of < liars);
            assert!(!rounds.is_empty(), "seed {seed}");
            for (second, treated, others, lies) in rounds {
                assert!(lies <= liars, "seed {seed}, second {second}");
                assert!(treated == 0 || treated >= least, "seed {seed}: {treated}");
                assert!(others == 0 || others >= least, "seed {seed}: {others}");
            }
        }
    }
}
