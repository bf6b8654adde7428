//! Where the flags come from, and how they are followed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;

use crate::clock::{Clock, SystemClock};
use crate::error::{Code, Error};
use crate::http::Http;
use crate::remote::source::{FileSource, HttpSource, Serves, Source};
use crate::remote::trust::SnapshotTrust;

/// An application: its name, and the version that runs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct App {
    /// Its name, of at most 128 bytes.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
}

/// Where the flags come from, and how they are followed. One of `url`, `document_url`, `file`, `document` and
/// `snapshot` names the source; `document` or `snapshot` beside a `url` or `file` is what is used until that has
/// answered.
///
/// ```
/// use std::time::Duration;
/// use flcm_flags_client::Options;
///
/// let options = Options { poll_interval: Duration::from_secs(15), ..Options::url("https://flags.example.com") };
/// assert_eq!(options.fetch_timeout, Duration::from_secs(5));
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    /// A server of flags, such as `https://flags.example.com`: `/flags`, `/flags/stream` and `/metrics` below it are
    /// used.
    pub url: Option<String>,
    /// A document or a snapshot on any web server: polled.
    pub document_url: Option<String>,
    /// A document or a snapshot in a file, which is watched.
    pub file: Option<PathBuf>,
    /// A document, YAML or JSON.
    pub document: Option<String>,
    /// A compiled document.
    pub snapshot: Option<Vec<u8>>,
    /// The keys that must have signed each snapshot, as `flcm key sign` prints them: one, or two while one replaces the
    /// other. Then nothing unsigned is used, except for `document` and `snapshot`, which are as trusted as the program.
    pub trust: Vec<String>,
    /// For whom snapshots must be signed, such as `prod`.
    pub audience: String,
    /// With `trust`: nothing is decided by flags whose signature has expired.
    pub strict: bool,
    /// Sent with each request, as `Authorization: Bearer`.
    pub key: Option<String>,
    /// Further headers of each request.
    pub headers: Vec<(String, String)>,
    /// How long [`start`](crate::Features::start) waits for the first flags: 2 s. Later ones still take effect.
    pub init_timeout: Duration,
    /// How often the source is asked: each 60 s. Zero for never.
    pub poll_interval: Duration,
    /// How long a request may take, from connecting to the last byte: 5 s.
    pub fetch_timeout: Duration,
    /// The largest body or file that is taken in: 32 MiB.
    pub max_bytes: usize,
    /// For how long flags that the source has not confirmed count as fresh: three poll intervals unless it is given.
    pub stale_after: Option<Duration>,
    /// Whether changes are announced by a stream of `url`: they are. Otherwise each poll also asks for what operators
    /// hold and what the server has rolled back.
    pub stream: bool,
    /// A stream that is silent for so long is connected anew: 45 s.
    pub stream_silence: Duration,
    /// Changes that a stream announces are fetched within so long, so that not all hosts come at once: 500 ms.
    pub stream_spread: Duration,
    /// A folder for what survives a restart: the last good flags, breakers, and counts that were not acknowledged.
    pub cache: Option<PathBuf>,
    /// Whether counts are sent to `{url}/metrics`: they are.
    pub metrics: bool,
    /// Your application: the server and its dashboard list hosts by it.
    pub app: Option<App>,
    /// How often counts are sent: each 10 s.
    pub flush_interval: Duration,
    /// A number below 2^53 that names this host. It spreads polling over hosts, and distinguishes this host's counts
    /// from others'. Unless it is given, it is drawn, and stored in the cache.
    pub instance: Option<u64>,
    /// Time, and chance: the machine's.
    pub clock: Arc<dyn Clock>,
    /// What makes requests; a client of the application's own may know its proxies and certificates. It should have no
    /// timeout of its own, which would cut the stream off, and not follow redirects of a POST. Without one, `ring` becomes the process's provider of
    /// cryptography for rustls unless there is another already.
    pub http: Option<reqwest::Client>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            url: None,
            document_url: None,
            file: None,
            document: None,
            snapshot: None,
            trust: Vec::new(),
            audience: String::new(),
            strict: false,
            key: None,
            headers: Vec::new(),
            init_timeout: Duration::from_secs(2),
            poll_interval: Duration::from_mins(1),
            fetch_timeout: Duration::from_secs(5),
            max_bytes: 1 << 25,
            stale_after: None,
            stream: true,
            stream_silence: Duration::from_secs(45),
            stream_spread: Duration::from_millis(500),
            cache: None,
            metrics: true,
            app: None,
            flush_interval: Duration::from_secs(10),
            instance: None,
            clock: Arc::new(SystemClock::default()),
            http: None,
        }
    }
}

impl Options {
    /// Flags of a server.
    #[must_use]
    pub fn url(url: impl Into<String>) -> Self {
        Self { url: Some(url.into()), ..Self::default() }
    }

    /// Flags of a file, which is watched.
    #[must_use]
    pub fn file(file: impl Into<PathBuf>) -> Self {
        Self { file: Some(file.into()), ..Self::default() }
    }

    /// Flags of a document that the program has.
    #[must_use]
    pub fn document(document: impl Into<String>) -> Self {
        Self { document: Some(document.into()), ..Self::default() }
    }
}

/// What is asked for flags, and what is connected to and posted to beside it.
#[derive(Debug)]
pub(crate) struct Endpoints {
    pub(crate) source: Option<Source>,
    pub(crate) stream: Option<(Url, Http)>,
    pub(crate) metrics: Option<(Url, Http)>,
}

impl Options {
    /// What makes requests. Redirects are followed, but those of `metrics` are not.
    fn http(&self, metrics: Option<&Url>) -> Result<Http, Error> {
        let client = self.http.clone().map_or_else(|| client(metrics), Ok)?;
        Ok(Http {
            client,
            headers: self.header_map()?,
            timeout: self.fetch_timeout,
            max_bytes: self.max_bytes,
            clock: Arc::clone(&self.clock),
        })
    }

    pub(crate) fn endpoints(&self) -> Result<Endpoints, Error> {
        let named = [self.url.is_some(), self.document_url.is_some(), self.file.is_some()];
        if named.iter().filter(|named| **named).count() > 1 {
            return Err(invalid("one source only: `url`, `document_url` or `file`"));
        }
        if !named.contains(&true) && self.document.is_none() && self.snapshot.is_none() {
            return Err(invalid("name a source: `url`, `document_url`, `file`, `document` or `snapshot`"));
        }
        let mut endpoints = Endpoints { source: None, stream: None, metrics: None };
        if let Some(url) = &self.url {
            let metrics = self.metrics_url(url)?;
            let http = self.http(Some(&metrics))?;
            let of = |path| Ok::<_, Error>((below(url, path)?, http.clone()));
            endpoints.source = Some(Source::Http(HttpSource::new(below(url, "flags")?, http.clone(), Serves::Server)));
            endpoints.stream = Some(of("flags/stream")?);
            endpoints.metrics = self.metrics.then(|| (metrics, http.clone()));
        } else if let Some(url) = &self.document_url {
            endpoints.source =
                Some(Source::Http(HttpSource::new(absolute("document_url", url)?, self.http(None)?, Serves::Flags)));
        } else if let Some(file) = &self.file {
            endpoints.source = Some(Source::File(FileSource::new(file.clone(), self.max_bytes)));
        }
        Ok(endpoints)
    }

    /// Where counts go, with what the application is.
    fn metrics_url(&self, url: &str) -> Result<Url, Error> {
        let mut metrics = below(url, "metrics")?;
        if let Some(App { name, version }) = &self.app {
            let mut query = metrics.query_pairs_mut();
            query.append_pair("app", name).append_pair("version", version.as_deref().unwrap_or_default());
            query.append_pair("sdk", concat!("flcm-flags-client-rust/", env!("CARGO_PKG_VERSION")));
        }
        Ok(metrics)
    }

    /// The pinned keys, if there are any.
    pub(crate) fn snapshot_trust(&self) -> Result<Option<SnapshotTrust>, Error> {
        let is_signed = !self.trust.is_empty() || !self.audience.is_empty() || self.strict;
        is_signed.then(|| SnapshotTrust::new(&self.trust, &self.audience, self.strict)).transpose()
    }

    /// For how long what is in use counts as fresh; `None` for ever.
    pub(crate) fn stale_after(&self, has_source: bool) -> Option<Duration> {
        let polled = (!self.poll_interval.is_zero()).then(|| self.poll_interval.saturating_mul(3));
        self.stale_after.or(polled).filter(|_| has_source)
    }

    fn header_map(&self) -> Result<HeaderMap, Error> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let name = HeaderName::try_from(name).map_err(|_| invalid(format!("`{name}` is no name of a header")))?;
            let value =
                HeaderValue::try_from(value).map_err(|_| invalid(format!("`{name}` has no value that can be sent")))?;
            headers.insert(name, value);
        }
        if let Some(key) = &self.key {
            let value = HeaderValue::try_from(format!("Bearer {key}"));
            let mut value = value.map_err(|_| invalid("`key` has characters that cannot be sent"))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(headers)
    }
}

fn client(metrics: Option<&Url>) -> Result<reqwest::Client, Error> {
    // The application may have chosen already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // A redirect makes a GET of the POST of a batch. Should it lead back to the same address, nothing would show that the
    // answer is not about the batch.
    let metrics = metrics.map(without_query);
    let redirects = Policy::custom(move |attempt| {
        // The query names the revision in use, which changes.
        let is_batch = metrics.is_some() && attempt.previous().first().map(without_query) == metrics;
        if is_batch { attempt.stop() } else { Policy::default().redirect(attempt) }
    });
    let client = reqwest::Client::builder().redirect(redirects).build();
    client.map_err(|error| invalid(format!("no HTTP client: {error}")))
}

fn without_query(url: &Url) -> Url {
    let mut url = url.clone();
    url.set_query(None);
    url
}

/// A path below a URL, which may have a path of its own.
fn below(url: &str, path: &str) -> Result<Url, Error> {
    let mut base = absolute("url", url)?;
    if !base.path().ends_with('/') {
        base.set_path(&format!("{}/", base.path()));
    }
    base.join(path).map_err(|error| invalid(format!("`url`: {error}")))
}

fn absolute(name: &str, url: &str) -> Result<Url, Error> {
    let parsed = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let parsed = parsed.ok_or_else(|| invalid(format!("`{name}` must be a URL of http or https, not `{url}`")))?;
    if parsed.username().is_empty() && parsed.password().is_none() {
        Ok(parsed)
    } else {
        Err(invalid(format!("`{name}` has a name or a password in it: use `key`, or `headers`")))
    }
}

pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::new(Code::InvalidOptions, message)
}

#[cfg(test)]
mod tests {
    use super::{App, Options, below};

    #[test]
    fn paths_are_below_the_path_of_the_url() {
        for base in ["https://flags.example.com/team", "https://flags.example.com/team/"] {
            assert_eq!(below(base, "flags/stream").unwrap().as_str(), "https://flags.example.com/team/flags/stream");
        }
        assert_eq!(below("http://localhost:8787", "flags").unwrap().as_str(), "http://localhost:8787/flags");
        assert!(below("flags.example.com", "flags").is_err());
    }

    #[test]
    fn counts_say_which_application_they_are_of() {
        let app = Some(App { name: "shop & co".to_owned(), version: Some("2.4.1".to_owned()) });
        let url = |options: Options| options.endpoints().unwrap().metrics.unwrap().0.to_string();
        let named = url(Options { app, ..Options::url("http://a/b") });
        assert!(named.starts_with("http://a/b/metrics?app=shop+%26+co&version=2.4.1&sdk=flcm-flags-client-rust%2F"));
        assert_eq!(url(Options::url("http://a/b")), "http://a/b/metrics");
    }

    #[test]
    fn an_error_names_the_option_that_is_wrong() {
        let message = |options: Options| options.endpoints().unwrap_err().message;
        assert!(message(Options::default()).starts_with("name a source: `url`"));
        assert!(
            message(Options { file: Some("flags.yaml".into()), ..Options::url("http://a") })
                .starts_with("one source only")
        );
        assert!(message(Options::url("ftp://a")).starts_with("`url` must be a URL"));
        assert!(message(Options { key: Some("a\nb".to_owned()), ..Options::url("http://a") }).starts_with("`key` has"));
        assert!(message(Options::url("https://alice:secret@a")).starts_with("`url` has a name or a password in it"));
        let headers = vec![("a b".to_owned(), String::new())];
        assert_eq!(message(Options { headers, ..Options::url("http://a") }), "`a b` is no name of a header");
    }
}
