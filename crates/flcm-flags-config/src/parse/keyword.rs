//! Keywords of documents, such as `detector: evidence`: the parser reads them, and the schema lists them.

use std::borrow::Cow;
use std::marker::PhantomData;

use flcm_flags::{Action, Detector, Operator, Recovery, Shared, Source};
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

/// A type whose values are written as keywords.
pub(crate) trait Keyword: Copy {
    /// The key that takes it.
    const KEY: &'static str;
    /// The code of the diagnostic for an unknown keyword.
    const UNKNOWN: &'static str = "unknown-word";

    /// Each keyword, and its value.
    fn keywords() -> impl Iterator<Item = (&'static str, Self)>;
}

/// Types of the core, which also defines their keywords.
macro_rules! keywords_of_the_core {
    ($($name:ident = $key:literal,)*) => {
        $(impl Keyword for $name {
            const KEY: &'static str = $key;

            fn keywords() -> impl Iterator<Item = (&'static str, Self)> {
                Self::ALL.iter().map(|one| (one.as_str(), *one))
            }
        })*
    };
}

keywords_of_the_core! {
    Action = "action",
    Detector = "detector",
    Recovery = "recovery",
    Shared = "shared",
    Source = "evidence",
}

/// Lists the keywords of a type in the schema.
pub(crate) struct OneOf<T>(PhantomData<T>);

impl<T: Keyword> JsonSchema for OneOf<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::KEY.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let keywords: Vec<&str> = T::keywords().map(|(keyword, _)| keyword).collect();
        json_schema!({ "type": "string", "enum": keywords })
    }
}
