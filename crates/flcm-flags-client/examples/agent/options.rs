//! Options as the suite writes them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use flcm_flags_client::Options;
use serde::Deserialize;

/// The options of `@flcm/features`, as far as they are data. What this host does not have is an error, so that no test
/// is passed by an option that nobody reads.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct AgentOptions {
    url: Option<String>,
    document_url: Option<String>,
    file: Option<PathBuf>,
    document: Option<String>,
    /// In base64.
    snapshot: Option<String>,
    trust: Vec<String>,
    audience: String,
    strict: bool,
    key: Option<String>,
    headers: BTreeMap<String, String>,
    init_timeout_ms: Option<f64>,
    poll_interval_ms: Option<f64>,
    fetch_timeout_ms: Option<f64>,
    max_bytes: Option<usize>,
    stale_after_ms: Option<f64>,
    stream: Option<bool>,
    stream_silence_ms: Option<f64>,
    stream_spread_ms: Option<f64>,
    cache: Option<PathBuf>,
    metrics: Option<bool>,
    flush_interval_ms: Option<f64>,
    instance: Option<u64>,
}

impl AgentOptions {
    /// The same for this host; what was left out is as it always is.
    pub(crate) fn options(self) -> Options {
        let usual = Options::default();
        let ms = |given: Option<f64>, usual: Duration| given.map_or(usual, duration);
        Options {
            url: self.url,
            document_url: self.document_url,
            file: self.file,
            document: self.document,
            snapshot: self.snapshot.map(|text| BASE64.decode(text).expect("base64")),
            trust: self.trust,
            audience: self.audience,
            strict: self.strict,
            key: self.key,
            headers: self.headers.into_iter().collect(),
            init_timeout: ms(self.init_timeout_ms, usual.init_timeout),
            poll_interval: ms(self.poll_interval_ms, usual.poll_interval),
            fetch_timeout: ms(self.fetch_timeout_ms, usual.fetch_timeout),
            max_bytes: self.max_bytes.unwrap_or(usual.max_bytes),
            stale_after: self.stale_after_ms.map(duration),
            stream: self.stream.unwrap_or(usual.stream),
            stream_silence: ms(self.stream_silence_ms, usual.stream_silence),
            stream_spread: ms(self.stream_spread_ms, usual.stream_spread),
            cache: self.cache,
            metrics: self.metrics.unwrap_or(usual.metrics),
            flush_interval: ms(self.flush_interval_ms, usual.flush_interval),
            instance: self.instance,
            ..usual
        }
    }
}

/// Milliseconds as a duration, to the nanosecond: a test passes exactly what a timer reports to wait.
pub(crate) fn duration(ms: f64) -> Duration {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "negative ones are none")]
    let nanoseconds = (ms * 1e6).round() as u64;
    Duration::from_nanos(nanoseconds)
}

/// The same in milliseconds.
pub(crate) fn millis(duration: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a hundred days fit")]
    let nanoseconds = duration.as_nanos() as f64;
    nanoseconds / 1e6
}
