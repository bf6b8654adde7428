//! What makes requests, and what each of them carries.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderMap;

use crate::clock::Clock;

pub(crate) mod request;

/// What makes requests, and what each of them carries.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    pub(crate) client: reqwest::Client,
    pub(crate) headers: HeaderMap,
    pub(crate) timeout: Duration,
    pub(crate) max_bytes: usize,
    pub(crate) clock: Arc<dyn Clock>,
}
