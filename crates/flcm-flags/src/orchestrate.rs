//! Breakers of flags that depend on each other.
//!
//! The module is public for the engine crate, whose guards keep the breakers of a snapshot. An application uses those,
//! or a [`Breaker`] by itself.
//!
//! A flag that is rolled back is off, so flags that depend on it are off as well. Those are not at fault. Their
//! evidence rests while something that they need is tripped, and for half a minute after. Of flags that would trip in
//! the same second, those that others need come first: the root cause trips, and its dependants come to rest instead.
//!
//! **A trip is the stricter of two.** One is the state of the flag's own breaker. The other is the external trip: what
//! an operator or the fleet has set on this host. [`poll_all`] writes the stricter one into [`Trips`], so an external
//! trip can lower exposure below what the breaker allows, and cannot raise it above.

use crate::breaker::{Breaker, Plan, Transition};
use crate::snapshot::sections;
use crate::snapshot::{Expected, Flag, FlagId, Snapshot, to_usize};
use crate::time::Millis;
use crate::trips::{TripState, Trips};

/// A flag with its breaker.
#[derive(Clone, Debug, PartialEq)]
pub struct Guard {
    /// The flag.
    pub flag: FlagId,
    /// The index of its plan in the list that is passed to [`poll_all`]. Flags of the same policy share a plan.
    pub plan: u32,
    /// The breaker of the flag.
    pub breaker: Breaker,
}

/// The flags that have a policy, in the order that [`poll_all`] needs: a flag comes before those that depend on it.
///
/// ```
/// use flcm_flags::orchestrate::{dependants, guarded};
///
/// let text = "
/// flags:
///   a: { dependencies: [b], error_threshold: { rate: 0.05 } }
///   b: { error_threshold: { rate: 0.05 } }
///   c: { dependencies: [a] }";
/// # let bytes = flcm_flags_config::compile(&flcm_flags_config::check(text).0.unwrap());
/// let snapshot = flcm_flags::Snapshot::from_bytes(bytes)?;
/// let [a, b, c] = ["a", "b", "c"].map(|key| snapshot.flag(key).unwrap());
/// assert_eq!(guarded(&snapshot).collect::<Vec<_>>(), [b, a]);
/// assert_eq!(dependants(&snapshot, b).collect::<Vec<_>>(), [a, c]);
/// # Ok::<(), flcm_flags::SnapshotError>(())
/// ```
pub fn guarded<B: AsRef<[u8]>>(snapshot: &Snapshot<B>) -> impl Iterator<Item = FlagId> {
    let reader = snapshot.reader();
    let has_policy = move |id: &FlagId| reader.flag(*id).is_some_and(|flag| flag.policy().is_some());
    let free = snapshot.flags().filter(move |id| reader.flag(*id).is_some_and(|flag| flag.record.depth == 0));
    let deep = reader.all(sections::ORDER).iter().map(|id| FlagId(id.get()));
    free.chain(deep).filter(has_policy)
}

/// The flags that depend on a flag, directly or indirectly, in the order of their keys.
///
/// These are the ones that a rollback of the flag may switch off as well.
pub fn dependants<B: AsRef<[u8]>>(snapshot: &Snapshot<B>, flag: FlagId) -> impl Iterator<Item = FlagId> {
    let reader = snapshot.reader();
    let needs =
        move |id: &FlagId| reader.flag(*id).is_some_and(|other| other.closure().iter().any(|id| id.get() == flag.0));
    snapshot.flags().filter(needs)
}

/// Lets time pass for all breakers of a snapshot, and passes each transition to `show`.
///
/// `external` holds the trips that an operator or the fleet has set on this host. The stricter of those and of the
/// breakers' own is written to `trips`, where a breaker has changed its state. The `guards` must be in the order of
/// [`guarded`].
///
/// ```
/// use flcm_flags::breaker::{Breaker, Event, Plan, Scope};
/// use flcm_flags::orchestrate::{Guard, guarded, poll_all};
/// use flcm_flags::{Counts, Millis, Sample, Snapshot, TripState, Trips};
///
/// let text = "flags: { beta: { rollout: { percentage: 10 }, error_threshold: { rate: 0.05 } } }";
/// # let bytes = flcm_flags_config::compile(&flcm_flags_config::check(text).0.unwrap());
/// let snapshot = Snapshot::from_bytes(bytes)?;
/// let flag = guarded(&snapshot).next().unwrap();
/// let policy = snapshot.describe(flag).and_then(|flag| flag.policy()).unwrap();
/// let plans = [Plan::new(&policy, Scope::Fleet)];
/// let mut guards = [Guard { flag, plan: 0, breaker: Breaker::new(7, Millis(0)) }];
///
/// let treatment = Sample { total: 50, errors: 50, ..Sample::default() };
/// let control = Sample { total: 450, ..Sample::default() };
/// let counts = Counts { generation: guards[0].breaker.generation(), age: 0, treatment, control };
/// let _ = guards[0].breaker.record(&plans[0], &counts, Millis(0));
///
/// let mut trips = Trips::new([0; Trips::bytes_for(1)]);
/// let mut events = Vec::new();
/// let mut show = |_, transition: &_| events.push(*transition);
/// poll_all(&snapshot, &plans, &mut guards, (&Trips::NONE, &mut trips), Millis(1000), &mut show);
/// assert_eq!(events[0].event, Event::Tripped);
/// assert_eq!(trips.state(flag), TripState::HeldOff);
/// # Ok::<(), flcm_flags::SnapshotError>(())
/// ```
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

/// Whether something that the flag needs is off for everyone, so that the flag cannot be at fault.
///
/// A prerequisite is off when it is switched off or tripped, or when it needs something that is off in turn. It does no
/// harm if its default is what the flag expects. The closure lists each prerequisite once, after all that it needs
/// itself, so one pass over it is enough.
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
