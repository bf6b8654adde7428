//! Operators and their operands: each operator accepts operands of certain types.

use flcm_flags::Operator;

use crate::config;
use crate::config::pattern::{Patterns, Refusal};
use crate::diagnostics::{Diagnostics, Edit, Path};
use crate::limits;
use crate::parse::document::{At, Literal, Operand, Test};
use crate::parse::keyword::OPERATORS;
use crate::parse::near_miss;

/// Checks one test: the operator exists, and accepts the operand.
pub(crate) fn check_test(
    test: &Test,
    text: &str,
    path: Path<'_>,
    patterns: &mut Patterns,
    diagnostics: &mut Diagnostics,
) -> Option<config::Test> {
    let operator = find_operator(&test.operator, text, path, diagnostics)?;
    match operand(operator, test.value.as_ref().map(|value| &value.value), patterns) {
        Ok(operand) => Some(config::Test { attribute: test.attribute.value.clone(), operator, operand }),
        Err((code, message, help)) => {
            let span = test.value.as_ref().map_or(test.operator.span, |value| value.span);
            diagnostics.error(span, path.key("value"), code, message).help(help);
            None
        }
    }
}

fn find_operator(written: &At<String>, text: &str, path: Path<'_>, diagnostics: &mut Diagnostics) -> Option<Operator> {
    let name = written.value.as_str();
    if let Some((_, operator)) = OPERATORS.iter().find(|(known, _)| *known == name) {
        return Some(*operator);
    }
    let message = format!("unknown operator `{name}`");
    let problem = diagnostics.error(written.span, path.key("operator"), "unknown-operator", message);
    let known = OPERATORS.map(|(known, _)| known);
    match near_miss::operator(name, &known) {
        Some(meant) => {
            problem.fix([Edit::respell(text, written.span, meant)]).help(format!("did you mean `{meant}`?"));
        }
        None => problem.help(format!("operators: {}", known.join(" "))),
    }
    None
}

/// The operand of a test, if the operator accepts it.
fn operand(operator: Operator, value: Option<&Operand>, patterns: &mut Patterns) -> Result<config::Operand, Refusal> {
    use Operator as O;
    let Some(value) = value else { return without_value(operator) };
    let operand = match operator {
        O::Equal | O::NotEqual => boolean(value).or_else(|| number(value)).or_else(|| text(value)),
        O::Greater | O::GreaterEqual | O::Less | O::LessEqual => number(value),
        O::Contains | O::NotContains => text(value),
        O::StartsWith | O::EndsWith => match one_text(value) {
            Some(text) => Some(config::Operand::Texts(vec![text.to_owned()])),
            None => list(value)?.filter(|list| matches!(list, config::Operand::Texts(_))),
        },
        O::In | O::NotIn => list(value)?,
        O::Before | O::After => one_text(value).map(|text| time(operator, text)).transpose()?,
        O::Matches => one_text(value).map(|text| pattern(text, patterns)).transpose()?,
        O::SemverEqual | O::SemverGreater | O::SemverGreaterEqual | O::SemverLess | O::SemverLessEqual => {
            one_text(value).map(|text| version(operator, text)).transpose()?
        }
        O::Exists | O::NotExists => None,
    };
    let wrong = || format!("operator `{operator}` does not accept {}", describe(value));
    operand.ok_or_else(|| ("wrong-operand", wrong(), expected(operator)))
}

fn without_value(operator: Operator) -> Result<config::Operand, Refusal> {
    match operator {
        Operator::Exists | Operator::NotExists => Ok(config::Operand::None),
        _ => Err(("missing-key", format!("operator `{operator}` needs a `value`"), expected(operator))),
    }
}

const fn boolean(value: &Operand) -> Option<config::Operand> {
    if let Operand::One(Literal::Bool(value)) = value { Some(config::Operand::Bool(*value)) } else { None }
}

const fn number(value: &Operand) -> Option<config::Operand> {
    if let Operand::One(Literal::Number(value)) = value { Some(config::Operand::Number(*value)) } else { None }
}

fn text(value: &Operand) -> Option<config::Operand> {
    one_text(value).map(|text| config::Operand::Text(text.to_owned()))
}

fn one_text(value: &Operand) -> Option<&str> {
    if let Operand::One(Literal::String(text)) = value { Some(text) } else { None }
}

fn time(operator: Operator, text: &str) -> Result<config::Operand, Refusal> {
    let time = flcm_flags::time::parse_rfc3339(text).map(config::Operand::Time);
    time.ok_or_else(|| ("wrong-time", format!("`{text}` is not an RFC 3339 time"), expected(operator)))
}

fn pattern(text: &str, patterns: &mut Patterns) -> Result<config::Operand, Refusal> {
    patterns.add(text)?;
    Ok(config::Operand::Text(text.to_owned()))
}

fn version(operator: Operator, text: &str) -> Result<config::Operand, Refusal> {
    if flcm_flags::version::compare(text, text).is_none() {
        return Err(("wrong-version", format!("`{text}` is not a semantic version"), expected(operator)));
    }
    Ok(config::Operand::Text(text.to_owned()))
}

/// A list of texts or of numbers; `None` for anything else.
fn list(value: &Operand) -> Result<Option<config::Operand>, Refusal> {
    let Operand::Many(items) = value else { return Ok(None) };
    if items.len() > limits::OPERANDS {
        let message = format!("{} operands, more than the limit of {}", items.len(), limits::OPERANDS);
        return Err(("limit-operands", message, "define a cohort for a long list of users"));
    }
    Ok(of_one_kind(items))
}

/// A list of texts or of numbers, not empty, sorted and without duplicates.
fn of_one_kind(items: &[At<Literal>]) -> Option<config::Operand> {
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

/// The help for an operand that an operator does not accept.
const fn expected(operator: Operator) -> &'static str {
    use Operator as O;
    match operator {
        O::Equal | O::NotEqual => "give a string, a number or a boolean",
        O::Greater | O::GreaterEqual | O::Less | O::LessEqual => {
            "give a number; for versions use an operator such as `semver_gt`"
        }
        O::In | O::NotIn => "give a list with at least one item, all strings or all numbers",
        O::Contains | O::NotContains | O::Matches => "give a string, in quotes if it looks like something else",
        O::StartsWith | O::EndsWith => "give a string or a list of strings",
        O::Before | O::After => "give an RFC 3339 time such as 2026-12-01T00:00:00Z",
        O::SemverEqual | O::SemverGreater | O::SemverGreaterEqual | O::SemverLess | O::SemverLessEqual => {
            "give a semantic version in quotes, such as \"2.0.0\""
        }
        O::Exists | O::NotExists => "remove `value`",
    }
}
