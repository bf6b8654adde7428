//! What survives a restart: the file, and hosts that share it.

use std::collections::{BTreeMap, BTreeSet};

use flcm_flags::TripState;
use flcm_flags_host::{PersistedState, Persistence};

fn state() -> PersistedState {
    PersistedState {
        breakers: BTreeMap::from([("checkout".to_owned(), vec![0, 1, 0xfe, 0xff])]),
        fleet: BTreeMap::from([
            ("search".to_owned(), TripState::HeldOff),
            ("checkout".to_owned(), TripState::Capped(12_500)),
        ]),
        held: BTreeSet::from(["with space".to_owned(), "ünïcode".to_owned()]),
    }
}

#[test]
fn a_file_gives_back_what_was_written() {
    assert_eq!(PersistedState::from_bytes(&state().to_bytes()), Ok(state()));
}

#[test]
fn a_key_that_no_flag_can_have_does_not_damage_the_file() {
    let mut host = Persistence::default();
    let keys = ["a\nheld \tother", "b\r", "c\td", "plain"];
    host.fleet(keys.map(|key| (key.to_owned(), TripState::HeldOff)).into());
    let read = PersistedState::from_bytes(&host.begin_write(None)).unwrap();
    assert_eq!(read.fleet.keys().collect::<Vec<_>>(), ["plain"]);
    assert!(read.held.is_empty());
}

#[test]
fn a_damaged_file_is_an_error_wherever_it_is_cut() {
    let bytes = state().to_bytes();
    for length in 0..bytes.len() {
        // A file that ends behind a whole line is a smaller one.
        if let Ok(read) = PersistedState::from_bytes(&bytes[..length]) {
            assert!(read.held.len() + read.breakers.len() + read.fleet.len() <= 5, "{length}");
        }
    }
    for damaged in ["", "{}", "flcm-host-state 2\n", "flcm-host-state 1\nbreaker 0\tone\n", "flcm-host-state 1\nheld\n"]
    {
        assert!(PersistedState::from_bytes(damaged.as_bytes()).is_err(), "{damaged}");
    }
}

#[test]
fn hosts_that_share_a_file_write_only_their_own_changes() {
    let (mut one, mut two) = (Persistence::default(), Persistence::default());
    one.breaker("checkout", vec![1]);
    one.held("search", true);
    let first = one.begin_write(None);
    one.written(true);
    two.breaker("beta", vec![2]);
    let second = two.begin_write(Some(&first));
    two.written(true);
    let read = PersistedState::from_bytes(&second).unwrap();
    assert_eq!(read.breakers.keys().collect::<Vec<_>>(), ["beta", "checkout"]);
    assert!(read.held.contains("search"));
    assert!(!one.is_due() && !two.is_due());
}

#[test]
fn what_could_not_be_written_is_written_with_the_next_change() {
    let mut host = Persistence::default();
    host.held("search", true);
    host.breaker("checkout", vec![1]);
    host.begin_write(None);
    host.written(false);
    assert!(!host.is_due(), "a disk that fails is left alone until something changes");
    host.held("search", false);
    assert!(host.is_due());
    let read = PersistedState::from_bytes(&host.begin_write(None)).unwrap();
    assert_eq!(read.breakers.get("checkout"), Some(&vec![1]));
    assert!(!read.held.contains("search"), "the newer change stays");
}

#[test]
fn a_file_that_cannot_be_read_is_replaced() {
    let mut host = Persistence::default();
    host.held("search", true);
    let written = host.begin_write(Some(b"damaged"));
    assert!(PersistedState::from_bytes(&written).unwrap().held.contains("search"));
}
