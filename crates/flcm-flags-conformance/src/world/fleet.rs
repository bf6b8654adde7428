//! The aggregator: adds up batches once each, keeps what it has acknowledged, and trips.

use std::collections::HashMap;

use flcm_flags::breaker::{Breaker, Mode, Plan};
use flcm_flags::metrics::batch::{Batch, Ledger, Receipt};
use flcm_flags::{Counts, FlagId, Millis, Sample, Snapshot, TripState};
use flcm_flags_host::{FlagTransition, FleetGuards, Network, Page, SavedBreakers, SourcedTransition};

/// What a host is answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Answer {
    /// The batch has been added, now or before.
    Acknowledged,
    /// Nobody is there.
    Silence,
}

/// Outcomes that were added, by flag: treatment and control.
pub type Totals = HashMap<String, (Sample, Sample)>;

/// What survives the aggregator: written in one piece before a batch is acknowledged.
#[derive(Clone, Debug, Default)]
struct Store {
    ledgers: HashMap<(u64, u64), Ledger>,
    breakers: Vec<(FlagId, SavedBreakers)>,
    totals: Totals,
    /// How much of what was applied.
    applied: usize,
}

/// The aggregator.
#[derive(Debug)]
pub struct Fleet {
    guards: FleetGuards,
    happened: Vec<SourcedTransition>,
    ledgers: HashMap<(u64, u64), Ledger>,
    totals: Totals,
    /// What was applied, in order, with its time: a replay must come to the same.
    applied: Vec<(FlagId, Counts, u64)>,
    store: Store,
    /// What happened to the breakers.
    pub transitions: Vec<FlagTransition>,
    /// Whether anybody answers.
    pub alive: bool,
}

impl Fleet {
    /// One that has seen nothing.
    #[must_use]
    pub fn new(snapshot: &Snapshot<Vec<u8>>, clock: u64) -> Self {
        let mut guards = FleetGuards::none(snapshot.flags().len());
        guards.guard(snapshot, Millis(clock));
        let mut fleet = Self {
            guards,
            happened: Vec::new(),
            ledgers: HashMap::new(),
            totals: Totals::new(),
            applied: Vec::new(),
            store: Store::default(),
            transitions: Vec::new(),
            alive: true,
        };
        fleet.persist(snapshot);
        fleet
    }

    /// Takes a batch of a server, or of a page in a network: applied once, and persisted before it is acknowledged.
    pub fn receive(
        &mut self,
        snapshot: &Snapshot<Vec<u8>>,
        bytes: &[u8],
        network: Option<Network>,
        clock: u64,
    ) -> Answer {
        if !self.alive {
            return Answer::Silence;
        }
        let batch = Batch::from_bytes(bytes).expect("hosts write batches");
        let header = batch.header();
        let ledger = self.ledgers.entry((header.instance, header.epoch)).or_default();
        match ledger.accept(header.sequence) {
            Receipt::Repeat => return Answer::Acknowledged,
            Receipt::Gap => panic!("a host that waits for its acknowledgement leaves no gap: {header:?}"),
            Receipt::Apply => {}
        }
        for counted in batch.flags() {
            let Some(flag) = snapshot.flag(counted.key()) else { continue };
            let counts = counted.evidence();
            let (treatment, control) = self.totals.entry(counted.key().to_owned()).or_default();
            treatment.add(&counts.treatment);
            control.add(&counts.control);
            self.applied.push((flag, counts, clock));
            if let Some(network) = network {
                let page = Page { instance: header.instance, epoch: header.epoch, network };
                self.guards.record_page(flag, &counts, &page, Millis(clock));
            } else {
                self.guards.record(snapshot, flag, &counts, Millis(clock), &mut self.happened);
            }
        }
        self.persist(snapshot);
        Answer::Acknowledged
    }

    /// Lets time pass.
    pub fn poll(&mut self, snapshot: &Snapshot<Vec<u8>>, clock: u64) {
        if self.alive {
            self.guards.poll(snapshot, Millis(clock), &mut self.happened);
            self.persist(snapshot);
        }
    }

    /// The state of a flag: its trip, its mode, and the generation under which outcomes are evidence.
    #[must_use]
    pub fn state_of(&self, flag: FlagId) -> Option<(TripState, Mode, u32)> {
        let (breaker, _) = self.guards.breaker(flag).filter(|_| self.alive)?;
        Some((self.guards.trips().state(flag), breaker.mode(), breaker.generation()))
    }

    /// The breaker of a flag that operators see, and its plan.
    #[must_use]
    pub fn breaker(&self, flag: FlagId) -> (&Breaker, &Plan) {
        self.guards.breaker(flag).expect("a flag with a policy")
    }

    /// The mode that an operator sets.
    pub fn set_mode(&mut self, snapshot: &Snapshot<Vec<u8>>, flag: FlagId, mode: Mode, clock: u64) {
        self.guards.set_mode(snapshot, flag, mode, Millis(clock), &mut self.happened);
        self.report();
    }

    /// A person has seen it.
    pub fn acknowledge(&mut self, snapshot: &Snapshot<Vec<u8>>, flag: FlagId, clock: u64) {
        let generation = self.breaker(flag).0.generation();
        self.guards.acknowledge(snapshot, flag, generation, Millis(clock), &mut self.happened);
        self.report();
    }

    /// A person publishes another document: the breakers go on.
    pub fn publish(&mut self, (before, snapshot): (&Snapshot<Vec<u8>>, &Snapshot<Vec<u8>>), clock: u64) {
        let mut guards = FleetGuards::none(snapshot.flags().len());
        guards.guard(snapshot, Millis(clock));
        guards.carry(snapshot, (&self.guards, before), Millis(clock), &mut self.happened);
        self.guards = guards;
        self.report();
    }

    /// Outcomes that were added.
    #[must_use]
    pub const fn totals(&self) -> &Totals {
        &self.totals
    }

    /// What was applied, in order.
    #[must_use]
    pub fn applied(&self) -> &[(FlagId, Counts, u64)] {
        &self.applied
    }

    /// Dies, and starts again from what it has persisted.
    pub fn restart(&mut self, snapshot: &Snapshot<Vec<u8>>, clock: u64) {
        let Store { ledgers, breakers, totals, applied } = self.store.clone();
        self.guards = FleetGuards::none(snapshot.flags().len());
        self.guards.guard(snapshot, Millis(clock));
        for (flag, saved) in breakers {
            self.guards.restore(flag, &saved, &mut self.happened).expect("a stored breaker");
        }
        self.report();
        self.applied.truncate(applied);
        (self.ledgers, self.totals, self.alive) = (ledgers, totals, true);
    }

    fn report(&mut self) {
        self.transitions.extend(self.happened.drain(..).map(|(flag, _, transition)| (flag, transition)));
    }

    fn persist(&mut self, snapshot: &Snapshot<Vec<u8>>) {
        self.report();
        let bytes = |flag| Some((flag, self.guards.save(flag)?));
        self.store = Store {
            ledgers: self.ledgers.clone(),
            breakers: snapshot.flags().filter_map(bytes).collect(),
            totals: self.totals.clone(),
            applied: self.applied.len(),
        };
    }
}
