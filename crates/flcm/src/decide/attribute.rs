//! Attributes from the command line: `--attr NAME=VALUE`.

use flcm_flags::AttributeValue;
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

/// Reads `NAME=VALUE`: JSON when it is a number, a boolean or a list of strings, otherwise text.
pub(super) fn parse(text: &str) -> Result<Attribute, String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    match name {
        "" => return Err("the name is missing: write it as NAME=VALUE".to_owned()),
        "targetingKey" | "user_id" => return Err(format!("`{name}` is the targeting key: use --user ID")),
        _ => {}
    }
    Ok(Attribute { name: name.to_owned(), value: parse_value(value) })
}

fn parse_value(text: &str) -> ArgumentValue {
    match serde_json::from_str(text) {
        Ok(Json::Bool(value)) => ArgumentValue::Bool(value),
        Ok(Json::Number(number)) => {
            number.as_f64().map_or_else(|| ArgumentValue::Text(text.to_owned()), ArgumentValue::Number)
        }
        Ok(Json::Array(items)) if items.iter().all(Json::is_string) => {
            ArgumentValue::List(items.iter().filter_map(Json::as_str).map(str::to_owned).collect())
        }
        _ => ArgumentValue::Text(text.to_owned()),
    }
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
    use super::{ArgumentValue, parse_value};

    #[test]
    fn a_value_is_read_as_json_if_that_is_a_value_of_attributes() {
        assert_eq!(parse_value("45"), ArgumentValue::Number(45.0));
        assert_eq!(parse_value("-1.5e3"), ArgumentValue::Number(-1_500.0));
        assert_eq!(parse_value("true"), ArgumentValue::Bool(true));
        assert_eq!(parse_value(r#"["a","b"]"#), ArgumentValue::List(vec!["a".into(), "b".into()]));
        assert_eq!(parse_value("[]"), ArgumentValue::List(Vec::new()));
        for text in ["DE", "", "1.2.3", "[1]", "null", "{\"a\":1}", "\"quoted\"", "1e999"] {
            assert_eq!(parse_value(text), ArgumentValue::Text(text.into()), "{text}");
        }
    }
}
