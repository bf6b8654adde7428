//! How a key is used, since the server was started.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use utoipa::ToSchema;

use super::Key;

/// Counts the requests of a key.
#[derive(Debug, Default)]
pub(super) struct Usage {
    requests: AtomicU64,
    /// In milliseconds since 1970; 0 for a key that was not used.
    last: AtomicU64,
}

/// A key, and how it is used.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeyReport<'k> {
    /// Who uses it.
    name: &'k str,
    /// Its role.
    role: &'static str,
    /// Requests a second that it may make; `null` without a limit.
    #[schema(value_type = Option<u32>)]
    limit: Option<NonZeroU32>,
    /// When it ends to be valid, in milliseconds since 1970.
    expires: Option<u64>,
    /// When it was used last since the server was started, in milliseconds since 1970.
    last_used: Option<u64>,
    /// Its requests since the server was started.
    requests: u64,
}

impl Usage {
    pub(super) fn note(&self, at: u64) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.last.fetch_max(at, Ordering::Relaxed);
    }
}

impl<'k> KeyReport<'k> {
    pub(super) fn of(key: &'k Key) -> Self {
        let last = key.usage.last.load(Ordering::Relaxed);
        Self {
            name: &key.name,
            role: key.role.as_str(),
            limit: key.limit,
            expires: key.expires,
            last_used: (last > 0).then_some(last),
            requests: key.usage.requests.load(Ordering::Relaxed),
        }
    }
}
