//! Choices that a document makes by a word: the parser reads them, and the schema lists them.

use std::borrow::Cow;
use std::marker::PhantomData;

use flcm_flags::{Action, Detector, Operator, Recovery, Shared};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// The operators of conditions, as documents write them.
pub(crate) const OPERATORS: [(&str, Operator); 22] = [
    ("==", Operator::Equal),
    ("!=", Operator::NotEqual),
    (">", Operator::Greater),
    (">=", Operator::GreaterEqual),
    ("<", Operator::Less),
    ("<=", Operator::LessEqual),
    ("in", Operator::In),
    ("not_in", Operator::NotIn),
    ("contains", Operator::Contains),
    ("not_contains", Operator::NotContains),
    ("starts_with", Operator::StartsWith),
    ("ends_with", Operator::EndsWith),
    ("matches", Operator::Matches),
    ("before", Operator::Before),
    ("after", Operator::After),
    ("semver_eq", Operator::SemverEqual),
    ("semver_gt", Operator::SemverGreater),
    ("semver_gte", Operator::SemverGreaterEqual),
    ("semver_lt", Operator::SemverLess),
    ("semver_lte", Operator::SemverLessEqual),
    ("exists", Operator::Exists),
    ("not_exists", Operator::NotExists),
];

/// A choice that is made by a word.
pub(crate) trait Word: Copy {
    /// The key that takes it.
    const KEY: &'static str;
    /// The code of an unknown word.
    const UNKNOWN: &'static str = "unknown-word";

    /// Each word, and what it stands for.
    fn words() -> impl Iterator<Item = (&'static str, Self)>;
}

/// The core's own choices: it has their words, too.
macro_rules! words_of_the_core {
    ($($name:ident = $key:literal,)*) => {
        $(impl Word for $name {
            const KEY: &'static str = $key;

            fn words() -> impl Iterator<Item = (&'static str, Self)> {
                Self::ALL.iter().map(|one| (one.as_str(), *one))
            }
        })*
    };
}

words_of_the_core! {
    Action = "action",
    Detector = "detector",
    Recovery = "recovery",
    Shared = "shared",
}

/// Describes the words of a choice to the schema.
pub(crate) struct OneOf<T>(PhantomData<T>);

impl<T: Word> JsonSchema for OneOf<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::KEY.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<&str> = T::words().map(|(word, _)| word).collect();
        json_schema!({ "type": "string", "enum": words })
    }
}
