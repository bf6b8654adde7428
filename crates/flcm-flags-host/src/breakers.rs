//! The breakers of a snapshot's flags, in memory of their own.

use alloc::vec;
use alloc::vec::Vec;

use flcm_flags::breaker::{Breaker, BreakerError, Mode, Plan, Scope, Transition};
use flcm_flags::bucket::sip;
use flcm_flags::orchestrate::{Guard, guarded, poll_all};
use flcm_flags::{
    BoundContext, Counts, FlagId, Millis, Override, PackedDecision, Policy, Snapshot, TripState, Trips, evaluate,
    evaluate_as,
};

/// A transition of a flag's breaker.
pub type FlagTransition = (FlagId, Transition);

/// A policy is looked for among so many plans.
const LATEST: usize = 64;

/// The breakers of all flags that have a policy, and the trips that evaluation is to see.
#[derive(Debug)]
pub struct Guards {
    /// Nothing is guarded without one.
    scope: Option<Scope>,
    /// One for each distinct policy.
    plans: Vec<Plan>,
    /// Those first that others depend on.
    list: Vec<Guard>,
    /// The index in `list` of each flag, if it has one.
    indices: Vec<Option<u32>>,
    /// Trips that an operator or the fleet has set.
    external: Trips<Vec<u8>>,
    /// The stricter of that and of the trips of the breakers.
    trips: Trips<Vec<u8>>,
    /// The second up to which all breakers have been polled.
    polled: u64,
}

impl Guards {
    /// No breakers, and nothing tripped: external trips may be set all the same.
    #[must_use]
    pub fn none(flags: usize) -> Self {
        let clear = || Trips::new(vec![0; Trips::bytes_for(flags)]);
        Self {
            scope: None,
            plans: Vec::new(),
            list: Vec::new(),
            indices: Vec::new(),
            external: clear(),
            trips: clear(),
            polled: 0,
        }
    }

    /// Gives each flag that has a policy a breaker; one that it has already starts anew.
    pub fn guard<B: AsRef<[u8]>>(&mut self, snapshot: &Snapshot<B>, scope: Scope, now: Millis) {
        self.guard_if(snapshot, scope, now, |_| true);
    }

    /// Like [`guard`](Self::guard), for flags whose policy passes a test.
    pub(crate) fn guard_if<B: AsRef<[u8]>>(
        &mut self,
        snapshot: &Snapshot<B>,
        scope: Scope,
        now: Millis,
        test: impl Fn(&Policy) -> bool,
    ) {
        self.scope = Some(scope);
        self.plans.clear();
        self.list = Vec::with_capacity(guarded(snapshot).count());
        for id in guarded(snapshot) {
            let Some((flag, policy)) = snapshot.describe(id).and_then(|flag| Some((flag, flag.policy()?))) else {
                continue;
            };
            if !test(&policy) {
                continue;
            }
            let plan = Plan::new(&policy, scope);
            // Among the latest: looking through all of them would take long where each flag has a policy of its own.
            let latest = self.plans.len().saturating_sub(LATEST);
            let known = self.plans.iter().skip(latest).position(|known| *known == plan);
            let index = known.map_or(self.plans.len(), |index| latest + index);
            if known.is_none() {
                self.plans.push(plan);
            }
            let mut breaker = Breaker::new(sip(flag.key().as_bytes()), now);
            breaker.stage(flag.percentage_at(now), now);
            self.list.push(Guard { flag: id, plan: u32::try_from(index).unwrap_or(0), breaker });
        }
        self.indices = vec![None; snapshot.flags().len()];
        for (index, guard) in (0..).zip(&self.list) {
            if let Some(of_flag) = self.indices.get_mut(to_usize(guard.flag.0)) {
                *of_flag = Some(index);
            }
        }
        self.polled = 0;
        self.show_all();
    }

    /// Whose outcomes the breakers see; `None` when there are none.
    #[must_use]
    pub const fn scope(&self) -> Option<Scope> {
        self.scope
    }

    /// What evaluation is to see.
    #[must_use]
    pub const fn trips(&self) -> &Trips<Vec<u8>> {
        &self.trips
    }

    /// Decides a flag.
    #[inline]
    pub fn decide<B: AsRef<[u8]>>(
        &self,
        snapshot: &Snapshot<B>,
        flag: FlagId,
        context: &BoundContext<'_>,
        now: Millis,
    ) -> PackedDecision {
        evaluate(snapshot, &self.trips, flag, context, now).packed()
    }

    /// Decides a flag for a user with an override.
    pub fn decide_as<B: AsRef<[u8]>>(
        &self,
        snapshot: &Snapshot<B>,
        flag: FlagId,
        context: &BoundContext<'_>,
        now: Millis,
        serve: Override,
    ) -> PackedDecision {
        evaluate_as(snapshot, &self.trips, flag, context, now, serve).packed()
    }

    /// Sets the trip that an operator or the fleet asks for. The stricter of it and of the breaker's own holds.
    pub fn set_external_trip(&mut self, flag: FlagId, state: TripState) {
        self.external.set(flag, state);
        self.show(flag);
    }

    /// Lets time pass for all breakers: once a second, and whenever [`next_deadline`](Self::next_deadline) has come.
    /// A time that is none is left out.
    pub fn poll<B: AsRef<[u8]>>(&mut self, snapshot: &Snapshot<B>, now: Millis, transitions: &mut Vec<FlagTransition>) {
        if now > Millis::LATEST {
            return;
        }
        self.polled = now.0 / 1000;
        let trips = (&self.external, &mut self.trips);
        poll_all(snapshot, &self.plans, &mut self.list, trips, now, &mut |flag, transition| {
            transitions.push((flag, *transition));
        });
    }

    /// Takes outcomes of a flag. A second that is over is settled first for all flags, so that those come first that
    /// others depend on.
    #[inline]
    pub fn record<B: AsRef<[u8]>>(
        &mut self,
        snapshot: &Snapshot<B>,
        flag: FlagId,
        counts: &Counts,
        now: Millis,
        transitions: &mut Vec<FlagTransition>,
    ) {
        if now.0 / 1000 > self.polled {
            self.poll(snapshot, now, transitions);
        }
        self.with(flag, transitions, |breaker, plan| breaker.record(plan, counts, now));
    }

    /// Holds a flag, lets it go, or only observes it. What has happened until now comes first.
    pub fn set_mode<B: AsRef<[u8]>>(
        &mut self,
        snapshot: &Snapshot<B>,
        flag: FlagId,
        mode: Mode,
        now: Millis,
        transitions: &mut Vec<FlagTransition>,
    ) {
        self.poll(snapshot, now, transitions);
        self.with(flag, transitions, |breaker, plan| breaker.set_mode(plan, mode, now));
    }

    /// Lets a flag go on that was rolled back. What has happened until now comes first.
    pub fn acknowledge<B: AsRef<[u8]>>(
        &mut self,
        snapshot: &Snapshot<B>,
        flag: FlagId,
        generation: u32,
        now: Millis,
        transitions: &mut Vec<FlagTransition>,
    ) {
        self.poll(snapshot, now, transitions);
        self.with(flag, transitions, |breaker, plan| breaker.acknowledge(plan, generation, now));
    }

    /// When to poll next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Millis> {
        self.list.iter().filter_map(|guard| guard.breaker.next_deadline(self.plans.get(to_usize(guard.plan))?)).min()
    }

    /// The breaker of a flag, and its plan.
    #[must_use]
    pub fn breaker(&self, flag: FlagId) -> Option<(&Breaker, &Plan)> {
        let guard = self.list.get(self.index_of(flag)?)?;
        Some((&guard.breaker, self.plans.get(to_usize(guard.plan))?))
    }

    pub(crate) fn breaker_mut(&mut self, flag: FlagId) -> Option<&mut Breaker> {
        let guard = self.index_of(flag).and_then(|index| self.list.get_mut(index))?;
        Some(&mut guard.breaker)
    }

    /// The breaker of a flag as bytes.
    #[must_use]
    pub fn save(&self, flag: FlagId) -> Option<Vec<u8>> {
        self.breaker(flag).map(|(breaker, plan)| breaker.to_bytes(plan).to_vec())
    }

    /// Restores a breaker that was stored across a restart; whether the flag has one. Where it was stored
    /// under another policy, the evidence starts anew.
    ///
    /// # Errors
    /// The bytes are no breaker; the one in use stays.
    pub fn restore(
        &mut self,
        flag: FlagId,
        bytes: &[u8],
        transitions: &mut Vec<FlagTransition>,
    ) -> Result<bool, BreakerError> {
        let Some((_, plan)) = self.breaker(flag) else { return Ok(false) };
        let (breaker, happened) = Breaker::from_bytes(bytes, plan)?;
        self.put(flag, breaker);
        transitions.extend(happened.map(|transition| (flag, transition)));
        Ok(true)
    }

    /// Takes over the breakers of the flags of the same keys of a snapshot that this one follows, and their external
    /// trips: the stricter of those and of what was set here. Where the policy is another one, the evidence starts
    /// anew.
    pub fn carry<B: AsRef<[u8]>>(
        &mut self,
        snapshot: &Snapshot<B>,
        (before, older): (&Self, &Snapshot<B>),
        now: Millis,
        transitions: &mut Vec<FlagTransition>,
    ) {
        for id in older.flags() {
            // Most flags have nothing to take over, and looking them up by their keys takes longest.
            if before.index_of(id).is_none() && before.trips.state(id) == TripState::Clear {
                continue;
            }
            let Some(flag) = older.describe(id).and_then(|flag| snapshot.flag(flag.key())) else { continue };
            // Taking the threshold away is no acknowledgement: what was rolled back stays so until an operator
            // acknowledges it.
            let external = if self.breaker(flag).is_some() { &before.external } else { &before.trips };
            self.set_external_trip(flag, external.state(id).stricter(self.external.state(flag)));
            let Some((breaker, plan)) = before.breaker(id) else { continue };
            self.put(flag, breaker.clone());
            let changed = self.breaker(flag).is_some_and(|(_, current)| current.policy() != plan.policy());
            self.with(flag, transitions, |breaker, plan| changed.then(|| breaker.configure(plan, now)));
        }
    }

    fn put(&mut self, flag: FlagId, breaker: Breaker) {
        if let Some(guard) = self.index_of(flag).and_then(|index| self.list.get_mut(index)) {
            guard.breaker = breaker;
            self.show(flag);
        }
    }

    /// Does something to a breaker, and records what happened.
    #[inline]
    fn with(
        &mut self,
        flag: FlagId,
        transitions: &mut Vec<FlagTransition>,
        act: impl FnOnce(&mut Breaker, &Plan) -> Option<Transition>,
    ) {
        let Some(guard) = self.index_of(flag).and_then(|index| self.list.get_mut(index)) else { return };
        let Some(plan) = self.plans.get(to_usize(guard.plan)) else { return };
        if let Some(transition) = act(&mut guard.breaker, plan) {
            transitions.push((flag, transition));
            self.show(flag);
        }
    }

    #[inline]
    fn index_of(&self, flag: FlagId) -> Option<usize> {
        self.indices.get(to_usize(flag.0)).copied().flatten().map(to_usize)
    }

    fn show(&mut self, flag: FlagId) {
        let own = self.breaker(flag).map_or(TripState::Clear, |(breaker, _)| breaker.trip_state());
        self.trips.set(flag, self.external.state(flag).stricter(own));
    }

    fn show_all(&mut self) {
        for index in 0..self.list.len() {
            if let Some(flag) = self.list.get(index).map(|guard| guard.flag) {
                self.show(flag);
            }
        }
    }
}

fn to_usize(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}
