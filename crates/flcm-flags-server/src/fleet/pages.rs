//! Outcomes that pages report: evidence for the breaker of pages where the document names them, and otherwise only
//! counted.

use std::collections::BTreeSet;

use flcm_flags::{Counts, FlagId, Millis, Source};
use flcm_flags_host::{Page, SourcedTransition};

use super::Fleet;
/// Flags with a threshold of which pages report outcomes that are no evidence. At most those of the document.
#[derive(Debug, Default)]
pub(super) struct Ignored(BTreeSet<String>);

impl Ignored {
    pub(super) fn contains(&self, flag: &str) -> bool {
        self.0.contains(flag)
    }

    /// Forgets all: another document may name other sources.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    fn note(&mut self, flag: &str) {
        if !self.0.contains(flag) {
            tracing::info!(flag, "pages report outcomes of this flag, which are no evidence for its threshold: {HINT}");
            self.0.insert(flag.to_owned());
        }
    }
}

/// What to do about outcomes of pages that are no evidence.
pub(crate) const HINT: &str =
    "add `evidence: [servers, pages]` to its `error_threshold`, or `[pages]` if no server decides it";

impl Fleet {
    /// Gives outcomes to the breaker that weighs those of their sender.
    pub(super) fn weigh(
        &mut self,
        (key, flag): (&str, FlagId),
        counts: &Counts,
        page: Option<&Page>,
        now: Millis,
        transitions: &mut Vec<SourcedTransition>,
    ) {
        if let Some(page) = page {
            let is_source = self.guards.record_page(flag, counts, page, now);
            if !is_source {
                self.ignored.note(key);
            }
        } else if self.guards.breaker_of(Source::Servers, flag).is_some() {
            self.guards.record(&self.published.snapshot, flag, counts, now, transitions);
        }
    }
}
