//! A simulated world: hosts that decide and report, a fleet's breaker that adds up and trips, and links that lose, repeat
//! and delay. Time is stepped, so hours pass in milliseconds, and the same seed gives the same course of events.
//!
//! Everything that counts is real: decisions by the core, hosts by the state machines of `flcm-flags-host`, batches as
//! bytes, ledgers, breakers. Only traffic, faults and the network are made up.

use flcm_flags::breaker::Event;
use flcm_flags::{Arm, FlagId, Snapshot};
use flcm_flags_config::simulate::{Poisson, Random};

mod fleet;
mod host;

pub use fleet::{Answer, Fleet, Totals};
pub use host::{Host, Link};

/// A request: who, on which host, and when.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Milliseconds since the world began.
    pub now: u64,
    /// Number of the user.
    pub user: u64,
    /// Number of the host.
    pub host: usize,
    /// The flag that was decided.
    pub flag: FlagId,
    /// On which side of the comparison.
    pub arm: Arm,
    /// From 0 up to 1.
    pub chance: f64,
}

/// How a request turns out.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Fate {
    /// It fails.
    pub failed: bool,
    /// It is slow.
    pub slow: bool,
    /// It is never reported.
    pub lost: bool,
}

impl Fate {
    /// It fails with a probability.
    #[must_use]
    pub fn with_rate(request: &Request, rate: f64) -> Self {
        Self { failed: request.chance < rate, ..Self::default() }
    }
}

/// Hosts, a fleet, and the time.
#[derive(Debug)]
pub struct World {
    /// What all hosts decide by.
    pub snapshot: Snapshot<Vec<u8>>,
    /// The aggregator.
    pub fleet: Fleet,
    /// The hosts.
    pub hosts: Vec<Host>,
    /// Milliseconds since the world began.
    pub now: u64,
    requests: Poisson,
    users: u64,
    random: Random,
}

/// Milliseconds of a step: hosts flush, the fleet polls.
const STEP: u64 = 1_000;

/// The time at which worlds begin, in milliseconds since 1970.
pub const EPOCH: u64 = 1_800_000_000_000;

impl World {
    /// A world of so many hosts, connected to the fleet, that decide by a document, with so many requests a second in all, of a hundred thousand users.
    #[must_use]
    pub fn new(document: &str, hosts: usize, requests: f64, seed: u64) -> Self {
        let (_, snapshot) = crate::vectors::run::load(document, "the world's document");
        let fleet = Fleet::new(&snapshot, EPOCH);
        let connected = |number| {
            let mut host = Host::new(&snapshot, number, EPOCH);
            host.apply(&snapshot, &fleet, EPOCH);
            host
        };
        let hosts = (0..hosts as u64).map(connected).collect();
        let requests = Poisson::new(requests);
        Self { snapshot, fleet, hosts, now: 0, requests, users: 100_000, random: Random::new(seed) }
    }

    /// So many users only: each comes often.
    #[must_use]
    pub fn with_users(mut self, users: u64) -> Self {
        self.users = users;
        self
    }

    /// Lets seconds pass; `fate` says how each request turns out.
    pub fn run(&mut self, seconds: u64, mut fate: impl FnMut(&Request) -> Fate) {
        for _ in 0..seconds {
            self.step(&mut fate);
        }
    }

    /// Like [`run`](Self::run), until something of this kind happens to the fleet's breakers; the seconds until then, or
    /// `None` when it does not within the time.
    pub fn until(&mut self, event: Event, seconds: u64, mut fate: impl FnMut(&Request) -> Fate) -> Option<u64> {
        let start = self.now;
        for _ in 0..seconds {
            let known = self.fleet.transitions.len();
            self.step(&mut fate);
            if self.fleet.transitions[known..].iter().any(|(_, transition)| transition.event == event) {
                return Some((self.now - start) / 1000);
            }
        }
        None
    }

    /// One second: traffic, then what hosts send, then the state of the fleet.
    pub fn step(&mut self, fate: &mut impl FnMut(&Request) -> Fate) {
        for _ in 0..self.requests.draw(&mut self.random) {
            self.request(fate);
        }
        self.now += STEP;
        let clock = EPOCH + self.now;
        for host in &mut self.hosts {
            host.flush(&self.snapshot, &mut self.fleet, clock, &mut self.random);
        }
        self.fleet.poll(&self.snapshot, clock);
        for host in &mut self.hosts {
            host.receive(&self.snapshot, &self.fleet, clock, &mut self.random);
        }
    }

    fn request(&mut self, fate: &mut impl FnMut(&Request) -> Fate) {
        let host = usize::try_from(self.random.bits() % self.hosts.len() as u64).expect("a host");
        let user = self.random.bits() % self.users;
        for flag in self.snapshot.flags() {
            let (now, chance) = (self.now, self.random.unit());
            let clock = EPOCH + now;
            self.hosts[host]
                .serve(&self.snapshot, flag, user, clock, |arm| fate(&Request { now, user, host, flag, arm, chance }));
        }
    }

    /// The kinds of what happened to the fleet's breakers, in order.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.fleet.transitions.iter().map(|(_, transition)| transition.event).collect()
    }

    /// How many of a thousand users a host serves the flag to, its trips applied.
    #[must_use]
    pub fn share(&self, host: usize, flag: FlagId) -> u32 {
        let clock = EPOCH + self.now;
        let served = |user: &u64| self.hosts[host].decide(&self.snapshot, flag, *user, clock).enabled();
        u32::try_from((0..1000).filter(served).count()).expect("a thousand at most")
    }
}
