//! Names of flags, templates, cohorts, variants, rules and attributes, and ids of users.

use super::Checker;
use crate::diagnostics::Path;
use crate::limits;
use crate::parse::document::{At, Document, Entries, Flag};

impl Checker<'_> {
    pub(super) fn all_names(&mut self, document: &Document) {
        self.names(&document.templates, "templates");
        self.names(&document.flags, "flags");
        self.names(&document.cohorts, "cohorts");
        for (key, _) in &document.flags.0 {
            self.fits_into_urls(key, Path::Root.key("flags").key(&key.value));
        }
    }

    fn names<T>(&mut self, entries: &Entries<T>, key: &str) {
        for (name, _) in &entries.0 {
            self.name(name, Path::Root.key(key).key(&name.value));
        }
    }

    /// A name: 1 to 256 bytes without control characters.
    pub(super) fn name(&mut self, name: &At<String>, path: Path<'_>) {
        let problem = match name.value.len() {
            0 => "a name must not be empty".to_owned(),
            length if length > limits::NAME_BYTES => {
                format!("the name has {length} bytes, more than the limit of {}", limits::NAME_BYTES)
            }
            _ if name.value.chars().any(char::is_control) => "a name must not have control characters".to_owned(),
            _ => return self.visible(name, path),
        };
        self.diagnostics.error(name.span, path, "wrong-name", problem).help("use 1 to 256 bytes of printable text");
    }

    /// Warns about ids of users and attributes of a flag, other than in its conditions.
    pub(super) fn visible_ids(&mut self, flag: &Flag, path: Path<'_>) {
        for (user, _) in flag.overrides.iter().flat_map(|overrides| &overrides.0) {
            self.visible(user, path.key("overrides").key(&user.value));
        }
        if let Some(by) = flag.rollout.as_ref().and_then(|rollout| rollout.value.by.as_ref()) {
            self.visible(by, path.key("rollout").key("by"));
        }
    }

    /// Warns about characters that nobody sees: a name that was pasted with one equals no other that looks like it.
    pub(super) fn visible(&mut self, text: &At<String>, path: Path<'_>) {
        if let Some(invisible) = invisible(&text.value) {
            let message = format!("`{}` has the invisible character U+{:04X}", text.value, u32::from(invisible));
            let problem = self.diagnostics.warn(text.span, path, "invisible-character", message);
            problem.help("type it again, without what cannot be seen");
        }
    }

    /// OFREP writes the key into the path of a URL, and not all providers escape it.
    fn fits_into_urls(&mut self, key: &At<String>, path: Path<'_>) {
        let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:@!$&'()*+,;=".contains(&byte);
        if !key.value.bytes().all(is_safe) || matches!(key.value.as_str(), "." | "..") {
            let message = format!("`{}` needs escapes in a URL, and some OFREP providers write none", key.value);
            let problem = self.diagnostics.warn(key.span, path, "key-not-url-safe", message);
            problem.help("use letters, digits, `-`, `_` and `.`");
        }
    }
}

/// The first character that cannot be seen. Joiners are part of emoji and of some scripts, but not of ASCII.
fn invisible(text: &str) -> Option<char> {
    if text.is_ascii() {
        return None;
    }
    let mut before = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let joins = |neighbour: Option<char>| neighbour.is_some_and(|neighbour| !neighbour.is_ascii());
        match character {
            '\u{ad}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'..='\u{200f}'
            | '\u{feff}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2064}'
            | '\u{2066}'..='\u{2069}' => return Some(character),
            '\u{200c}' | '\u{200d}' if !(joins(before) && joins(characters.peek().copied())) => return Some(character),
            _ => before = Some(character),
        }
    }
    None
}
