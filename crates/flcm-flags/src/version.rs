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
    let (left, right) = (Version::parse(left)?, Version::parse(right)?);
    Some(left.compare(&right))
}

/// A version in its parts: the three numbers as digits, and the pre-release without its hyphen.
struct Version<'a> {
    core: [&'a [u8]; 3],
    pre: Option<&'a [u8]>,
}

impl<'a> Version<'a> {
    fn parse(text: &'a [u8]) -> Option<Self> {
        let (text, build) = split(text, b'+');
        let (core, pre) = split(text, b'-');
        let mut parts = identifiers(core);
        let core = [parts.next()?, parts.next()?, parts.next()?];
        let valid = parts.next().is_none()
            && core.into_iter().all(is_number)
            && pre.is_none_or(|pre| {
                identifiers(pre).all(|part| is_identifier(part) && (!is_digits(part) || is_number(part)))
            })
            && build.is_none_or(|build| identifiers(build).all(is_identifier));
        valid.then_some(Self { core, pre })
    }

    fn compare(&self, other: &Self) -> Ordering {
        let core = self.core.into_iter().zip(other.core).map(|(left, right)| compare_numbers(left, right));
        core.into_iter().fold(Ordering::Equal, Ordering::then).then_with(|| match (self.pre, other.pre) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(left), Some(right)) => compare_pre(left, right),
        })
    }
}

/// The text before the first `at`, and the text after it if there is one.
fn split(text: &[u8], at: u8) -> (&[u8], Option<&[u8]>) {
    let mut parts = text.splitn(2, |byte| *byte == at);
    (parts.next().unwrap_or_default(), parts.next())
}

fn identifiers(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'.')
}

fn is_digits(part: &[u8]) -> bool {
    part.iter().all(u8::is_ascii_digit)
}

/// Digits without a leading zero.
fn is_number(part: &[u8]) -> bool {
    is_digits(part) && (part == b"0" || part.first().is_some_and(|first| *first != b'0'))
}

fn is_identifier(part: &[u8]) -> bool {
    !part.is_empty() && part.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

/// Without leading zeros, the longer number is the larger.
fn compare_numbers(left: &[u8], right: &[u8]) -> Ordering {
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

/// Orders pre-releases identifier by identifier: numbers below texts, and the shorter one first when all else is equal.
fn compare_pre(left: &[u8], right: &[u8]) -> Ordering {
    let (mut left, mut right) = (identifiers(left), identifiers(right));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(left), Some(right)) => match (is_digits(left), is_digits(right)) {
                (true, true) => compare_numbers(left, right),
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
                (false, false) => left.cmp(right),
            },
        };
        if order.is_ne() {
            return order;
        }
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
