//! Cohorts: named groups of users, and who is a member.
//!
//! A user is a member when the first of these checks that applies says so:
//!
//! 1. The cohort lists the user in `except`: no member.
//! 2. The cohort lists the user in `users`: a member.
//! 3. The host names the cohort in the context's `cohorts`: a member.
//! 4. The conditions of `when` hold: a member.
//!
//! **No user ids in snapshots.** Lists hold hashes (see [`Draw::hash`]) in ascending order. They are found by
//! interpolation search (Perl, Itai and Avni, "Interpolation search: a log log N search", CACM 1978), which suits
//! hashes because they are spread evenly.
//!
//! **Nothing is decided twice.** The conditions of a cohort may name other cohorts. A cohort record carries the closure
//! of those, at most 64, in an order in which each can be decided from the ones before it. Membership in them is kept
//! as the bits of one integer on the stack, so even cohorts that name each other in a lattice take linear time. The
//! validator has checked by depths that there is no cycle.

use zerocopy::little_endian::U32;

use crate::bucket::Draw;
use crate::condition::{CohortId, Nodes};
use crate::context::{BoundContext, View};
use crate::decision::PackedDecision;
use crate::explain::{Membership, Step, Visitor};
use crate::snapshot::sections;
use crate::snapshot::{FlagId, Reader, Snapshot, to_usize, wire};
use crate::targeting::Facts;

/// Passes the name of each cohort that the user is a member of to `show`, in the order of the names.
///
/// Only cohorts of the snapshot are reported: one that the host names and no flag refers to is not among them. For a
/// context that is bound to another snapshot nothing is reported.
///
/// ```
/// use flcm_flags::{Context, Snapshot, cohorts};
///
/// let text = "
/// cohorts:
///   beta: { users: [alice] }
///   old: { when: [{ attribute: age, operator: '>', value: 30 }] }
/// flags:
///   a: { rollout: { cohorts: { beta: true, old: true } } }";
/// # let bytes = flcm_flags_config::compile(&flcm_flags_config::check(text).0.unwrap());
/// let snapshot = Snapshot::from_bytes(bytes)?;
/// let attributes = [("age", 45.into())];
/// let alice = Context::new(Some("alice"), &attributes).bind(&snapshot);
/// let mut names = Vec::new();
/// cohorts(&snapshot, &alice, &mut |name| names.push(name));
/// assert_eq!(names, ["beta", "old"]);
/// # Ok::<(), flcm_flags::SnapshotError>(())
/// ```
pub fn cohorts<'s, B: AsRef<[u8]>>(
    snapshot: &'s Snapshot<B>,
    context: &BoundContext<'_>,
    show: &mut dyn FnMut(&'s str),
) {
    cohorts_of(snapshot.reader(), context.view(), show);
}

/// [`cohorts`] of a context wherever it lies.
pub(crate) fn cohorts_of<'s>(reader: Reader<'s>, context: View<'_>, show: &mut dyn FnMut(&'s str)) {
    if context.snapshot() != reader.layout.digest {
        return;
    }
    for (id, cohort) in (0..).zip(reader.all(sections::COHORTS)) {
        if is_member(reader, context, CohortId(id), &mut ()) {
            show(reader.text(cohort.name.get()));
        }
    }
}

/// Whether the user is a member of a cohort; false for one that the snapshot does not have.
///
/// Cohorts that it names are decided first, each once, in the order of its closure. Their steps are not shown:
/// `visitor` sees the cohort itself, and how its conditions on other cohorts turned out.
#[inline(never)]
pub(crate) fn is_member<V: Visitor>(reader: Reader<'_>, context: View<'_>, id: CohortId, visitor: &mut V) -> bool {
    let Some(cohort) = reader.get(sections::COHORTS, id.0) else { return false };
    let closure = reader.range(sections::COHORT_CLOSURES, cohort.closure.get(), cohort.closure_count.get().into());
    let mut named = Named { closure, members: 0 };
    for (position, inner) in closure.iter().enumerate().take(wire::MAX_CLOSURE) {
        if membership(reader, context, CohortId(inner.get()), &named, &mut ()).is_member() {
            named.members |= bit(position);
        }
    }
    visitor.visit(Step::CohortStart(id));
    let membership = membership(reader, context, id, &named, visitor);
    visitor.visit(Step::CohortEnd(membership));
    membership.is_member()
}

/// The first check that applies, from the lists to the conditions. `named` holds the cohorts that are decided already.
fn membership<V: Visitor>(
    reader: Reader<'_>,
    context: View<'_>,
    id: CohortId,
    named: &Named<'_>,
    visitor: &mut V,
) -> Membership {
    let Some(cohort) = reader.get(sections::COHORTS, id.0) else { return Membership::None };
    if let Some(digest) = context.user_digest() {
        let hash = Draw::new(digest, cohort.key.get()).hash();
        let listed = |start: u32, count: u32| contains(reader, start, count, hash);
        if listed(cohort.except.get(), cohort.except_count.get()) {
            return Membership::Excepted;
        }
        if listed(cohort.users.get(), cohort.user_count.get()) {
            return Membership::Listed;
        }
    }
    if context.has_cohort(reader.text_bytes(cohort.name.get())) {
        return Membership::Host;
    }
    let conditions = Nodes::new(reader, cohort.conditions.get(), cohort.condition_count.get());
    if cohort.when == 1 && conditions.all(context, named, visitor) {
        return Membership::When;
    }
    Membership::None
}

/// The cohorts that a cohort names: bit by bit whether the user is a member of each.
struct Named<'s> {
    closure: &'s [U32],
    members: u64,
}

impl<V: Visitor> Facts<V> for Named<'_> {
    fn is_member(&self, cohort: CohortId, visitor: &mut V) -> bool {
        let position = self.closure.iter().position(|id| id.get() == cohort.0);
        let member = position.is_some_and(|position| self.members & bit(position) != 0);
        visitor.visit(Step::CohortCondition { cohort, held: member });
        member
    }

    fn packed(&self, _: FlagId) -> Option<PackedDecision> {
        None
    }
}

/// A closure has at most 64 entries.
fn bit(position: usize) -> u64 {
    u32::try_from(position).ok().and_then(|position| 1_u64.checked_shl(position)).unwrap_or(0)
}

/// Whether a list of members holds a hash. A member that cannot be read counts as the largest hash.
fn contains(reader: Reader<'_>, start: u32, count: u32, hash: u64) -> bool {
    let members = reader.range(sections::MEMBERS, start, count);
    let at = |index| members.get(to_usize(index)).map_or(u64::MAX, |member| member.get());
    find_hash(count, hash, &at).is_some()
}

/// The index of a hash in an ascending list of `count`, of which `at` reads one entry; `None` when it is not there.
///
/// Interpolation finds one of a million evenly spread hashes in about five reads. After eight guesses the range is
/// halved instead, so a list that is not spread evenly takes logarithmic time.
#[cfg_attr(feature = "compact", inline(never))]
#[cfg_attr(not(feature = "compact"), inline)]
pub(crate) fn find_hash(count: u32, wanted: u64, at: &dyn Fn(u32) -> u64) -> Option<u32> {
    const GUESSES: u32 = if cfg!(feature = "compact") { 0 } else { 8 };
    let (mut low, mut high) = (0, count);
    let (mut low_hash, mut high_hash) = (0, u64::MAX);
    let mut reads = 0_u32;
    while low < high {
        let width = high.wrapping_sub(low);
        let guessed = || guess(width, wanted.wrapping_sub(low_hash), high_hash.wrapping_sub(low_hash));
        let middle = low.wrapping_add(if reads < GUESSES { guessed() } else { width >> 1 });
        let hash = at(middle);
        if hash == wanted {
            return Some(middle);
        }
        if hash < wanted {
            (low, low_hash) = (middle.wrapping_add(1), hash);
        } else {
            (high, high_hash) = (middle, hash);
        }
        reads = reads.wrapping_add(1);
    }
    None
}

/// The index in a range of `width` entries at which a hash should be, in 32-bit fractions; always below `width`.
fn guess(width: u32, distance: u64, span: u64) -> u32 {
    let shift = 32_u32.saturating_sub(span.leading_zeros());
    let fraction = (distance >> shift)
        .checked_mul(u64::from(width))
        .and_then(|product| product.checked_div((span >> shift).max(1)));
    let last = width.saturating_sub(1);
    fraction.and_then(|guess| u32::try_from(guess).ok()).unwrap_or(last).min(last)
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::find_hash;
    use crate::bucket::mix;

    #[test]
    fn finds_what_is_there_and_nothing_else_in_few_reads() {
        let mut hashes: Vec<u64> = (0..100_000).map(mix).collect();
        hashes.sort_unstable();
        let uneven: Vec<u64> = (0..100_000).map(|i| i * i * i).collect();
        // 8 guesses and the halvings of 100,000: 17.
        for (list, average, most) in [(&hashes, 7, 25), (&uneven, 25, 25)] {
            let count = u32::try_from(list.len()).unwrap();
            let mut sum = 0;
            let searched = list.iter().step_by(37).flat_map(|hash| [*hash, hash.wrapping_add(1)]);
            for (searches, wanted) in (1..).zip(searched) {
                let reads = core::cell::Cell::new(0);
                let at = |i: u32| {
                    reads.set(reads.get() + 1);
                    list[i as usize]
                };
                let found = find_hash(count, wanted, &at);
                assert_eq!(found.map(|index| index as usize), list.binary_search(&wanted).ok());
                sum += reads.get();
                assert!(reads.get() <= most, "{} reads", reads.get());
                assert!(searches < 100 || sum / searches <= average, "{sum} reads in {searches} searches");
            }
        }
        assert_eq!(find_hash(0, 1, &|_| 1), None);
    }
}
