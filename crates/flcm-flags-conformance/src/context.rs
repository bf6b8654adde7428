//! A context that owns its strings, and its JSON form.

use std::collections::BTreeMap;

use flcm_flags::{AttributeValue, Context};
use serde::{Deserialize, Serialize};

/// The key under which the flat JSON form keeps the targeting key.
const TARGETING_KEY: &str = "targetingKey";

/// Who is asking. As JSON it is flat: `{"targetingKey": "alice", "country": "DE"}`; `null` is the same as absent.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(from = "BTreeMap<String, Option<Attribute>>", into = "BTreeMap<String, Option<Attribute>>")]
pub struct OwnedContext {
    /// The user id.
    pub targeting_key: Option<String>,
    /// Attributes by name.
    pub attributes: BTreeMap<String, Attribute>,
}

/// The value of an attribute.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Attribute {
    /// `true` or `false`.
    Bool(bool),
    /// A list of strings.
    List(Vec<String>),
    /// A number; one that is not finite counts as absent.
    Number(f64),
    /// Text.
    Text(String),
}

impl OwnedContext {
    /// Lends the context in the core's form.
    pub fn with_core<T>(&self, use_it: impl FnOnce(Context<'_>) -> T) -> T {
        let lists: BTreeMap<&str, Vec<&str>> = self
            .attributes
            .iter()
            .filter_map(|(name, value)| match value {
                Attribute::List(items) => Some((name.as_str(), items.iter().map(String::as_str).collect())),
                _ => None,
            })
            .collect();
        let lend = |(name, value)| {
            let (name, value): (&String, &Attribute) = (name, value);
            let value = match value {
                Attribute::Bool(value) => AttributeValue::Bool(*value),
                Attribute::List(_) => AttributeValue::List(&lists[name.as_str()]),
                Attribute::Number(value) => AttributeValue::Number(*value),
                Attribute::Text(text) => AttributeValue::Text(text),
            };
            (name.as_str(), value)
        };
        let attributes: Vec<(&str, AttributeValue<'_>)> = self.attributes.iter().map(lend).collect();
        use_it(Context::new(self.targeting_key.as_deref(), &attributes))
    }

    /// A context of a targeting key alone.
    #[must_use]
    pub fn of(targeting_key: &str) -> Self {
        Self { targeting_key: Some(targeting_key.to_owned()), attributes: BTreeMap::new() }
    }
}

impl From<BTreeMap<String, Option<Attribute>>> for OwnedContext {
    fn from(mut flat: BTreeMap<String, Option<Attribute>>) -> Self {
        let targeting_key = flat.remove(TARGETING_KEY).flatten().map(|key| match key {
            Attribute::Text(key) => key,
            other => panic!("`{TARGETING_KEY}` must be text, not {other:?}"),
        });
        let attributes = flat.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        Self { targeting_key, attributes }
    }
}

impl From<OwnedContext> for BTreeMap<String, Option<Attribute>> {
    fn from(context: OwnedContext) -> Self {
        let attributes = context.attributes.into_iter().map(|(name, value)| (name, Some(value)));
        let key = context.targeting_key.map(|key| (TARGETING_KEY.to_owned(), Some(Attribute::Text(key))));
        attributes.chain(key).collect()
    }
}
