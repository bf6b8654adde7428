//! Names and string literals in TypeScript.

use crate::style::shown;

/// The name of a property, quoted unless it is an identifier. Reserved words may name properties.
pub(super) fn property(name: &str) -> String {
    let is_head = |character: char| character.is_ascii_alphabetic() || matches!(character, '_' | '$');
    let is_tail = |character: char| is_head(character) || character.is_ascii_digit();
    let is_identifier = name.starts_with(is_head) && name.chars().all(is_tail);
    if is_identifier { name.to_owned() } else { quoted(name) }
}

/// A string literal. Control characters, and those that change the direction of text, are escaped in a way that Rust
/// and TypeScript share: `\u{1b}`.
pub(super) fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n");
    format!("'{}'", shown(&escaped))
}

#[cfg(test)]
mod tests {
    use super::{property, quoted};

    #[test]
    fn only_identifiers_go_unquoted() {
        for name in ["a", "_a1", "$", "class", "constructor"] {
            assert_eq!(property(name), name);
        }
        for name in ["", "1", "a-b", "a.b", "größe", "a b"] {
            assert_eq!(property(name), format!("'{name}'"));
        }
    }

    #[test]
    fn what_ends_or_hides_a_literal_is_escaped() {
        assert_eq!(quoted("it's \\ \"so\""), r#"'it\'s \\ "so"'"#);
        assert_eq!(quoted("a\nb\r\t\u{2028}\u{202e}"), r"'a\nb\u{d}\u{9}\u{2028}\u{202e}'");
        assert_eq!(quoted("größe 🚀 ${x}"), "'größe 🚀 ${x}'");
    }
}
