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
    let (mut left, mut right) = (Identifiers::of(left), Identifiers::of(right));
    let mut order = Ordering::Equal;
    for place in 0_usize.. {
        // Both are read to their ends: what comes after the first difference must be valid as well.
        let (left, right) = (left.next()?, right.next()?);
        if left.is_empty() && right.is_empty() {
            break;
        }
        if order.is_eq() {
            order = compare_identifiers(left, right, place);
        }
    }
    Some(order)
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Core,
    PreRelease,
    Build,
    End,
}

/// The identifiers of a version that count: three numbers, and those of the pre-release.
struct Identifiers<'a> {
    rest: &'a [u8],
    part: Part,
    /// How many numbers the core had.
    numbers: u8,
}

impl<'a> Identifiers<'a> {
    const fn of(rest: &'a [u8]) -> Self {
        Self { rest, part: Part::Core, numbers: 0 }
    }

    /// The next identifier, which is empty at the end; `None` when the text is no version.
    fn next(&mut self) -> Option<&'a [u8]> {
        while self.part != Part::End {
            let part = self.part;
            let ends = |byte: &u8| match byte {
                b'.' => true,
                b'-' => part == Part::Core,
                b'+' => part != Part::Build,
                _ => false,
            };
            let end = self.rest.iter().position(ends).unwrap_or(self.rest.len());
            let (identifier, rest) = self.rest.split_at_checked(end)?;
            let is_number = is_digits(identifier);
            let is_padded = identifier.len() > 1 && is_number && identifier.first() == Some(&b'0');
            let is_valid = if part == Part::Core { is_number } else { identifier.iter().all(is_allowed) };
            if identifier.is_empty() || !is_valid || (is_padded && part != Part::Build) {
                return None;
            }
            self.numbers = self.numbers.saturating_add(u8::from(part == Part::Core));
            self.part = match rest.first() {
                None => Part::End,
                Some(b'-') => Part::PreRelease,
                Some(b'+') => Part::Build,
                Some(_) => part,
            };
            self.rest = rest.get(1..).unwrap_or_default();
            if (self.part == Part::Core) == (self.numbers >= 3) {
                return None;
            }
            if part != Part::Build {
                return Some(identifier);
            }
        }
        Some(&[])
    }
}

/// Orders the identifiers at a place: numbers below texts, and the longer one of two numbers above the other.
fn compare_identifiers(left: &[u8], right: &[u8], place: usize) -> Ordering {
    // A version without pre-release, which begins at place 3, comes after those with one. Otherwise the longer list does.
    if left.is_empty() || right.is_empty() {
        return if left.is_empty() == (place == 3) { Ordering::Greater } else { Ordering::Less };
    }
    let is_number = is_digits(left);
    if is_number != is_digits(right) {
        return if is_number { Ordering::Less } else { Ordering::Greater };
    }
    if is_number && left.len() != right.len() {
        return left.len().cmp(&right.len());
    }
    left.cmp(right)
}

#[cfg_attr(feature = "compact", inline(never))]
fn is_digits(part: &[u8]) -> bool {
    part.iter().all(u8::is_ascii_digit)
}

const fn is_allowed(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || *byte == b'-'
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
