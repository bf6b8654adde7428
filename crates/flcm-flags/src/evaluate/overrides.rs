//! Overrides: what a document, or a host, sets for one user.
//!
//! A document lists overrides by targeting key. The snapshot holds them as hashes in ascending order, one list per
//! flag, so it contains no user ids. A host can set an override as well, for example from a support tool; it is an
//! argument of [`evaluate_as`] and is stored nowhere.
//!
//! Both come after the kill switch, the breaker and dependencies. An override must not bring back a feature that was
//! switched off because it does harm. Users with an override are outside of the breaker's comparison.

use super::{Question, off};
use crate::bucket::Draw;
use crate::cohort::find_hash;
use crate::context::BoundContext;
use crate::decision::{Decision, PackedDecision, Reason};
use crate::explain::{Step, Visitor};
use crate::snapshot::sections;
use crate::snapshot::wire::{self, FlagRecord};
use crate::snapshot::{Flag, FlagId, Snapshot};
use crate::time::Millis;
use crate::trips::Trips;

/// What a host sets for one user: see [`evaluate_as`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Override {
    /// The flag's default is served.
    Off,
    /// The feature is served, in the variant that the flag's own split draws for the user.
    On,
    /// The variant of this index within the flag is served. An index that the flag does not have is ignored.
    Variant(u16),
}

/// Like [`evaluate`](super::evaluate), for a user for whom the host sets an override.
///
/// The override stands before the document's own. The kill switch, the breaker and dependencies come first: when one of
/// those applies, or the flag cannot be decided, the result is that of [`evaluate`](super::evaluate).
///
/// ```
/// use flcm_flags::{Context, Millis, Override, Reason, Snapshot, Trips, evaluate_as};
///
/// let text = "flags: { beta: { rollout: { percentage: 0 } }, gone: { enabled: false } }";
/// # let bytes = flcm_flags_config::compile(&flcm_flags_config::check(text).0.unwrap());
/// let snapshot = Snapshot::from_bytes(bytes)?;
/// let alice = Context::new(Some("alice"), &[]).bind(&snapshot);
/// let decide = |key| {
///     let flag = snapshot.flag(key).unwrap();
///     evaluate_as(&snapshot, &Trips::NONE, flag, &alice, Millis(0), Override::On)
/// };
/// assert_eq!((decide("beta").enabled(), decide("beta").reason()), (true, Reason::Override));
/// assert_eq!(decide("gone").reason(), Reason::Disabled);
/// # Ok::<(), flcm_flags::SnapshotError>(())
/// ```
#[must_use]
pub fn evaluate_as<'s, B: AsRef<[u8]>, T: AsRef<[u8]>>(
    snapshot: &'s Snapshot<B>,
    trips: &Trips<T>,
    flag: FlagId,
    context: &BoundContext<'_>,
    now: Millis,
    serve: Override,
) -> Decision<'s> {
    let decision = super::evaluate(snapshot, trips, flag, context, now);
    let reader = snapshot.reader();
    let Some(record) = reader.get(sections::FLAGS, flag.0) else { return decision };
    let trips = Trips::new(trips.as_bytes());
    let question = Question { reader, trips: &trips, context: context.view(), now };
    Decision::of(Flag { reader, record }, question.replaced(record, decision.packed(), serve))
}

impl Question<'_, '_> {
    /// What a flag serves with the host's override, in place of what was decided without.
    pub(super) fn replaced(&self, flag: &FlagRecord, decided: PackedDecision, serve: Override) -> PackedDecision {
        let known = if let Override::Variant(index) = serve { index < flag.variant_count.get() } else { true };
        match decided.reason() {
            Reason::BreakerOpen | Reason::Disabled | Reason::Error(_) | Reason::PrerequisiteFailed => decided,
            _ if !known => decided,
            _ => self.overridden_as(flag, serve),
        }
    }

    /// What the document's overrides serve to the user; `None` without one.
    #[inline(never)]
    pub(super) fn overridden<V: Visitor>(
        &self,
        flag: &FlagRecord,
        draw: Option<Draw>,
        visitor: &mut V,
    ) -> Option<PackedDecision> {
        let set = self.reader.at(sections::OVERRIDE_SETS, flag.overrides.get());
        let hash = Draw::new(self.context.user_digest()?, set.key.get()).hash();
        let entry = |index: u32| self.reader.at(sections::OVERRIDES, set.start.get().wrapping_add(index));
        let found = find_hash(set.count.get(), hash, &|index| entry(index).hash.get())?;
        visitor.visit(Step::Override);
        Some(match entry(found).serve.get() {
            wire::OVERRIDE_OFF => off(flag, Reason::Override),
            wire::OVERRIDE_ON => self.overridden_on(flag, draw, visitor),
            variant => PackedDecision::on(Reason::Override, Some(variant)),
        })
    }

    /// On for this user, with the variant that the split gives.
    #[inline(never)]
    fn overridden_on<V: Visitor>(&self, flag: &FlagRecord, draw: Option<Draw>, visitor: &mut V) -> PackedDecision {
        let (variant, _) = self.split(flag.shares.get(), flag.share_count.get(), draw, visitor);
        PackedDecision::on(Reason::Override, variant)
    }

    /// What the host's override serves.
    #[inline(never)]
    fn overridden_as(&self, flag: &FlagRecord, serve: Override) -> PackedDecision {
        match serve {
            Override::Off => off(flag, Reason::Override),
            Override::On => {
                let draw = self.digest(flag).map(|digest| Draw::new(digest, flag.hash_key.get()));
                self.overridden_on(flag, draw, &mut ())
            }
            Override::Variant(index) => PackedDecision::on(Reason::Override, Some(index)),
        }
    }
}
