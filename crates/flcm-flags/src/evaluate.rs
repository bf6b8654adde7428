//! The decision: the checks of a flag, in order. The first check that applies decides.
//!
//! | check | reason | serves |
//! |---|---|---|
//! | the flag is unknown, needs a newer core, or the context is bound to another snapshot | `ERROR` | nothing |
//! | the kill switch is off | `DISABLED` | the default |
//! | the breaker is open; or half-open, and the user is outside the probe share | `BREAKER_OPEN` | the default |
//! | a dependency does not hold | `PREREQUISITE_FAILED` | the default |
//! | the user has an override | `OVERRIDE` | what it says |
//! | the flag has nothing that narrows it | `STATIC` | on |
//! | a rule's conditions hold, and the user is inside its percentage | `TARGETING_MATCH`, `SPLIT` | the rule's |
//! | no rule applies | `DEFAULT` | the default |
//!
//! **Tracing costs nothing when nobody traces.** [`evaluate`] is [`explain`] with the silent visitor `()`, which the
//! compiler removes. So there is one decision path, and an explanation cannot differ from the decision. A visitor that
//! is not silent also sees conditions and percentages that come after the first miss.
//!
//! **Most flags are one rule without conditions.** They take a shortcut, `Question::single_rule`. Breakers,
//! dependencies, overrides and schedules are kept out of line, so that the path of flags without them stays in
//! registers. The shortcut calls the same `serve` as the full path. Faults that are seeded into the shortcut must be
//! found by the tests.
//!
//! **Nothing is decided twice.** A flag carries the closure of its prerequisites, at most 64, in an order in which each
//! can be decided from the ones before it. Their decisions live on the stack. So even a lattice of dependencies takes
//! linear time, and [`evaluate_all`] decides each flag once. Depths in the records prove that there is no cycle.
//!
//! **Whatever holds the bytes, the code is the same.** The public functions are generic over the buffers. They pass
//! plain slices on to functions that are not, so the decision is compiled once, in this crate, with its optimisation
//! level.
//!
//! **Bad states serve the default.** The snapshot is validated, so no read here fails. If one did, the function would
//! answer with an error or the default. It never panics.

use zerocopy::little_endian::U32;

use crate::bucket::{BUCKETS, Draw, key_of};
use crate::cohort;
use crate::condition::CohortId;
use crate::context::{BoundContext, View};
use crate::decision::{Arm, Decision, ErrorCode, PackedDecision, Reason};
use crate::explain::{Step, Visitor};
use crate::rollout::is_inside;
use crate::snapshot::sections;
use crate::snapshot::wire::{self, FlagRecord, RuleRecord, step};
use crate::snapshot::{Flag, FlagId, Reader, Rule, Snapshot, to_usize};
use crate::targeting::{Facts, is_met};
use crate::time::Millis;
use crate::trips::{TripState, Trips};

mod entries;
mod overrides;
mod split;

pub use entries::EntriesBound;
pub use overrides::{Override, evaluate_as};

/// The probe share of a flag without `error_threshold`: 5 %. A host may set such a flag to probing all the same.
const DEFAULT_PROBE: u32 = 5_000;

/// Decides one flag for one context at one time.
///
/// It always returns a decision, allocates nothing and cannot panic. The same arguments give the same decision on every
/// platform. `now` matters to flags that follow a schedule, and to no others: see [`Flag::changes_with_time`].
///
/// A flag that the snapshot does not have, and a context that is bound to another snapshot, give a decision with an
/// error code. It serves nothing, so that the caller's fallback applies.
///
/// ```
/// use flcm_flags::{Context, Millis, Reason, Snapshot, Trips, evaluate};
///
/// let text = "flags: { beta: { conditions: [{ attribute: age, operator: '>', value: 30 }] } }";
/// # let bytes = flcm_flags_config::compile(&flcm_flags_config::check(text).0.unwrap());
/// let snapshot = Snapshot::from_bytes(bytes)?;
/// let flag = snapshot.flag("beta").unwrap();
/// let attributes = [("age", 45.into())];
/// let alice = Context::new(Some("alice"), &attributes).bind(&snapshot);
///
/// let decision = evaluate(&snapshot, &Trips::NONE, flag, &alice, Millis(0));
/// assert!(decision.enabled());
/// assert_eq!(decision.reason(), Reason::TargetingMatch);
/// # Ok::<(), flcm_flags::SnapshotError>(())
/// ```
#[must_use]
pub fn evaluate<'s, B: AsRef<[u8]>, T: AsRef<[u8]>>(
    snapshot: &'s Snapshot<B>,
    trips: &Trips<T>,
    flag: FlagId,
    context: &BoundContext<'_>,
    now: Millis,
) -> Decision<'s> {
    evaluate_untraced(snapshot.reader(), &Trips::new(trips.as_bytes()), flag, context.view(), now)
}

/// [`evaluate`] over plain slices: it is compiled once, in this crate, as fast as this crate is.
fn evaluate_untraced<'s>(
    reader: Reader<'s>,
    trips: &Trips<&[u8]>,
    flag: FlagId,
    context: View<'_>,
    now: Millis,
) -> Decision<'s> {
    evaluate_traced(reader, trips, flag, context, now, &mut ())
}

/// Like [`evaluate`], and passes each step to a visitor.
///
/// The decision is the same as that of [`evaluate`]: it is the same code. A visitor that is not silent is also shown
/// the conditions and percentages behind the first miss, so that an explanation is complete. [`Step`] lists what there
/// is to see.
///
/// ```
/// use flcm_flags::{Context, Millis, Snapshot, Step, Trips, Visitor, explain};
///
/// struct Bucket(Option<u32>);
/// impl Visitor for Bucket {
///     fn visit(&mut self, step: Step<'_, '_>) {
///         if let Step::Rollout { bucket, .. } = step {
///             self.0 = bucket;
///         }
///     }
/// }
///
/// let text = "flags: { beta: { rollout: { percentage: 10 } } }";
/// # let bytes = flcm_flags_config::compile(&flcm_flags_config::check(text).0.unwrap());
/// let snapshot = Snapshot::from_bytes(bytes)?;
/// let flag = snapshot.flag("beta").unwrap();
/// let alice = Context::new(Some("alice"), &[]).bind(&snapshot);
/// let mut bucket = Bucket(None);
/// let decision = explain(&snapshot, &Trips::NONE, flag, &alice, Millis(0), &mut bucket);
/// assert_eq!(bucket.0.map(|bucket| bucket < 10_000), Some(decision.enabled()));
/// # Ok::<(), flcm_flags::SnapshotError>(())
/// ```
#[must_use]
pub fn explain<'s, B: AsRef<[u8]>, T: AsRef<[u8]>, V: Visitor>(
    snapshot: &'s Snapshot<B>,
    trips: &Trips<T>,
    flag: FlagId,
    context: &BoundContext<'_>,
    now: Millis,
    visitor: &mut V,
) -> Decision<'s> {
    evaluate_traced(snapshot.reader(), &Trips::new(trips.as_bytes()), flag, context.view(), now, visitor)
}

/// [`explain`] over plain slices, and with the silent visitor [`evaluate`].
fn evaluate_traced<'s, V: Visitor>(
    reader: Reader<'s>,
    trips: &Trips<&[u8]>,
    flag: FlagId,
    context: View<'_>,
    now: Millis,
    visitor: &mut V,
) -> Decision<'s> {
    let Some(record) = reader.get(sections::FLAGS, flag.0) else { return Decision::flag_not_found() };
    let question = Question { reader, trips, context, now };
    let packed = match record.depth {
        0 => question.decide(flag, record, &Decided::NOTHING, visitor),
        _ => question.decide_in_order(flag, record, visitor),
    };
    Decision::of(Flag { reader, record }, packed)
}

/// Decides every flag, in the order of [`Snapshot::flags`].
///
/// Each flag is decided once: prerequisites are not decided again for the flags that depend on them. The decisions are
/// those of [`evaluate`].
///
/// Fills as much of `out` as there are flags and returns that part of it. When `out` is shorter than that, only its
/// flags are decided, and one that depends on a flag beyond it reports `PREREQUISITE_FAILED`. [`Decision::new`] adds
/// the strings.
///
/// ```
/// use flcm_flags::{Context, Decision, ErrorCode, Millis, PackedDecision, Snapshot, Trips, evaluate_all};
///
/// let text = "flags: { a: { enabled: false }, b: { rollout: { percentage: 0 }, overrides: { alice: true } } }";
/// # let bytes = flcm_flags_config::compile(&flcm_flags_config::check(text).0.unwrap());
/// let snapshot = Snapshot::from_bytes(bytes)?;
/// let alice = Context::new(Some("alice"), &[]).bind(&snapshot);
/// let mut out = vec![PackedDecision::error(ErrorCode::FlagNotFound); snapshot.flags().len()];
/// let packed = evaluate_all(&snapshot, &Trips::NONE, &alice, Millis(0), &mut out);
/// assert_eq!(packed.iter().map(|packed| packed.enabled()).collect::<Vec<_>>(), [false, true]);
/// # Ok::<(), flcm_flags::SnapshotError>(())
/// ```
pub fn evaluate_all<'o, B: AsRef<[u8]>, T: AsRef<[u8]>>(
    snapshot: &Snapshot<B>,
    trips: &Trips<T>,
    context: &BoundContext<'_>,
    now: Millis,
    out: &'o mut [PackedDecision],
) -> &'o mut [PackedDecision] {
    all(snapshot.reader(), &Trips::new(trips.as_bytes()), context.view(), now, out)
}

/// [`evaluate_all`] over plain slices: first the flags without prerequisites, then the others by ascending depth.
fn all<'o>(
    reader: Reader<'_>,
    trips: &Trips<&[u8]>,
    context: View<'_>,
    now: Millis,
    out: &'o mut [PackedDecision],
) -> &'o mut [PackedDecision] {
    Question { reader, trips, context, now }.decide_all(out)
}

impl Question<'_, '_> {
    fn decide_all<'o>(&self, out: &'o mut [PackedDecision]) -> &'o mut [PackedDecision] {
        let Self { reader, .. } = *self;
        let count = to_usize(reader.count(sections::FLAGS)).min(out.len());
        let Some(out) = out.get_mut(..count) else { return &mut [] };
        for (id, packed) in (0..).zip(out.iter_mut()) {
            let flag = reader.at(sections::FLAGS, id);
            *packed = match flag.depth {
                0 => self.decide(FlagId(id), flag, &Decided::NOTHING, &mut ()),
                _ => PackedDecision::error(ErrorCode::FlagNotFound),
            };
        }
        for id in reader.all(sections::ORDER) {
            let id = id.get();
            let flag = reader.at(sections::FLAGS, id);
            let packed = self.decide_after(FlagId(id), flag, &Decided::All(out), &mut ());
            if let Some(slot) = out.get_mut(to_usize(id)) {
                *slot = packed;
            }
        }
        out
    }
}

/// Everything that a decision depends on, except for the flag.
struct Question<'s, 'q> {
    reader: Reader<'s>,
    trips: &'q Trips<&'q [u8]>,
    context: View<'q>,
    now: Millis,
}

/// The decisions that were made before the one at hand, and that it may depend on.
enum Decided<'a> {
    /// Every flag, by its id.
    All(&'a [PackedDecision]),
    /// The closure of prerequisites, and those of their decisions that are made.
    Closure(&'a [U32], &'a [PackedDecision]),
}

impl Decided<'_> {
    const NOTHING: Self = Self::All(&[]);

    fn packed(&self, flag: FlagId) -> Option<PackedDecision> {
        match self {
            Self::All(decisions) => decisions.get(to_usize(flag.0)).copied(),
            Self::Closure(closure, decisions) => {
                let position = closure.iter().position(|id| id.get() == flag.0)?;
                decisions.get(position).copied()
            }
        }
    }
}

/// What the conditions of a flag may ask for besides attributes: cohorts and other flags.
struct FlagFacts<'s, 'q> {
    reader: Reader<'s>,
    context: View<'q>,
    decided: &'q Decided<'q>,
}

impl<V: Visitor> Facts<V> for FlagFacts<'_, '_> {
    fn is_member(&self, cohort: CohortId, visitor: &mut V) -> bool {
        cohort::is_member(self.reader, self.context, cohort, visitor)
    }

    fn packed(&self, flag: FlagId) -> Option<PackedDecision> {
        self.decided.packed(flag)
    }
}

// What most flags do not have (a tripped breaker, dependencies, overrides, a schedule) is kept out of line, so that the
// path of those that do not have it stays in registers.
impl Question<'_, '_> {
    /// Decides the prerequisites, each once, and then the flag.
    fn decide_in_order<V: Visitor>(&self, id: FlagId, flag: &FlagRecord, visitor: &mut V) -> PackedDecision {
        // Most closures are short, and clearing room for the longest takes longer than deciding them.
        match flag.closure_count.get() {
            0..=4 => self.decide_closure::<4, V>(id, flag, visitor),
            _ => self.decide_closure::<{ wire::MAX_CLOSURE }, V>(id, flag, visitor),
        }
    }

    /// Like [`decide_in_order`](Self::decide_in_order), with room for the decisions of `N` prerequisites.
    #[inline(never)]
    fn decide_closure<const N: usize, V: Visitor>(
        &self,
        id: FlagId,
        flag: &FlagRecord,
        visitor: &mut V,
    ) -> PackedDecision {
        let closure = self.reader.closure(flag);
        let mut decisions = [PackedDecision::error(ErrorCode::FlagNotFound); N];
        for (position, inner) in closure.iter().enumerate() {
            let inner = inner.get();
            let flag = self.reader.at(sections::FLAGS, inner);
            let known = decisions.get(..position).unwrap_or_default();
            let packed = self.decide_after(FlagId(inner), flag, &Decided::Closure(closure, known), visitor);
            if let Some(slot) = decisions.get_mut(position) {
                *slot = packed;
            }
        }
        self.decide_after(id, flag, &Decided::Closure(closure, &decisions), visitor)
    }

    /// Like [`decide`](Self::decide), for a flag of some depth.
    #[inline(never)]
    fn decide_after<V: Visitor>(
        &self,
        id: FlagId,
        flag: &FlagRecord,
        decided: &Decided<'_>,
        visitor: &mut V,
    ) -> PackedDecision {
        self.decide(id, flag, decided, visitor)
    }

    /// Decides one flag, its prerequisites being decided.
    #[inline]
    fn decide<V: Visitor>(
        &self,
        id: FlagId,
        flag: &FlagRecord,
        decided: &Decided<'_>,
        visitor: &mut V,
    ) -> PackedDecision {
        if V::SILENT
            && !cfg!(feature = "compact")
            && flag.steps == 0
            && flag.rule_count.get() == 1
            && self.trips.is_clear(id)
            && let Some(packed) = self.single_rule(flag, decided)
        {
            return packed;
        }
        self.decide_fully(id, flag, decided, visitor)
    }

    /// The shortcut for what most flags are: one rule, and nothing else to look at. `None` when the flag cannot be
    /// decided at all, which the full path reports.
    #[inline]
    fn single_rule(&self, flag: &FlagRecord, decided: &Decided<'_>) -> Option<PackedDecision> {
        let id = flag.rules.get();
        let rule = self.reader.at(sections::RULES, id);
        if self.refusal(flag).is_some() {
            return None;
        }
        if rule.condition_count.get() > 0 && !self.conditions_hold(rule, decided, &mut ()) {
            return Some(off(flag, Reason::Default));
        }
        let draw = self.context.user_digest().map(|digest| Draw::new(digest, flag.hash_key.get()));
        let served = self.serve(flag, rule, BUCKETS, draw, &mut ());
        Some(served.map_or_else(|| off(flag, Reason::Default).of_arm(Arm::Control), |packed| packed.by_rule(id)))
    }

    /// Decides one flag by all of its checks, and shows its start and end.
    #[inline(never)]
    fn decide_fully<V: Visitor>(
        &self,
        id: FlagId,
        flag: &FlagRecord,
        decided: &Decided<'_>,
        visitor: &mut V,
    ) -> PackedDecision {
        visitor.visit(Step::FlagStart(id));
        let packed = self.check(flag, self.trips.state(id), decided, visitor);
        visitor.visit(Step::FlagEnd(packed));
        packed
    }

    /// Why the flag cannot be decided at all; `None` if it can.
    #[inline]
    fn refusal(&self, flag: &FlagRecord) -> Option<ErrorCode> {
        if self.context.snapshot() != self.reader.layout.digest {
            Some(ErrorCode::InvalidContext)
        } else if flag.is_readable() {
            None
        } else {
            Some(ErrorCode::ParseError)
        }
    }

    /// The checks in order; the first that applies decides.
    #[inline]
    fn check<V: Visitor>(
        &self,
        flag: &FlagRecord,
        trip: TripState,
        decided: &Decided<'_>,
        visitor: &mut V,
    ) -> PackedDecision {
        if let Some(code) = self.refusal(flag) {
            return PackedDecision::error(code);
        }
        let digest = self.digest(flag);
        let (reason, arm) = if let Some(reason) = self.obstacle(flag, trip, digest, decided, visitor) {
            (reason, Arm::Outside)
        } else {
            let draw = digest.map(|digest| Draw::new(digest, flag.hash_key.get()));
            if flag.has(step::OVERRIDES)
                && let Some(packed) = self.overridden(flag, draw, visitor)
            {
                return packed;
            }
            let cap = if let TripState::Capped(cap) = trip { cap } else { BUCKETS };
            match self.first_rule(flag, cap, draw, decided, visitor) {
                Ok(packed) => return packed,
                Err(arm) => (Reason::Default, arm),
            }
        };
        off(flag, reason).of_arm(arm)
    }

    /// Why the flag is off for the user before anything is drawn.
    #[inline]
    fn obstacle<V: Visitor>(
        &self,
        flag: &FlagRecord,
        trip: TripState,
        digest: Option<u64>,
        decided: &Decided<'_>,
        visitor: &mut V,
    ) -> Option<Reason> {
        if flag.has(step::DISABLED) {
            return Some(Reason::Disabled);
        }
        if trip != TripState::Clear && !self.passes_breaker(flag, trip, digest, visitor) {
            return Some(Reason::BreakerOpen);
        }
        let held = !flag.has(step::DEPENDENCIES) || self.dependencies_hold(flag, decided, visitor);
        (!held).then_some(Reason::PrerequisiteFailed)
    }

    /// The digest of what the flag hashes: the targeting key, or the attribute of `by`. `None` for a user who has
    /// neither.
    #[inline]
    fn digest(&self, flag: &FlagRecord) -> Option<u64> {
        if flag.has(step::BY) {
            self.context.attribute_digest(self.reader, flag.by.get())
        } else {
            self.context.user_digest()
        }
    }

    /// Whether the user passes a breaker that has tripped.
    ///
    /// Off lets nobody pass, and half-open the users inside the probe share. A cap lets everyone pass: it limits the
    /// percentages later on.
    #[cold]
    fn passes_breaker<V: Visitor>(
        &self,
        flag: &FlagRecord,
        state: TripState,
        digest: Option<u64>,
        visitor: &mut V,
    ) -> bool {
        let policy = self.reader.get(sections::POLICIES, flag.policy.get());
        let share = policy.map_or(DEFAULT_PROBE, |policy| policy.probe.get());
        let salt = self.reader.text_bytes(flag.salt.get());
        let probing = state == TripState::Probing;
        let bucket = digest.filter(|_| probing).map(|digest| Draw::new(digest, key_of("probe", salt)).gate());
        let passed = matches!(state, TripState::Capped(_)) || bucket.is_some_and(|bucket| bucket < share);
        visitor.visit(Step::Breaker { state, bucket, share, passed });
        passed
    }

    /// Whether all dependencies hold. A visitor is shown all of them, also those behind the first that does not.
    #[inline(never)]
    fn dependencies_hold<V: Visitor>(&self, flag: &FlagRecord, decided: &Decided<'_>, visitor: &mut V) -> bool {
        let mut all = true;
        for (flag, expected) in self.reader.dependencies(flag) {
            let held = is_met(expected, decided.packed(flag));
            visitor.visit(Step::Dependency { flag, expected, held });
            all &= held;
            if !all && V::SILENT {
                break;
            }
        }
        all
    }

    /// What the first rule that applies serves. If none does, the arm of the user, who gets the default.
    ///
    /// A user who meets the conditions of some rule and is outside its percentage is in the control arm.
    #[inline]
    fn first_rule<V: Visitor>(
        &self,
        flag: &FlagRecord,
        cap: u32,
        draw: Option<Draw>,
        decided: &Decided<'_>,
        visitor: &mut V,
    ) -> Result<PackedDecision, Arm> {
        let reader = self.reader;
        let mut arm = Arm::Outside;
        let start = flag.rules.get();
        for id in start..start.wrapping_add(flag.rule_count.get().into()) {
            let rule = reader.at(sections::RULES, id);
            if !V::SILENT {
                visitor.visit(Step::RuleStart(Rule { flag: Flag { reader, record: flag }, record: rule }));
            }
            let held = rule.condition_count.get() == 0 || self.conditions_hold(rule, decided, visitor);
            let packed = if held || !V::SILENT { self.serve(flag, rule, cap, draw, visitor) } else { None };
            let packed = packed.filter(|_| held);
            visitor.visit(Step::RuleEnd { applied: packed.is_some() });
            if let Some(packed) = packed {
                return Ok(packed.by_rule(id));
            }
            if held {
                arm = Arm::Control;
            }
        }
        Err(arm)
    }

    #[inline(never)]
    fn conditions_hold<V: Visitor>(&self, rule: &RuleRecord, decided: &Decided<'_>, visitor: &mut V) -> bool {
        let facts = FlagFacts { reader: self.reader, context: self.context, decided };
        self.reader.conditions(rule).all(self.context, &facts, visitor)
    }

    /// What a rule whose conditions hold serves; `None` to a user outside its percentage, which `cap` limits.
    ///
    /// A cohort's rule has no percentage, so its users are in neither arm.
    #[expect(clippy::inline_always, reason = "a third of the time of the shortcut was spent on calling it")]
    #[inline(always)]
    fn serve<V: Visitor>(
        &self,
        flag: &FlagRecord,
        rule: &RuleRecord,
        cap: u32,
        draw: Option<Draw>,
        visitor: &mut V,
    ) -> Option<PackedDecision> {
        if rule.serve == wire::serve::COHORT_OFF {
            return Some(off(flag, Reason::TargetingMatch));
        }
        let mut arm = Arm::Outside;
        let mut gated = false;
        if rule.serve != wire::serve::COHORT_ON {
            let percentage = self.reader.percentage_at(rule, self.now).min(cap);
            let bucket = draw.map(Draw::gate);
            let inside = is_inside(bucket, percentage);
            visitor.visit(Step::Rollout { bucket, percentage, inside });
            if !inside {
                return None;
            }
            arm = Arm::Treatment;
            gated = percentage < BUCKETS;
        }
        let (variant, drawn) = match rule.share_count.get() {
            0 => self.split(flag.shares.get(), flag.share_count.get(), draw, visitor),
            count => self.split(rule.shares.get(), count, draw, visitor),
        };
        // A `SPLIT` when a bucket was drawn or a variant was.
        let matched = if rule.serve == wire::serve::EVERYONE { Reason::Static } else { Reason::TargetingMatch };
        let reason = if gated || drawn { Reason::Split } else { matched };
        Some(PackedDecision::on(reason, variant).of_arm(arm))
    }
}

/// The decision that serves the flag's default. It is enabled if that default is `true`.
#[inline]
fn off(flag: &FlagRecord, reason: Reason) -> PackedDecision {
    let enabled = flag.default.kind == wire::value::BOOL && flag.default.payload.get() == 1;
    PackedDecision::off(reason, enabled)
}
