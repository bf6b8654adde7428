//! The breakers of a fleet: for each flag one that weighs the outcomes of servers, and one that weighs those of pages,
//! by the sources that the flag's policy names.
//!
//! - **The flag is on when both are well.** The stricter of both trips, and of what an operator holds, takes effect.
//!   While one has switched the flag off, the evidence of the other rests.
//! - **Hosts know one generation of a flag.** So both breakers have the same: when one begins another, the other
//!   [follows](flcm_flags::breaker::Breaker::follow), and keeps its evidence.
//! - **Operators see one breaker.** A command does the same to both.
//! - **Pages never hold a flag back for good.** Their breaker recovers by itself. When a document no longer names them
//!   as a source, their trip ends.

use alloc::vec;
use alloc::vec::Vec;

use flcm_flags::breaker::{Breaker, BreakerError, Mode, Plan, Scope, Transition};
use flcm_flags::{Counts, FlagId, Millis, Snapshot, Source, TripState, Trips};

use crate::breakers::{FlagTransition, Guards};
use crate::page_evidence::{Page, PageEvidence};

/// A transition of a flag's breaker, and whose outcomes that breaker weighs.
pub type SourcedTransition = (FlagId, Source, Transition);

/// The breakers of a flag as bytes, each if there is one.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SavedBreakers {
    /// That of servers.
    pub servers: Option<Vec<u8>>,
    /// That of pages.
    pub pages: Option<Vec<u8>>,
}

/// The breakers of all flags of a fleet. See the top of the file.
#[derive(Debug)]
pub struct FleetGuards {
    servers: Guards,
    pages: Guards,
    evidence: PageEvidence,
    /// Trips that an operator has set.
    held: Trips<Vec<u8>>,
}

impl FleetGuards {
    /// No breakers, and nothing tripped: trips may be set all the same.
    #[must_use]
    pub fn none(flags: usize) -> Self {
        Self {
            servers: Guards::none(flags),
            pages: Guards::none(flags),
            evidence: PageEvidence::default(),
            held: Trips::new(vec![0; Trips::bytes_for(flags)]),
        }
    }

    /// Gives each flag that has a policy the breakers of its sources.
    pub fn guard<B: AsRef<[u8]>>(&mut self, snapshot: &Snapshot<B>, now: Millis) {
        self.servers.guard_if(snapshot, Scope::Fleet, now, |policy| policy.evidence.include(Source::Servers));
        self.pages.guard_if(snapshot, Scope::Pages, now, |policy| policy.evidence.include(Source::Pages));
    }

    /// What evaluation is to see.
    #[must_use]
    pub const fn trips(&self) -> &Trips<Vec<u8>> {
        // Those of pages and of operators are external ones there.
        self.servers.trips()
    }

    /// Sets the trip that an operator asks for.
    pub fn set_external_trip(&mut self, flag: FlagId, state: TripState) {
        self.held.set(flag, state);
        self.combine(flag);
    }

    /// Lets time pass for all breakers: once a second.
    pub fn poll<B: AsRef<[u8]>>(
        &mut self,
        snapshot: &Snapshot<B>,
        now: Millis,
        transitions: &mut Vec<SourcedTransition>,
    ) {
        let mut happened = Vec::new();
        self.servers.poll(snapshot, now, &mut happened);
        self.settle(Source::Servers, &mut happened, transitions);
        self.pages.poll(snapshot, now, &mut happened);
        while let Some((flag, counts)) = self.evidence.take_round(now) {
            self.pages.record(snapshot, flag, &counts, now, &mut happened);
        }
        self.settle(Source::Pages, &mut happened, transitions);
    }

    /// Takes outcomes that a server reports.
    pub fn record<B: AsRef<[u8]>>(
        &mut self,
        snapshot: &Snapshot<B>,
        flag: FlagId,
        counts: &Counts,
        now: Millis,
        transitions: &mut Vec<SourcedTransition>,
    ) {
        let mut happened = Vec::new();
        self.servers.record(snapshot, flag, counts, now, &mut happened);
        self.settle(Source::Servers, &mut happened, transitions);
    }

    /// Takes outcomes that a page reports. They are weighed when enough pages have reported, by
    /// [`poll`](Self::poll). False if the outcomes of pages are no evidence for this flag.
    pub fn record_page(&mut self, flag: FlagId, counts: &Counts, page: &Page, now: Millis) -> bool {
        let Some((breaker, _)) = self.pages.breaker(flag) else { return false };
        if breaker.generation() == counts.generation {
            self.evidence.offer(flag, counts, page, now);
        }
        true
    }

    /// Holds a flag, lets it go, or only observes it. What has happened until now comes first.
    pub fn set_mode<B: AsRef<[u8]>>(
        &mut self,
        snapshot: &Snapshot<B>,
        flag: FlagId,
        mode: Mode,
        now: Millis,
        transitions: &mut Vec<SourcedTransition>,
    ) {
        self.command(snapshot, now, transitions, |guards, happened| {
            guards.set_mode(snapshot, flag, mode, now, happened);
        });
    }

    /// Lets a flag go on that was rolled back. What has happened until now comes first.
    pub fn acknowledge<B: AsRef<[u8]>>(
        &mut self,
        snapshot: &Snapshot<B>,
        flag: FlagId,
        generation: u32,
        now: Millis,
        transitions: &mut Vec<SourcedTransition>,
    ) {
        self.command(snapshot, now, transitions, |guards, happened| {
            guards.acknowledge(snapshot, flag, generation, now, happened);
        });
    }

    /// The breaker of a flag that operators see, and its plan: that of servers if there is one, else that of pages.
    #[must_use]
    pub fn breaker(&self, flag: FlagId) -> Option<(&Breaker, &Plan)> {
        self.servers.breaker(flag).or_else(|| self.pages.breaker(flag))
    }

    /// The breaker of a flag that weighs the outcomes of a source, and its plan.
    #[must_use]
    pub fn breaker_of(&self, source: Source, flag: FlagId) -> Option<(&Breaker, &Plan)> {
        match source {
            Source::Servers => self.servers.breaker(flag),
            Source::Pages => self.pages.breaker(flag),
        }
    }

    /// How many networks have reported the outcomes of pages that are not weighed yet.
    #[must_use]
    pub fn networks(&self, flag: FlagId) -> usize {
        self.evidence.networks(flag)
    }

    /// The breakers of a flag as bytes; `None` without any.
    #[must_use]
    pub fn save(&self, flag: FlagId) -> Option<SavedBreakers> {
        let saved = SavedBreakers { servers: self.servers.save(flag), pages: self.pages.save(flag) };
        (saved != SavedBreakers::default()).then_some(saved)
    }

    /// Restores breakers that were stored across a restart; whether the flag has all that were. Where they were stored
    /// under another policy, the evidence starts anew.
    ///
    /// # Errors
    /// Some bytes are no breaker; the one in use stays.
    pub fn restore(
        &mut self,
        flag: FlagId,
        saved: &SavedBreakers,
        transitions: &mut Vec<SourcedTransition>,
    ) -> Result<bool, BreakerError> {
        let mut happened = Vec::new();
        let mut put = |guards: &mut Guards, bytes: Option<&Vec<u8>>| {
            bytes.map_or(Ok(true), |bytes| guards.restore(flag, bytes, &mut happened))
        };
        let restored = [put(&mut self.servers, saved.servers.as_ref()), put(&mut self.pages, saved.pages.as_ref())];
        self.settle(Source::Servers, &mut happened, transitions);
        self.align(flag);
        self.combine(flag);
        let [servers, pages] = restored;
        // What pages had tripped ends when they are no source any more, so their part need not fit.
        pages.and(servers)
    }

    /// Takes over the breakers of the flags of the same keys of a snapshot that this one follows, and their external
    /// trips. Where the policy is another one, the evidence starts anew.
    pub fn carry<B: AsRef<[u8]>>(
        &mut self,
        snapshot: &Snapshot<B>,
        (before, older): (&Self, &Snapshot<B>),
        now: Millis,
        transitions: &mut Vec<SourcedTransition>,
    ) {
        let (mut of_servers, mut of_pages) = (Vec::new(), Vec::new());
        self.servers.carry(snapshot, (&before.servers, older), now, &mut of_servers);
        self.pages.carry(snapshot, (&before.pages, older), now, &mut of_pages);
        of_pages.retain(|(flag, _)| of_servers.iter().all(|(other, _)| other != flag));
        for id in older.flags() {
            let Some(flag) = older.describe(id).and_then(|flag| snapshot.flag(flag.key())) else { continue };
            let trip = self.retained(Some(flag), (before, id)).stricter(before.held.state(id));
            self.held.set(flag, trip.stricter(self.held.state(flag)));
        }
        for flag in snapshot.flags() {
            self.align(flag);
            self.follow_mode(snapshot, flag, now);
            self.combine(flag);
        }
        self.settle(Source::Servers, &mut of_servers, transitions);
        self.settle(Source::Pages, &mut of_pages, transitions);
    }

    /// What stays in force of a flag's trip when its breakers are not those of before, and must be held from now on.
    ///
    /// Taking the threshold away is no acknowledgement: what was rolled back stays so until an operator releases it.
    /// Only a trip of pages ends when the document no longer names them as a source, and names servers.
    #[must_use]
    pub fn retained(&self, flag: Option<FlagId>, (before, id): (&Self, FlagId)) -> TripState {
        let has = |guards: &Guards| flag.is_some_and(|flag| guards.breaker(flag).is_some());
        if has(&self.servers) {
            return TripState::Clear;
        }
        let of_servers = own_trip(&before.servers, id);
        if has(&self.pages) { of_servers } else { of_servers.stricter(own_trip(&before.pages, id)) }
    }

    /// A command for both breakers. It is one event: that of the breaker that operators see.
    fn command<B: AsRef<[u8]>>(
        &mut self,
        snapshot: &Snapshot<B>,
        now: Millis,
        transitions: &mut Vec<SourcedTransition>,
        act: impl Fn(&mut Guards, &mut Vec<FlagTransition>),
    ) {
        self.poll(snapshot, now, transitions);
        let (mut of_servers, mut of_pages) = (Vec::new(), Vec::new());
        act(&mut self.servers, &mut of_servers);
        act(&mut self.pages, &mut of_pages);
        let flags: Vec<FlagId> = of_servers.iter().chain(&of_pages).map(|(flag, _)| *flag).collect();
        if of_servers.is_empty() {
            self.settle(Source::Pages, &mut of_pages, transitions);
        } else {
            self.settle(Source::Servers, &mut of_servers, transitions);
        }
        for flag in flags {
            self.align(flag);
            self.combine(flag);
        }
    }

    /// Reports what happened to breakers of one source, and lets the other breaker know.
    fn settle(&mut self, source: Source, happened: &mut Vec<FlagTransition>, transitions: &mut Vec<SourcedTransition>) {
        for (flag, transition) in happened.drain(..) {
            self.align(flag);
            self.combine(flag);
            transitions.push((flag, source, transition));
        }
    }

    /// Gives both breakers of a flag the same numbers.
    fn align(&mut self, flag: FlagId) {
        let (Some(servers), Some(pages)) = (self.servers.breaker_mut(flag), self.pages.breaker_mut(flag)) else {
            return;
        };
        servers.follow(pages);
        pages.follow(servers);
    }

    /// A breaker of pages that is new takes over the mode that an operator has set.
    fn follow_mode<B: AsRef<[u8]>>(&mut self, snapshot: &Snapshot<B>, flag: FlagId, now: Millis) {
        let mode = |guards: &Guards| guards.breaker(flag).map(|(breaker, _)| breaker.mode());
        let Some(wanted) = mode(&self.servers).filter(|_| mode(&self.pages).is_some()) else { return };
        if mode(&self.pages) != Some(wanted) {
            self.pages.set_mode(snapshot, flag, wanted, now, &mut Vec::new());
            self.align(flag);
        }
    }

    /// Each breaker sees the other's trip as one from outside.
    fn combine(&mut self, flag: FlagId) {
        let held = self.held.state(flag);
        let (of_servers, of_pages) = (own_trip(&self.servers, flag), own_trip(&self.pages, flag));
        self.pages.set_external_trip(flag, held.stricter(of_servers));
        self.servers.set_external_trip(flag, held.stricter(of_pages));
    }
}

fn own_trip(guards: &Guards, flag: FlagId) -> TripState {
    guards.breaker(flag).map_or(TripState::Clear, |(breaker, _)| breaker.trip_state())
}
