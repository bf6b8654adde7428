//! Paths of values.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A step of a path: a key of a map, or a place in a list.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(untagged)]
pub enum Step {
    /// A place in a list, from 0.
    Index(usize),
    /// A key of a map.
    Key(String),
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// Reads a path as people write it: keys with dots between them, and places in brackets, such as
/// `flags.beta.rules[0].percentage`. A key may stand in double
/// quotes, and must if it has a dot or a bracket: `flags."a.b".enabled`. Inside them `\"` is a quote.
///
/// # Errors
/// What is wrong with the path.
///
/// ```
/// use flcm_flags_config::edit::{Step, path};
///
/// let steps = path(r#"flags."a.b".rules[0]"#)?;
/// assert_eq!(steps, [Step::from("flags"), "a.b".into(), "rules".into(), 0.into()]);
/// # Ok::<(), String>(())
/// ```
pub fn path(text: &str) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    let mut rest = text;
    loop {
        if let Some(inside) = rest.strip_prefix('[') {
            let (index, after) = inside.split_once(']').ok_or_else(|| format!("`]` is missing in `{text}`"))?;
            let index = index.parse().map_err(|_| format!("`{index}` is no place of a list: write a number from 0"))?;
            steps.push(Step::Index(index));
            rest = after;
        } else {
            let (key, after) = key(rest).ok_or_else(|| format!("a key is missing in `{text}` before `{rest}`"))?;
            steps.push(Step::Key(key));
            rest = after;
        }
        match rest.chars().next() {
            None => return Ok(steps),
            Some('[') => {}
            Some('.') => rest = &rest[1..],
            Some(_) => return Err(format!("a dot is missing in `{text}` before `{rest}`")),
        }
    }
}

/// The key at the beginning of a text, and what follows it.
fn key(text: &str) -> Option<(String, &str)> {
    if !text.starts_with('"') {
        let end = text.find(['.', '[']).unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_owned(), &text[end..]));
    }
    // JSON's quotes and escapes.
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<String>();
    let key = values.next()?.ok()?;
    Some((key, &text[values.byte_offset()..]))
}

/// The path as [`path`] reads it.
pub(super) fn display(steps: &[Step]) -> String {
    Display(steps).to_string()
}

struct Display<'s>(&'s [Step]);

impl fmt::Display for Display<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            let dot = if index > 0 { "." } else { "" };
            match step {
                Step::Index(index) => write!(formatter, "[{index}]")?,
                Step::Key(key) if key.is_empty() || key.contains(['.', '[', '"']) => {
                    write!(formatter, "{dot}{}", serde_json::Value::from(key.as_str()))?;
                }
                Step::Key(key) => write!(formatter, "{dot}{key}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{display, path};

    #[test]
    fn a_path_reads_back_as_it_is_shown() {
        for text in ["flags.a", "a[0].b[12]", r#"flags."a.b"."""#, r#""a\"[".b"#, "[1][2]", "flags.größe x.y"] {
            assert_eq!(display(&path(text).unwrap()), text);
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in ["", ".a", "a.", "a..b", "a[", "a[x]", "a[-1]", "a[0]b", r#""a"#, r#""a"b"#] {
            assert!(path(text).is_err(), "{text}");
        }
    }
}
