//! Overrides: what a document, or a host, has said about one user.

use super::{Question, off};
use crate::bucket::Draw;
use crate::cohort::find_hash;
use crate::context::BoundContext;
use crate::decision::{Decision, PackedDecision, Reason};
use crate::explain::{Step, Visitor};
use crate::snapshot::wire::{self, FlagRecord};
use crate::snapshot::{Flag, FlagId, Snapshot};
use crate::time::Millis;
use crate::trips::Trips;

/// What a host has said that a user is served.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Override {
    /// The default.
    Off,
    /// The feature, in the variant that the user draws.
    On,
    /// A variant of the flag, by its index.
    Variant(u16),
}

/// Like [`evaluate`](super::evaluate), for a user about whom the host has said something: it stands where the document's own
/// overrides do, and before them. The kill switch, the breaker and dependencies come first.
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
    let Some(record) = reader.get(&reader.layout.flags, flag.0) else { return decision };
    let known = if let Override::Variant(index) = serve { index < record.variant_count.get() } else { true };
    match decision.reason() {
        Reason::BreakerOpen | Reason::Disabled | Reason::Error(_) | Reason::PrerequisiteFailed => decision,
        _ if !known => decision,
        _ => {
            let trips = Trips::new(trips.as_bytes());
            let question = Question { reader, trips: &trips, context, now };
            Decision::of(Flag { reader, record }, question.overridden_as(record, serve))
        }
    }
}

impl Question<'_, '_> {
    /// What the overrides say about the user.
    #[inline(never)]
    pub(super) fn overridden<V: Visitor>(
        &self,
        flag: &FlagRecord,
        draw: Option<Draw>,
        visitor: &mut V,
    ) -> Option<PackedDecision> {
        let layout = self.reader.layout;
        let set = self.reader.get(&layout.override_sets, flag.overrides.get())?;
        let hash = Draw::new(self.context.user_digest()?, set.key.get()).hash();
        let entry = |index: u32| self.reader.get(&layout.overrides, set.start.get().wrapping_add(index));
        let found = find_hash(set.count.get(), hash, |index| entry(index).map_or(u64::MAX, |entry| entry.hash.get()))?;
        visitor.visit(Step::Override);
        Some(match entry(found)?.serve.get() {
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
