//! Groups: the users of one arm who were served the same variant, and how it went for them.
//!
//! Each decision and each outcome belongs to one group, so a flag as a whole is the sum of its groups, and so are an
//! arm and a variant. Nothing is counted twice, and counting costs the same however many groups there are.

use super::{Distinct, Histogram};
use crate::counts::Sample;
use crate::decision::{Arm, PackedDecision};

/// How many arms there are.
const ARMS: usize = 3;

/// What is counted of the users of one arm who were served the same variant.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Group {
    pub(super) outcomes: Sample,
    pub(super) durations: Histogram,
    pub(super) users: Distinct,
}

impl Group {
    /// How many variants of a flag, by their index, have groups of their own. Users of further ones are counted in
    /// their arm without a variant, which bounds the memory of a flag.
    pub const MOST_VARIANTS: usize = 16;

    /// The most groups that a flag can have.
    pub const MOST: usize = Self::count_for(Self::MOST_VARIANTS);

    /// How many groups a flag with so many variants can have: one per arm for each variant, and for no variant.
    ///
    /// ```
    /// use flcm_flags::metrics::Group;
    /// assert_eq!((Group::count_for(0), Group::count_for(2)), (3, 9));
    /// assert_eq!((Group::count_for(256), Group::MOST), (51, 51));
    /// ```
    #[must_use]
    pub const fn count_for(variants: usize) -> usize {
        let variants = if variants < Self::MOST_VARIANTS { variants } else { Self::MOST_VARIANTS };
        variants.saturating_add(1).saturating_mul(ARMS)
    }

    /// The index of the group that counts such a decision, among those of [`Groups`].
    #[inline]
    #[must_use]
    pub fn of(packed: PackedDecision) -> usize {
        Self::index(packed.arm(), packed.variant())
    }

    /// The index of the group of an arm and a variant.
    #[inline]
    pub(super) fn index(arm: Arm, variant: Option<u16>) -> usize {
        let variant = variant.map(usize::from).filter(|variant| *variant < Self::MOST_VARIANTS);
        let first = variant.map_or(0, |variant| variant.saturating_add(1)).saturating_mul(ARMS);
        first.saturating_add(arm.code().into())
    }

    /// The arm and the variant of an index.
    pub(super) fn place(index: usize) -> Option<(Arm, Option<u16>)> {
        let arm = Arm::from_code(u8::try_from(index % ARMS).ok()?)?;
        let variant = (index / ARMS).checked_sub(1);
        Some((arm, variant.and_then(|variant| u16::try_from(variant).ok())))
    }

    /// An empty group.
    #[must_use]
    pub const fn new() -> Self {
        let outcomes = Sample { total: 0, errors: 0, slow: 0, missing: 0 };
        Self { outcomes, durations: Histogram::new(), users: Distinct::new() }
    }

    /// How calls of the feature went.
    #[must_use]
    pub const fn outcomes(&self) -> &Sample {
        &self.outcomes
    }

    /// The durations of calls, in milliseconds.
    #[must_use]
    pub const fn durations(&self) -> &Histogram {
        &self.durations
    }

    /// The users that the flag was decided for, as a sketch that counts them.
    #[must_use]
    pub const fn users(&self) -> &Distinct {
        &self.users
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.outcomes == Sample::default() && self.durations.is_empty() && self.users.is_empty()
    }

    /// Adds what was counted in another group.
    pub fn merge(&mut self, other: &Self) {
        self.outcomes.add(&other.outcomes);
        self.durations.merge(&other.durations);
        self.users.merge(&other.users);
    }

    /// Removes everything that was counted.
    pub fn clear(&mut self) {
        self.outcomes = Sample::default();
        self.durations.clear();
        self.users.clear();
    }
}

/// The memory of a flag's groups, each at its index.
///
/// Slices of groups are such a memory: an array where the number of variants is known. A host that has an allocator can
/// make a group with its first count, because most are never used: [`get_mut`](Self::get_mut) makes it then.
pub trait Groups {
    /// The group at an index; `None` where there is none, or nothing was counted.
    fn get(&self, index: usize) -> Option<&Group>;

    /// The group at an index, to count in; `None` where there is none.
    fn get_mut(&mut self, index: usize) -> Option<&mut Group>;

    /// How many indices there are.
    fn count(&self) -> usize;
}

impl<T: AsRef<[Group]> + AsMut<[Group]>> Groups for T {
    #[inline]
    fn get(&self, index: usize) -> Option<&Group> {
        self.as_ref().get(index)
    }

    #[inline]
    fn get_mut(&mut self, index: usize) -> Option<&mut Group> {
        self.as_mut().get_mut(index)
    }

    fn count(&self) -> usize {
        self.as_ref().len()
    }
}

/// Groups by arm alone.
pub type Arms = [Group; ARMS];

/// The group of an arm without a variant, for an index that has none of its own.
pub(super) const fn without_variant(index: usize) -> usize {
    index % ARMS
}

#[cfg(test)]
mod tests {
    use super::{ARMS, Group};
    use crate::decision::Arm;

    #[test]
    fn each_arm_and_variant_has_a_group_of_its_own_up_to_a_number_of_variants() {
        let mut taken = [false; Group::MOST];
        for variant in core::iter::once(None).chain((0..16).map(Some)) {
            for arm in [Arm::Control, Arm::Outside, Arm::Treatment] {
                let index = Group::index(arm, variant);
                assert_eq!(Group::place(index), Some((arm, variant)));
                assert!(!core::mem::replace(&mut taken[index], true), "{arm} {variant:?}");
            }
        }
        assert!(taken.iter().all(|taken| *taken));
        for further in [16, 255, u16::MAX] {
            assert!(Group::index(Arm::Control, Some(further)) < ARMS, "{further}");
        }
    }
}
