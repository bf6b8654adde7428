//! The breakers of a fleet, to which pages report as well as servers.

use std::net::Ipv4Addr;
use std::sync::OnceLock;

use flcm_flags::breaker::{Mode, State};
use flcm_flags::{FlagId, Millis, Snapshot, Source, TripState};
use flcm_flags_config::{check, compile};
use flcm_flags_host::{FleetGuards, NETWORKS, Network, Page, PageEvidence};

use crate::inputs::{Inputs, LATEST, counts};

/// How much is done to each fleet.
const INPUTS: usize = 300;

/// The networks that a round keeps for an arm.
const MOST_NETWORKS: usize = 512;

/// A flag for each set of sources; pages come back even where the policy waits for a person.
const DOCUMENT: &str = "flags:
  both: { rollout: { percentage: 50 }, error_threshold: { rate: 0.05, evidence: [servers, pages], cooldown: 60 } }
  pages: { rollout: { percentage: 50 }, error_threshold: { rate: 0.05, evidence: [pages], recovery: sticky } }
  servers: { rollout: { percentage: 50 }, error_threshold: { rate: 0.05, cooldown: 60 } }
";

/// Whatever is reported by servers and pages, both breakers of a flag have one generation, the stricter trip takes
/// effect, a restart changes nothing, and what pages have tripped ends by itself.
pub fn pages(bytes: &[u8]) {
    let mut inputs = Inputs::new(bytes);
    let mut fleet = Fleet::new(&mut inputs);
    for _ in 0..INPUTS {
        fleet.take(&mut inputs);
        fleet.check();
    }
}

static SNAPSHOT: OnceLock<Snapshot<Vec<u8>>> = OnceLock::new();

fn snapshot() -> &'static Snapshot<Vec<u8>> {
    SNAPSHOT.get_or_init(|| {
        let config = check(DOCUMENT).0.expect("a valid document");
        Snapshot::from_bytes(compile(&config)).expect("a snapshot of our own")
    })
}

/// The breakers, what operators have set, and the server's clock.
struct Fleet {
    guards: FleetGuards,
    /// The rounds alone, of which the breakers show only what follows.
    evidence: PageEvidence,
    held: [TripState; 3],
    now: u64,
}

impl Fleet {
    fn new(inputs: &mut Inputs<'_>) -> Self {
        let now = inputs.time();
        let evidence = PageEvidence::default();
        Self { guards: guards(now), evidence, held: [TripState::Clear; 3], now }
    }

    fn take(&mut self, inputs: &mut Inputs<'_>) {
        self.pass(inputs);
        let kind = inputs.byte();
        let flag = FlagId(u32::from(kind / 16) % 3);
        let (now, happened) = (Millis(self.now), &mut Vec::new());
        match kind % 16 {
            0..=2 => {
                let counts = counts(inputs, self.generation(flag));
                self.guards.record(snapshot(), flag, &counts, now, happened);
            }
            3..=8 => self.report(flag, inputs),
            9 => {
                let mode = Mode::from_code(inputs.byte() % 4).expect("there are four");
                self.guards.set_mode(snapshot(), flag, mode, now, happened);
            }
            10 => {
                let generation = self.generation(flag);
                self.guards.acknowledge(snapshot(), flag, generation, now, happened);
            }
            11 => self.restart(),
            12 => self.publish(),
            13 => self.hold(flag, inputs),
            _ => self.guards.poll(snapshot(), now, happened),
        }
    }

    fn pass(&mut self, inputs: &mut Inputs<'_>) {
        let step = u64::from(inputs.byte());
        let step = match inputs.byte() % 8 {
            0..=2 => step * 10,
            3 | 4 => 1_000,
            5 => step * 1_000,
            6 => step * 600_000,
            _ => 0,
        };
        self.now = self.now.saturating_add(step).min(LATEST);
    }

    /// Some pages, each in a network of its own or all in one, report the same.
    fn report(&mut self, flag: FlagId, inputs: &mut Inputs<'_>) {
        let counts = counts(inputs, self.generation(flag));
        let (pages, first, spread) = (inputs.byte() % 64, inputs.number(), !inputs.byte().is_multiple_of(4));
        for number in 0..u32::from(pages) {
            let address = first.wrapping_add(if spread { number << 8 } else { number });
            let network = Network::from(Ipv4Addr::from(address));
            let page = Page { instance: first.wrapping_add(number).into(), epoch: 1, network };
            let is_source = self.guards.record_page(flag, &counts, &page, Millis(self.now));
            assert_eq!(is_source, self.guards.breaker_of(Source::Pages, flag).is_some());
            self.evidence.offer(flag, &counts, &page, Millis(self.now));
        }
    }

    fn restart(&mut self) {
        let mut next = guards(self.now);
        for flag in snapshot().flags() {
            let saved = self.guards.save(flag).unwrap_or_default();
            assert_eq!(next.restore(flag, &saved, &mut Vec::new()), Ok(true), "what was saved is what is restored");
            assert_eq!(next.save(flag).unwrap_or_default(), saved);
            next.set_external_trip(flag, self.held[index(flag)]);
        }
        self.replace(next);
    }

    /// Another snapshot with the same flags.
    fn publish(&mut self) {
        let mut next = guards(self.now);
        next.carry(snapshot(), (&self.guards, snapshot()), Millis(self.now), &mut Vec::new());
        self.replace(next);
    }

    /// Other breakers say the same as those in use.
    fn replace(&mut self, next: FleetGuards) {
        for flag in snapshot().flags() {
            assert_eq!(next.trips().state(flag), self.guards.trips().state(flag), "a trip outlives what is replaced");
            assert_eq!(generation(&next, flag), self.generation(flag));
        }
        self.guards = next;
    }

    fn hold(&mut self, flag: FlagId, inputs: &mut Inputs<'_>) {
        let state = match inputs.byte() % 3 {
            0 => TripState::HeldOff,
            1 => TripState::Capped(inputs.number() % 100_001),
            _ => TripState::Clear,
        };
        self.held[index(flag)] = state;
        self.guards.set_external_trip(flag, state);
    }

    fn generation(&self, flag: FlagId) -> u32 {
        generation(&self.guards, flag)
    }

    fn check(&mut self) {
        for flag in snapshot().flags() {
            self.check_flag(flag);
        }
        while let Some((flag, counts)) = self.evidence.take_round(Millis(self.now)) {
            assert_eq!(self.evidence.networks(flag), 0, "a round ends as a whole");
            for arm in [counts.treatment, counts.control] {
                let networks = usize::try_from(arm.total).expect("a small number");
                let is_enough = networks == 0 || (NETWORKS..=MOST_NETWORKS).contains(&networks);
                assert!(arm.is_valid() && is_enough, "{arm:?}");
            }
        }
    }

    fn check_flag(&self, flag: FlagId) {
        let of = |source| self.guards.breaker_of(source, flag).map(|(breaker, _)| breaker);
        let breakers: Vec<_> = [Source::Servers, Source::Pages].into_iter().filter_map(of).collect();
        assert!(breakers.iter().all(|breaker| breaker.generation() == self.generation(flag)), "one generation");
        let own = breakers.iter().map(|breaker| breaker.trip_state());
        let strictest = own.fold(self.held[index(flag)], TripState::stricter);
        assert_eq!(self.guards.trips().state(flag), strictest, "the strictest trip takes effect");
        assert!(self.guards.networks(flag) <= MOST_NETWORKS);
        if let Some((breaker, plan)) = self.guards.breaker_of(Source::Pages, flag)
            && breaker.state() == State::Open
            && breaker.mode() == Mode::Auto
        {
            let next = breaker.next_deadline(plan).expect("pages hold nothing back for good");
            assert!(next.0 <= LATEST * 2, "the flag comes back at {next:?}");
            assert!(!breaker.report(plan).errors.absolute.is_nan());
        }
    }
}

fn guards(now: u64) -> FleetGuards {
    let mut guards = FleetGuards::none(snapshot().flags().len());
    guards.guard(snapshot(), Millis(now));
    guards
}

fn generation(guards: &FleetGuards, flag: FlagId) -> u32 {
    guards.breaker(flag).map_or(0, |(breaker, _)| breaker.generation())
}

fn index(flag: FlagId) -> usize {
    usize::try_from(flag.0).expect("a small number")
}
