//! Fixes of warnings about what can be left out: a key without effect, a user who is listed twice.

use std::collections::BTreeSet;

use crate::diagnostics::{Diagnostics, Edit};
use crate::parse::document::Document;

/// Removes keys without effect. Where something is inherited nothing is certain: the key may have an effect elsewhere.
pub(super) fn keys(document: &Document, text: &str, diagnostics: &mut Diagnostics) {
    let mut all = document.flags.0.iter().chain(&document.templates.0);
    if all.any(|(_, flag)| flag.extends.is_some()) {
        return;
    }
    let is_redundant = |code| matches!(code, "rollout-without-effect" | "threshold-without-effect");
    let found = diagnostics.iter().filter(|problem| is_redundant(problem.code));
    let paths: BTreeSet<String> = found.map(|problem| problem.path.clone()).collect();
    for problem in diagnostics.since(0).iter_mut().filter(|problem| is_redundant(problem.code)) {
        let Some((parent, key)) = problem.path.rsplit_once('.') else { continue };
        // A map that has no effect as a whole would be empty. Without `rollout` the flag may have no rule for everyone.
        if !paths.contains(parent) && key != "rollout" {
            let removed = Edit::remove_entry(text, key, problem.span);
            problem.fix(removed);
        }
    }
}
