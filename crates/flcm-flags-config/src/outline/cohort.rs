//! What a cohort says, value by value, and who names it.

use serde::Serialize;

use super::{Layer, Reference, Walk, Written, entry, references};
use crate::check::inherit;
use crate::diagnostics::{Diagnostics, Lines, Span, TextRange};
use crate::parse::document::{At, Document};
use crate::parse::source;

/// A cohort of a document.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CohortOutline {
    /// Its name.
    pub cohort: String,
    /// The whole cohort in the text, from its name on.
    pub range: TextRange,
    /// Its values, lists and maps before what they contain. A cohort inherits nothing.
    pub values: Vec<Written>,
    /// The cohorts that it names.
    pub cohorts: Vec<Reference>,
    /// The cohorts that name it.
    pub dependent_cohorts: Vec<Reference>,
    /// The flags that name it themselves, not through another cohort.
    pub dependents: Vec<Reference>,
}

/// Describes a cohort. `None` if the text cannot be read, or has no such cohort. The document may have errors.
///
/// ```
/// use flcm_flags_config::outline;
///
/// let text = "cohorts: { staff: { users: [anna] } }\nflags: { beta: { conditions: [{ cohort: staff }] } }\n";
/// let outline = outline::cohort(text, "staff").unwrap();
/// assert_eq!(outline.values[1].value, Some("anna".into()));
/// assert_eq!(outline.dependents[0].name, "beta");
/// ```
#[must_use]
pub fn cohort(text: &str, name: &str) -> Option<CohortOutline> {
    let mut ignored = Diagnostics::default();
    let tree = source::parse(text, &mut ignored)?;
    let (key, node) = entry(&tree.root, "cohorts", name)?;
    let mut lines = Lines::new(text);
    let layer = Layer { path: vec!["cohorts".into(), name.into()], node };
    let values = Walk::values(&mut lines, &[layer]);
    let range = lines.range(Span { start: key.span.start, end: node.end_after(key, text) });
    let mut outline = CohortOutline {
        cohort: name.to_owned(),
        range,
        values,
        cohorts: Vec::new(),
        dependent_cohorts: Vec::new(),
        dependents: Vec::new(),
    };
    if let Some(document) = Document::parse(text, false, &mut ignored) {
        outline.refer(&document, &mut lines);
    }
    Some(outline)
}

impl CohortOutline {
    fn refer(&mut self, document: &Document, lines: &mut Lines<'_>) {
        let mut reference = |name: &str, span| Reference { name: name.to_owned(), range: lines.range(span) };
        for (key, cohort) in &document.cohorts.0 {
            let named = references::of_cohort(cohort);
            if key.value == self.cohort {
                self.cohorts = named.iter().map(|named| reference(&named.value, named.span)).collect();
            }
            let places = named.iter().filter(|named| named.value == self.cohort);
            self.dependent_cohorts.extend(places.map(|named| reference(&key.value, named.span)));
        }
        for (At { value: key, .. }, flag) in &inherit::flatten(document, &mut Diagnostics::default()) {
            let places = references::cohorts(flag).into_iter().filter(|named| named.value == self.cohort);
            self.dependents.extend(places.map(|named| reference(key, named.span)));
        }
    }
}
