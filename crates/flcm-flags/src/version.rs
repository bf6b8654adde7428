//! Precedence of semantic versions, as [Semantic Versioning 2.0.0](https://semver.org/spec/v2.0.0.html) defines it.
//!
//! The module is public because the compiler checks the versions of documents with the same code. An application writes
//! `semver_gte` and the like in a document instead.
//!
//! Build metadata is ignored. Numbers have no upper bound: they are compared as digits, so a version with a time stamp
//! of twenty digits works. Nothing is allocated.

use core::cmp::Ordering;

/// Orders two versions by precedence; `None` when either is not a semantic version.
///
/// A version has three numbers without leading zeros. `2.0` and `v2.0.0` are none.
///
/// ```
/// use core::cmp::Ordering;
/// use flcm_flags::version::compare;
/// assert_eq!(compare("2.0.0-rc.2", "2.0.0-rc.10"), Some(Ordering::Less));
/// assert_eq!(compare("2.0.0+a", "2.0.0+b"), Some(Ordering::Equal));
/// assert_eq!(compare("2.0", "2.0.0"), None);
/// ```
#[must_use]
pub fn compare(left: &str, right: &str) -> Option<Ordering> {
    compare_bytes(left.as_bytes(), right.as_bytes())
}

/// Like [`compare`]. A version contains only ASCII, so the bytes need not be checked for UTF-8.
pub(crate) fn compare_bytes(left: &[u8], right: &[u8]) -> Option<Ordering> {
    let (mut left, mut right) = (without_build(left)?, without_build(right)?);
    let mut place = 0_u8;
    loop {
        let is_core = place < 3;
        let order = match (identifier(&mut left, is_core), identifier(&mut right, is_core)) {
            (None, None) => return Some(Ordering::Equal),
            (Some(left), Some(right)) => compare_identifiers(left, right),
            // A version without pre-release comes after those with one. Of two pre-releases the longer one does.
            (left, _) => {
                if left.is_some() == (place > 3) {
                    Ordering::Greater
                } else {
                    Ordering::Less
                }
            }
        };
        if order.is_ne() {
            return Some(order);
        }
        place = place.saturating_add(1);
    }
}

/// The part of a version that counts: all but the build metadata. `None` when `text` is no version.
fn without_build(text: &[u8]) -> Option<&[u8]> {
    #[derive(Clone, Copy, PartialEq)]
    enum Part {
        Core,
        Pre,
        Build,
    }
    let (mut part, mut numbers, mut start, mut end) = (Part::Core, 0_u32, 0, text.len());
    for position in 0..=text.len() {
        let byte = text.get(position);
        let next = match byte {
            None | Some(b'.') => part,
            Some(b'-') if part == Part::Core => Part::Pre,
            Some(b'+') if part != Part::Build => Part::Build,
            Some(byte) if byte.is_ascii_alphanumeric() || *byte == b'-' => continue,
            Some(_) => return None,
        };
        let identifier = text.get(start..position)?;
        let is_number = is_digits(identifier);
        let is_padded = is_number && identifier.len() > 1 && identifier.first() == Some(&b'0');
        let is_valid = match part {
            Part::Core => is_number && !is_padded,
            Part::Pre => !is_padded,
            Part::Build => true,
        };
        if identifier.is_empty() || !is_valid {
            return None;
        }
        numbers = numbers.wrapping_add(u32::from(part == Part::Core));
        if part != Part::Build && next == Part::Build {
            end = position;
        }
        (part, start) = (next, position.wrapping_add(1));
    }
    if numbers == 3 { text.get(..end) } else { None }
}

/// Takes the next identifier of a version, whose numbers also end at a hyphen.
fn identifier<'a>(rest: &mut &'a [u8], is_core: bool) -> Option<&'a [u8]> {
    let text = *rest;
    let end = text.iter().position(|byte| *byte == b'.' || (is_core && *byte == b'-')).unwrap_or(text.len());
    *rest = text.get(end.wrapping_add(1)..).unwrap_or_default();
    text.get(..end).filter(|identifier| !identifier.is_empty())
}

/// Orders identifiers: numbers below texts. Without leading zeros, the longer number is the larger.
fn compare_identifiers(left: &[u8], right: &[u8]) -> Ordering {
    match (is_digits(left), is_digits(right)) {
        (true, true) => left.len().cmp(&right.len()).then_with(|| left.cmp(right)),
        (false, false) => left.cmp(right),
        (is_number, _) => {
            if is_number {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
    }
}

fn is_digits(part: &[u8]) -> bool {
    part.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::compare;
    use core::cmp::Ordering;

    #[test]
    fn follows_the_precedence_of_the_specification() {
        let ascending = [
            "0.9.9",
            "1.0.0-0",
            "1.0.0-9",
            "1.0.0-10",
            "1.0.0--",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.1",
            "1.9.0",
            "1.10.0",
            "99999999999999999999.0.0",
        ];
        for (i, left) in ascending.iter().enumerate() {
            for (j, right) in ascending.iter().enumerate() {
                assert_eq!(compare(left, right), Some(i.cmp(&j)), "{left} {right}");
            }
        }
        assert_eq!(compare("1.0.0-a+x.01", "1.0.0-a"), Some(Ordering::Equal));
    }

    #[test]
    fn refuses_what_is_no_version() {
        for text in [
            "",
            "1",
            "1.2",
            "1.2.3.4",
            "01.2.3",
            "1.02.3",
            "v1.2.3",
            "1.2.3-",
            "1.2.3+",
            "1.2.3-a..b",
            "1.2.3-01",
            "1.2.3-é",
            " 1.2.3",
            "1.2.-3",
        ] {
            assert_eq!(compare(text, "1.0.0"), None, "{text}");
        }
    }
}
