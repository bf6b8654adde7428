//! Parts of a snapshot as text: tests, conditions, numbers, percentages, times and values.

use flcm_flags::{AttributeValue, Expected, FlagId, Node, Nodes, Operand, Serves, Snapshot, Test, Value};
use serde_json::Value as Json;

use crate::parse::json::write_number;

/// `yes` or `no`.
#[must_use]
pub const fn yes_no(held: bool) -> &'static str {
    if held { "yes" } else { "no" }
}

/// What a rule serves: `on`, `cohort on` or `cohort off`.
#[must_use]
pub const fn serves(serves: Serves) -> &'static str {
    match serves {
        Serves::CohortOff => "cohort off",
        Serves::CohortOn => "cohort on",
        Serves::Everyone | Serves::On => "on",
    }
}

/// `on` or `off`.
#[must_use]
pub const fn on_off(enabled: bool) -> &'static str {
    if enabled { "on" } else { "off" }
}

/// A number with its digits in groups of three.
///
/// ```
/// assert_eq!(flcm_flags_config::explain::text::count(1_234_567), "1,234,567");
/// ```
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with its noun.
///
/// ```
/// use flcm_flags_config::explain::text::plural;
/// assert_eq!((plural(1, "user", "users"), plural(2_000, "user", "users")), ("1 user".into(), "2,000 users".into()));
/// ```
#[must_use]
pub fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// Thousandths of a percent as text: `63.324 %`, `10 %`.
///
/// ```
/// use flcm_flags_config::explain::text::percent;
/// assert_eq!((percent(63_324), percent(10_000), percent(500)), ("63.324 %".into(), "10 %".into(), "0.5 %".into()));
/// ```
#[must_use]
pub fn percent(thousandths: u32) -> String {
    let fraction = format!("{:03}", thousandths % 1000);
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{}{point}{fraction} %", thousandths / 1000)
}

/// Milliseconds since 1970 as RFC 3339 in UTC; the fraction is left out when it is zero.
///
/// ```
/// use flcm_flags_config::explain::text::rfc3339;
/// assert_eq!(rfc3339(1_796_083_200_123), "2026-12-01T00:00:00.123Z");
/// ```
#[must_use]
pub fn rfc3339(millis: u64) -> String {
    let (days, time) = (millis / 86_400_000, millis % 86_400_000);
    // Years that begin in March, as in Howard Hinnant's `civil_from_days`: the leap day comes last.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (seconds, fraction) = (time / 1_000, time % 1_000);
    let fraction = if fraction == 0 { String::new() } else { format!(".{fraction:03}") };
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// Text of users, safe for a terminal: control characters are escaped, so that a user id cannot move the cursor.
///
/// ```
/// assert_eq!(flcm_flags_config::explain::text::shown("a\u{1b}[2J"), "a\\u{1b}[2J");
/// ```
#[must_use]
pub fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() || is_invisible(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Characters that change the direction of text, and others that are invisible.
const fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// What is expected of another flag: `on`, `off` or `variant blue`.
#[must_use]
pub fn expectation<B: AsRef<[u8]>>(snapshot: &Snapshot<B>, flag: FlagId, expected: Expected) -> String {
    match expected {
        Expected::Disabled => "off".to_owned(),
        Expected::Enabled => "on".to_owned(),
        Expected::Variant(index) => {
            let name =
                snapshot.describe(flag).and_then(|flag| flag.variant(index)).map_or("", |variant| variant.name());
            format!("variant {name}")
        }
    }
}

/// A test: `account_age_days > 30`, `country in ["DE", "AT"]`.
#[must_use]
pub fn test(test: &Test<'_>) -> String {
    let (attribute, operator) = (shown(test.attribute()), test.operator().as_str());
    match json_of_operands(test) {
        Some(operand) => format!("{attribute} {operator} {}", shown(&operand.to_string())),
        None => format!("{attribute} {}", operator.replace('_', " ")),
    }
}

/// A list of conditions: `account_age_days > 30 and (cohort beta or not plan == "free")`. Empty without any.
#[must_use]
pub fn conditions<B: AsRef<[u8]>>(snapshot: &Snapshot<B>, nodes: Nodes<'_>) -> String {
    let parts: Vec<String> = nodes.map(|node| condition(snapshot, node)).collect();
    parts.join(" and ")
}

pub(crate) fn condition<B: AsRef<[u8]>>(snapshot: &Snapshot<B>, node: Node<'_>) -> String {
    match node {
        Node::All(nodes) => group(snapshot, nodes, " and ", "always"),
        Node::Any(nodes) => group(snapshot, nodes, " or ", "never"),
        Node::Cohort(cohort) => format!("cohort {}", shown(snapshot.cohort_name(cohort))),
        Node::Flag(flag, expected) => {
            let key = snapshot.describe(flag).map_or_else(String::new, |flag| shown(flag.key()));
            format!("flag {key} {}", expectation(snapshot, flag, expected))
        }
        Node::Not(nodes) => format!("not {}", group(snapshot, nodes, " and ", "always")),
        Node::Test(inner) => test(&inner),
    }
}

fn group<B: AsRef<[u8]>>(snapshot: &Snapshot<B>, nodes: Nodes<'_>, between: &str, empty: &str) -> String {
    let parts: Vec<String> = nodes.map(|node| condition(snapshot, node)).collect();
    match parts.len() {
        0 => empty.to_owned(),
        _ => format!("({})", parts.join(between)),
    }
}

/// The operand of a test, as JSON; a time as RFC 3339 text. `None` for `exists` and `not_exists`.
#[must_use]
pub fn json_of_operands(test: &Test<'_>) -> Option<Json> {
    let mut operands = test.operands().map(json_of_operand);
    let first = operands.next()??;
    let rest: Vec<Json> = operands.flatten().collect();
    if rest.is_empty() && !test.takes_list() {
        return Some(first);
    }
    Some(Json::Array(std::iter::once(first).chain(rest).collect()))
}

fn json_of_operand(operand: Operand<'_>) -> Option<Json> {
    match operand {
        Operand::Bool(value) => Some(Json::Bool(value)),
        Operand::None => None,
        Operand::Number(value) => Some(json_of_number(value)),
        Operand::Text(text) => Some(Json::from(text)),
        Operand::Time(time) => Some(json_of_time(time)),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, and below 2^53")]
fn json_of_time(time: f64) -> Json {
    // Times before 1970 are shown as numbers.
    if time < 0.0 { json_of_number(time) } else { Json::from(rfc3339(time as u64)) }
}

/// The value of an attribute, as JSON.
#[must_use]
pub fn json_of_attribute(value: AttributeValue<'_>) -> Json {
    match value {
        AttributeValue::Bool(value) => Json::Bool(value),
        AttributeValue::List(items) => Json::from(items.to_vec()),
        AttributeValue::Number(value) => json_of_number(value),
        AttributeValue::Text(text) => Json::from(text),
    }
}

/// What a flag serves, as JSON.
#[must_use]
pub fn json_of_value(value: Value<'_>) -> Json {
    match value {
        Value::Bool(value) => Json::Bool(value),
        // A snapshot that was not compiled here may hold anything; then it is shown as text.
        Value::Json(text) => serde_json::from_str(text).unwrap_or_else(|_| Json::from(text)),
        Value::Number(value) => json_of_number(value),
        Value::String(text) => Json::from(text),
    }
}

/// A number, without a fraction if it is an integer.
#[must_use]
pub fn json_of_number(value: f64) -> Json {
    let mut text = String::new();
    write_number(&mut text, value);
    serde_json::from_str(&text).unwrap_or(Json::Null)
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!((count(0), count(999), count(1_000)), ("0".into(), "999".into(), "1,000".into()));
        assert_eq!(count(12_345_678), "12,345,678");
    }
}
