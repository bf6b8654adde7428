//! Attributes from the command line: `--attr NAME=VALUE`.

use flcm_flags::AttributeValue;
use flcm_flags_config::context::NOT_KEPT;
use flcm_flags_config::parse::number;
use serde_json::Value as Json;

/// `NAME=VALUE`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Attribute {
    name: String,
    value: ArgumentValue,
}

#[derive(Clone, Debug, PartialEq)]
enum ArgumentValue {
    Bool(bool),
    List(Vec<String>),
    Number(f64),
    Text(String),
}

/// Reads `NAME=VALUE`: JSON when it is a number, a boolean, a string or a list of strings, otherwise text.
pub(super) fn parse(text: &str) -> Result<Attribute, String> {
    let (name, value) = text.split_once('=').ok_or_else(|| without_equals(text))?;
    let value = match name {
        "" => return Err("the name is missing: write it as NAME=VALUE".to_owned()),
        "targetingKey" | "user_id" => return Err(format!("`{name}` is the targeting key: use --user ID")),
        _ => parse_value(name, value)?,
    };
    if name == "cohorts" && !matches!(value, ArgumentValue::List(_)) {
        return Err(r#"`cohorts` is a list of names: write --attr 'cohorts=["vips"]'"#.to_owned());
    }
    Ok(Attribute { name: name.to_owned(), value })
}

fn without_equals(text: &str) -> String {
    match text.split_once(':') {
        Some((name, value)) => format!("write it as {name}={value}"),
        None => "write it as NAME=VALUE".to_owned(),
    }
}

fn parse_value(name: &str, text: &str) -> Result<ArgumentValue, String> {
    let is_number = text.starts_with(|first: char| first == '-' || first.is_ascii_digit()) && is_decimal(text);
    if is_number && (!number::keeps(text) || text.parse().is_ok_and(f64::is_infinite)) {
        return Err(format!("{text} is {NOT_KEPT}: write it as text, --attr '{name}=\"{text}\"'"));
    }
    Ok(match serde_json::from_str(text) {
        Ok(Json::Bool(value)) => ArgumentValue::Bool(value),
        Ok(Json::Number(number)) => {
            number.as_f64().map_or_else(|| ArgumentValue::Text(text.to_owned()), ArgumentValue::Number)
        }
        Ok(Json::String(quoted)) => ArgumentValue::Text(quoted),
        Ok(Json::Array(items)) if items.iter().all(Json::is_string) => {
            ArgumentValue::List(items.iter().filter_map(Json::as_str).map(str::to_owned).collect())
        }
        _ => ArgumentValue::Text(text.to_owned()),
    })
}

fn is_decimal(text: &str) -> bool {
    text.parse::<f64>().is_ok()
}

/// The name that is given twice, if one is.
pub(super) fn repeated(attributes: &[Attribute]) -> Option<&str> {
    let mut names: Vec<&str> = attributes.iter().map(|attribute| attribute.name.as_str()).collect();
    names.sort_unstable();
    names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

/// A value in the core's form, but with a list that it owns.
pub(super) enum LentValue<'g> {
    Plain(AttributeValue<'g>),
    List(Vec<&'g str>),
}

impl LentValue<'_> {
    pub(super) fn borrow(&self) -> AttributeValue<'_> {
        match self {
            Self::Plain(value) => *value,
            Self::List(items) => AttributeValue::List(items),
        }
    }
}

pub(super) fn by_name(attributes: &[Attribute]) -> Vec<(&str, LentValue<'_>)> {
    let lend = |attribute| match attribute {
        &ArgumentValue::Bool(value) => LentValue::Plain(AttributeValue::Bool(value)),
        ArgumentValue::List(items) => LentValue::List(items.iter().map(String::as_str).collect()),
        &ArgumentValue::Number(value) => LentValue::Plain(AttributeValue::Number(value)),
        ArgumentValue::Text(text) => LentValue::Plain(AttributeValue::Text(text)),
    };
    attributes.iter().map(|attribute| (attribute.name.as_str(), lend(&attribute.value))).collect()
}

#[cfg(test)]
mod tests {
    use super::{ArgumentValue, parse, parse_value, repeated};

    #[test]
    fn a_value_is_read_as_json_if_that_is_a_value_of_attributes() {
        let read = |text: &str| parse_value("a", text).unwrap();
        assert_eq!(read("45"), ArgumentValue::Number(45.0));
        assert_eq!(read("-1.5e3"), ArgumentValue::Number(-1_500.0));
        assert_eq!(read("true"), ArgumentValue::Bool(true));
        assert_eq!(read(r#"["a","b"]"#), ArgumentValue::List(vec!["a".into(), "b".into()]));
        assert_eq!(read("[]"), ArgumentValue::List(Vec::new()));
        assert_eq!(read("\"12345\""), ArgumentValue::Text("12345".into()));
        for text in ["DE", "", "1.2.3", "[1]", "null", "{\"a\":1}", "\"half", "infinity", "-", "+5"] {
            assert_eq!(read(text), ArgumentValue::Text(text.into()), "{text}");
        }
    }

    #[test]
    fn what_is_no_attribute_is_refused_with_what_to_write() {
        for (text, help) in [
            ("country", "write it as NAME=VALUE"),
            ("country:DE", "write it as country=DE"),
            ("cohorts=vips", "write --attr 'cohorts=[\"vips\"]'"),
            ("user_id=alice", "use --user ID"),
            ("id=9007199254740993", "--attr 'id=\"9007199254740993\"'"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(help), "{text}: {error}");
        }
        assert_eq!(repeated(&[parse("a=1").unwrap(), parse("b=1").unwrap()]), None);
        assert_eq!(repeated(&[parse("a=1").unwrap(), parse("b=1").unwrap(), parse("a=2").unwrap()]), Some("a"));
    }
}
