//! What the server counts about itself, for `GET /metrics`.

use std::sync::atomic::{AtomicU64, Ordering};

/// What the server counts about itself.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) batches: Counter,
    pub(crate) repeated: Counter,
    pub(crate) gaps: Counter,
    pub(crate) invalid: Counter,
    pub(crate) unknown_flags: Counter,
    pub(crate) store_failures: Counter,
    pub(crate) refused_documents: Counter,
    pub(crate) refused_connections: Counter,
    pub(crate) denied: Counter,
    pub(crate) connections: Counter,
    pub(crate) streams: Counter,
    pub(crate) delivered: Counter,
    pub(crate) undelivered: Counter,
}

/// A number that many threads count up and down.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    pub(crate) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn subtract(&self, amount: u64) {
        self.0.fetch_sub(amount, Ordering::Relaxed);
    }
}
