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
    if !cfg!(feature = "compact")
        && let (Some(left), Some(right)) = (plain(left), plain(right))
    {
        return Some(left.cmp(&right));
    }
    let (mut left, mut right) = (Identifiers::of(left), Identifiers::of(right));
    let mut order = Ordering::Equal;
    for place in 0_usize.. {
        // Both are read to their ends: what comes after the first difference must be valid as well.
        let (one, other) = (left.next()?, right.next()?);
        if one.is_empty() && other.is_empty() {
            break;
        }
        if order.is_ne() {
            continue;
        }
        order = if one.is_empty() || other.is_empty() {
            // A version without pre-release, which would begin at place 3, comes after those with one. Of two
            // pre-releases the longer list comes after the other.
            if one.is_empty() == (place == 3) { Ordering::Greater } else { Ordering::Less }
        } else if left.is_number != right.is_number {
            // Numbers come before texts.
            if left.is_number { Ordering::Less } else { Ordering::Greater }
        } else if left.is_number && one.len() != other.len() {
            one.len().cmp(&other.len())
        } else {
            one.cmp(other)
        };
    }
    Some(order)
}

/// The largest number of a version that [`plain`] reads: three of them make one integer of 63 bits.
const LARGEST: u64 = (1 << 21) - 1;

/// A version as most are, three numbers and nothing else, as an integer of the same order. `None` for a larger number,
/// for a version with more than that, and for what is none: they are compared identifier by identifier.
#[inline]
fn plain(text: &[u8]) -> Option<u64> {
    let (mut version, mut number, mut dots) = (0, None, 0_u32);
    for byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            // No number goes on behind a leading zero.
            let before = if number == Some(0) { LARGEST } else { number.unwrap_or(0) };
            let longer = before.wrapping_mul(10).wrapping_add(digit.into());
            if longer > LARGEST {
                return None;
            }
            number = Some(longer);
        } else if *byte == b'.' {
            version = version << 21 | number.take()?;
            dots = dots.wrapping_add(1);
        } else {
            return None;
        }
    }
    if dots == 2 { Some(version << 21 | number?) } else { None }
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
    /// Whether the last identifier is a number.
    is_number: bool,
}

impl<'a> Identifiers<'a> {
    const fn of(rest: &'a [u8]) -> Self {
        Self { rest, part: Part::Core, numbers: 0, is_number: false }
    }

    /// The next identifier, which is empty at the end; `None` when the text is no version.
    fn next(&mut self) -> Option<&'a [u8]> {
        while self.part != Part::End {
            let (text, part) = (self.rest, self.part);
            let (mut is_number, mut next, mut length) = (true, Part::End, 0_usize);
            for byte in text {
                match byte {
                    b'0'..=b'9' => {}
                    b'.' => next = part,
                    b'+' if part != Part::Build => next = Part::Build,
                    b'-' if part == Part::Core => next = Part::PreRelease,
                    b'-' | b'a'..=b'z' | b'A'..=b'Z' => is_number = false,
                    _ => return None,
                }
                if next != Part::End {
                    break;
                }
                length = length.wrapping_add(1);
            }
            let (identifier, rest) = text.split_at_checked(length)?;
            self.rest = rest.get(1..).unwrap_or_default();
            (self.part, self.is_number) = (next, is_number);
            let is_padded = is_number && length > 1 && identifier.first() == Some(&b'0');
            let is_core = part == Part::Core;
            self.numbers = self.numbers.wrapping_add(u8::from(is_core));
            // Exactly three numbers, and only those, are in front of the pre-release and the build.
            let is_count = (next == Part::Core) == (self.numbers < 3);
            if length == 0 || !is_count || (is_core && !is_number) || (is_padded && part != Part::Build) {
                return None;
            }
            if part != Part::Build {
                return Some(identifier);
            }
        }
        Some(&[])
    }
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
            "1.10.2097150",
            "1.10.2097151",
            "1.10.2097152",
            "1.2097151.0",
            "1.2097152.0",
            "2.0.0",
            "10.0.0",
            "2097151.2097151.2097151",
            "2097152.0.0",
            "20971510.0.0",
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
            "1.2.",
            "1..2",
            ".1.2",
            "1.2.3.",
            "1.2.3.4",
            "00.1.2",
            "1.2.00",
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
