//! The variants of all flags, found by name without comparing a name with all of them.

use bytes::Bytes;
use flcm_flags::{FlagId, Snapshot};

/// For each flag, the indices of its variants in the order of their names.
#[derive(Debug)]
pub(super) struct VariantNames {
    /// Where the indices of a flag begin, and one more at the end.
    starts: Vec<u32>,
    order: Vec<u16>,
}

impl VariantNames {
    pub(super) fn new(snapshot: &Snapshot<Bytes>) -> Self {
        let (mut starts, mut order) = (vec![0], Vec::new());
        for flag in snapshot.flags().filter_map(|id| snapshot.describe(id)) {
            let mut names: Vec<(&str, u16)> = flag.variants().map(|variant| variant.name()).zip(0..).collect();
            names.sort_unstable();
            order.extend(names.into_iter().map(|(_, index)| index));
            starts.push(u32::try_from(order.len()).unwrap_or(u32::MAX));
        }
        Self { starts, order }
    }

    pub(super) fn contains(&self, snapshot: &Snapshot<Bytes>, flag: FlagId, name: &str) -> bool {
        let index = flag.0 as usize;
        let range = self.starts.get(index).zip(self.starts.get(index + 1));
        let Some(order) = range.and_then(|(start, end)| self.order.get(*start as usize..*end as usize)) else {
            return false;
        };
        let Some(flag) = snapshot.describe(flag).filter(|_| !order.is_empty()) else { return false };
        let name_of = |index: &u16| flag.variant(*index).map_or("", |variant| variant.name());
        order.binary_search_by(|index| name_of(index).cmp(name)).is_ok()
    }
}
