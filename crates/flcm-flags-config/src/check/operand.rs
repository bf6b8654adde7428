//! Operators and what they compare with: each operator takes operands of certain kinds.

use flcm_flags::Operator;

use crate::config;
use crate::config::pattern::Patterns;
use crate::diagnostics::{Diagnostics, Path, did_you_mean};
use crate::limits;
use crate::parse::document::{At, Literal, Operand, Test};
use crate::parse::keyword::OPERATORS;

/// Checks one test: the operator exists, and what it compares with is of a kind that it takes.
pub(crate) fn check_test(
    test: &Test,
    path: Path<'_>,
    patterns: &mut Patterns,
    diagnostics: &mut Diagnostics,
) -> Option<config::Test> {
    let word = test.operator.value.as_str();
    let Some((_, operator)) = OPERATORS.iter().find(|(known, _)| *known == word) else {
        let message = format!("unknown operator `{word}`");
        let problem = diagnostics.error(test.operator.span, path.key("operator"), "unknown-operator", message);
        let words = || format!("operators: {}", OPERATORS.map(|(known, _)| known).join(" "));
        problem.help(did_you_mean(word, OPERATORS.iter().map(|(known, _)| *known)).unwrap_or_else(words));
        return None;
    };
    let operand = check_operand(*operator, test, path, patterns, diagnostics)?;
    Some(config::Test { attribute: test.attribute.value.clone(), operator: *operator, operand })
}

fn check_operand(
    operator: Operator,
    test: &Test,
    path: Path<'_>,
    patterns: &mut Patterns,
    diagnostics: &mut Diagnostics,
) -> Option<config::Operand> {
    use Operator as O;
    let mut fail = |code, message: String, help: &str| {
        let span = test.value.as_ref().map_or(test.operator.span, |value| value.span);
        diagnostics.error(span, path.key("value"), code, message).help(help);
        None
    };
    let Some(value) = &test.value else {
        return match operator {
            O::Exists | O::NotExists => Some(config::Operand::None),
            _ => fail("missing-key", format!("operator `{operator}` needs a `value`"), expected(operator)),
        };
    };
    let wrong = format!("operator `{operator}` does not take {}", describe(&value.value));
    let operand = match (operator, &value.value) {
        (O::Equal | O::NotEqual, Operand::One(Literal::Bool(value))) => config::Operand::Bool(*value),
        (
            O::Equal | O::NotEqual | O::Greater | O::GreaterEqual | O::Less | O::LessEqual,
            Operand::One(Literal::Number(value)),
        ) => config::Operand::Number(*value),
        (O::Equal | O::NotEqual | O::Contains | O::NotContains, Operand::One(Literal::String(text))) => {
            config::Operand::Text(text.clone())
        }
        (O::StartsWith | O::EndsWith, Operand::One(Literal::String(text))) => {
            config::Operand::Texts(vec![text.clone()])
        }
        (O::In | O::NotIn | O::StartsWith | O::EndsWith, Operand::Many(items)) => {
            if items.len() > limits::OPERANDS {
                let message = format!("{} operands, more than the limit of {}", items.len(), limits::OPERANDS);
                return fail("limit-operands", message, "list users in a cohort");
            }
            let numbers = matches!(operator, O::In | O::NotIn);
            match list(items).filter(|list| numbers || matches!(list, config::Operand::Texts(_))) {
                Some(list) => list,
                None => return fail("wrong-operand", wrong, expected(operator)),
            }
        }
        (O::Before | O::After, Operand::One(Literal::String(text))) => match flcm_flags::time::parse_rfc3339(text) {
            Some(time) => config::Operand::Time(time),
            None => return fail("wrong-time", format!("`{text}` is no RFC 3339 time"), expected(operator)),
        },
        (O::Matches, Operand::One(Literal::String(text))) => {
            if let Err((code, message, help)) = patterns.add(text) {
                return fail(code, message, help);
            }
            config::Operand::Text(text.clone())
        }
        (
            O::SemverEqual | O::SemverGreater | O::SemverGreaterEqual | O::SemverLess | O::SemverLessEqual,
            Operand::One(Literal::String(text)),
        ) => {
            if flcm_flags::version::compare(text, text).is_none() {
                return fail("wrong-version", format!("`{text}` is no semantic version"), expected(operator));
            }
            config::Operand::Text(text.clone())
        }
        _ => return fail("wrong-operand", wrong, expected(operator)),
    };
    Some(operand)
}

/// A list of one kind, at least one long, in a canonical order without repetition.
fn list(items: &[At<Literal>]) -> Option<config::Operand> {
    let texts: Option<Vec<String>> = items.iter().map(|item| as_text(&item.value)).collect();
    let numbers: Option<Vec<f64>> = items.iter().map(|item| as_number(&item.value)).collect();
    match (texts, numbers) {
        (Some(mut texts), None) => {
            texts.sort_unstable();
            texts.dedup();
            Some(config::Operand::Texts(texts))
        }
        (None, Some(mut numbers)) => {
            numbers.sort_unstable_by(f64::total_cmp);
            numbers.dedup();
            Some(config::Operand::Numbers(numbers))
        }
        // Both only when the list is empty.
        _ => None,
    }
}

fn as_text(literal: &Literal) -> Option<String> {
    if let Literal::String(text) = literal { Some(text.clone()) } else { None }
}

const fn as_number(literal: &Literal) -> Option<f64> {
    if let Literal::Number(number) = literal { Some(*number) } else { None }
}

fn describe(operand: &Operand) -> String {
    match operand {
        Operand::One(literal) => format!("a {}", literal.kind()),
        Operand::Many(items) if items.is_empty() => "an empty list".to_owned(),
        Operand::Many(_) => "this list".to_owned(),
    }
}

/// What an operator takes.
const fn expected(operator: Operator) -> &'static str {
    use Operator as O;
    match operator {
        O::Equal | O::NotEqual => "give a string, a number or a boolean",
        O::Greater | O::GreaterEqual | O::Less | O::LessEqual => {
            "give a number; for versions use `semver_gt` and its kind"
        }
        O::In | O::NotIn => "give a list of at least one, all strings or all numbers",
        O::Contains | O::NotContains | O::Matches => "give a string, in quotes if it looks like something else",
        O::StartsWith | O::EndsWith => "give a string or a list of strings",
        O::Before | O::After => "give an RFC 3339 time such as 2026-12-01T00:00:00Z",
        O::SemverEqual | O::SemverGreater | O::SemverGreaterEqual | O::SemverLess | O::SemverLessEqual => {
            "give a semantic version in quotes, such as \"2.0.0\""
        }
        O::Exists | O::NotExists => "remove `value`",
    }
}
