//! RFC 3339 times. The shape is checked here, because `jiff` reads all of ISO 8601; the calendar is `jiff`'s.

use std::sync::LazyLock;

use jiff::civil::{DateTime, date};
use regex::Regex;

/// The separator may be `T`, `t` or a space, and `Z` may be small.
static SHAPE: LazyLock<Regex> = LazyLock::new(|| {
    let shape = r"^([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))$";
    Regex::new(shape).expect("a valid pattern")
});

/// Milliseconds since 1970, negative before; `None` when `text` is no RFC 3339 time.
///
/// Digits behind the third decimal are dropped. A leap second, `:60`, reads as the first second of the next minute:
/// `jiff` would make it `:59`, so the second is added apart. `jiff`'s own timestamps end a day before the year 10000,
/// so the offset is subtracted here from a civil time.
#[must_use]
pub fn milliseconds(text: &str) -> Option<i64> {
    let parts = SHAPE.captures(text)?;
    let number = |group: usize| parts.get(group).map_or(Some(0), |digits| digits.as_str().parse::<i16>().ok());
    let small = |group: usize| i8::try_from(number(group)?).ok();
    let minute = DateTime::new(number(1)?, small(2)?, small(3)?, small(4)?, small(5)?, 0, 0);
    let second = number(6).filter(|second| *second <= 60)?;
    let (hours, minutes) = (number(9).filter(|hours| *hours <= 23)?, number(10).filter(|minutes| *minutes <= 59)?);
    let sign = if parts.get(8).is_some_and(|sign| sign.as_str() == "-") { -1 } else { 1 };
    let offset = i64::from(sign * (hours * 60 + minutes)) * 60_000;
    let since_1970 = minute.ok()?.duration_since(date(1970, 1, 1).at(0, 0, 0, 0)).as_millis();
    let fraction = parts.get(7).map_or("", |digits| digits.as_str());
    let thousandths: i64 = format!("{fraction:0<3}")[..3].parse().ok()?;
    Some(i64::try_from(since_1970).ok()? + i64::from(second) * 1_000 + thousandths - offset)
}
