//! A host: decides, counts, sends one batch at a time, obeys the fleet, and has a breaker of its own.

use flcm_flags::breaker::{Scope, Units};
use flcm_flags::metrics::FlagMetrics;
use flcm_flags::metrics::batch::{Header, Writer, set_age};
use flcm_flags::{Arm, BoundContext, Context, Counts, FlagId, Millis, PackedDecision, Sample, Snapshot, TripState};
use flcm_flags_config::simulate::Random;
use flcm_flags_host::{FlagTransition, Guards};

use super::{Answer, Fate, Fleet};

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
    /// What happened to its own breakers.
    pub transitions: Vec<FlagTransition>,
    /// Outcomes that it has counted as evidence, by flag.
    pub told: Vec<(Sample, Sample)>,
    number: u64,
    epoch: u64,
    sequence: u64,
    counted: Vec<FlagMetrics>,
    units: Units<Vec<u64>>,
    guards: Guards,
    /// The batch that has not been acknowledged, and when it was taken.
    in_flight: Option<(Vec<u8>, u64)>,
    /// The fleet's generations, by flag.
    generations: Vec<u32>,
}

impl Host {
    /// A host that has done nothing.
    #[must_use]
    pub fn new(snapshot: &Snapshot<Vec<u8>>, number: u64, clock: u64) -> Self {
        let flags = snapshot.flags().len();
        let mut guards = Guards::none(flags);
        guards.guard(snapshot, Scope::Host, Millis(clock));
        let mut counted: Vec<_> = (0..flags).map(|_| FlagMetrics::new([0; FlagMetrics::counters_for(0)])).collect();
        for metrics in &mut counted {
            metrics.set_generation(1);
        }
        Self {
            link: Link { copies: 1, ..Link::default() },
            clock_error: 0,
            transitions: Vec::new(),
            told: vec![(Sample::default(), Sample::default()); flags],
            number,
            epoch: clock,
            sequence: 0,
            counted,
            units: Units::new(vec![0; 1 << 16]),
            guards,
            in_flight: None,
            generations: vec![1; flags],
        }
    }

    /// Decides a flag for a user.
    #[must_use]
    pub fn decide(&self, snapshot: &Snapshot<Vec<u8>>, flag: FlagId, user: u64, clock: u64) -> PackedDecision {
        with_context(snapshot, user, |context| self.guards.decide(snapshot, flag, context, Millis(clock)))
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
        let (outcome, digest) = with_context(snapshot, user, |context| {
            (self.guards.decide(snapshot, flag, context, Millis(clock)), context.user_digest())
        });
        let arm = outcome.arm();
        let Fate { failed, slow, lost } = fate(arm);
        let sample = Sample { total: 1, errors: (failed && !lost).into(), slow: slow.into(), missing: lost.into() };
        let unit = digest.unwrap_or(user);
        let index = flag.0 as usize;
        self.counted[index].outcome(arm, &sample, f64::NAN);
        if !self.units.counts(u64::from(flag.0) << 8 | u64::from(arm.code()), unit, failed || lost, Millis(clock)) {
            return;
        }
        self.counted[index].add_evidence(arm, &sample);
        let mut counts = Counts::default();
        match arm {
            Arm::Treatment => (counts.treatment, self.told[index].0) = (sample, added(self.told[index].0, sample)),
            Arm::Control => (counts.control, self.told[index].1) = (sample, added(self.told[index].1, sample)),
            Arm::Outside => return,
        }
        self.judge(snapshot, flag, counts, clock);
    }

    /// Its own breaker decides while nobody answers; what it learns before is a net.
    fn judge(&mut self, snapshot: &Snapshot<Vec<u8>>, flag: FlagId, counts: Counts, clock: u64) {
        let clock = self.clock(clock);
        let generation = self.guards.breaker(flag).map_or(0, |(breaker, _)| breaker.generation());
        let counts = Counts { generation, ..counts };
        self.guards.record(snapshot, flag, &counts, Millis(clock), &mut self.transitions);
    }

    /// Sends what it has, one batch at a time: the same bytes until they are acknowledged.
    pub fn flush(&mut self, snapshot: &Snapshot<Vec<u8>>, fleet: &mut Fleet, clock: u64, random: &mut Random) {
        self.guards.poll(snapshot, Millis(self.clock(clock)), &mut self.transitions);
        if self.in_flight.is_none() {
            self.in_flight = Some((self.drain(snapshot), clock));
        }
        let Some((bytes, taken)) = &mut self.in_flight else { return };
        set_age(bytes, u32::try_from(clock - *taken).unwrap_or(u32::MAX)).expect("a batch");
        if self.link.down {
            return;
        }
        let mut answer = Answer::Silence;
        for _ in 0..self.link.copies {
            answer = fleet.receive(snapshot, bytes, clock);
        }
        if answer == Answer::Acknowledged && random.unit() >= self.link.lost_answers {
            self.in_flight = None;
        }
    }

    fn drain(&mut self, snapshot: &Snapshot<Vec<u8>>) -> Vec<u8> {
        self.sequence += 1;
        let header = Header { instance: self.number, epoch: self.epoch, sequence: self.sequence, age: 0 };
        let mut bytes = Vec::new();
        let mut writer = Writer::new(header, |part| bytes.extend_from_slice(part));
        for (id, metrics) in (0..).zip(&mut self.counted) {
            let flag = snapshot.describe(FlagId(id)).expect("a flag");
            writer.drain(flag.key(), |_| None, metrics);
        }
        writer.finish();
        bytes
    }

    /// Bytes that wait to be acknowledged.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.in_flight.as_ref().map_or(0, |(bytes, _)| bytes.len())
    }

    /// Hears what the fleet says, unless the push is lost.
    pub fn hear(&mut self, snapshot: &Snapshot<Vec<u8>>, fleet: &Fleet, clock: u64, random: &mut Random) {
        let lost = self.link.down || random.unit() < self.link.lost_pushes;
        for flag in snapshot.flags().filter(|_| !lost) {
            let Some((trip, mode, generation)) = fleet.word(flag) else { continue };
            self.guards.set_external_trip(flag, trip);
            self.guards.set_mode(snapshot, flag, mode, Millis(clock), &mut self.transitions);
            self.counted[flag.0 as usize].set_generation(generation);
            // The fleet has decided since: what the host decided for itself gives way.
            if generation > std::mem::replace(&mut self.generations[flag.0 as usize], generation) {
                let own = self.guards.breaker(flag).map_or(0, |(breaker, _)| breaker.generation());
                self.guards.acknowledge(snapshot, flag, own, Millis(clock), &mut self.transitions);
            }
        }
    }

    /// What its own breaker says of a flag, with what the fleet says.
    #[must_use]
    pub fn trip(&self, flag: FlagId) -> TripState {
        self.guards.trips().state(flag)
    }

    /// What its clock shows.
    fn clock(&self, clock: u64) -> u64 {
        clock.saturating_add_signed(self.clock_error)
    }
}

fn added(mut sum: Sample, sample: Sample) -> Sample {
    sum.add(&sample);
    sum
}

fn with_context<R>(snapshot: &Snapshot<Vec<u8>>, user: u64, use_it: impl FnOnce(&BoundContext<'_>) -> R) -> R {
    let name = format!("user-{user}");
    use_it(&Context::new(Some(&name), &[]).bind(snapshot))
}
