//! Pages in a simulated fleet: what they can show, and what strangers with their public key cannot do.

use std::net::Ipv4Addr;

use flcm_flags::breaker::{Breaker, Cause, Event, Next, Plan, Scope};
use flcm_flags::{Arm, Counts, FlagId, Millis, Policy, Recovery, Sample, Sources, TripState};
use flcm_flags_conformance::world::{EPOCH, Fate, Request, World};
use flcm_flags_host::Network;

const FLAG: FlagId = FlagId(0);
/// So many hosts are servers; those behind them are pages.
const SERVERS: usize = 4;

/// Four servers, and pages in networks: so many in each.
fn world(evidence: &str, networks: &[usize], seed: u64) -> World {
    let threshold = format!("{{ rate: 0.05{evidence} }}");
    let document = format!("flags: {{ flag: {{ rollout: {{ percentage: 50 }}, error_threshold: {threshold} }} }}");
    let mut world = World::new(&document, SERVERS + networks.iter().sum::<usize>(), 200.0, seed);
    let networks = (0..).zip(networks).flat_map(|(network, pages)| vec![network; *pages]);
    for (host, network) in world.hosts.iter_mut().skip(SERVERS).zip(networks) {
        host.network = Some(Network::from(Ipv4Addr::from_bits(network << 8)));
    }
    world
}

const BOTH: &str = ", evidence: [servers, pages]";
const STICKY: &str = ", evidence: [servers, pages], recovery: sticky";

fn is_treated_page(request: &Request) -> bool {
    request.host >= SERVERS && request.arm == Arm::Treatment
}

#[test]
fn a_fault_on_pages_switches_the_flag_off_everywhere_and_back_on() {
    rolls_back_and_recovers(BOTH);
}

/// Nobody can acknowledge what a page has tripped for itself: its evidence must reach the fleet all the same.
#[test]
fn a_fault_on_pages_switches_the_flag_off_everywhere_even_where_the_policy_waits_for_a_person() {
    rolls_back_and_recovers(STICKY);
}

fn rolls_back_and_recovers(evidence: &str) {
    let mut world = world(evidence, &[1; 60], 1);
    let failing = |request: &Request| Fate::with_rate(request, if is_treated_page(request) { 0.5 } else { 0.005 });
    world.run(600, |request| Fate::with_rate(request, 0.005));
    assert_eq!(world.events(), []);
    let delay = world.until(Event::Tripped, 600, failing).expect("a rollback");
    assert!(delay <= 180, "{delay} s");
    let tripped = world.fleet.transitions.last().expect("a rollback").1;
    assert_eq!((tripped.cause, world.fleet.transitions.len()), (Some(Cause::Pages), 1));
    world.run(2, failing);
    assert!((0..world.hosts.len()).all(|host| world.share(host, FLAG) == 0), "pages and servers");
    assert!(world.until(Event::Recovered, 3_600, |request| Fate::with_rate(request, 0.005)).is_some());
    world.run(2, |_| Fate::default());
    assert!(world.share(0, FLAG) > 400 && world.share(SERVERS, FLAG) > 400);
}

#[test]
fn what_pages_have_tripped_comes_back_even_where_the_policy_waits_for_a_person() {
    for scope in [Scope::Pages, Scope::Host] {
        assert!(matches!(next_after_a_rollback(Sources::ServersAndPages, scope), Next::Probe(_)), "{scope:?}");
    }
    let of_servers = [(Sources::ServersAndPages, Scope::Fleet), (Sources::Servers, Scope::Host)];
    for (evidence, scope) in of_servers {
        assert!(!matches!(next_after_a_rollback(evidence, scope), Next::Probe(_)), "{evidence:?}, {scope:?}");
    }
}

/// What a breaker waits for that must not come back by itself, when the treatment fails and the control does not.
fn next_after_a_rollback(evidence: Sources, scope: Scope) -> Next {
    let plan = Plan::new(&Policy { recovery: Recovery::Sticky, evidence, ..Policy::DEFAULT }, scope);
    let mut breaker = Breaker::new(1, Millis(EPOCH));
    let sample = |errors| Sample { total: 40, errors, ..Sample::default() };
    let (treatment, control) = (sample(40), sample(0));
    let tripped = (0..600).find_map(|second| {
        let counts = Counts { generation: breaker.generation(), age: 0, treatment, control };
        breaker.record(&plan, &counts, Millis(EPOCH + second * 1000))
    });
    let tripped = tripped.expect("a rollback");
    assert_eq!(tripped.event, Event::Tripped);
    tripped.next
}

#[test]
fn a_restart_keeps_what_pages_have_tripped() {
    let mut world = world(BOTH, &[1; 60], 2);
    let failing = |request: &Request| Fate::with_rate(request, if is_treated_page(request) { 1.0 } else { 0.0 });
    assert!(world.until(Event::Tripped, 300, failing).is_some());
    let snapshot = &world.snapshot;
    world.fleet.restart(snapshot, EPOCH + world.now);
    assert_eq!(world.fleet.state_of(FLAG).map(|(trip, ..)| trip), Some(TripState::HeldOff));
}

#[test]
fn strangers_hide_nothing_from_the_breaker_of_servers() {
    let delay = |evidence, pages| {
        let mut world = world(evidence, pages, 3);
        // On servers the feature fails; pages say that all is well, and that the control fails.
        let fate = |request: &Request| {
            let is_page = request.host >= SERVERS;
            let failing = if is_page { request.arm != Arm::Treatment } else { request.arm == Arm::Treatment };
            Fate { failed: failing && (is_page || request.chance < 0.5), ..Fate::default() }
        };
        let delay = world.until(Event::Tripped, 600, fate).expect("a rollback");
        assert_ne!(world.fleet.transitions[0].1.cause, Some(Cause::Pages));
        delay
    };
    for evidence in ["", BOTH] {
        let (alone, masked) = (delay(evidence, &[]), delay(evidence, &[200; 2]));
        // Of 404 hosts four are servers, which have a hundredth of the requests.
        assert!(alone <= 5 && masked <= 60, "{alone} s, {masked} s");
    }
}

#[test]
fn strangers_in_one_network_cause_no_rollback() {
    let mut world = world(BOTH, &[&[300][..], &[1; 60]].concat(), 4);
    let liar = |request: &Request| request.host >= SERVERS && request.host < SERVERS + 300;
    world.run(1_800, |request| Fate { failed: liar(request) && request.arm == Arm::Treatment, ..Fate::default() });
    assert_eq!(world.events(), []);
}

#[test]
fn without_pages_among_its_sources_a_flag_takes_nothing_from_them() {
    let mut world = world("", &[1; 200], 5);
    world.run(600, |request| Fate { failed: is_treated_page(request), ..Fate::default() });
    assert_eq!(world.events(), []);
    let treatment = world.fleet.totals()["flag"].0;
    assert!(treatment.errors > 1_000, "they are counted all the same: {treatment:?}");
}
