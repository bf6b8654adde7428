//! Where flags come from.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flcm_flags_host::SIGNATURE_HEADER;
use reqwest::header::{ACCEPT, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_NONE_MATCH};
use reqwest::{Response, Url};

use crate::error::{Code, Error, message_of};
use crate::http::Http;
use crate::http::request::{body_of, failed, status_error, timed};

/// The media type of snapshots.
const SNAPSHOT_TYPE: &str = "application/vnd.flcm.snapshot";
const ACCEPTED: HeaderValue = HeaderValue::from_static(
    "application/vnd.flcm.snapshot, application/json;q=0.5, application/yaml;q=0.5, */*;q=0.1",
);

/// A file of statements has less than so many bytes.
const LONGEST_STATEMENTS: usize = 4096;

/// The revision in use, for a server that must not publish below it.
const REVISION: HeaderName = HeaderName::from_static("flcm-revision");

/// The answer of a source.
#[derive(Debug)]
pub(crate) struct FetchResult {
    /// `None` when the source has nothing else than what the `ETag` of the request names.
    pub(crate) snapshot: Option<Vec<u8>>,
    /// The `ETag` of that, if it has one.
    pub(crate) etag: Option<String>,
    /// What was signed of the snapshot, or of the one in use.
    pub(crate) statements: Option<String>,
}

#[derive(Debug)]
pub(crate) enum Source {
    File(FileSource),
    Http(HttpSource),
}

impl Source {
    /// Names it in the cache and in errors.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::File(source) => &source.name,
            Self::Http(source) => source.url.as_str(),
        }
    }

    /// The file of statements that is beside a snapshot. A server sends them with the snapshot.
    pub(crate) fn beside(&self) -> Option<Self> {
        match self {
            Self::File(FileSource { path, .. }) => {
                Some(Self::File(FileSource::new(path.with_added_extension("sig"), LONGEST_STATEMENTS)))
            }
            Self::Http(HttpSource { serves: Serves::Server, .. }) => None,
            Self::Http(HttpSource { url, http, .. }) => {
                let (mut url, http) = (url.clone(), Http { max_bytes: LONGEST_STATEMENTS, ..http.clone() });
                url.set_path(&format!("{}.sig", url.path()));
                Some(Self::Http(HttpSource::new(url, http, Serves::Statements)))
            }
        }
    }

    /// Reads the statements that this is the file of.
    pub(crate) async fn statements(&self) -> Result<String, Error> {
        let bytes = self.get(None, 0).await?.snapshot.unwrap_or_default();
        String::from_utf8(bytes).map_err(|_| Error::new(Code::SignatureInvalid, format!("{}: no text", self.name())))
    }

    /// Asks for what is other than `etag`; for everything without one. `revision` is the one in use; 0 for none.
    pub(crate) async fn get(&self, etag: Option<String>, revision: u64) -> Result<FetchResult, Error> {
        match self {
            Self::File(source) => source.get().await,
            Self::Http(source) => timed(&*source.http.clock, source.http.timeout, source.get(etag, revision)).await,
        }
    }
}

/// What a URL serves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Serves {
    /// A document or a snapshot. Such a web server need not allow a header that pages send to a server of flags.
    Flags,
    /// It is a server of flags.
    Server,
    /// Statements about the snapshot beside which they are.
    Statements,
}

/// A URL that is asked.
#[derive(Debug)]
pub(crate) struct HttpSource {
    url: Url,
    http: Http,
    serves: Serves,
}

impl HttpSource {
    pub(crate) const fn new(url: Url, http: Http, serves: Serves) -> Self {
        Self { url, http, serves }
    }

    async fn get(&self, etag: Option<String>, revision: u64) -> Result<FetchResult, Error> {
        let Self { url, http, serves } = self;
        let mut request = http.client.get(url.clone()).headers(http.headers.clone()).header(ACCEPT, ACCEPTED);
        if let Some(etag) = &etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        if *serves == Serves::Server && revision > 0 {
            request = request.header(REVISION, revision);
        }
        let response = request.send().await.map_err(|error| failed(url, error))?;
        match response.status().as_u16() {
            200 => {}
            304 if etag.is_some() => {
                return Ok(FetchResult { snapshot: None, etag, statements: statements_of(&response) });
            }
            304 => {
                let message = format!("{url} answered 304, although it was not asked for changes");
                return Err(Error::new(Code::NotModified, message));
            }
            _ => return Err(status_error(&response, http.clock.now())),
        }
        let etag = response.headers().get(ETAG).and_then(|etag| etag.to_str().ok()).map(str::to_owned);
        let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_plain = *serves == Serves::Statements;
        let kind = if is_plain { Kind::Snapshot } else { Kind::of(media_type, response.url().path()) };
        let statements = statements_of(&response);
        let body = body_of(response, http.max_bytes).await?;
        let name = url.to_string();
        // A large document takes a while, in which a runtime of one thread would do nothing else.
        let bytes = match kind {
            Kind::Document => aside(move || snapshot_of(&name, body, kind)).await?,
            _ => snapshot_of(&name, body, kind)?,
        };
        Ok(FetchResult { snapshot: Some(bytes), etag, statements })
    }
}

/// What the headers say of the snapshot.
fn statements_of(response: &Response) -> Option<String> {
    let headers = response.headers().get_all(SIGNATURE_HEADER).iter().filter_map(|value| value.to_str().ok());
    let texts: Vec<&str> = headers.collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}

/// A file; `FileWatch` notices its edits.
#[derive(Debug)]
pub(crate) struct FileSource {
    pub(crate) path: PathBuf,
    name: String,
    max_bytes: usize,
}

impl FileSource {
    pub(crate) fn new(path: PathBuf, max_bytes: usize) -> Self {
        let name = path.display().to_string();
        Self { path, name, max_bytes }
    }

    async fn get(&self) -> Result<FetchResult, Error> {
        let Self { path, name, max_bytes } = self;
        let (path, name, max_bytes) = (path.clone(), name.clone(), *max_bytes);
        let read = move || {
            let bytes = read_file(&path, max_bytes)
                .map_err(|error| Error::new(Code::FileFailed, format!("{name}: {error}")))?;
            let too_large = || Error::new(Code::TooLarge, format!("{name} has more than {max_bytes} bytes"));
            snapshot_of(&name, bytes.ok_or_else(too_large)?, Kind::of(None, &name))
        };
        Ok(FetchResult { snapshot: Some(aside(read).await?), etag: None, statements: None })
    }
}

/// Reads a file; at most one byte more than `max_bytes`, and nothing where the system knows that it has more. `None`
/// for a file that has more.
fn read_file(path: &Path, max_bytes: usize) -> io::Result<Option<Vec<u8>>> {
    let file = File::open(path)?;
    if file.metadata()?.len() > max_bytes as u64 {
        return Ok(None);
    }
    // It may grow meanwhile, and the system does not know the length of everything.
    let mut bytes = Vec::new();
    file.take((max_bytes as u64).saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= max_bytes).then_some(bytes))
}

/// Does something that takes a while beside everything else.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Error::new(Code::Closed, message_of(&error))))
}

/// What a body is taken for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Document,
    Page,
    Snapshot,
}

impl Kind {
    fn of(media_type: Option<&str>, path: &str) -> Self {
        let media_type =
            media_type.and_then(|text| text.split(';').next()).map(|text| text.trim().to_ascii_lowercase());
        match media_type.as_deref() {
            Some(SNAPSHOT_TYPE) => Self::Snapshot,
            Some("text/html") => Self::Page,
            Some(text) if ["json", "yaml", "text/"].iter().any(|part| text.contains(part)) => Self::Document,
            _ => {
                let path = path.to_ascii_lowercase();
                let is_document = [".yaml", ".yml", ".json"].iter().any(|end| path.ends_with(end));
                if is_document { Self::Document } else { Self::Snapshot }
            }
        }
    }
}

/// A body as a snapshot: compiled, when it is a document.
fn snapshot_of(name: &str, body: Vec<u8>, kind: Kind) -> Result<Vec<u8>, Error> {
    if body.is_empty() {
        return Err(Error::new(Code::Empty, "nothing is in the body"));
    }
    match kind {
        Kind::Document => {
            let text = String::from_utf8(body);
            compile(name, &text.map_err(|_| Error::new(Code::WrongType, "the document is no UTF-8 text"))?)
        }
        Kind::Page => Err(Error::new(Code::WrongType, "the body is a page, and no flags: check the URL")),
        Kind::Snapshot => Ok(body),
    }
}

/// A document as a snapshot. One without a single line is refused: it is a file in the making.
pub(crate) fn compile(name: &str, text: &str) -> Result<Vec<u8>, Error> {
    if text.trim().is_empty() {
        return Err(Error::new(Code::Empty, "nothing is in the document"));
    }
    let (config, diagnostics) = flcm_flags_config::check(text);
    let Some(config) = config else {
        let message = format!("{name} is not used:\n{}", diagnostics.render(name, text, false));
        return Err(Error::new(Code::InvalidDocument, message));
    };
    Ok(flcm_flags_config::compile(&config))
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn the_type_counts_and_else_the_end_of_the_path() {
        assert_eq!(Kind::of(Some("application/vnd.flcm.snapshot"), "/flags.yaml"), Kind::Snapshot);
        assert_eq!(Kind::of(Some("Text/HTML; charset=utf-8"), "/flags"), Kind::Page);
        assert_eq!(Kind::of(Some("application/yaml"), "/flags"), Kind::Document);
        assert_eq!(Kind::of(Some("application/octet-stream"), "/feature-flags.YML"), Kind::Document);
        assert_eq!(Kind::of(None, "/flags"), Kind::Snapshot);
    }
}
