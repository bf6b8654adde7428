//! Requests to a server: its address, the key, and what a refusal means.

use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::header::ETAG;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response, Url};
use serde::Deserialize;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::failure::Failure;
use crate::source;

/// A document of the largest size takes a few seconds to check.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Which server, and with which key.
#[derive(Debug, clap::Args)]
pub(crate) struct RemoteArgs {
    /// The address of the server, such as `https://flags.example.com`
    #[arg(long, value_name = "URL")]
    server: String,
    /// A file that contains the key. Default: the variable `FLCM_KEY`
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

/// A server that is called by its HTTP interface.
#[derive(Debug)]
pub(crate) struct Remote {
    url: String,
    key: Option<String>,
    client: Client,
    runtime: Runtime,
}

/// What a server answers instead of doing it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Refusal {
    code: String,
    detail: String,
    help: String,
    diagnostics: Vec<Value>,
}

impl RemoteArgs {
    pub(crate) fn connect(&self) -> Result<Remote, Failure> {
        let key = match &self.key_file {
            Some(path) => {
                let read = std::fs::read_to_string(path);
                Some(read.map_err(|error| Failure::file("read", &source::display(path), &error))?)
            }
            None => std::env::var("FLCM_KEY").ok(),
        };
        // The client is built without a provider of cryptography of its own, and asks for one even for plain HTTP.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // A redirect could take the key elsewhere.
        let client = Client::builder().timeout(TIMEOUT).redirect(Policy::none()).build();
        Ok(Remote {
            url: self.server.trim_end_matches('/').to_owned(),
            key: key.map(|key| key.trim().to_owned()).filter(|key| !key.is_empty()),
            client: client
                .map_err(|error| Failure::new(error.to_string(), "check the certificates of this machine"))?,
            runtime: Builder::new_current_thread().enable_all().build()?,
        })
    }
}

impl Remote {
    /// A request for a path, with the key.
    pub(crate) fn request(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<RequestBuilder, Failure> {
        let url = Url::parse_with_params(&format!("{}{path}", self.url), query).map_err(|error| {
            let what = format!("{} is not the address of a server: {error}", self.url);
            Failure::new(what, "write it like http://127.0.0.1:8787")
        })?;
        let request = self.client.request(method, url);
        Ok(match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        })
    }

    /// The `ETag` of the revision in use.
    pub(crate) fn etag(&self) -> Result<String, Failure> {
        let response = self.runtime.block_on(self.answer(self.request(Method::GET, "/flags", &[])?))?;
        let etag = response.headers().get(ETAG).and_then(|etag| etag.to_str().ok());
        etag.map(str::to_owned).ok_or_else(|| {
            Failure::new(format!("{} sends no ETag", self.url), "check that it is the address of `flcm serve`")
        })
    }

    /// Sends a request; what it answers, as JSON.
    pub(crate) fn send(&self, request: RequestBuilder) -> Result<Value, Failure> {
        let text = self.runtime.block_on(async { Ok(self.answer(request).await?.text().await) });
        let text = text.and_then(|text: reqwest::Result<String>| text.map_err(|error| self.no_answer(error)))?;
        serde_json::from_str(&text).map_err(|error| {
            let what = format!("{} does not answer in JSON: {error}", self.url);
            Failure::new(what, "check that it is the address of `flcm serve`")
        })
    }

    async fn answer(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let response = request.send().await.map_err(|error| self.no_answer(error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let refusal: Refusal = serde_json::from_str(&response.text().await.unwrap_or_default()).unwrap_or_default();
        if refusal.code.is_empty() {
            let what = format!("{} answers with status {status}", self.url);
            return Err(Failure::new(what, "check that it is the address of `flcm serve`"));
        }
        let problems: String = refusal.diagnostics.iter().map(line_of).collect();
        Err(Failure::new(format!("{}: {}{problems}", refusal.code, refusal.detail), refusal.help))
    }

    fn no_answer(&self, error: reqwest::Error) -> Failure {
        let error = error.without_url();
        let mut what = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            what = format!("{what}: {cause}");
            source = cause.source();
        }
        Failure::new(format!("{} does not answer: {what}", self.url), "check the address, and that the server runs")
    }
}

/// A text as a segment of a path.
pub(crate) fn segment(text: &str) -> String {
    let mut segment = String::new();
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_' => segment.push(byte.into()),
            // Writing to a string cannot fail.
            byte => _ = write!(segment, "%{byte:02X}"),
        }
    }
    segment
}

/// A diagnostic as a line.
fn line_of(problem: &Value) -> String {
    let text = |key: &str| problem[key].as_str().unwrap_or_default().to_owned();
    format!(
        "\n  {}:{}: {}[{}]: {}",
        problem["line"],
        problem["column"],
        text("severity"),
        text("code"),
        text("message")
    )
}
