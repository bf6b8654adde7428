//! What was probably meant by a value of another form, and by the names that other products use.

use crate::diagnostics::nearest;

/// What a number counts.
#[derive(Clone, Copy)]
pub(super) enum Unit {
    /// Percent, so `10%` means 10.
    Percent,
    /// Nothing known.
    Plain,
    /// A share of 1, so `10%` means 0.1.
    Share,
}

/// Reads text as a number: how it should be written, and whether it is a percentage.
pub(super) fn number(text: &str, unit: Unit) -> Option<(String, bool)> {
    let digits = text.trim().trim_end_matches('%').trim_end();
    let is_percentage = digits.len() < text.trim().len();
    let scale = match (is_percentage, unit) {
        (true, Unit::Plain) => return None,
        (true, Unit::Share) => "e-2",
        _ => "",
    };
    let is_decimal = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    // The scale is parsed with the digits, because a division by 100 would round once more.
    let value: f64 = format!("{digits}{scale}").parse().ok().filter(|_| is_decimal)?;
    Some((value.to_string(), is_percentage))
}

/// Reads a word as a switch, as YAML 1.1 and people do.
#[must_use]
pub(crate) fn switch(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Some(true),
        "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// Keys of other products, and ours.
const KEYS: [(&str, &str); 10] = [
    ("attr", "attribute"),
    ("depends_on", "dependencies"),
    ("exclude", "except"),
    ("op", "operator"),
    ("pct", "percentage"),
    ("percent", "percentage"),
    ("prerequisites", "dependencies"),
    ("segments", "cohorts"),
    ("values", "value"),
    ("when", "conditions"),
];

/// The key that was probably meant, if it is one of these.
pub(super) fn key(written: &str, known: &[&'static str]) -> Option<&'static str> {
    let ours = KEYS.iter().find(|(theirs, ours)| *theirs == written && known.contains(ours));
    ours.map(|(_, ours)| *ours).or_else(|| nearest(written, known.iter().copied()))
}

/// Keys of `rollout`, which are often written one level too high.
pub(super) const ROLLOUT: [&str; 5] = ["percentage", "by", "cohorts", "schedule", "ramp"];

/// Operators of other languages and products, and ours.
const OPERATORS: [(&str, &str); 22] = [
    ("=", "=="),
    ("===", "=="),
    ("eq", "=="),
    ("equal", "=="),
    ("equals", "=="),
    ("is", "=="),
    ("!==", "!="),
    ("<>", "!="),
    ("ne", "!="),
    ("neq", "!="),
    ("not_equals", "!="),
    ("=>", ">="),
    ("ge", ">="),
    ("gte", ">="),
    ("=<", "<="),
    ("le", "<="),
    ("lte", "<="),
    ("gt", ">"),
    ("lt", "<"),
    ("=~", "matches"),
    ("regex", "matches"),
    ("one_of", "in"),
];

/// The operator that was probably meant, if it is one of these.
pub(crate) fn operator(written: &str, known: &[&'static str]) -> Option<&'static str> {
    let plain = snake_case(written);
    let same = known.iter().copied().find(|ours| *ours == plain);
    let theirs = || OPERATORS.iter().find(|(theirs, _)| *theirs == plain).map(|(_, ours)| *ours);
    same.or_else(theirs).or_else(|| nearest(written, known.iter().copied()))
}

/// `startsWith`, `starts-with` and `STARTS WITH` as `starts_with`.
fn snake_case(text: &str) -> String {
    let mut snake = String::new();
    let mut after_lower = false;
    for character in text.trim().chars() {
        if character.is_ascii_uppercase() && after_lower {
            snake.push('_');
        }
        after_lower = character.is_ascii_lowercase();
        snake.push(if matches!(character, ' ' | '-') { '_' } else { character.to_ascii_lowercase() });
    }
    snake
}
