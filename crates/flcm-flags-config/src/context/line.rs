//! Parses one line, a flat JSON object, into slots that borrow from it.

use std::borrow::Cow;
use std::fmt;

use flcm_flags::AttributeValue;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use super::{NOT_KEPT, QUOTE_IT, kept};

/// Separates the problem from the help in errors of this file.
pub(super) const HELP: &str = "\u{1f}";

/// The value of one attribute in a line.
#[derive(Debug)]
pub(super) enum Slot<'l> {
    Absent,
    Bool(bool),
    /// The range of its items among the items of the line.
    List(usize, usize),
    Number(f64),
    Text(Cow<'l, str>),
}

impl Slot<'_> {
    pub(super) fn value<'v>(&'v self, items: &'v [&'v str]) -> Option<AttributeValue<'v>> {
        Some(match self {
            Self::Absent => return None,
            Self::Bool(value) => AttributeValue::Bool(*value),
            Self::List(start, end) => AttributeValue::List(&items[*start..*end]),
            Self::Number(value) => AttributeValue::Number(*value),
            Self::Text(text) => AttributeValue::Text(text),
        })
    }
}

/// The slots for the attributes of a line.
pub(super) struct LineSeed<'p, 'l> {
    /// Sorted.
    pub(super) names: &'p [&'p str],
    pub(super) slots: &'p mut Vec<Slot<'l>>,
    pub(super) items: &'p mut Vec<Cow<'l, str>>,
}

impl<'l> LineSeed<'_, 'l> {
    /// Reads a line; returns the targeting key.
    pub(super) fn read(self, line: &'l str) -> Result<Option<Cow<'l, str>>, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_str(line);
        let user = deserializer.deserialize_map(self)?;
        deserializer.end()?;
        Ok(user)
    }
}

impl<'l> Visitor<'l> for LineSeed<'_, 'l> {
    type Value = Option<Cow<'l, str>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'l>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut user = None;
        while let Some(key) = map.next_key_seed(KeySeed(self.names))? {
            match key {
                Key::User => user = map.next_value_seed(UserSeed)?,
                Key::Known(index) => {
                    let seed = ValueSeed { name: self.names[index], items: Some(self.items) };
                    self.slots[index] = map.next_value_seed(seed)?;
                }
                Key::Other(name) => {
                    map.next_value_seed(ValueSeed { name: &name, items: None })?;
                }
            }
        }
        Ok(user)
    }
}

/// A name of a line.
enum Key<'l> {
    Known(usize),
    Other(Cow<'l, str>),
    User,
}

struct KeySeed<'p>(&'p [&'p str]);

/// The meaning of a name; `None` for an attribute that no flag reads.
#[inline]
fn find(names: &[&str], name: &str) -> Option<Key<'static>> {
    /// Up to this many names, a linear search is faster.
    const FEW: usize = 8;
    if name == "targetingKey" {
        return Some(Key::User);
    }
    let found = match names.len() {
        ..=FEW => names.iter().position(|known| *known == name),
        _ => names.binary_search(&name).ok(),
    };
    found.map(Key::Known)
}

impl<'l> DeserializeSeed<'l> for KeySeed<'_> {
    type Value = Key<'l>;

    fn deserialize<D: Deserializer<'l>>(self, deserializer: D) -> Result<Key<'l>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'l> Visitor<'l> for KeySeed<'_> {
    type Value = Key<'l>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'l str) -> Result<Key<'l>, E> {
        Ok(find(self.0, name).unwrap_or(Key::Other(Cow::Borrowed(name))))
    }

    fn visit_str<E>(self, name: &str) -> Result<Key<'l>, E> {
        Ok(find(self.0, name).unwrap_or_else(|| Key::Other(Cow::Owned(name.to_owned()))))
    }
}

/// The targeting key: text, or null for none.
struct UserSeed;

fn not_a_key<E: Error>(kind: &str) -> E {
    E::custom(format_args!("`targetingKey` is {kind}{HELP}write it as text: {{\"targetingKey\": \"42\"}}"))
}

impl<'l> DeserializeSeed<'l> for UserSeed {
    type Value = Option<Cow<'l, str>>;

    fn deserialize<D: Deserializer<'l>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'l> Visitor<'l> for UserSeed {
    type Value = Option<Cow<'l, str>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("text")
    }

    fn visit_borrowed_str<E>(self, text: &'l str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Err(not_a_key("a boolean"))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Err(not_a_key("a number"))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Err(not_a_key("a number"))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Err(not_a_key("a number"))
    }

    fn visit_map<A: MapAccess<'l>>(self, _: A) -> Result<Self::Value, A::Error> {
        Err(not_a_key("an object"))
    }

    fn visit_seq<A: SeqAccess<'l>>(self, _: A) -> Result<Self::Value, A::Error> {
        Err(not_a_key("a list"))
    }
}

/// The value of an attribute. Without `items` it is only checked.
struct ValueSeed<'p, 'l> {
    name: &'p str,
    items: Option<&'p mut Vec<Cow<'l, str>>>,
}

impl<'l> ValueSeed<'_, 'l> {
    fn number<E: Error>(&self, number: Option<&Number>) -> Result<Slot<'l>, E> {
        let name = self.name;
        let value = number.and_then(kept).map(Slot::Number);
        value.ok_or_else(|| E::custom(format_args!("attribute `{name}` is {NOT_KEPT}{HELP}{QUOTE_IT}")))
    }
}

impl<'l> DeserializeSeed<'l> for ValueSeed<'_, 'l> {
    type Value = Slot<'l>;

    fn deserialize<D: Deserializer<'l>>(self, deserializer: D) -> Result<Slot<'l>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'l> Visitor<'l> for ValueSeed<'_, 'l> {
    type Value = Slot<'l>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string, a number, a boolean or a list of strings")
    }

    fn visit_borrowed_str<E>(self, text: &'l str) -> Result<Slot<'l>, E> {
        Ok(Slot::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Slot<'l>, E> {
        Ok(if self.items.is_some() { Slot::Text(Cow::Owned(text.to_owned())) } else { Slot::Absent })
    }

    fn visit_unit<E>(self) -> Result<Slot<'l>, E> {
        Ok(Slot::Absent)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Slot<'l>, E> {
        Ok(Slot::Bool(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Slot<'l>, E> {
        self.number(Number::from_f64(value).as_ref())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Slot<'l>, E> {
        self.number(Some(&value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Slot<'l>, E> {
        self.number(Some(&value.into()))
    }

    fn visit_map<A: MapAccess<'l>>(self, _: A) -> Result<Slot<'l>, A::Error> {
        let name = self.name;
        Err(A::Error::custom(format_args!(
            "attribute `{name}` is an object{HELP}flatten it: {{\"{name}.country\": \"DE\"}}"
        )))
    }

    fn visit_seq<A: SeqAccess<'l>>(self, mut list: A) -> Result<Slot<'l>, A::Error> {
        let Some(items) = self.items else {
            while list.next_element_seed(ItemSeed { name: self.name })?.is_some() {}
            return Ok(Slot::Absent);
        };
        let start = items.len();
        while let Some(item) = list.next_element_seed(ItemSeed { name: self.name })? {
            items.push(item);
        }
        Ok(Slot::List(start, items.len()))
    }
}

/// A member of a list: text.
struct ItemSeed<'p> {
    name: &'p str,
}

impl ItemSeed<'_> {
    fn refuse<T, E: Error>(&self, kind: &str) -> Result<T, E> {
        let name = self.name;
        Err(E::custom(format_args!(
            "attribute `{name}` is a list with {kind} in it{HELP}put only strings in it: [\"a\", \"b\"]"
        )))
    }
}

impl<'l> DeserializeSeed<'l> for ItemSeed<'_> {
    type Value = Cow<'l, str>;

    fn deserialize<D: Deserializer<'l>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'l> Visitor<'l> for ItemSeed<'_> {
    type Value = Cow<'l, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'l str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        self.refuse("null")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        self.refuse("a boolean")
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        self.refuse("a number")
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        self.refuse("a number")
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        self.refuse("a number")
    }

    fn visit_map<A: MapAccess<'l>>(self, _: A) -> Result<Self::Value, A::Error> {
        self.refuse("an object")
    }

    fn visit_seq<A: SeqAccess<'l>>(self, _: A) -> Result<Self::Value, A::Error> {
        self.refuse("a list")
    }
}
