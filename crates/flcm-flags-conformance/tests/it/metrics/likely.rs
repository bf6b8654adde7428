//! Users and durations that a batch cannot have counted are left out.

use fastrand::Rng;
use flcm_flags::metrics::batch::{Batch, FlagBatch, Writer};
use flcm_flags::{Arm, Context, Reason, Sample};

use super::damage::sign;
use super::{ARMS, HEADER, Metrics, duration, empty, outcome_in, read, snapshot, variant_index, variant_name, write};

/// What a receiver has after a batch of these metrics, and whether it took everything.
fn merged(metrics: &Metrics) -> (Metrics, bool) {
    let bytes = write(|writer| _ = writer.flag("f", variant_name, metrics));
    likely(&read(&bytes).flags().next().expect("a flag"))
}

fn likely(flag: &FlagBatch<'_>) -> (Metrics, bool) {
    let (mut server, mut all, mut decisions) = (empty(), true, flag.decisions());
    for group in flag.groups() {
        let own = server.group_of(group.arm(), group.variant().and_then(variant_index)).expect("a group");
        all &= group.merge_likely_sketches_into(own, &mut decisions);
    }
    (server, all)
}

#[test]
fn what_hosts_count_is_always_added() {
    let (snapshot, mut rng) = (snapshot(), Rng::with_seed(5));
    for users in [1, 2, 10, 100, 900, 1_400, 1_500, 2_000, 3_000, 10_000, 60_000] {
        for _ in 0..20 {
            let mut host = empty();
            for _ in 0..users {
                let user = format!("user-{}", rng.u64(..));
                let (arm, variant) = (ARMS[rng.usize(0..3)], rng.bool().then(|| rng.u16(0..3)));
                let decision = outcome_in(arm, variant, Reason::Split.code());
                host.decision(decision, &Context::new(Some(&user), &[]).bind(&snapshot));
                let sample = Sample { total: 1, ..Sample::default() };
                host.outcome_of(arm, variant, &sample, duration(&mut rng));
            }
            let (server, all) = merged(&host);
            assert!(all, "{users} users");
            assert!(server.users() == host.users() && server.durations() == host.durations());
        }
    }
}

#[test]
fn nobody_can_claim_more_users_than_decisions() {
    for (decisions, registers, rank) in [(0, 1, 1), (1, 2, 1), (100, 101, 1), (2_047, 2_048, 1), (2_048, 2_048, 54)] {
        let mut host = empty();
        host.tally(0, decisions);
        (0..registers).for_each(|register| host.see(0, register, rank));
        let (server, all) = merged(&host);
        assert!(!all && server.users().is_empty(), "{decisions} decisions, {registers} registers of rank {rank}");
    }
    // Whatever ranks are chosen, the estimate stays near the number of decisions.
    for decisions in [1_u32, 10, 500, 1_023, 1_024, 2_048, 5_000, 100_000] {
        for rank in 1..=54 {
            let mut host = empty();
            host.tally(0, decisions);
            (0..usize::try_from(decisions).expect("few").min(2_048)).for_each(|register| host.see(0, register, rank));
            let users = merged(&host).0.users().estimate();
            assert!(users <= 2.1 * f64::from(decisions) + 1.0, "{decisions} decisions, rank {rank}: {users} users");
        }
    }
}

#[test]
fn the_users_of_all_groups_are_no_more_than_decisions() {
    let mut host = empty();
    host.tally(0, 100);
    for group in 0..9 {
        (0..40).for_each(|register| host.see(group, 40 * group + register, 1));
    }
    let (server, all) = merged(&host);
    let taken = server.groups().map(|(.., group)| group.users().estimate().round());
    assert!(!all && taken.eq([40.0, 40.0]), "{:?}", server.users());
}

#[test]
fn nobody_can_claim_more_durations_than_outcomes_or_endless_ones() {
    let host = |outcomes: u32, milliseconds: f64| {
        let mut host = empty();
        host.outcome(Arm::Outside, &Sample { total: outcomes, ..Sample::default() }, milliseconds);
        merged(&host)
    };
    assert!(host(1, 604_800_000.0).1);
    for (outcomes, milliseconds) in [(0, 1.0), (1, 604_800_001.0), (1, f64::MAX)] {
        let (server, all) = host(outcomes, milliseconds);
        assert!(!all && server.durations().is_empty(), "{outcomes} outcomes of {milliseconds} ms");
    }
    // One value of 1 ms whose sum is said to be 2 ms.
    let mut bytes = Vec::new();
    let writer = Writer::new(HEADER, |part: &[u8]| bytes.extend_from_slice(part));
    writer.finish();
    let entry = [
        &b"\x01\x01f\x00\x08\x01\x00\x14\x01\x00\x00\x00\x01\xf0\x00\x01\x80\x10"[..],
        &[1.0_f64.to_le_bytes(); 2].concat(),
    ];
    let mut forged = [&bytes[..38], &entry.concat(), &[0; 8]].concat();
    sign(&mut forged);
    let batch = Batch::from_bytes(&forged).expect("a batch");
    let (server, all) = likely(&batch.flags().next().expect("a flag"));
    assert!(!all && server.durations().is_empty());
}
