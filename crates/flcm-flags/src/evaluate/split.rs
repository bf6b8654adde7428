//! Drawing a variant.

use super::Question;
use crate::bucket::Draw;
use crate::explain::{Step, Visitor};
use crate::snapshot::sections;

impl Question<'_, '_> {
    /// Draws a variant: the one whose cumulative range holds the split point. Without a draw it is the first.
    ///
    /// Also returns whether there was more than one variant to draw from.
    #[inline]
    pub(super) fn split<V: Visitor>(
        &self,
        start: u32,
        count: u16,
        draw: Option<Draw>,
        visitor: &mut V,
    ) -> (Option<u16>, bool) {
        match count {
            0 => (None, false),
            1 => (Some(self.share(start).0), false),
            _ => (Some(self.draw_variant(start, count, draw, visitor)), true),
        }
    }

    #[inline(never)]
    fn draw_variant<V: Visitor>(&self, start: u32, count: u16, draw: Option<Draw>, visitor: &mut V) -> u16 {
        let last = start.wrapping_add(count.into()).wrapping_sub(1);
        let (mut variant, total) = self.share(last);
        let point = draw.map(|draw| draw.split(total));
        for id in start..last {
            let (candidate, cumulative) = self.share(id);
            if point.unwrap_or(0) < cumulative {
                variant = candidate;
                break;
            }
        }
        visitor.visit(Step::Split { point, total, variant });
        variant
    }

    /// Variant and sum of weights of a share.
    #[inline]
    fn share(&self, id: u32) -> (u16, u32) {
        let share = self.reader.at(sections::SHARES, id);
        (share.variant.get(), share.cumulative.get())
    }
}
