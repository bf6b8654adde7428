//! Explanations as text: a tree of lines in plain English.

use flcm_flags::bucket::BUCKETS;

use super::{Check, EVERYONE, Explanation, text};

/// One line of an explanation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Line {
    /// The branches of the tree, before the text.
    pub branch: String,
    /// The text.
    pub text: String,
    /// Whether the check holds; `None` for a line that is not a check.
    pub held: Option<bool>,
}

/// A line and the lines below it.
struct Item {
    text: String,
    held: Option<bool>,
    below: Vec<Item>,
}

impl Item {
    const fn plain(text: String) -> Self {
        Self { text, held: None, below: Vec::new() }
    }

    const fn asks(text: String, held: bool) -> Self {
        Self { text, held: Some(held), below: Vec::new() }
    }
}

pub(super) fn of(explanation: &Explanation) -> Vec<Line> {
    let held = if explanation.error_code.is_some() { None } else { Some(explanation.enabled) };
    let mut lines = vec![Line { branch: String::new(), text: title(explanation), held }];
    draw(items(&explanation.checks, explanation.user.as_deref()), "", &mut lines);
    lines
}

fn draw(items: Vec<Item>, indent: &str, lines: &mut Vec<Line>) {
    let last = items.len().saturating_sub(1);
    for (index, Item { text, held, below }) in items.into_iter().enumerate() {
        let (branch, inner) = if index == last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        lines.push(Line { branch: format!("{indent}{branch}"), text, held });
        draw(below, &format!("{indent}{inner}"), lines);
    }
}

fn title(explanation: &Explanation) -> String {
    format!("{} → {}", text::shown(&explanation.flag), served(explanation))
}

/// `on, variant core_only (SPLIT)`.
fn served(explanation: &Explanation) -> String {
    let reason = explanation.reason;
    if let Some(code) = explanation.error_code {
        return format!("error {code}: the caller's fallback applies");
    }
    let on_off = text::on_off(explanation.enabled);
    let variant = explanation.variant.as_ref();
    let variant = variant.map_or_else(String::new, |variant| format!(", variant {}", text::shown(variant)));
    let value = match &explanation.value {
        Some(serde_json::Value::Bool(value)) if *value == explanation.enabled => String::new(),
        Some(value) => format!(", value {}", text::shown(&value.to_string())),
        None => String::new(),
    };
    format!("{on_off}{variant}{value} ({reason})")
}

fn items(checks: &[Check], user: Option<&str>) -> Vec<Item> {
    checks.iter().map(|check| item(check, user)).collect()
}

fn item(check: &Check, user: Option<&str>) -> Item {
    match check {
        Check::Enabled { held: true } => Item::asks("enabled: yes".to_owned(), true),
        Check::Enabled { held: false } => Item::asks("enabled: no: the kill switch is off".to_owned(), false),
        Check::Breaker { state, bucket, share, held } => breaker(state, *bucket, *share, *held),
        Check::Flag { flag, expected, dependency, held, explanation } => {
            other_flag(flag, expected, *dependency, *held, explanation.as_deref())
        }
        Check::Override => Item::asks(format!("override for {}: yes", text::shown(user.unwrap_or_default())), true),
        Check::Rule { number, name, serves, held, checks } => {
            rule(*number, name.as_deref(), serves, *held, checks, user)
        }
        Check::Untried { rules: 1 } => Item::plain("1 more rule, not tried".to_owned()),
        Check::Untried { rules } => Item::plain(format!("{rules} more rules, not tried")),
        Check::Group { of, held, checks } => group(of, *held, items(checks, user)),
        Check::Test { text, actual, held, operator, .. } => test(text, actual.as_ref(), operator, *held),
        Check::Cohort { cohort, because, held, checks } => {
            let text = format!("cohort {}: {}: {because}", text::shown(cohort), text::yes_no(*held));
            Item { below: items(checks, user), ..Item::asks(text, *held) }
        }
        Check::Rollout { by, bucket, percentage, needed, from, held } => {
            rollout(by, *bucket, (*percentage, *needed), *from, *held)
        }
        Check::Split { point, total, variant } => split(*point, *total, variant),
    }
}

fn group(of: &str, held: bool, below: Vec<Item>) -> Item {
    let title = if of == "not" { "not".to_owned() } else { format!("{of} of") };
    Item { below, ..Item::asks(format!("{title}: {}", text::yes_no(held)), held) }
}

fn split(point: Option<u32>, total: u32, variant: &str) -> Item {
    let variant = text::shown(variant);
    Item::plain(match point {
        Some(point) => format!("split point {point} of {total}: variant {variant}"),
        None => format!("nothing to draw by: the first variant, {variant}"),
    })
}

fn breaker(state: &str, bucket: Option<u32>, share: u32, held: bool) -> Item {
    let text = match bucket {
        Some(bucket) => format!(
            "breaker {state}: {}, probe bucket {}, probe share {}",
            text::yes_no(held),
            text::percent(bucket),
            text::percent(share)
        ),
        None => format!("breaker {state}: {}", text::yes_no(held)),
    };
    Item::asks(text, held)
}

fn other_flag(flag: &str, expected: &str, dependency: bool, held: bool, explanation: Option<&Explanation>) -> Item {
    let needs = if dependency { "needs " } else { "" };
    let text = format!("{needs}flag {} {}: {}", text::shown(flag), text::shown(expected), text::yes_no(held));
    let Some(explanation) = explanation else { return Item::asks(format!("{text} (as above)"), held) };
    let below = items(&explanation.checks, explanation.user.as_deref());
    Item { below, ..Item::asks(format!("{text}, it is {}", served(explanation)), held) }
}

fn rule(number: usize, name: Option<&str>, serves: &str, held: bool, checks: &[Check], user: Option<&str>) -> Item {
    if serves == EVERYONE {
        return everyone(held, checks, user);
    }
    let name = name.map_or_else(String::new, |name| format!(" ({})", text::shown(name)));
    // The rule of a listed cohort is one line.
    if let (true, [Check::Cohort { cohort, because, checks: when, .. }, rest @ ..]) = (serves != "on", checks) {
        let off = if held && serves == "cohort off" { ", so it is off" } else { "" };
        let cohort = text::shown(cohort);
        let text = format!("rule {number} (cohort {cohort}): {}: {because}{off}", text::yes_no(held));
        let below = items(when, user).into_iter().chain(items(rest, user)).collect();
        return Item { below, ..Item::asks(text, held) };
    }
    let text = format!("rule {number}{name}: {}", text::yes_no(held));
    Item { below: items(checks, user), ..Item::asks(text, held) }
}

/// The rule of a flag that nothing narrows is one line, unless a breaker limits its percentage.
fn everyone(held: bool, checks: &[Check], user: Option<&str>) -> Item {
    let mut below = items(checks, user);
    if matches!(checks, [Check::Rollout { percentage: BUCKETS, .. }]) {
        below.clear();
    }
    Item { below, ..Item::asks(format!("nothing narrows it: {}", text::yes_no(held)), held) }
}

fn test(text: &str, actual: Option<&serde_json::Value>, operator: &str, held: bool) -> Item {
    let answer = text::yes_no(held);
    let actual = match actual {
        _ if operator == "not_exists" && held => return Item::asks(format!("{text}: {answer}"), held),
        Some(actual) => format!("is {}", text::shown(&actual.to_string())),
        None => "is absent".to_owned(),
    };
    Item::asks(format!("{text}: {answer} ({actual})"), held)
}

fn rollout(by: &str, bucket: Option<u32>, (percentage, needed): (u32, u32), from: Option<u64>, held: bool) -> Item {
    let (rollout, answer) = (text::percent(percentage), text::yes_no(held));
    let draw = match bucket {
        _ if held && percentage == BUCKETS => format!("rollout {rollout}: {answer}"),
        Some(bucket) => format!("bucket {}, rollout {rollout}: {answer}", text::percent(bucket)),
        None => format!("no bucket without {}, rollout {rollout}: {answer}", text::shown(by)),
    };
    let hint = match (held, from) {
        (true, _) => String::new(),
        (false, None) => format!("; in at {} or more", text::percent(needed)),
        (false, Some(from)) => format!("; in at {} or more, from {}", text::percent(needed), text::rfc3339(from)),
    };
    Item::asks(format!("{draw}{hint}"), held)
}
