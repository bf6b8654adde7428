//! Attributes that are given on the command line.

use flcm_flags::AttributeValue;
use serde_json::Value as Json;

/// `NAME=VALUE`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Attribute {
    name: String,
    value: Given,
}

#[derive(Clone, Debug, PartialEq)]
enum Given {
    Bool(bool),
    List(Vec<String>),
    Number(f64),
    Text(String),
}

/// Reads `NAME=VALUE`: JSON when it is a number, a boolean or a list of strings, otherwise text.
pub(super) fn attribute(text: &str) -> Result<Attribute, String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    match name {
        "" => return Err("the name is missing: write it as NAME=VALUE".to_owned()),
        "targetingKey" | "user_id" => return Err(format!("`{name}` is the targeting key: use --user ID")),
        _ => {}
    }
    Ok(Attribute { name: name.to_owned(), value: given(value) })
}

fn given(text: &str) -> Given {
    match serde_json::from_str(text) {
        Ok(Json::Bool(value)) => Given::Bool(value),
        Ok(Json::Number(number)) => number.as_f64().map_or_else(|| Given::Text(text.to_owned()), Given::Number),
        Ok(Json::Array(items)) if items.iter().all(Json::is_string) => {
            Given::List(items.iter().filter_map(Json::as_str).map(str::to_owned).collect())
        }
        _ => Given::Text(text.to_owned()),
    }
}

/// An attribute whose list, if it is one, is a list of borrowed texts.
pub(super) enum Held<'g> {
    Plain(AttributeValue<'g>),
    List(Vec<&'g str>),
}

impl Held<'_> {
    pub(super) fn borrow(&self) -> AttributeValue<'_> {
        match self {
            Self::Plain(value) => *value,
            Self::List(items) => AttributeValue::List(items),
        }
    }
}

pub(super) fn by_name(attributes: &[Attribute]) -> Vec<(&str, Held<'_>)> {
    let held = |attribute| match attribute {
        &Given::Bool(value) => Held::Plain(AttributeValue::Bool(value)),
        Given::List(items) => Held::List(items.iter().map(String::as_str).collect()),
        &Given::Number(value) => Held::Plain(AttributeValue::Number(value)),
        Given::Text(text) => Held::Plain(AttributeValue::Text(text)),
    };
    attributes.iter().map(|attribute| (attribute.name.as_str(), held(&attribute.value))).collect()
}

#[cfg(test)]
mod tests {
    use super::{Given, given};

    #[test]
    fn a_value_is_json_when_json_says_something_that_an_attribute_can_be() {
        assert_eq!(given("45"), Given::Number(45.0));
        assert_eq!(given("-1.5e3"), Given::Number(-1_500.0));
        assert_eq!(given("true"), Given::Bool(true));
        assert_eq!(given(r#"["a","b"]"#), Given::List(vec!["a".into(), "b".into()]));
        assert_eq!(given("[]"), Given::List(Vec::new()));
        for text in ["DE", "", "1.2.3", "[1]", "null", "{\"a\":1}", "\"quoted\"", "1e999"] {
            assert_eq!(given(text), Given::Text(text.into()), "{text}");
        }
    }
}
