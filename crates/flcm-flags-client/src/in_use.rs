//! The flags in use: what readers see, in one piece.

use std::sync::Arc;

use flcm_flags::{BoundContext, Context, FlagId, Millis, PackedDecision, Snapshot, TripState, Trips, evaluate};
use flcm_flags_host::Guards;

use crate::tally::Tallies;

/// A snapshot, and the counters of decisions that were made by it.
#[derive(Debug)]
pub(crate) struct Flags {
    pub(crate) snapshot: Snapshot<Vec<u8>>,
    pub(crate) tallies: Tallies,
    ways: Box<[Way]>,
}

/// How a flag is decided.
#[derive(Debug)]
enum Way {
    /// Alike for everyone, as long as nothing holds the flag back.
    Static(PackedDecision),
    /// For each user, whatever the time is.
    Timeless,
    /// For each user and time.
    Timed,
}

impl Way {
    fn of(snapshot: &Snapshot<Vec<u8>>, flag: FlagId) -> Self {
        match snapshot.describe(flag) {
            Some(described) if described.changes_with_time() => Self::Timed,
            Some(described) if described.is_static() => {
                let anyone = Context::default().bind(snapshot);
                Self::Static(evaluate(snapshot, &Trips::NONE, flag, &anyone, Millis(0)).packed())
            }
            _ => Self::Timeless,
        }
    }
}

impl Flags {
    pub(crate) fn new(snapshot: Snapshot<Vec<u8>>) -> Self {
        let tallies = Tallies::new(snapshot.flags().len());
        let ways = snapshot.flags().map(|flag| Way::of(&snapshot, flag)).collect();
        Self { snapshot, tallies, ways }
    }

    /// The digest, 16 hexadecimal digits.
    pub(crate) fn digest(&self) -> String {
        format!("{:016x}", self.snapshot.digest())
    }

    /// The key of a flag.
    pub(crate) fn key(&self, flag: FlagId) -> String {
        self.snapshot.describe(flag).map_or_else(String::new, |flag| flag.key().to_owned())
    }
}

/// A snapshot and the trips of its flags. It never changes: an update publishes another one.
#[derive(Debug)]
pub(crate) struct InUse {
    pub(crate) flags: Arc<Flags>,
    trips: Trips<Vec<u8>>,
    /// Of each flag's breaker: outcomes of an older one are no evidence.
    generations: Box<[u32]>,
}

impl InUse {
    pub(crate) fn new(flags: Arc<Flags>, guards: &Guards) -> Self {
        let generation = |flag| guards.breaker(flag).map_or(0, |(breaker, _)| breaker.generation());
        let generations = flags.snapshot.flags().map(generation).collect();
        Self { trips: Trips::new(guards.trips().as_bytes().to_vec()), generations, flags }
    }

    pub(crate) fn bind<'c>(&self, context: &Context<'c>) -> BoundContext<'c> {
        context.bind(&self.flags.snapshot)
    }

    /// Decides, and counts the decision. `now` is asked only where it matters.
    pub(crate) fn decide(
        &self,
        flag: FlagId,
        context: &BoundContext<'_>,
        now: impl FnOnce() -> Millis,
    ) -> PackedDecision {
        let outcome = self.peek(flag, context, now);
        self.flags.tallies.count(&self.flags.snapshot, flag, outcome, context);
        outcome
    }

    /// Like [`decide`](Self::decide), and counts nothing.
    pub(crate) fn peek(
        &self,
        flag: FlagId,
        context: &BoundContext<'_>,
        now: impl FnOnce() -> Millis,
    ) -> PackedDecision {
        let now = match usize::try_from(flag.0).ok().and_then(|flag| self.flags.ways.get(flag)) {
            Some(Way::Static(outcome)) if self.trips.state(flag) == TripState::Clear => return *outcome,
            Some(Way::Static(_) | Way::Timeless) => Millis(0),
            Some(Way::Timed) | None => now(),
        };
        evaluate(&self.flags.snapshot, &self.trips, flag, context, now).packed()
    }

    /// What holds a flag back.
    pub(crate) fn trip(&self, flag: FlagId) -> TripState {
        self.trips.state(flag)
    }

    pub(crate) fn generation(&self, flag: FlagId) -> u32 {
        usize::try_from(flag.0).ok().and_then(|flag| self.generations.get(flag)).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use flcm_flags::{Context, FlagId, Millis, Snapshot, TripState, Trips, evaluate};

    use super::{Flags, InUse, Way};
    use crate::remote::source::compile;

    const FLAGS: &str = "
flags:
  everyone: {}
  valued: { default: a, on: b }
  one: { variants: [{ name: a, weight: 1 }, { name: b, weight: 0 }] }
  disabled: { enabled: false, default: true, on: false }
  hashed: { rollout: { by: team, percentage: 100 } }
  two: { variants: [{ name: a, weight: 1 }, { name: b, weight: 1 }] }
  half: { rollout: { percentage: 50 } }
  overridden: { overrides: { alice: false } }
  dependent: { dependencies: [half] }
  later: { rollout: { percentage: 0, schedule: [{ at: 2030-01-01T00:00:00Z, percentage: 100 }] } }
  conditioned: { conditions: [{ attribute: team, operator: ==, value: a }] }";

    #[test]
    fn every_flag_is_decided_as_the_core_decides_it_whatever_holds_it_back() {
        let flags = Arc::new(Flags::new(Snapshot::from_bytes(compile("the document", FLAGS).unwrap()).unwrap()));
        let fixed = flags.ways.iter().filter(|way| matches!(way, Way::Static(_))).count();
        assert_eq!(fixed, 5, "everyone, valued, one, disabled, hashed");
        let (snapshot, count) = (&flags.snapshot, flags.ways.len());
        let users: Vec<_> = (0..50).map(|number| format!("user{number}")).chain(["alice".to_owned()]).collect();
        let attributes = [("team", "a".into())];
        let keys = users.iter().map(|user| Some(user.as_str())).chain([None]);
        for state in [TripState::Clear, TripState::HeldOff, TripState::Probing, TripState::Capped(20_000)] {
            let mut trips = Trips::new(vec![0; Trips::bytes_for(count)]);
            snapshot.flags().for_each(|flag| trips.set(flag, state));
            let in_use = InUse { flags: Arc::clone(&flags), trips, generations: Box::default() };
            for (key, flag) in keys.clone().flat_map(|key| snapshot.flags().map(move |flag| (key, flag))) {
                let user = Context::new(key, &attributes).bind(snapshot);
                let expected = evaluate(snapshot, &in_use.trips, flag, &user, Millis(1)).packed();
                assert_eq!(in_use.peek(flag, &user, || Millis(1)), expected, "{key:?} {} {state}", flags.key(flag));
            }
        }
        assert_eq!(flags.key(FlagId(99)), "");
    }
}
