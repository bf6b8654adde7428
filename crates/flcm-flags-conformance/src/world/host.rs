//! A host of the simulated world: the state machines of `flcm-flags-host`, with messages and clocks that go wrong.

use flcm_flags::metrics::batch::Header;
use flcm_flags::{Arm, BoundContext, Context, FlagId, Millis, PackedDecision, Sample, Snapshot, TripState};
use flcm_flags_config::simulate::Random;
use flcm_flags_host::{
    BatchAction, Batches, Delivered, FlagTransition, FleetFlag, FleetState, Host as HostRules, HostState, Network, Now,
    Outcome, PersistedState,
};

use super::{Answer, EPOCH, Fate, Fleet};

/// What becomes of messages.
#[derive(Clone, Copy, Debug, Default)]
pub struct Link {
    /// Nothing gets through.
    pub down: bool,
    /// How often a batch arrives that is sent once.
    pub copies: u32,
    /// Share of answers that are lost.
    pub lost_answers: f64,
    /// Share of pushes that are lost; the next second brings the next.
    pub lost_pushes: f64,
}

/// A host.
#[derive(Debug)]
pub struct Host {
    /// Its messages.
    pub link: Link,
    /// How wrong its clock is, in milliseconds.
    pub clock_error: i64,
    /// Where it is, if it is a page.
    pub network: Option<Network>,
    /// What happened to its own breakers.
    pub transitions: Vec<FlagTransition>,
    /// Outcomes that it has counted as evidence, by flag: of treatment and control.
    pub counted: Vec<(Sample, Sample)>,
    rules: HostRules,
    state: HostState,
    batches: Batches,
}

impl Host {
    /// A host that has done nothing.
    #[must_use]
    pub fn new(snapshot: &Snapshot<Vec<u8>>, number: u64, clock: u64) -> Self {
        let flags = snapshot.flags().len();
        let (mut rules, mut state) = (HostRules::new(PersistedState::default()), HostState::none(flags));
        assert!(state.measure(snapshot), "memory for counts");
        let unread = rules.follow((snapshot, &mut state), None, Millis(clock));
        assert!(unread.is_empty(), "nothing was stored");
        Self {
            link: Link { copies: 1, ..Link::default() },
            clock_error: 0,
            network: None,
            transitions: Vec::new(),
            counted: vec![(Sample::default(), Sample::default()); flags],
            rules,
            state,
            // Flushed by the world, once a second.
            batches: Batches::new(number, 0, [].into_iter(), Now { random: 0.5, ..Now::default() }),
        }
    }

    /// Decides a flag for a user.
    #[must_use]
    pub fn decide(&self, snapshot: &Snapshot<Vec<u8>>, flag: FlagId, user: u64, clock: u64) -> PackedDecision {
        with_context(snapshot, user, |context| self.state.guards.decide(snapshot, flag, context, Millis(clock)))
    }

    /// Decides a flag for a user, and counts how it turned out.
    pub fn serve(
        &mut self,
        snapshot: &Snapshot<Vec<u8>>,
        flag: FlagId,
        user: u64,
        clock: u64,
        fate: impl FnOnce(Arm) -> Fate,
    ) {
        let (decision, unit) = with_context(snapshot, user, |context| {
            (self.state.guards.decide(snapshot, flag, context, Millis(clock)), context.user_digest())
        });
        let arm = decision.arm();
        let Fate { failed, slow, lost } = fate(arm);
        let duration = if slow { f64::MAX } else { f64::NAN };
        let outcome =
            Outcome { arm, variant: decision.variant(), unit, failed, missing: lost, duration, generation: 0 };
        let before = self.evidence(flag);
        self.state.outcome(snapshot, flag, &outcome, Millis(self.clock(clock)));
        self.count_evidence(flag, before);
        self.take_transitions(snapshot);
    }

    /// The evidence of a flag that was counted and is not drained.
    fn evidence(&self, flag: FlagId) -> (Sample, Sample) {
        let counted = self.state.measures.as_ref().and_then(|measures| measures.counted(flag));
        counted.map_or_else(Default::default, |counted| (counted.evidence().treatment, counted.evidence().control))
    }

    fn count_evidence(&mut self, flag: FlagId, before: (Sample, Sample)) {
        let after = self.evidence(flag);
        let (treatment, control) = &mut self.counted[flag.0 as usize];
        treatment.add(&difference(after.0, before.0));
        control.add(&difference(after.1, before.1));
    }

    /// Sends what it has, one batch at a time.
    pub fn flush(&mut self, snapshot: &Snapshot<Vec<u8>>, fleet: &mut Fleet, clock: u64, random: &mut Random) {
        self.state.guards.poll(snapshot, Millis(self.clock(clock)), &mut self.state.transitions);
        self.take_transitions(snapshot);
        let now = Now { wall: Millis(clock), elapsed: clock - EPOCH, random: random.unit() };
        self.batches.flush();
        while let Some(action) = self.batches.take_action() {
            match action {
                BatchAction::Drain(header) => {
                    let bytes = self.drain(snapshot, header);
                    self.batches.drained(Some(bytes), now);
                }
                BatchAction::Send(_) => {
                    let delivered = self.send(snapshot, fleet, now, random);
                    self.batches.sent(delivered, now);
                }
                // Nothing is stored in this world.
                BatchAction::Delete(_) | BatchAction::Write(_) => {}
                BatchAction::Read(name) => unreachable!("{name:?} was never stored"),
            }
        }
    }

    fn send(&mut self, snapshot: &Snapshot<Vec<u8>>, fleet: &mut Fleet, now: Now, random: &mut Random) -> Delivered {
        if self.link.down {
            return Delivered::Failed { retry_after: 0 };
        }
        let bytes = self.batches.bytes(now).expect("a batch on its way");
        let mut answer = Answer::Silence;
        for _ in 0..self.link.copies {
            answer = fleet.receive(snapshot, bytes, self.network, now.wall.0);
        }
        if answer == Answer::Acknowledged && random.unit() >= self.link.lost_answers {
            return Delivered::Acknowledged;
        }
        Delivered::Failed { retry_after: 0 }
    }

    /// A host sends each second, also when it has counted nothing.
    fn drain(&mut self, snapshot: &Snapshot<Vec<u8>>, header: Header) -> Vec<u8> {
        self.state.measures.as_mut().map(|measures| measures.drain(snapshot, header)).expect("counts")
    }

    /// Bytes that wait to be acknowledged.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.batches.stored_bytes().map_or(0, <[u8]>::len)
    }

    /// Takes the state of the fleet, unless the push is lost.
    pub fn receive(&mut self, snapshot: &Snapshot<Vec<u8>>, fleet: &Fleet, clock: u64, random: &mut Random) {
        let is_lost = self.link.down || random.unit() < self.link.lost_pushes;
        if !is_lost {
            self.apply(snapshot, fleet, clock);
        }
    }

    /// Takes the state of the fleet.
    pub fn apply(&mut self, snapshot: &Snapshot<Vec<u8>>, fleet: &Fleet, clock: u64) {
        let mut state = FleetState::new();
        for flag in snapshot.flags() {
            let Some((trip, mode, generation)) = fleet.state_of(flag) else { continue };
            let key = snapshot.describe(flag).map_or("", |flag| flag.key()).to_owned();
            state.insert(key, FleetFlag { trip, generation: Some(generation) });
            // The world's fleet sends its modes as well, which the protocol of `flcm serve` does not.
            self.state.guards.set_mode(snapshot, flag, mode, Millis(clock), &mut self.transitions);
        }
        self.rules.apply_fleet_state(state, Some((snapshot, &mut self.state)), Millis(clock));
        self.take_transitions(snapshot);
    }

    /// The stricter of the trips of its own breaker and of the fleet.
    #[must_use]
    pub fn trip(&self, flag: FlagId) -> TripState {
        self.state.guards.trips().state(flag)
    }

    fn take_transitions(&mut self, snapshot: &Snapshot<Vec<u8>>) {
        self.transitions.extend(self.rules.take_transitions((snapshot, &mut self.state)));
    }

    /// What its clock shows.
    fn clock(&self, clock: u64) -> u64 {
        clock.saturating_add_signed(self.clock_error)
    }
}

fn difference(after: Sample, before: Sample) -> Sample {
    Sample {
        total: after.total - before.total,
        errors: after.errors - before.errors,
        slow: after.slow - before.slow,
        missing: after.missing - before.missing,
    }
}

fn with_context<R>(snapshot: &Snapshot<Vec<u8>>, user: u64, use_it: impl FnOnce(&BoundContext<'_>) -> R) -> R {
    let name = format!("user-{user}");
    use_it(&Context::new(Some(&name), &[]).bind(snapshot))
}
