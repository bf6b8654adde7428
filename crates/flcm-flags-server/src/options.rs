//! How a server is to run.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::keys::Keys;

/// What a server is given. Times are in milliseconds, sizes in bytes.
#[derive(Debug)]
pub struct Options {
    /// Where it listens.
    pub address: SocketAddr,
    /// The document that is followed; without one the newest revision of the database is served.
    pub document: Option<PathBuf>,
    /// Where revisions, counts and breakers are kept.
    pub database: PathBuf,
    /// Who may do what.
    pub keys: Keys,
    /// Pages of these origins may ask, such as `https://shop.example.com`; `*` is all of them. Without keys and without origins those of this machine may.
    pub origins: Vec<String>,
    /// Certificate chain and private key, PEM files: then it speaks TLS.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Who is told of what happens to breakers.
    pub webhooks: Vec<Webhook>,
    /// A collector of `OpenTelemetry` that metrics are pushed to.
    pub otlp: Option<Otlp>,
    /// More connections are refused.
    pub connections: usize,
    /// The largest batch of metrics.
    pub batch_bytes: usize,
}

/// A collector that metrics are pushed to, by OTLP over HTTP.
#[derive(Clone)]
pub struct Otlp {
    /// Its address, to which `/v1/metrics` is added.
    pub endpoint: String,
    /// Sent with each push, such as a key.
    pub headers: Vec<(String, String)>,
    /// Attributes that say whose metrics these are, such as `service.name`.
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

/// An address that is told of what happens to breakers.
#[derive(Clone)]
pub struct Webhook {
    /// Where it is posted.
    pub url: String,
    /// What is posted.
    pub format: WebhookFormat,
    /// Signs what is posted, as Standard Webhooks has it: `whsec_` and base64, or any text.
    pub secret: Option<String>,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither the secret nor the path, in which chats have theirs.
        let host = self.url.split('/').take(3).collect::<Vec<_>>().join("/");
        write!(formatter, "Webhook {{ url: {host}/…, format: {:?} }}", self.format)
    }
}

impl Webhook {
    /// Identifies the webhook in stored deliveries: the same for the same address and format. A hash, because addresses of chats are
    /// secrets.
    pub(crate) fn name(&self) -> String {
        let hash = Sha256::digest(format!("{:?} {}", self.format, self.url));
        URL_SAFE_NO_PAD.encode(&hash[..16])
    }
}

/// The body of what a webhook is sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WebhookFormat {
    /// Everything that is known.
    Json,
    /// `{"text": …}`, which Slack and those like it take.
    Slack,
}
