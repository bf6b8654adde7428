//! Choices that a document makes by a word: the parser reads them, and the schema lists them.

use std::borrow::Cow;
use std::marker::PhantomData;

use flcm_flags::{Action, Detector, Recovery, Shared};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::document::{Budget, Ramp};

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

impl Word for Budget {
    const KEY: &'static str = "budget";

    fn words() -> impl Iterator<Item = (&'static str, Self)> {
        [("fast", Self(0.01)), ("strict", Self(0.0001))].into_iter()
    }
}

impl Word for Ramp {
    const KEY: &'static str = "ramp";
    const UNKNOWN: &'static str = "unknown-ramp";

    fn words() -> impl Iterator<Item = (&'static str, Self)> {
        [("step", Self::Step), ("linear", Self::Linear)].into_iter()
    }
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
