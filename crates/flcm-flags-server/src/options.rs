//! The options of a server.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::notification::{EventKind, Subscription};
use crate::proxies::ProxyNetwork;
use crate::signing::SignerOptions;

/// The options of a server. Times are in milliseconds, sizes in bytes.
#[derive(Debug)]
pub struct Options {
    /// The address on which it listens.
    pub address: SocketAddr,
    /// The document that is watched. Without one, the newest revision of the database is served.
    pub document: Option<PathBuf>,
    /// Where edits over HTTP go. Default: to the file if it can be written; nowhere if it cannot; to the database if there
    /// is no file.
    pub edits: Option<Edits>,
    /// The database of revisions, counts and breakers.
    pub database: PathBuf,
    /// The file with the keys of those who may call it. Without one, programs of this machine may.
    pub keys: Option<PathBuf>,
    /// Signs what is published. A snapshot that was signed elsewhere needs none.
    pub signer: Option<SignerOptions>,
    /// Pages of these origins may call it, such as `https://shop.example.com`; `*` means all. Without keys and origins,
    /// pages of this machine may.
    pub origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub proxies: Vec<ProxyNetwork>,
    /// Certificate chain and private key, as PEM files, for TLS.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Where events are posted.
    pub webhooks: Vec<Webhook>,
    /// A collector of `OpenTelemetry` to which metrics are pushed.
    pub otlp: Option<Otlp>,
    /// Where the document is edited, with `{path}` for its name: the dashboard leads there.
    pub edit_url: Option<String>,
    /// How many bytes of series the database keeps, about.
    pub history: u64,
    /// What `/ui/` serves.
    pub dashboard: Dashboard,
    /// The limit of connections; more are refused.
    pub connections: usize,
    /// For so long it goes on serving, and reports that it is not ready, before it shuts down.
    pub drain_delay: Duration,
    /// The largest batch of metrics.
    pub batch_bytes: usize,
}

/// What `/ui/` serves.
#[derive(Clone)]
pub enum Dashboard {
    /// Files inside the program, by their path.
    Embedded(fn(&str) -> Option<Asset>),
    /// The files of a folder.
    Folder(PathBuf),
    /// Nothing.
    None,
}

impl fmt::Debug for Dashboard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Embedded(_) => "Embedded",
            Self::Folder(_) => "Folder",
            Self::None => "None",
        })
    }
}

/// A file inside the program.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Its media type.
    pub media_type: &'static str,
    /// A strong `ETag`: the hash of the file, in quotes.
    pub etag: &'static str,
    /// The file, compressed by gzip.
    pub gzip: &'static [u8],
    /// The file, compressed by brotli.
    pub brotli: &'static [u8],
}

/// Where edits over HTTP go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Edits {
    /// Into the database alone: the latest edit wins, wherever it was made.
    Database,
    /// Into the database and the file: both are the same.
    File,
    /// Nowhere: only edits of the file are published.
    None,
}

impl Edits {
    /// The name of the place.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::File => "file",
            Self::None => "none",
        }
    }
}

impl FromStr for Edits {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "database" => Ok(Self::Database),
            "file" => Ok(Self::File),
            "none" => Ok(Self::None),
            _ => Err(format!("`{text}` is no place for edits: write file, database or none")),
        }
    }
}

/// A collector to which metrics are pushed, by OTLP over HTTP.
#[derive(Clone)]
pub struct Otlp {
    /// Its address, to which `/v1/metrics` is added.
    pub endpoint: String,
    /// Sent with each push, such as a key.
    pub headers: Vec<(String, String)>,
    /// Attributes of the resource, such as `service.name`.
    pub resource: Vec<(String, String)>,
    /// How often they are pushed.
    pub interval_ms: u64,
}

impl fmt::Debug for Otlp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers and addresses may hold secrets.
        write!(formatter, "Otlp {{ resource: {:?}, interval_ms: {} }}", self.resource, self.interval_ms)
    }
}

/// An address to which events are posted.
#[derive(Clone)]
pub struct Webhook {
    /// The address.
    pub url: String,
    /// The format of the body.
    pub format: WebhookFormat,
    /// Signs the body by Standard Webhooks: `whsec_` and base64, or any text.
    pub secret: Option<String>,
    /// What it receives.
    pub events: Vec<EventKind>,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither the secret nor the path: addresses of chats contain a secret.
        let host = self.url.split('/').take(3).collect::<Vec<_>>().join("/");
        write!(formatter, "Webhook {{ url: {host}/…, format: {:?} }}", self.format)
    }
}

impl Webhook {
    pub(crate) fn subscription(&self) -> Subscription {
        Subscription { name: self.name(), events: self.events.clone() }
    }

    /// Identifies the webhook in stored deliveries: the same for the same address and format. A hash, because addresses
    /// of chats are secrets.
    pub(crate) fn name(&self) -> String {
        let hash = Sha256::digest(format!("{:?} {}", self.format, self.url));
        URL_SAFE_NO_PAD.encode(&hash[..16])
    }
}

/// The format of a webhook's body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WebhookFormat {
    /// `{"id": …, "type": …, "timestamp": …, "data": …}`.
    Json,
    /// `{"text": …}`, which Slack and similar chats accept.
    Slack,
}
