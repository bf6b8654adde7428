//! A context that owns its strings, and the JSON form of contexts.

use std::collections::BTreeMap;
use std::fmt;

use flcm_flags::{AttributeValue, Context};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

mod line;
mod parser;

pub use parser::{ContextParser, LINE_BYTES, LineProblem};

/// The key under which the flat JSON form keeps the targeting key.
const TARGETING_KEY: &str = "targetingKey";

/// An evaluation context. As JSON it is flat: `{"targetingKey": "alice", "country": "DE"}`; `null` is the same as
/// absent.
///
/// ```
/// use flcm_flags_config::{Attribute, OwnedContext};
///
/// let alice = OwnedContext::from_json(r#"{"targetingKey": "alice", "country": "DE", "age": null}"#)?;
/// assert_eq!(alice.targeting_key.as_deref(), Some("alice"));
/// assert_eq!(alice.attributes["country"], Attribute::Text("DE".to_owned()));
/// assert_eq!(alice.attributes.get("age"), None);
/// # Ok::<(), flcm_flags_config::ContextError>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "BTreeMap<String, Json>", into = "BTreeMap<String, Option<Attribute>>")]
pub struct OwnedContext {
    /// The user id.
    pub targeting_key: Option<String>,
    /// Attributes by name.
    pub attributes: BTreeMap<String, Attribute>,
}

/// The value of an attribute.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "Json", untagged)]
pub enum Attribute {
    /// `true` or `false`.
    Bool(bool),
    /// A list of strings.
    List(Vec<String>),
    /// A number; one that is not finite counts as absent, and is `null` as JSON.
    Number(f64),
    /// Text.
    Text(String),
}

/// Why a context cannot be read, and how to fix it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ContextError(String);

impl OwnedContext {
    /// Reads the JSON form. If a name is given twice, the later value counts.
    ///
    /// # Errors
    /// The text is not a flat JSON object, or a value has a type that attributes do not have.
    pub fn from_json(text: &str) -> Result<Self, ContextError> {
        let no_object = |what: &dyn fmt::Display| {
            refuse(what, r#"write a flat JSON object: {"targetingKey": "alice", "country": "DE"}"#)
        };
        match serde_json::from_str(text) {
            Ok(Json::Object(flat)) => Self::from_flat(flat),
            Ok(other) => Err(no_object(&format_args!("a context is {}", kind(&other)))),
            Err(error) => {
                Err(no_object(&format_args!("the context is not JSON: {}", error.to_string().to_lowercase())))
            }
        }
    }

    /// A context with a targeting key and no attributes.
    #[must_use]
    pub fn of(targeting_key: &str) -> Self {
        Self { targeting_key: Some(targeting_key.to_owned()), attributes: BTreeMap::new() }
    }

    /// Calls a function with the context in the core's form.
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

    fn from_flat(flat: impl IntoIterator<Item = (String, Json)>) -> Result<Self, ContextError> {
        let mut context = Self::default();
        for (name, value) in flat {
            match value {
                Json::String(key) if name == TARGETING_KEY => context.targeting_key = Some(key),
                Json::Null => {}
                other if name == TARGETING_KEY => {
                    let what = format_args!("`{TARGETING_KEY}` is {}", kind(&other));
                    return Err(refuse(what, r#"write it as text: {"targetingKey": "42"}"#));
                }
                value => {
                    let value = Attribute::named(&name, value)?;
                    context.attributes.insert(name, value);
                }
            }
        }
        Ok(context)
    }
}

impl Attribute {
    /// Reads the value of the attribute of this name.
    fn named(name: &str, value: Json) -> Result<Self, ContextError> {
        match value {
            Json::Array(items) => {
                items.into_iter().map(|item| item_of(name, item)).collect::<Result<_, _>>().map(Self::List)
            }
            Json::Bool(value) => Ok(Self::Bool(value)),
            Json::Null => Err(refuse(format_args!("attribute `{name}` is null"), "leave it out, or give it a value")),
            Json::Number(number) => match kept(&number) {
                Some(value) => Ok(Self::Number(value)),
                None => Err(refuse(format_args!("attribute `{name}` is {NOT_KEPT}"), QUOTE_IT)),
            },
            Json::Object(_) => {
                let help = format!(r#"flatten it: {{"{name}.country": "DE"}}"#);
                Err(refuse(format_args!("attribute `{name}` is an object"), &help))
            }
            Json::String(text) => Ok(Self::Text(text)),
        }
    }
}

/// What is wrong with a number that [`kept`] refuses.
pub const NOT_KEPT: &str = "a number that cannot be kept exactly";

/// What to do about it.
pub const QUOTE_IT: &str = "write it in quotes, as text";

/// The number as a float; `None` for an integer beyond 2^53, which would become one of its neighbours.
#[must_use]
pub fn kept(number: &serde_json::Number) -> Option<f64> {
    const EXACT: u64 = 1 << 53;
    const EXACT_FLOAT: f64 = 9_007_199_254_740_992.0;
    /// Writers of JSON put an exponent on numbers from here on: they are sizes, and no ids.
    const EXPONENT: f64 = 1e21;
    let value = number.as_f64()?;
    let is_kept = match (number.as_u64(), number.as_i64()) {
        (None, None) => value.fract() != 0.0 || !(EXACT_FLOAT..EXPONENT).contains(&value.abs()),
        (whole, signed) => whole.or(signed.map(i64::unsigned_abs)).is_some_and(|whole| whole <= EXACT),
    };
    is_kept.then_some(value)
}

fn item_of(name: &str, item: Json) -> Result<String, ContextError> {
    match item {
        Json::String(text) => Ok(text),
        other => {
            let what = format_args!("attribute `{name}` is a list with {} in it", kind(&other));
            Err(refuse(what, r#"put only strings in it: ["a", "b"]"#))
        }
    }
}

fn refuse(what: impl fmt::Display, help: &str) -> ContextError {
    ContextError(format!("{what} ({help})"))
}

/// The type of a value, for messages.
const fn kind(value: &Json) -> &'static str {
    match value {
        Json::Array(_) => "a list",
        Json::Bool(_) => "a boolean",
        Json::Null => "null",
        Json::Number(_) => "a number",
        Json::Object(_) => "an object",
        Json::String(_) => "text",
    }
}

impl TryFrom<BTreeMap<String, Json>> for OwnedContext {
    type Error = ContextError;

    fn try_from(flat: BTreeMap<String, Json>) -> Result<Self, ContextError> {
        Self::from_flat(flat)
    }
}

impl From<OwnedContext> for BTreeMap<String, Option<Attribute>> {
    fn from(context: OwnedContext) -> Self {
        let attributes = context.attributes.into_iter().map(|(name, value)| (name, Some(value)));
        let key = context.targeting_key.map(|key| (TARGETING_KEY.to_owned(), Some(Attribute::Text(key))));
        attributes.chain(key).collect()
    }
}

impl TryFrom<Json> for Attribute {
    type Error = ContextError;

    fn try_from(value: Json) -> Result<Self, ContextError> {
        Self::named("value", value)
    }
}

impl fmt::Display for ContextError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for ContextError {}

#[cfg(test)]
mod tests {
    use super::{Attribute, OwnedContext};

    #[test]
    fn every_type_of_an_attribute_is_read_and_null_is_absent() {
        let text = r#"{"list":["a"],"long":0.12345678901234568,"no":null,"number":-1,"targetingKey":"u","text":"t","yes":true}"#;
        let context = OwnedContext::from_json(text).unwrap();
        let read: Vec<_> = context.attributes.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        let expected = [
            ("list", Attribute::List(vec!["a".to_owned()])),
            ("long", Attribute::Number(0.123_456_789_012_345_68)),
            ("number", Attribute::Number(-1.0)),
            ("text", Attribute::Text("t".to_owned())),
            ("yes", Attribute::Bool(true)),
        ];
        assert_eq!(read, expected);
        assert_eq!(context.targeting_key.as_deref(), Some("u"));
        assert_eq!(OwnedContext::from_json(r#"{"targetingKey":null}"#), Ok(OwnedContext::default()));
    }

    #[test]
    fn every_float_is_read_to_the_bit() {
        let mut rng = fastrand::Rng::with_seed(1);
        for _ in 0..100_000 {
            let number = f64::from_bits(rng.u64(..));
            // Long whole numbers are refused.
            let is_long = (9_007_199_254_740_992.0..1e21).contains(&number.abs()) && number.fract() == 0.0;
            if number.is_finite() && !is_long {
                let text = format!("{{\"n\":{number:?}}}");
                let read = OwnedContext::from_json(&text).unwrap();
                assert_eq!(read.attributes["n"], Attribute::Number(number), "{text}");
            }
        }
    }

    #[test]
    fn what_is_no_context_is_refused_with_its_name_and_a_remedy() {
        let object = r#" (write a flat JSON object: {"targetingKey": "alice", "country": "DE"})"#;
        for (text, message) in [
            ("", &*format!("the context is not JSON: eof while parsing a value at line 1 column 0{object}")),
            ("[]", &*format!("a context is a list{object}")),
            ("null", &*format!("a context is null{object}")),
            (r#"{"targetingKey":42}"#, r#"`targetingKey` is a number (write it as text: {"targetingKey": "42"})"#),
            (r#"{"a":{}}"#, r#"attribute `a` is an object (flatten it: {"a.country": "DE"})"#),
            (r#"{"a":[1]}"#, r#"attribute `a` is a list with a number in it (put only strings in it: ["a", "b"])"#),
        ] {
            assert_eq!(OwnedContext::from_json(text).unwrap_err().to_string(), message);
        }
        let deep = "[".repeat(100_000);
        assert!(OwnedContext::from_json(&deep).is_err(), "no stack overflows");
    }

    #[test]
    fn a_context_reads_back_as_it_was_written() {
        let context = OwnedContext::from_json(r#"{"a":[],"b":0.1,"targetingKey":""}"#).unwrap();
        let text = serde_json::to_string(&context).unwrap();
        assert_eq!(text, r#"{"a":[],"b":0.1,"targetingKey":""}"#);
        assert_eq!(serde_json::from_str::<OwnedContext>(&text).unwrap(), context);
        let error = serde_json::from_str::<OwnedContext>(r#"{"a":{}}"#).unwrap_err().to_string();
        assert!(error.contains("attribute `a` is an object"), "{error}");
    }
}
