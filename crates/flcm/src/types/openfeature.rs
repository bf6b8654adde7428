//! The flag keys that `OpenFeature`'s clients may request, by type.

use std::fmt::Write as _;

use flcm_flags_config::config::{Config, Value};

use super::served;
use super::text::quoted;

type IsKind = fn(&Value) -> bool;

/// `OpenFeature`'s names of types, and whether a value has that type. Lists are objects.
const KINDS: [(&str, IsKind); 4] = [
    ("BooleanFlagKey", |value| matches!(value, Value::Bool(_))),
    ("StringFlagKey", |value| matches!(value, Value::String(_))),
    ("NumberFlagKey", |value| matches!(value, Value::Number(_))),
    ("ObjectFlagKey", |value| matches!(value, Value::Json(_))),
];

/// The start of the file. Without the import the declaration would replace the package's own types.
const HEAD: &str = "\
import '@openfeature/core';

/**
 * The keys that OpenFeature's clients may ask for. A flag that serves values of several types, such as `false` while it
 * is off and a text while it is on, stands under each of them.
 */
declare module '@openfeature/core' {
";

// Writing to a string cannot fail: the errors of `write!` are dropped below.
pub(super) fn declarations(config: &Config) -> String {
    let mut text = HEAD.to_owned();
    for (name, is_kind) in KINDS {
        let _ = write!(text, "  export type {name} =");
        let length = text.len();
        for (key, _) in config.flags.iter().filter(|(_, flag)| served(flag).any(is_kind)) {
            let _ = write!(text, "\n    | {}", quoted(key));
        }
        text.push_str(if text.len() == length { " never;\n" } else { ";\n" });
    }
    text.push_str("}\n");
    text
}
