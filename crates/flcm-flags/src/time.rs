//! Times as milliseconds since 1970, and RFC 3339 text.
//!
//! There is no clock here: `now` is an argument of every function that needs it. So a simulation of a day takes
//! milliseconds, tests step time as they like, and the same inputs give the same decision.
//!
//! Times are at most 2^53 milliseconds, which is exact in the numbers of JavaScript.

/// A point in time: milliseconds since 1970-01-01T00:00:00Z, from 0 to 2^53.
///
/// ```
/// use flcm_flags::Millis;
/// # use std::time::{SystemTime, UNIX_EPOCH};
/// let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
/// let now = Millis(elapsed.as_millis().try_into().unwrap());
/// assert!(now < Millis::LATEST);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Millis(pub u64);

impl Millis {
    /// The latest time, 2^53. Beyond it, JavaScript cannot represent every integer. A breaker ignores later times.
    pub const LATEST: Self = Self(1 << 53);
}

/// Reads an RFC 3339 time as milliseconds since 1970, negative for earlier times; `None` when `text` is not one.
///
/// The separator may be `T`, `t` or a space, and `Z` may be lower case. Digits after the third decimal of a second are
/// dropped. A leap second reads as the first second of the next minute. The offset is required.
///
/// ```
/// use flcm_flags::time::parse_rfc3339;
/// assert_eq!(parse_rfc3339("1970-01-01T01:00:00.5+01:00"), Some(500));
/// assert_eq!(parse_rfc3339("2026-02-29T00:00:00Z"), None);
/// ```
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<i64> {
    parse_bytes(text.as_bytes())
}

/// Like [`parse_rfc3339`]. A time contains only ASCII, so the bytes need not be checked for UTF-8.
pub(crate) fn parse_bytes(text: &[u8]) -> Option<i64> {
    // Every number is compared with what it may be, so one that is not there is refused.
    let (year, month, day) = (number(text, 0, 4), number(text, 5, 2), number(text, 8, 2));
    let (minutes, second) = (clock(text, 11)?, number(text, 17, 2));
    let is_date = year <= 9999 && matches!(month, 1..=12) && day.wrapping_sub(1) < days_in_month(year, month);
    let [b'-', b'-', b'T' | b't' | b' ', b':'] = [4, 7, 10, 16].map(|at| byte(text, at)) else { return None };
    if !is_date || second > 60 {
        return None;
    }
    let (mut end, mut millis) = (19_usize, 0_u32);
    if byte(text, end) == b'.' {
        // Digits behind the third are dropped.
        let mut unit = 100_u32;
        while number(text, end.wrapping_add(1), 1) < 10 {
            end = end.wrapping_add(1);
            millis = millis.wrapping_add(unit.wrapping_mul(number(text, end, 1)));
            unit /= 10;
        }
        if end == 19 {
            return None;
        }
        end = end.wrapping_add(1);
    }
    let sign = byte(text, end);
    let mut offset = 0;
    if matches!(sign, b'+' | b'-') {
        offset = i64::from(clock(text, end.wrapping_add(1))?);
        end = end.wrapping_add(5);
    } else if !matches!(sign, b'Z' | b'z') {
        return None;
    }
    if end.wrapping_add(1) != text.len() {
        return None;
    }
    let offset = if sign == b'-' { offset.wrapping_neg() } else { offset };
    let minutes =
        days_since_1970(year, month, day).wrapping_mul(1440).wrapping_add(minutes.into()).wrapping_sub(offset);
    let seconds = minutes.wrapping_mul(60).wrapping_add(second.into());
    Some(seconds.wrapping_mul(1000).wrapping_add(millis.into()))
}

/// A byte of a text; 0 beyond its end.
fn byte(text: &[u8], at: usize) -> u8 {
    text.get(at).copied().unwrap_or(0)
}

/// So many digits of a text as a number, which is larger than any of four digits when they are not there.
#[cfg_attr(feature = "compact", inline(never))]
fn number(text: &[u8], at: usize, count: usize) -> u32 {
    let mut number = 0_u32;
    for at in at..at.wrapping_add(count) {
        let digit = byte(text, at).wrapping_sub(b'0');
        if digit > 9 {
            return u32::MAX;
        }
        number = number.wrapping_mul(10).wrapping_add(digit.into());
    }
    number
}

/// Hours and minutes, in minutes.
#[cfg_attr(feature = "compact", inline(never))]
fn clock(text: &[u8], at: usize) -> Option<u32> {
    let (hour, minute) = (number(text, at, 2), number(text, at.wrapping_add(3), 2));
    let is_clock = hour <= 23 && minute <= 59 && byte(text, at.wrapping_add(2)) == b':';
    is_clock.then(|| hour.wrapping_mul(60).wrapping_add(minute))
}

const fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn days_in_month(year: u32, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar.
///
/// Years begin in March here, so that the leap day comes last (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
/// They are counted from 400 years before year 0, so that no number is negative.
fn days_since_1970(year: u32, month: u32, day: u32) -> i64 {
    let (year, month) = if month <= 2 {
        (year.wrapping_add(399), month.wrapping_add(9))
    } else {
        (year.wrapping_add(400), month.wrapping_sub(3))
    };
    let leap_days = (year / 4).wrapping_sub(year / 100).wrapping_add(year / 400);
    let day_of_year = (month.wrapping_mul(153).wrapping_add(2) / 5).wrapping_add(day);
    let days = year.wrapping_mul(365).wrapping_add(leap_days).wrapping_add(day_of_year);
    // 719,469 days lie between 0000-03-01 and 1970-01-01, less one because `day` starts at 1; and 146,097 in 400 years.
    i64::from(days).wrapping_sub(719_469 + 146_097)
}

#[cfg(test)]
mod tests {
    use super::parse_rfc3339;

    #[test]
    fn reads_times() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1969-12-31T23:59:59.999Z", Some(-1)),
            ("2000-02-29T12:00:00Z", Some(951_825_600_000)),
            ("2026-12-01T00:00:00Z", Some(1_796_083_200_000)),
            ("2026-12-01t01:30:00.1239+01:30", Some(1_796_083_200_123)),
            ("2026-12-01 00:00:00-00:00", Some(1_796_083_200_000)),
            ("2016-12-31T23:59:60Z", Some(1_483_228_800_000)),
            ("9999-12-31T23:59:59.999Z", Some(253_402_300_799_999)),
            ("0000-01-01T00:00:00Z", Some(-62_167_219_200_000)),
            ("1900-02-29T00:00:00Z", None),
            ("2026-13-01T00:00:00Z", None),
            ("2026-12-01T24:00:00Z", None),
            ("2026-12-01T00:00:00", None),
            ("2026-12-01", None),
            ("2026-12-01T00:00:00.Z", None),
            ("2026-12-01T00:00:00Zz", None),
            ("２026-12-01T00:00:00Z", None),
            ("", None),
        ] {
            assert_eq!(parse_rfc3339(text), expected, "{text}");
        }
    }
}
