//! Validation: the one pass over the bytes, after which every read succeeds and every walk ends.
//!
//! Header and section table are checked here, everything behind them in `records`. A small module has `ranges` in its
//! place: it checks no more than what keeps every read inside the bytes and every walk short.
//!
//! What a decision follows is checked: indices, counts, kinds, the order of lists that are searched, and that closures
//! have no cycle. What it does not follow is not: a schedule that makes no sense, or a flag table that hides a flag,
//! gives strange decisions but no failure. The compiler is there to write sensible snapshots; this pass protects the
//! host from any bytes.
//!
//! Errors are static texts, doubly borrowed, so that each check returns one register. The fuzz targets in `tests/fuzz`
//! load damaged snapshots and decide with those that pass.

use zerocopy::FromBytes;

use super::sections::FIXED;
use super::wire::{self, Header, SectionRecord};
use super::{Layout, Reader, SnapshotError, index, to_usize};

#[cfg(not(feature = "compact"))]
mod conditions;
#[cfg(feature = "compact")]
#[path = "validate/ranges.rs"]
mod records;
#[cfg(not(feature = "compact"))]
mod records;

type Check = Result<(), SnapshotError>;
type Problem = &'static &'static str;

/// Checks all bytes, and writes down where the sections lie.
pub(super) fn validate(bytes: &[u8], layout: &mut Layout) -> Check {
    read_layout(bytes, layout)?;
    records::check(Reader { bytes, layout })
}

#[inline]
const fn ensure(holds: bool, problem: Problem) -> Check {
    // One text takes less room in a small module than all of them.
    let problem = if cfg!(feature = "compact") { &"damaged" } else { problem };
    if holds { Ok(()) } else { Err(SnapshotError(problem)) }
}

/// How many bytes a snapshot has at least.
const LEAST: usize = size_of::<Header>().wrapping_add(wire::PADDING);

/// Reads header and section table. The checksum is compared before anything behind the header is believed.
fn read_layout(bytes: &[u8], layout: &mut Layout) -> Check {
    ensure(bytes.len() >= LEAST, &"header: too short")?;
    let longest = bytes.len().wrapping_sub(wire::PADDING);
    let Ok((header, rest)) = Header::ref_from_prefix(bytes) else { return Ok(()) };
    ensure(header.magic == wire::MAGIC, &"header: not a snapshot")?;
    if header.version.get() != wire::VERSION {
        return Err(SnapshotError(&"header: unknown version"));
    }
    ensure(to_usize(header.length.get()) == bytes.len(), &"header: wrong length")?;
    let checksum = index::checksum(bytes.get(wire::UNCHECKED..).unwrap_or_default());
    ensure(header.checksum.get() == checksum, &"header: wrong checksum")?;

    *layout = Layout::EMPTY;
    layout.digest = checksum;
    layout.revision = header.revision.get();
    let table = <[SectionRecord]>::ref_from_prefix_with_elems(rest, header.sections.get().into());
    ensure(table.is_ok(), &"section table: too short")?;
    let (table, _) = table.unwrap_or_default();
    let mut previous = 0;
    for section in table {
        let (start, size, count) = (section.offset.get(), section.size.get(), section.count.get());
        let end = to_usize(count).checked_mul(size.into()).and_then(|length| length.checked_add(to_usize(start)));
        let end = end.filter(|end| *end <= longest);
        ensure(end.is_some(), &"section table: section out of bounds")?;
        ensure(section.kind.get() > previous, &"section table: out of order")?;
        previous = section.kind.get();
        if let Some((extent, least)) = layout.of_kind(previous) {
            let fits = size == least || (size > least && least > FIXED);
            ensure(fits, &"section table: wrong record size")?;
            *extent = super::Extent { start, size, count };
        }
    }
    Ok(())
}
