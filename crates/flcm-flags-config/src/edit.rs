//! Changes values in the text of a document: comments, order and layout stay.
//!
//! Each edit is proven: the new text is parsed, and must give the old tree with the edit applied, and the old comments
//! except those that were removed. An edit that cannot be proven, or for which the text is written in an unusual way,
//! is declined with its reason and place.
//!
//! ```
//! use flcm_flags_config::edit::{Edit, edit, path};
//!
//! let text = "flags:\n  beta:\n    rollout: { percentage: 10 } # ask anna first\n";
//! let path = path("flags.beta.rollout.percentage")?;
//! let edited = edit(text, &[Edit::Set { path, value: 25.into() }]).unwrap();
//! assert_eq!(edited.text, "flags:\n  beta:\n    rollout: { percentage: 25 } # ask anna first\n");
//! # Ok::<(), String>(())
//! ```

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::diagnostics::{Lines, Span, TextRange};
use crate::limits;

mod changed;
mod draft;
mod insert;
mod order;
mod path;
mod place;
mod plan;
mod remove;
mod reorder;
mod replace;
mod tree;
mod write;

pub use changed::LineRange;
pub use path::{Step, path};

use draft::Draft;

/// One change of a document.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "op", rename_all = "lowercase", deny_unknown_fields)]
pub enum Edit {
    /// Adds a value to a map or a list.
    Insert {
        /// The map or list.
        path: Vec<Step>,
        /// The new key of a map.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        /// The place in a list; left out for its end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        index: Option<usize>,
        /// What is added.
        value: Value,
    },
    /// Gives an item another place in its list, or an entry in its map.
    Move {
        /// The item.
        path: Vec<Step>,
        /// Its new place, from 0.
        index: usize,
    },
    /// Removes an item or an entry, with its comments. In brackets, where others stand on its lines, comments beside
    /// and above them stay.
    Remove {
        /// What is removed.
        path: Vec<Step>,
    },
    /// Gives an entry of a map another key.
    Rename {
        /// The entry.
        path: Vec<Step>,
        /// Its new key.
        key: String,
    },
    /// Gives a key another value; a key that is not there is added, and the maps around it as well.
    Set {
        /// The key, or the item of a list.
        path: Vec<Step>,
        /// The new value. What stays the same of a list or a map is not written again.
        value: Value,
    },
}

/// A text with edits applied.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Edited {
    /// The new text.
    pub text: String,
    /// The lines of the new text that are different, in order.
    pub changed: Vec<LineRange>,
}

/// An edit that was not applied. None of the others was applied either.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Declined {
    /// Which one, from 0.
    pub edit: usize,
    /// Why.
    pub reason: Reason,
    /// Why, in a sentence.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// Where, in the text that the edits before it gave.
    pub at: TextRange,
}

/// Why an edit is declined.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// An alias repeats the value, or stands in its place.
    Alias,
    /// Comments inside the value would be lost.
    Comments,
    /// The key stands beside the dash of a list, and others follow below.
    Dash,
    /// The key is given twice.
    Duplicate,
    /// The new key is taken.
    Exists,
    /// The text is written in a way that this edit does not know.
    Layout,
    /// Too many edits, or a value that is too large.
    Limit,
    /// There is nothing at the path.
    Missing,
    /// It is the only item of its list, or the only entry of its map.
    OnlyChild,
    /// The new text would not say what was meant.
    Proof,
    /// The text cannot be read.
    Syntax,
    /// The indentation has tabs.
    Tabs,
    /// The path leads through a value that is no map or list.
    Type,
}

/// Why, and where in the text.
#[derive(Debug)]
struct Refused {
    reason: Reason,
    message: String,
    at: Span,
}

type Result<T> = std::result::Result<T, Refused>;

fn refuse<T>(reason: Reason, at: Span, message: impl Into<String>) -> Result<T> {
    Err(Refused { reason, message: message.into(), at })
}

/// Applies edits one after the other, each to what the one before it gave.
///
/// # Errors
/// An edit that is declined. Then none is applied.
pub fn edit(text: &str, edits: &[Edit]) -> std::result::Result<Edited, Declined> {
    let declined = |edit, refused: Refused, text: &str| {
        let Refused { reason, message, at } = refused;
        let help = reason.help().to_owned();
        Declined { edit, reason, message, help, at: Lines::new(text).range(at) }
    };
    if edits.len() > limits::EDITS {
        let message = format!("{} edits are more than the limit of {}", edits.len(), limits::EDITS);
        return Err(declined(limits::EDITS, Refused { reason: Reason::Limit, message, at: Span::default() }, text));
    }
    let mut draft = Draft::new(text).map_err(|refused| declined(0, refused, text))?;
    for (index, edit) in edits.iter().enumerate() {
        draft.apply(edit).map_err(|refused| declined(index, refused, &draft.text))?;
    }
    Ok(Edited { text: draft.text, changed: draft.changed.0 })
}

impl Reason {
    /// Its name, such as `only-child`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alias => "alias",
            Self::Comments => "comments",
            Self::Dash => "dash",
            Self::Duplicate => "duplicate",
            Self::Exists => "exists",
            Self::Layout => "layout",
            Self::Limit => "limit",
            Self::Missing => "missing",
            Self::OnlyChild => "only-child",
            Self::Proof => "proof",
            Self::Syntax => "syntax",
            Self::Tabs => "tabs",
            Self::Type => "type",
        }
    }

    const fn help(self) -> &'static str {
        match self {
            Self::Alias => "change the text where the anchor `&` stands, or write the value out",
            Self::Comments | Self::Layout | Self::Proof | Self::Dash => "edit the text by hand at this place",
            Self::Duplicate => "remove one of the two keys",
            Self::Exists => "choose another key",
            Self::Limit => "apply fewer edits at once, or smaller values",
            Self::Missing => "check the spelling of the path",
            Self::OnlyChild => "remove what it stands in",
            Self::Syntax => "repair the text first: `flcm check` shows what is wrong",
            Self::Tabs => "indent with spaces",
            Self::Type => "check the path: only maps have keys, and only lists have places",
        }
    }
}
