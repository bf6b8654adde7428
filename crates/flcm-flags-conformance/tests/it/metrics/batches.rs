//! Batches carry everything, once.

use fastrand::Rng;
use flcm_flags::metrics::batch::{FlagBatch, Header, Ledger, Receipt, set_age};
use flcm_flags::{Arm, Context, Reason, Sample};

use super::{
    Customs, FAILED, HEADER, MISSING, Metrics, VARIANTS, empty, full_batch, happenings, outcome, outcome_in,
    random_customs, random_metrics, read, recorded, snapshot, variant_index, variant_name, write,
};

#[test]
fn merging_what_was_drained_gives_the_original() {
    for seed in 0..100 {
        let mut rng = Rng::with_seed(seed);
        let (mut metrics, mut customs) = (random_metrics(&mut rng), random_customs(&mut rng));
        let original = (metrics.clone(), customs.clone());
        let generation = metrics.evidence().generation;
        let bytes = write(|writer| {
            assert!(writer.drain("checkout", variant_name, &mut metrics));
            writer.drain_custom(&mut customs);
        });
        assert!(metrics.is_empty() && customs.is_empty());
        assert_eq!(metrics.evidence().generation, generation);
        let batch = read(&bytes);
        assert_eq!(batch.header(), HEADER);
        let mut merged = (empty(), Customs::new());
        for flag in batch.flags() {
            let evidence = original.0.evidence();
            assert_eq!((flag.key(), flag.evidence().age), ("checkout", HEADER.age));
            assert_eq!((flag.evidence().treatment, flag.evidence().control), (evidence.treatment, evidence.control));
            assert_eq!(flag.outcomes(), original.0.outcomes());
            assert_eq!(flag.merge_into(&mut merged.0, variant_index), 0);
        }
        // What was empty is left out, and with it the generation.
        merged.0.set_generation(generation);
        batch.merge_customs_into(&mut merged.1);
        assert_eq!(merged.0, original.0, "seed {seed}");
        assert!(merged.1 == original.1, "seed {seed}: {:?}", original.1);
    }
}

#[test]
fn a_batch_that_is_merged_in_any_split_equals_merging_it_whole() {
    for seed in 0..50 {
        let mut rng = Rng::with_seed(seed);
        let all = happenings(&mut rng, 600);
        let mut parts: Vec<Metrics> =
            all.chunks(1 + rng.usize(0..200)).map(|part| recorded(part, rng.u32(0..2))).collect();
        let mut whole = empty();
        for part in &parts {
            whole.merge(part);
        }
        rng.shuffle(&mut parts);
        let mut merged = empty();
        for batch in parts.chunks(1 + rng.usize(0..3)) {
            let bytes = write(|writer| {
                for (key, part) in ["f", "g", "h"].into_iter().zip(batch) {
                    writer.flag(key, variant_name, part);
                }
            });
            let mut flags: Vec<FlagBatch<'_>> = read(&bytes).flags().collect();
            rng.shuffle(&mut flags);
            for flag in flags {
                flag.merge_into(&mut merged, variant_index);
            }
        }
        assert_eq!(merged, whole, "seed {seed}");
    }
}

#[test]
fn unknown_variants_are_counted() {
    let (snapshot, mut host) = (snapshot(), empty());
    let context = Context::new(Some("alice"), &[]).bind(&snapshot);
    for (variant, times) in [(Some(0), 2), (Some(1), 3), (Some(2), 5), (None, 7)] {
        (0..times).for_each(|_| host.decision(outcome(variant, Reason::Split.code()), &context));
    }
    let bytes = write(|writer| {
        writer.flag("f", variant_name, &host);
    });
    let flag = read(&bytes).flags().next().expect("a flag");
    let mut server = empty();
    assert_eq!(flag.merge_into(&mut server, |name| variant_index(name).filter(|index| *index == 0)), 3 + 5);
    assert_eq!(server.count(Some(0), Reason::Split), 2);
    assert_eq!(server.count(None, Reason::Split), 3 + 5 + 7, "nothing is lost");
    let tallies: Vec<_> = flag.tallies().map(|(name, _, count)| (name, count)).collect();
    assert_eq!(tallies, [(None, 7), (Some(VARIANTS[0]), 2), (Some(VARIANTS[1]), 3), (Some(VARIANTS[2]), 5)]);
}

#[test]
fn names_that_no_document_has_are_not_written() {
    let (snapshot, mut metrics) = (snapshot(), empty());
    metrics.decision(outcome(Some(0), Reason::Split.code()), &Context::new(None, &[]).bind(&snapshot));
    let long = "x".repeat(257);
    let bytes = write(|writer| {
        assert!(!writer.flag("", variant_name, &metrics) && !writer.drain(&long, variant_name, &mut metrics));
        assert!(!metrics.is_empty(), "what is not written is not cleared");
        assert!(writer.flag("f", |_| Some(&long), &metrics) && writer.flag(&long[1..], variant_name, &metrics));
    });
    let batch = read(&bytes);
    let keys: Vec<&str> = batch.flags().map(|flag| flag.key()).collect();
    assert_eq!(keys, ["f", &long[1..]]);
    assert_eq!(batch.flags().next().map(|flag| flag.tallies().collect()), Some(vec![(None, Reason::Split, 1)]));
}

#[test]
fn a_quiet_flag_takes_about_43_bytes() {
    let (snapshot, mut metrics) = (snapshot(), empty());
    let around = write(|writer| {
        writer.flag("checkout.new-basket.", variant_name, &metrics);
    })
    .len();
    assert_eq!(around, 38 + 8, "nothing is written for a flag without anything");
    metrics.decision(outcome(None, Reason::Split.code()), &Context::new(Some("alice"), &[]).bind(&snapshot));
    let decided = write(|writer| {
        writer.flag("checkout.new-basket.", variant_name, &metrics);
    })
    .len()
        - around;
    metrics.outcome(Arm::Control, &FAILED, f64::NAN);
    let settled = write(|writer| {
        writer.flag("checkout.new-basket.", variant_name, &metrics);
    })
    .len()
        - around;
    assert!(decided <= 39 && settled <= 46, "{decided}, {settled}");
}

#[test]
fn counts_that_stopped_at_the_largest_are_still_sent() {
    let mut metrics = empty();
    metrics.add_evidence(Arm::Treatment, &Sample { total: u32::MAX - 1, missing: u32::MAX - 1, ..MISSING });
    (0..3).for_each(|_| metrics.add_evidence(Arm::Treatment, &FAILED));
    assert!(!metrics.evidence().is_valid(), "this is what is to be mended");
    let bytes = write(|writer| {
        writer.flag("f", variant_name, &metrics);
    });
    let treatment = read(&bytes).flags().next().expect("a flag").evidence().treatment;
    assert_eq!(treatment, Sample { total: u32::MAX, errors: 1, slow: 3, missing: u32::MAX - 1 });
}

#[test]
fn an_older_batch_says_its_age_and_nothing_else_changes() {
    let bytes = full_batch();
    let mut older = bytes.clone();
    set_age(&mut older, 90_000).expect("a batch");
    assert_eq!(read(&older).header(), Header { age: 90_000, ..HEADER });
    assert!(read(&older).flags().all(|flag| flag.evidence().age == 90_000));
    set_age(&mut older, HEADER.age).expect("a batch");
    assert!(older == bytes);
    older[50] ^= 1;
    let damaged = older.clone();
    assert!(set_age(&mut older, 7).is_err() && older == damaged, "damage is not signed");
}

/// What version 2 of the format is. Once it is released, neither these bytes nor what they say may ever change.
const WRITTEN: &str = "\
    464c434d424154430200080706050403020109000000000000000100000000000000fa0000000108636865636b6f7574ac\
    020f010101000100000102000101076772c3b6c39f65050103000801c90e01000601000001076772c3b6c39f651d010101\
    00018d010201a901018064000000000000294000000000000029400206636c69636b73e80703066261736b657401b30101\
    9a9f016666666666e633406666666666e633400401570d2502267fb9a1";

#[test]
fn a_batch_of_this_version_is_read_for_ever() {
    let (snapshot, mut metrics, mut customs) = (snapshot(), empty(), Customs::new());
    metrics.set_generation(300);
    let alice = Context::new(Some("alice"), &[]).bind(&snapshot);
    metrics.decision(outcome_in(Arm::Treatment, Some(2), Reason::Split.code()), &alice);
    metrics.decision(outcome(None, Reason::Default.code()), &Context::new(Some("bob"), &[]).bind(&snapshot));
    for (arm, variant, sample, duration) in
        [(Arm::Treatment, Some(2), FAILED, 12.5), (Arm::Control, None, MISSING, f64::NAN)]
    {
        metrics.outcome_of(arm, variant, &sample, duration);
        metrics.add_evidence(arm, &sample);
    }
    assert!(customs.add("clicks", 1_000) && customs.observe("basket", 19.9) && !customs.add("", 1));
    let bytes = write(|writer| {
        writer.flag("checkout", variant_name, &metrics);
        writer.custom(&customs);
    });
    let written: Vec<u8> = (0..WRITTEN.len() / 2)
        .map(|byte| u8::from_str_radix(&WRITTEN[2 * byte..2 * byte + 2], 16).expect("hexadecimal"))
        .collect();
    assert_eq!(bytes, written);
    let mut merged = (empty(), Customs::new());
    read(&bytes).flags().for_each(|flag| assert_eq!(flag.merge_into(&mut merged.0, variant_index), 0));
    read(&bytes).merge_customs_into(&mut merged.1);
    assert_eq!(merged.0, metrics);
    assert!(merged.1 == customs);
}

/// A host that sends a batch until it is acknowledged, and a server whose answers get lost.
#[test]
fn each_batch_is_applied_once_whatever_is_repeated() {
    let mut rng = Rng::with_seed(5);
    let (mut ledger, mut server, mut truth) = (Ledger::default(), 0_u64, 0_u64);
    for sequence in 1..=2_000 {
        let amount = rng.u64(1..100);
        truth += amount;
        loop {
            for _ in 0..rng.usize(0..3) {
                let late = rng.u64(0..=sequence);
                if late < sequence {
                    assert_eq!(ledger.accept(late), Receipt::Repeat, "{late} again, at {sequence}");
                }
                let ahead = rng.u64(sequence + 1..);
                assert_eq!(ledger.accept(ahead), Receipt::Gap, "{ahead}, at {sequence}");
            }
            match ledger.accept(sequence) {
                Receipt::Apply => server += amount,
                Receipt::Gap => panic!("a gap at {sequence}"),
                Receipt::Repeat => {}
            }
            let is_acknowledged = rng.bool();
            if is_acknowledged {
                break;
            }
        }
        assert_eq!((server, ledger.last), (truth, sequence));
    }
    let mut last = Ledger { last: u64::MAX };
    assert_eq!((last.accept(u64::MAX), last.accept(0)), (Receipt::Repeat, Receipt::Repeat));
}
