//! Users and durations that a batch cannot have counted are left out.

use fastrand::Rng;
use flcm_flags::metrics::batch::{Batch, Writer};
use flcm_flags::{Arm, Context, Reason, Sample};

use super::damage::sign;
use super::{HEADER, Metrics, duration, empty, outcome, read, snapshot, variant_name, write};

/// What a receiver has after a batch of these metrics, and whether it took everything.
fn merged(metrics: &Metrics) -> (Metrics, bool) {
    let bytes = write(|writer| _ = writer.flag("f", variant_name, metrics));
    let mut server = empty();
    let all = read(&bytes).flags().next().expect("a flag").merge_likely_sketches_into(&mut server);
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
                host.decision(outcome(None, Reason::Split.code()), &Context::new(Some(&user), &[]).bind(&snapshot));
                host.outcome(Arm::Control, &Sample { total: 1, ..Sample::default() }, duration(&mut rng));
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
        (0..registers).for_each(|register| host.see(register, rank));
        let (server, all) = merged(&host);
        assert!(!all && server.users().is_empty(), "{decisions} decisions, {registers} registers of rank {rank}");
    }
    // Whatever ranks are chosen, the estimate stays near the number of decisions.
    for decisions in [1_u32, 10, 500, 1_023, 1_024, 2_048, 5_000, 100_000] {
        for rank in 1..=54 {
            let mut host = empty();
            host.tally(0, decisions);
            (0..usize::try_from(decisions).expect("few").min(2_048)).for_each(|register| host.see(register, rank));
            let users = merged(&host).0.users().estimate();
            assert!(users <= 2.1 * f64::from(decisions) + 1.0, "{decisions} decisions, rank {rank}: {users} users");
        }
    }
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
    let entry =
        [&b"\x01\x01f\x00\x84\x01\x00\x00\x00\x01\xf0\x00\x01\x80\x10"[..], &[1.0_f64.to_le_bytes(); 2].concat()];
    let mut forged = [&bytes[..38], &entry.concat(), &[0; 8]].concat();
    sign(&mut forged);
    let mut server = empty();
    let batch = Batch::from_bytes(&forged).expect("a batch");
    assert!(!batch.flags().next().expect("a flag").merge_likely_sketches_into(&mut server));
    assert!(server.durations().is_empty());
}
