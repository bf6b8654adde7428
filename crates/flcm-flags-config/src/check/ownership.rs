//! What a document says about its flags for people: owner and tags.

use std::collections::HashSet;

use super::Checker;
use crate::diagnostics::Path;
use crate::limits;
use crate::parse::document::Flag;

impl Checker<'_> {
    pub(super) fn owner(&mut self, flag: &Flag, path: Path<'_>) -> Option<String> {
        let owner = flag.owner.as_ref()?;
        self.name(owner, path.key("owner"));
        Some(owner.value.clone())
    }

    pub(super) fn tags(&mut self, flag: &Flag, path: Path<'_>) -> Vec<String> {
        let Some(tags) = &flag.tags else { return Vec::new() };
        let path = path.key("tags");
        self.limit(tags.value.len(), limits::TAGS, tags.span, path, "limit-tags", "tags");
        let mut seen = HashSet::new();
        for (index, tag) in tags.value.iter().enumerate() {
            self.name(tag, path.index(index));
            if !seen.insert(&tag.value) {
                let message = format!("the tag `{}` is given twice", tag.value);
                let problem = self.diagnostics.error(tag.span, path.index(index), "duplicate-name", message);
                problem.help("keep one of them");
            }
        }
        tags.value.iter().map(|tag| tag.value.clone()).collect()
    }
}
