//! Users and durations of a flag, by arm and by variant.

use flcm_flags::Arm;
use flcm_flags::metrics::batch::{Batch, GroupBatch, Header, Writer};
use flcm_flags::metrics::{Distinct, FlagMetrics, Group, Histogram};
use flcm_flags_host::LazyGroups;

/// Users and durations of one flag. Variants are known by name, because revisions number them anew.
#[derive(Clone, Debug)]
pub(crate) struct Sketches {
    /// The first variants that were counted; further ones are counted in their arm without a variant.
    variants: Vec<Box<str>>,
    metrics: FlagMetrics<[u32; 0], LazyGroups>,
}

impl Sketches {
    pub(crate) fn new() -> Self {
        let groups = LazyGroups::new(Group::MOST_VARIANTS);
        Self { variants: Vec::new(), metrics: FlagMetrics::with_groups([], groups) }
    }

    /// What [`to_bytes`](Self::to_bytes) has written; empty for anything else.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        let mut sketches = Self::new();
        let batch = Batch::from_own_bytes(bytes).ok();
        for group in batch.iter().flat_map(Batch::flags).flat_map(|flag| flag.groups()) {
            if let Some(own) = sketches.group(group.arm(), group.variant().unwrap_or_default()) {
                group.merge_into(own);
            }
        }
        sketches
    }

    pub(crate) fn to_bytes(&self, key: &str) -> Vec<u8> {
        written(|writer| _ = writer.flag(key, |variant| self.name(variant), &self.metrics))
    }

    /// The group of an arm and a variant (`""` for none), to add to.
    fn group(&mut self, arm: Arm, variant: &str) -> Option<&mut Group> {
        let variant = if variant.is_empty() { None } else { self.variant(variant) };
        self.metrics.group_of(arm, variant)
    }

    fn variant(&mut self, name: &str) -> Option<u16> {
        let known = self.variants.iter().position(|known| **known == *name);
        if known.is_none() && self.variants.len() < Group::MOST_VARIANTS {
            self.variants.push(name.into());
            return u16::try_from(self.variants.len() - 1).ok();
        }
        // Without room, there is none.
        known.and_then(|index| u16::try_from(index).ok())
    }

    fn name(&self, variant: u16) -> Option<&str> {
        self.variants.get(usize::from(variant)).map(|name| &**name)
    }

    /// Adds what a batch can have counted for a variant (`""` for none).
    pub(crate) fn add(&mut self, counted: &GroupBatch<'_>, variant: &str, decisions: &mut u64) {
        if let Some(group) = self.group(counted.arm(), variant) {
            let _ = counted.merge_likely_sketches_into(group, decisions);
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (arm, variant, group) in other.groups() {
            if let Some(own) = self.group(arm, variant) {
                own.merge(group);
            }
        }
    }

    /// Everything that was counted, by arm and variant (`""` for none).
    pub(crate) fn groups(&self) -> impl Iterator<Item = (Arm, &str, &Group)> {
        let name = |variant: Option<u16>| variant.and_then(|variant| self.name(variant)).unwrap_or_default();
        self.metrics.groups().map(move |(arm, variant, group)| (arm, name(variant), group))
    }

    /// The variants that have users or durations, without their number.
    pub(crate) fn variants(&self) -> impl Iterator<Item = &str> {
        self.variants.iter().map(|name| &**name)
    }

    /// Whether merging others adds no user.
    pub(crate) fn has_users_of(&self, others: &Self) -> bool {
        let find = |arm, variant| self.groups().find(|(own, name, _)| (*own, *name) == (arm, variant));
        others.groups().all(|(arm, variant, group)| {
            let known = find(arm, variant).map(|(.., own)| own.users());
            group.users().is_empty() || known.is_some_and(|known| known.contains(group.users()))
        })
    }

    pub(crate) fn users(&self) -> Distinct {
        self.metrics.users()
    }

    /// All durations.
    pub(crate) fn durations(&self) -> Histogram {
        self.metrics.durations()
    }

    /// The durations of an arm, whatever the variant; `None` without any.
    pub(crate) fn durations_of_arm(&self, arm: Arm) -> Option<Histogram> {
        self.durations_where(|own, _| own == arm)
    }

    /// The durations of a variant, whatever the arm; `None` without any.
    pub(crate) fn durations_of_variant(&self, variant: &str) -> Option<Histogram> {
        self.durations_where(|_, own| own == variant)
    }

    fn durations_where(&self, is_part: impl Fn(Arm, &str) -> bool) -> Option<Histogram> {
        let parts = self.groups().filter(|(arm, variant, _)| is_part(*arm, variant));
        let mut parts = parts.map(|(.., group)| group.durations()).filter(|durations| !durations.is_empty());
        let mut sum = parts.next()?.clone();
        parts.for_each(|durations| sum.merge(durations));
        Some(sum)
    }

    /// What was counted of an arm, whatever the variant.
    pub(crate) fn of_arm(&self, arm: Arm) -> Group {
        self.sum(|own, _| own == arm)
    }

    /// What was counted of a variant, whatever the arm.
    pub(crate) fn of_variant(&self, variant: &str) -> Group {
        self.sum(|_, own| own == variant)
    }

    fn sum(&self, is_part: impl Fn(Arm, &str) -> bool) -> Group {
        let mut sum = Group::new();
        let parts = self.groups().filter(|(arm, variant, _)| is_part(*arm, variant));
        parts.for_each(|(.., group)| sum.merge(group));
        sum
    }
}

/// What is written as one batch.
pub(crate) fn written(write: impl FnOnce(&mut Writer<&mut dyn FnMut(&[u8])>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    {
        let sink: &mut dyn FnMut(&[u8]) = &mut |part| bytes.extend_from_slice(part);
        let mut writer = Writer::new(Header::default(), sink);
        write(&mut writer);
        writer.finish();
    }
    bytes
}
