//! Breakers of many flags together: what a rollback does to the flag and to those that depend on it.
//!
//! A flag that is rolled back is off, so flags that need it are off as well, by their dependency. They are not at
//! fault: their evidence rests while something that they need is tripped, and for half a minute after. Of flags that
//! would trip at the same time those that others need come first, so that the dependants come to rest instead.

use crate::breaker::{Breaker, Plan, Transition};
use crate::snapshot::{Expected, Flag, FlagId, Snapshot, to_usize};
use crate::time::Millis;
use crate::trips::{TripState, Trips};

/// A flag with a breaker.
#[derive(Clone, Debug, PartialEq)]
pub struct Guard {
    /// The flag.
    pub flag: FlagId,
    /// Its place in the list of plans.
    pub plan: u32,
    /// Its breaker.
    pub breaker: Breaker,
}

/// The flags that have a policy, those first that others depend on: the order in which [`poll_all`] wants their guards.
pub fn guarded<B: AsRef<[u8]>>(snapshot: &Snapshot<B>) -> impl Iterator<Item = FlagId> {
    let reader = snapshot.reader();
    let has_policy = move |id: &FlagId| reader.flag(*id).is_some_and(|flag| flag.policy().is_some());
    let free = snapshot.flags().filter(move |id| reader.flag(*id).is_some_and(|flag| flag.record.depth == 0));
    let deep = reader.all(&reader.layout.order).iter().map(|id| FlagId(id.get()));
    free.chain(deep).filter(has_policy)
}

/// The flags that depend on a flag, directly or not, in the order of their keys: what a rollback of it may take along.
pub fn dependants<B: AsRef<[u8]>>(snapshot: &Snapshot<B>, flag: FlagId) -> impl Iterator<Item = FlagId> {
    let reader = snapshot.reader();
    let needs =
        move |id: &FlagId| reader.flag(*id).is_some_and(|other| other.closure().iter().any(|id| id.get() == flag.0));
    snapshot.flags().filter(needs)
}

/// Lets time pass for all breakers of a snapshot, and shows what happened.
///
/// `external` are the trips that the host has been told, by a person or by a fleet; what evaluation is to see, the
/// stricter of that and of what the breaker says, is written to `trips`. The `guards` are in the order of [`guarded`].
pub fn poll_all<B: AsRef<[u8]>, S: AsRef<[u8]>, T: AsRef<[u8]> + AsMut<[u8]>>(
    snapshot: &Snapshot<B>,
    plans: &[Plan],
    guards: &mut [Guard],
    (external, trips): (&Trips<S>, &mut Trips<T>),
    now: Millis,
    show: &mut dyn FnMut(FlagId, &Transition),
) {
    for Guard { flag, plan, breaker } in guards {
        let (Some(plan), Some(described)) = (plans.get(to_usize(*plan)), snapshot.describe(*flag)) else { continue };
        if external.state(*flag) == TripState::HeldOff || described.record.depth > 0 && rests(&described, trips) {
            breaker.rest(now);
        }
        // One thing happens a call; more than a few at a time only to a breaker that was asleep for long.
        for _ in 0..4 {
            let Some(transition) = breaker.poll(plan, now) else { break };
            trips.set(*flag, external.state(*flag).stricter(breaker.trip_state()));
            show(*flag, &transition);
        }
        // Behind what happened until now: that was under the percentage of before.
        breaker.stage(described.percentage_at(now), now);
    }
}

/// Whether something that the flag needs is not there for anybody: because it is switched off or tripped, or needs in
/// its turn something that is not there, and its default is not what is needed.
///
/// The closure holds each prerequisite once, behind all that it needs itself, so one walk over it is enough.
fn rests<T: AsRef<[u8]>>(flag: &Flag<'_>, trips: &Trips<T>) -> bool {
    let closure = flag.closure();
    let mut off = 0_u64;
    let is_off = |off: u64, flag: &Flag<'_>| {
        flag.dependencies().any(|(other, expected)| {
            let position = closure.iter().position(|id| id.get() == other.0);
            let bit = position.and_then(|position| 1_u64.checked_shl(u32::try_from(position).ok()?)).unwrap_or(0);
            let is_on = || flag.reader.flag(other).and_then(|other| other.default_value()?.as_bool()) == Some(true);
            let unmet = || match expected {
                Expected::Disabled => is_on(),
                Expected::Enabled => !is_on(),
                Expected::Variant(_) => true,
            };
            off & bit != 0 && unmet()
        })
    };
    for (position, id) in (0..64).zip(closure) {
        let id = FlagId(id.get());
        let tripped = matches!(trips.state(id), TripState::HeldOff | TripState::Probing);
        if flag.reader.flag(id).is_some_and(|flag| tripped || !flag.enabled() || is_off(off, &flag)) {
            off |= 1 << position;
        }
    }
    is_off(off, flag)
}
