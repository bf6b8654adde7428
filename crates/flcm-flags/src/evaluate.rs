//! The decision: the checks of a flag, in order, and the first that applies decides.

use zerocopy::little_endian::U32;

use crate::bucket::{Draw, key};
use crate::cohort::{self, find_hash};
use crate::condition::CohortId;
use crate::context::BoundContext;
use crate::decision::{Arm, Decision, ErrorCode, Outcome, Reason};
use crate::explain::{Step, Visitor};
use crate::rollout::is_inside;
use crate::snapshot::{Flag, FlagId, Reader, Rule, Serves, Snapshot, to_usize, wire};
use crate::targeting::{Facts, is_met};
use crate::time::Millis;
use crate::trips::{TripState, Trips};
use crate::value::Value;

/// The probe share of a flag without `error_threshold`, whose breaker a host may drive all the same: 5 %.
const DEFAULT_PROBE: u32 = 5_000;

/// Decides one flag for one context at one time. It always answers, allocates nothing and cannot panic.
///
/// ```
/// use flcm_flags::{Context, FlagId, Millis, Reason, Snapshot, Trips, evaluate};
/// # let bytes = include_bytes!("../tests/first.snapshot");
/// let snapshot = Snapshot::from_bytes(bytes)?;
/// let flag = snapshot.flag("v2_mentor_layer").unwrap();
/// let context = Context::new(Some("alice"), &[("account_age_days", 45.into())]).bind(&snapshot);
/// let decision = evaluate(&snapshot, &Trips::NONE, flag, &context, Millis(0));
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
    explain(snapshot, trips, flag, context, now, &mut ())
}

/// Like [`evaluate`], and shows each step to a visitor.
#[must_use]
pub fn explain<'s, B: AsRef<[u8]>, T: AsRef<[u8]>, V: Visitor>(
    snapshot: &'s Snapshot<B>,
    trips: &Trips<T>,
    flag: FlagId,
    context: &BoundContext<'_>,
    now: Millis,
    visitor: &mut V,
) -> Decision<'s> {
    let question = Question { reader: snapshot.reader(), trips, context, now };
    Decision::new(snapshot, flag, question.ask(flag, visitor))
}

/// Decides every flag, in the order of [`Snapshot::flags`], each once: prerequisites are not decided again for the flags
/// that depend on them.
///
/// Fills as much of `out` as there are flags and returns that part of it.
pub fn evaluate_all<'o, B: AsRef<[u8]>, T: AsRef<[u8]>>(
    snapshot: &Snapshot<B>,
    trips: &Trips<T>,
    context: &BoundContext<'_>,
    now: Millis,
    out: &'o mut [Outcome],
) -> &'o mut [Outcome] {
    let reader = snapshot.reader();
    let question = Question { reader, trips, context, now };
    let count = to_usize(reader.layout.flags.count).min(out.len());
    let Some(out) = out.get_mut(..count) else { return &mut [] };
    for (id, outcome) in (0..).zip(out.iter_mut()) {
        *outcome = match reader.flag(FlagId(id)) {
            Some(flag) if flag.record.depth == 0 => question.decide(FlagId(id), flag, &Decided::NOTHING, &mut ()),
            _ => Outcome::error(ErrorCode::FlagNotFound),
        };
    }
    for id in reader.all(&reader.layout.order) {
        let id = FlagId(id.get());
        let Some(flag) = reader.flag(id) else { continue };
        let outcome = question.decide(id, flag, &Decided::All(out), &mut ());
        if let Some(slot) = out.get_mut(to_usize(id.0)) {
            *slot = outcome;
        }
    }
    out
}

/// Everything but the flag.
struct Question<'s, 'q, T> {
    reader: Reader<'s>,
    trips: &'q Trips<T>,
    context: &'q BoundContext<'q>,
    now: Millis,
}

/// What other flags have decided before the one at hand.
enum Decided<'a> {
    /// Every flag, by its id.
    All(&'a [Outcome]),
    /// The closure of prerequisites, and as many of their outcomes as there are yet.
    Closure(&'a [U32], &'a [Outcome]),
}

impl Decided<'_> {
    const NOTHING: Self = Self::All(&[]);

    fn outcome(&self, flag: FlagId) -> Option<Outcome> {
        match self {
            Self::All(outcomes) => outcomes.get(to_usize(flag.0)).copied(),
            Self::Closure(closure, outcomes) => {
                let position = closure.iter().position(|id| id.get() == flag.0)?;
                outcomes.get(position).copied()
            }
        }
    }
}

/// What the conditions of a flag may ask for.
struct FlagFacts<'s, 'q> {
    reader: Reader<'s>,
    context: &'q BoundContext<'q>,
    decided: &'q Decided<'q>,
}

impl Facts for FlagFacts<'_, '_> {
    fn is_member<V: Visitor>(&self, cohort: CohortId, visitor: &mut V) -> bool {
        cohort::is_member(self.reader, self.context, cohort, visitor)
    }

    fn outcome(&self, flag: FlagId) -> Option<Outcome> {
        self.decided.outcome(flag)
    }
}

impl<T: AsRef<[u8]>> Question<'_, '_, T> {
    /// Decides the prerequisites, each once, then the flag.
    fn ask<V: Visitor>(&self, id: FlagId, visitor: &mut V) -> Outcome {
        let Some(flag) = self.reader.flag(id) else { return Outcome::error(ErrorCode::FlagNotFound) };
        if flag.record.depth == 0 {
            return self.decide(id, flag, &Decided::NOTHING, visitor);
        }
        let closure = flag.closure();
        let mut outcomes = [Outcome::error(ErrorCode::FlagNotFound); wire::MAX_CLOSURE];
        for (position, inner) in closure.iter().enumerate() {
            let inner = FlagId(inner.get());
            let Some(flag) = self.reader.flag(inner) else { continue };
            let known = outcomes.get(..position).unwrap_or_default();
            let outcome = self.decide(inner, flag, &Decided::Closure(closure, known), visitor);
            if let Some(slot) = outcomes.get_mut(position) {
                *slot = outcome;
            }
        }
        self.decide(id, flag, &Decided::Closure(closure, &outcomes), visitor)
    }

    /// Decides one flag, its prerequisites being decided.
    #[inline]
    fn decide<V: Visitor>(&self, id: FlagId, flag: Flag<'_>, decided: &Decided<'_>, visitor: &mut V) -> Outcome {
        visitor.visit(Step::FlagStart(id));
        let outcome = self.check(id, flag, decided, visitor);
        visitor.visit(Step::FlagEnd(outcome));
        outcome
    }

    #[inline]
    fn check<V: Visitor>(&self, id: FlagId, flag: Flag<'_>, decided: &Decided<'_>, visitor: &mut V) -> Outcome {
        if self.context.snapshot != self.reader.layout.digest {
            return Outcome::error(ErrorCode::InvalidContext);
        }
        if !flag.is_readable() {
            return Outcome::error(ErrorCode::ParseError);
        }
        let off = |reason| Outcome::off(reason, flag.is_on_by_default());
        if !flag.enabled() {
            return off(Reason::Disabled);
        }
        let digest = self.context.unit_digest(self.reader, flag.record.by.get());
        let state = self.trips.state(id);
        if state != TripState::Clear && !passes_breaker(flag, state, digest, visitor) {
            return off(Reason::BreakerOpen);
        }
        if flag.record.dependency_count.get() > 0 && !dependencies_hold(flag, decided, visitor) {
            return off(Reason::PrerequisiteFailed);
        }
        let draw = digest.map(|digest| Draw::new(digest, flag.record.hash_key.get()));
        if flag.record.overrides.get() != wire::NONE {
            if let Some(outcome) = self.overridden(flag, draw, visitor) {
                return outcome;
            }
        }
        if flag.record.rule_count.get() == 0 {
            return off(Reason::Static);
        }
        self.first_rule(flag, draw, decided, visitor)
    }

    /// What the overrides say about the user.
    fn overridden<V: Visitor>(&self, flag: Flag<'_>, draw: Option<Draw>, visitor: &mut V) -> Option<Outcome> {
        let layout = self.reader.layout;
        let set = self.reader.get(&layout.override_sets, flag.record.overrides.get())?;
        let hash = Draw::new(self.context.user_digest()?, set.key.get()).hash();
        let entry = |index: u32| self.reader.get(&layout.overrides, set.start.get().wrapping_add(index));
        let found = find_hash(set.count.get(), hash, |index| entry(index).map_or(u64::MAX, |entry| entry.hash.get()))?;
        visitor.visit(Step::Override);
        Some(match entry(found)?.serve.get() {
            wire::OVERRIDE_OFF => Outcome::off(Reason::Override, flag.is_on_by_default()),
            wire::OVERRIDE_ON => Outcome::on(Reason::Override, flag.split(draw, visitor).0),
            variant => Outcome::on(Reason::Override, Some(variant)),
        })
    }

    /// The first rule that applies, or the default.
    #[inline]
    fn first_rule<V: Visitor>(
        &self,
        flag: Flag<'_>,
        draw: Option<Draw>,
        decided: &Decided<'_>,
        visitor: &mut V,
    ) -> Outcome {
        let facts = FlagFacts { reader: self.reader, context: self.context, decided };
        let start = flag.record.rules.get();
        let mut arm = Arm::Outside;
        for id in start..start.wrapping_add(flag.record.rule_count.get().into()) {
            let Some(rule) = flag.rule(id) else { continue };
            visitor.visit(Step::RuleStart(rule));
            let held = rule.conditions().all(self.context, &facts, visitor);
            let outcome = if held || V::THOROUGH { self.serve(rule, draw, visitor) } else { None };
            let outcome = outcome.filter(|_| held);
            visitor.visit(Step::RuleEnd { applied: outcome.is_some() });
            if let Some(outcome) = outcome {
                return Outcome { rule: Some(id), ..outcome };
            }
            if held {
                arm = Arm::Control;
            }
        }
        Outcome { arm, ..Outcome::off(Reason::Default, flag.is_on_by_default()) }
    }

    /// What a rule whose conditions hold serves; `None` to a user outside its percentage.
    #[inline]
    fn serve<V: Visitor>(&self, rule: Rule<'_>, draw: Option<Draw>, visitor: &mut V) -> Option<Outcome> {
        match rule.serves() {
            Serves::CohortOff => Some(Outcome::off(Reason::TargetingMatch, rule.flag.is_on_by_default())),
            Serves::CohortOn => Some(draw_variant(rule, draw, false, visitor)),
            Serves::On => {
                let percentage = rule.percentage_at(self.now);
                let bucket = draw.map(Draw::gate);
                let inside = is_inside(bucket, percentage);
                visitor.visit(Step::Rollout { bucket, percentage, inside });
                let outcome = inside.then(|| draw_variant(rule, draw, percentage < crate::bucket::BUCKETS, visitor))?;
                Some(Outcome { arm: Arm::Treatment, ..outcome })
            }
        }
    }
}

/// Serves on, by the rule's split. It is a `SPLIT` when a bucket was drawn (`gated`) or a variant was.
#[inline]
fn draw_variant<V: Visitor>(rule: Rule<'_>, draw: Option<Draw>, gated: bool, visitor: &mut V) -> Outcome {
    let (variant, drawn) = rule.split(draw, visitor);
    Outcome::on(if gated || drawn { Reason::Split } else { Reason::TargetingMatch }, variant)
}

/// Whether the user passes a breaker that has tripped: half-open, inside the probe share.
#[cold]
fn passes_breaker<V: Visitor>(flag: Flag<'_>, state: TripState, digest: Option<u64>, visitor: &mut V) -> bool {
    let share = flag.policy().map_or(DEFAULT_PROBE, |policy| policy.probe);
    let probing = state == TripState::Probing;
    let bucket = digest.filter(|_| probing).map(|digest| Draw::new(digest, key("probe", flag.salt())).gate());
    let passed = bucket.is_some_and(|bucket| bucket < share);
    visitor.visit(Step::Breaker { state, bucket, share, passed });
    passed
}

fn dependencies_hold<V: Visitor>(flag: Flag<'_>, decided: &Decided<'_>, visitor: &mut V) -> bool {
    let mut all = true;
    for (flag, expected) in flag.dependencies() {
        let held = is_met(expected, decided.outcome(flag));
        visitor.visit(Step::Dependency { flag, expected, held });
        all &= held;
        if !all && !V::THOROUGH {
            break;
        }
    }
    all
}

impl<'s> Flag<'s> {
    fn is_on_by_default(&self) -> bool {
        matches!(self.default_value(), Some(Value::Bool(true)))
    }

    /// The flag's own split: the variant, and whether there was more than one to draw from.
    fn split<V: Visitor>(&self, draw: Option<Draw>, visitor: &mut V) -> (Option<u16>, bool) {
        split(self.reader, self.record.shares.get(), self.record.share_count.get(), draw, visitor)
    }
}

impl Rule<'_> {
    /// Like [`Flag::split`], by the rule's own shares if it has any.
    #[inline]
    fn split<V: Visitor>(&self, draw: Option<Draw>, visitor: &mut V) -> (Option<u16>, bool) {
        match self.record.share_count.get() {
            0 => self.flag.split(draw, visitor),
            count => split(self.flag.reader, self.record.shares.get(), count, draw, visitor),
        }
    }
}

/// Draws a variant: the one whose cumulative range holds the split point, without a draw the first.
#[inline]
fn split<V: Visitor>(
    reader: Reader<'_>,
    start: u32,
    count: u16,
    draw: Option<Draw>,
    visitor: &mut V,
) -> (Option<u16>, bool) {
    if count == 0 {
        return (None, false);
    }
    let share = |offset: u16| reader.get(&reader.layout.shares, start.wrapping_add(offset.into()));
    let total = share(count.wrapping_sub(1)).map_or(0, |share| share.cumulative.get());
    let point = draw.map(|draw| draw.split(total));
    let drawn = (0..count).filter_map(share).find(|share| point.unwrap_or(0) < share.cumulative.get());
    let variant = drawn.map(|share| share.variant.get());
    if let Some(variant) = variant {
        visitor.visit(Step::Split { point, total, variant });
    }
    (variant, count > 1)
}
