//! What an operator of the demo asks its server: the state of breakers, and to acknowledge a rollback.

use std::fmt::Display;
use std::time::Duration;

use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::failure::Failure;

/// A request of the demo is answered within this, or the demo has failed.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The server that was started for the demo.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) url: String,
    client: reqwest::Client,
    runtime: Runtime,
}

impl Server {
    pub(super) fn new(url: String) -> Result<Self, Failure> {
        // The client is built without a provider of cryptography of its own, and asks for one even for plain HTTP.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(TIMEOUT).no_proxy().build().map_err(no_answer)?;
        Ok(Self { url, client, runtime: Builder::new_current_thread().enable_all().build()? })
    }

    /// The last thing that happened to a flag, in the server's text.
    pub(super) fn last_event_text(&self, flag: &str) -> Result<Option<String>, Failure> {
        let trips = self.send(self.client.get(format!("{}/trips", self.url)))?;
        Ok(trips["flags"][flag]["last"]["text"].as_str().map(str::to_owned))
    }

    pub(super) fn acknowledge(&self, flag: &str) -> Result<(), Failure> {
        let body = json!({ "reason": "the fault is fixed" }).to_string();
        let request = self.client.post(format!("{}/flags/{flag}/acknowledge", self.url));
        self.send(request.header("Content-Type", "application/json").body(body)).map(drop)
    }

    fn send(&self, request: RequestBuilder) -> Result<Value, Failure> {
        let answer = async { request.send().await?.error_for_status()?.text().await };
        let text = self.runtime.block_on(answer).map_err(no_answer)?;
        serde_json::from_str(&text).map_err(no_answer)
    }
}

fn no_answer(error: impl Display) -> Failure {
    Failure::new(format!("the demo's server does not answer: {error}"), "run the demo again")
}
