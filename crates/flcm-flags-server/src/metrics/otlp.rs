//! Pushes metrics to a collector of OpenTelemetry. Values are cumulative, so the next push makes up for a lost one, and
//! nothing waits for a collector that is down.

use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use prost::Message;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Response};
use tokio::sync::oneshot;

use crate::clock::wall;
use crate::error::StartError;
use crate::gzip::gzip;
use crate::metrics::catalog;
use crate::options::Otlp;
use crate::retry::{BackOff, retry_after};
use crate::state::App;
use crate::tls;

mod encoder;

use encoder::OtlpEncoder;

/// The time limit of a push; the last one, for which the shutdown waits, has less time.
const TIMEOUT: Duration = Duration::from_secs(10);
const LAST: Duration = Duration::from_secs(3);

/// Waits after failed pushes double up to this, unless the interval is longer.
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// So much of a response is read: a short text about what was rejected.
const ANSWER_BYTES: usize = 16 << 10;

/// Pushes metrics at an interval.
#[derive(Debug)]
pub(crate) struct Pusher {
    app: Arc<App>,
    client: Client,
    url: String,
    resource: Arc<[(String, String)]>,
    interval: Duration,
    /// When the counts of hosts and those of the server began at zero, in milliseconds since 1970.
    since: (u64, u64),
}

/// Why a push failed.
#[derive(Debug)]
struct Failure {
    what: String,
    asked: Option<Duration>,
}

impl Pusher {
    /// `began` is when the database was created.
    pub(crate) fn new(otlp: Otlp, app: Arc<App>, began: u64) -> Result<Self, StartError> {
        let headers = headers(&otlp.headers)?;
        let client = tls::client(TIMEOUT).default_headers(headers).build();
        let client = client.map_err(|error| {
            StartError::other(
                format!("cannot make a client for the collector: {error}"),
                "check the system's certificates",
            )
        })?;
        let url = format!("{}/v1/metrics", otlp.endpoint.trim_end_matches('/'));
        let interval = Duration::from_millis(otlp.interval_ms);
        Ok(Self { app, client, url, resource: otlp.resource.into(), interval, since: (began, wall()) })
    }

    /// Pushes until it is stopped, and then once more.
    pub(crate) async fn run(self, mut stop: oneshot::Receiver<()>) {
        let (mut health, mut failures) = (Health::default(), 0);
        let mut wait = self.interval;
        loop {
            let next = async {
                tokio::time::sleep(wait).await;
                self.push().await
            };
            let pushed = tokio::select! {
                pushed = next => pushed,
                _ = &mut stop => break,
            };
            failures = if pushed.is_ok() { 0 } else { failures + 1 };
            let asked = pushed.as_ref().err().and_then(|failure| failure.asked);
            wait = wait_after(self.interval, failures, asked);
            health.follow(pushed);
        }
        let last = tokio::time::timeout(LAST, self.push()).await;
        health.follow(last.unwrap_or_else(|_| Err(Failure::new("the collector does not answer"))));
    }

    /// Returns what the collector has rejected, if it reports that.
    async fn push(&self) -> Result<String, Failure> {
        let snapshot =
            self.app.fleet.metrics_snapshot().await.map_err(|_| Failure::new("the fleet does not answer"))?;
        let (app, resource, (began, started)) = (Arc::clone(&self.app), Arc::clone(&self.resource), self.since);
        let body = tokio::task::spawn_blocking(move || {
            let mut encoder = OtlpEncoder::new(nanoseconds(began), nanoseconds(wall().max(began).max(started)));
            catalog::of_hosts(&snapshot, &mut encoder);
            encoder.since = nanoseconds(started);
            catalog::of_server(&app, &snapshot, &mut encoder);
            gzip(&encoder.finish(&resource).encode_to_vec(), Compression::fast())
        });
        let body = body.await.map_err(|error| Failure::new(error.to_string()))?;
        let request = self.client.post(&self.url).header(CONTENT_TYPE, "application/x-protobuf");
        let sent = request.header(CONTENT_ENCODING, "gzip").body(body).send().await;
        answered(sent.map_err(|error| Failure::new(cause(&error.without_url())))?).await
    }
}

impl Failure {
    fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), asked: None }
    }
}

/// The result of the last push, so that only changes are logged.
#[derive(Debug, Default)]
struct Health {
    last_problem: String,
}

impl Health {
    fn follow(&mut self, pushed: Result<String, Failure>) {
        let problem = match pushed {
            Ok(untaken) if untaken.is_empty() => String::new(),
            Ok(untaken) => format!("the collector rejects metrics: {untaken}"),
            Err(failure) => format!("metrics are not pushed: {}", failure.what),
        };
        if self.last_problem == problem {
            return;
        }
        if problem.is_empty() {
            tracing::info!("metrics are pushed again");
        } else {
            tracing::warn!("{problem}");
        }
        self.last_problem = problem;
    }
}

async fn answered(mut response: Response) -> Result<String, Failure> {
    if !response.status().is_success() {
        let asked = retry_after(response.headers(), wall());
        return Err(Failure { what: format!("status {}", response.status()), asked });
    }
    let mut answer = Vec::new();
    while let Ok(Some(part)) = response.chunk().await {
        if answer.len() + part.len() > ANSWER_BYTES {
            break;
        }
        answer.extend_from_slice(&part);
    }
    let answer = ExportMetricsServiceResponse::decode(answer.as_slice()).unwrap_or_default();
    let untaken = answer.partial_success.unwrap_or_default();
    if untaken.rejected_data_points == 0 {
        return Ok(String::new());
    }
    // Without their number, which differs each time.
    Ok(if untaken.error_message.is_empty() { "it does not say why".to_owned() } else { untaken.error_message })
}

/// The interval, or longer after failures.
fn wait_after(interval: Duration, failures: u32, asked: Option<Duration>) -> Duration {
    if failures == 0 {
        return interval;
    }
    BackOff { first: interval, longest: LONGEST_WAIT.max(interval) }.wait(failures, asked)
}

fn headers(given: &[(String, String)]) -> Result<HeaderMap, StartError> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let wrong = || {
            StartError::other(format!("`{name}` is not a valid header for the collector"), "check its name and value")
        };
        let mut value = HeaderValue::try_from(value).map_err(|_| wrong())?;
        value.set_sensitive(true);
        headers.insert(HeaderName::try_from(name).map_err(|_| wrong())?, value);
    }
    Ok(headers)
}

/// The root cause: that a request could not be sent explains nothing.
fn cause(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).last().map_or_else(String::new, ToString::to_string)
}

const fn nanoseconds(milliseconds: u64) -> u64 {
    milliseconds.saturating_mul(1_000_000)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{LONGEST_WAIT, headers, wait_after};

    #[test]
    fn the_interval_is_kept_until_pushes_fail() {
        let (second, hour) = (Duration::from_secs(1), Duration::from_hours(1));
        let about = |wait: Duration, expected: Duration| wait >= expected && wait <= expected.mul_f64(1.2);
        assert_eq!(wait_after(second, 0, None), second);
        assert!(about(wait_after(second, 1, None), second * 2));
        assert!(about(wait_after(second, u32::MAX, None), LONGEST_WAIT));
        assert!(about(wait_after(hour, 9, None), hour));
        assert!(about(wait_after(second, 1, Some(second * 30)), second * 30));
    }

    #[test]
    fn headers_that_are_none_are_refused_and_values_never_shown() {
        let pair = |name: &str, value: &str| [(name.to_owned(), value.to_owned())];
        let taken = headers(&pair("api-key", "secret")).unwrap();
        assert_eq!(taken["api-key"], "secret");
        assert!(!format!("{taken:?}").contains("secret"));
        for wrong in [pair("api key", "secret"), pair("api-key", "secret\n")] {
            let error = headers(&wrong).unwrap_err().to_string();
            assert!(error.contains(&wrong[0].0) && !error.contains("secret"), "{error}");
        }
    }
}
