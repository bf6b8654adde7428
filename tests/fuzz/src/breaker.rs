//! The breaker's bytes, and what is done to a breaker that was read from them.

use flcm_flags::breaker::{Breaker, Mode, Plan, Scope, Statistics, Transition};
use flcm_flags::{Action, Detector, FlagId, Millis, Policy, Recovery, Shared, Trips};

use crate::inputs::{Inputs, LATEST, counts};

/// How much is done to each breaker.
const INPUTS: usize = 300;

/// At one time, more than so many things never happen: what follows waits for another.
const AT_ONCE: usize = 8;

/// Bytes are no breaker, or they are one that writes the same bytes; and whatever is done to it then, it says what is true
/// and waits for what is to come. What is done stands behind the bytes of the breaker.
///
/// The first four bytes are mended, so that the fuzzer gets past them, and the last eight, so that evidence is not forgotten.
pub fn breaker(bytes: &[u8]) {
    let (bytes, inputs) = bytes.split_at_checked(Breaker::LENGTH).unwrap_or((bytes, &[]));
    drive(bytes, inputs);
    let mut mended = bytes.to_vec();
    if let Some(magic) = mended.first_chunk_mut() {
        let known = known(&Plan::new(&Policy::DEFAULT, Scope::Fleet));
        *magic = *known.first_chunk::<4>().expect("a breaker has more bytes");
        drive(&mended, inputs);
    }
}

fn known(plan: &Plan) -> [u8; Breaker::LENGTH] {
    Breaker::new(0, Millis(0)).to_bytes(plan)
}

fn drive(bytes: &[u8], inputs: &[u8]) {
    let mut inputs = Inputs::new(inputs);
    let plan = plan(&mut inputs);
    if let Ok((_, Some(configured))) = Breaker::from_bytes(bytes, &plan) {
        check(&configured);
    }
    let (mut bytes, known) = (bytes.to_vec(), known(&plan));
    if let (Some(digest), Some(known)) = (bytes.last_chunk_mut::<8>(), known.last_chunk()) {
        *digest = *known;
    }
    let Ok((breaker, happened)) = Breaker::from_bytes(&bytes, &plan) else { return };
    assert_eq!(
        (breaker.to_bytes(&plan).as_slice(), happened),
        (bytes.as_slice(), None),
        "what was read is what is written"
    );
    let mut driven = Driven { breaker, plan, now: inputs.time() };
    driven.settle();
    for _ in 0..INPUTS {
        driven.take(&mut inputs);
        driven.settle();
    }
}

/// A breaker, its plan, and its host's clock.
struct Driven {
    breaker: Breaker,
    plan: Plan,
    now: u64,
}

impl Driven {
    fn take(&mut self, inputs: &mut Inputs<'_>) {
        self.pass(inputs);
        let (now, plan) = (Millis(self.now), self.plan);
        let happened = match inputs.byte() % 16 {
            0..=5 => {
                let counts = counts(inputs, self.breaker.generation());
                self.breaker.record(&plan, &counts, now)
            }
            6 | 7 => self.breaker.poll(&plan, now),
            8 => {
                let mode = Mode::from_code(inputs.byte() % 4).expect("there are four");
                self.breaker.set_mode(&plan, mode, now)
            }
            9 => self.breaker.acknowledge(&plan, self.breaker.generation(), now),
            10 => self.breaker.acknowledge(&plan, inputs.number(), now),
            11 | 12 => {
                self.breaker.stage(inputs.number() % 100_001, now);
                None
            }
            13 => {
                self.breaker.rest(now);
                None
            }
            14 => {
                self.plan = self::plan(inputs);
                Some(self.breaker.configure(&self.plan, now))
            }
            _ => None,
        };
        happened.iter().for_each(check);
    }

    /// Time passes, mostly forward.
    fn pass(&mut self, inputs: &mut Inputs<'_>) {
        let step = u64::from(inputs.byte());
        self.now = match inputs.byte() % 12 {
            0..=3 => self.now.saturating_add(step * 10),
            4..=6 => self.now.saturating_add(step * 1_000),
            7 => self.now.saturating_add(step * 600_000),
            8 | 9 => self.breaker.next_deadline(&self.plan).map_or(self.now, |at| at.0),
            10 => self.now.saturating_sub(step * 1_000),
            _ => inputs.time(),
        };
        self.now = self.now.min(LATEST);
    }

    /// Polls until nothing happens any more: soon, and what comes next is in the future.
    fn settle(&mut self) {
        let mut polls = 0;
        while let Some(transition) = self.breaker.poll(&self.plan, Millis(self.now)) {
            check(&transition);
            polls += 1;
            assert!(polls <= AT_ONCE, "polling does not end: {transition:?}");
        }
        let next = self.breaker.next_deadline(&self.plan);
        assert!(next.is_none_or(|next| next.0 > self.now), "due at {next:?}, and nothing happens at {}", self.now);
        assert_eq!(
            Breaker::from_bytes(&self.breaker.to_bytes(&self.plan), &self.plan),
            Ok((self.breaker.clone(), None)),
            "a restart changes nothing"
        );
        let report = self.breaker.report(&self.plan);
        finite(&report.errors);
        finite(&report.slow);
        assert!(report.spread.is_finite() && report.limit.is_finite());
        let mut trips = Trips::new([0; Trips::bytes_for(1)]);
        trips.set(FlagId(0), self.breaker.trip_state());
        assert_eq!(trips.state(FlagId(0)), self.breaker.trip_state(), "evaluation sees what the breaker says");
    }
}

fn check(transition: &Transition) {
    finite(&transition.report.errors);
    finite(&transition.report.slow);
    assert!(!transition.describe("flag").to_string().is_empty());
}

fn finite(Statistics { absolute, relative }: &Statistics) {
    assert!(absolute.is_finite() && relative.is_finite(), "{absolute} {relative}");
}

/// A policy of each kind, and some at the edge of what documents may say.
fn plan(inputs: &mut Inputs<'_>) -> Plan {
    let kind = inputs.byte();
    let policy = match kind % 8 {
        0 => Policy::DEFAULT,
        1 => Policy { slow_ms: 500, recovery: Recovery::Auto, ..Policy::DEFAULT },
        2 => Policy { action: Action::StepBack, shared: Shared::Hold, recovery: Recovery::Auto, ..Policy::DEFAULT },
        3 => Policy { action: Action::Notify, shared: Shared::Hold, ..Policy::DEFAULT },
        4 => Policy { detector: Detector::Rate, min_samples: 5, window: 1, slow_ms: 1, ..Policy::DEFAULT },
        5 => Policy { recovery: Recovery::Sticky, window: u32::MAX, probe: 100_000, ..Policy::DEFAULT },
        6 => Policy { rate: 1e-6, ratio: 100.0, margin: 1.0, budget: 1e-9, cooldown: u32::MAX, ..Policy::DEFAULT },
        _ => Policy { rate: 1.0, ratio: 1.0, margin: 0.0, budget: 0.5, cooldown: 0, probe: 0, ..Policy::DEFAULT },
    };
    assert!(policy.is_valid());
    let scope = match kind / 8 % 3 {
        0 => Scope::Fleet,
        1 => Scope::Host,
        _ => Scope::Pages,
    };
    Plan::new(&policy, scope)
}
