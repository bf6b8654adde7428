//! What the demo asks its server. (`ureq`, because it blocks, and brings next to nothing along.)

use std::io::{BufRead, BufReader};
use std::time::Duration;

use serde_json::Value;
use ureq::Agent;

use crate::failure::Failure;

/// A server that was started for the demo.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) url: String,
    agent: Agent,
}

impl Server {
    pub(super) fn new(url: &str) -> Self {
        let config = Agent::config_builder().timeout_connect(Some(Duration::from_secs(5))).http_status_as_error(false);
        Self { url: url.to_owned(), agent: config.build().into() }
    }

    /// The snapshot in use.
    pub(super) fn snapshot(&self) -> Result<Vec<u8>, ureq::Error> {
        let mut response = self.agent.get(format!("{}/flags", self.url)).call()?;
        response.body_mut().with_config().limit(64 << 20).read_to_vec()
    }

    /// Where breakers stand.
    pub(super) fn trips(&self) -> Result<Value, Failure> {
        let mut response = self.agent.get(format!("{}/trips", self.url)).call().map_err(|error| unreachable(&error))?;
        let text = response.body_mut().read_to_string().map_err(|error| unreachable(&error))?;
        serde_json::from_str(&text).map_err(|error| unreachable(&error))
    }

    pub(super) fn acknowledge(&self, flag: &str) -> Result<(), Failure> {
        let request = self.agent.post(format!("{}/flags/{flag}/acknowledge", self.url));
        let sent = request.content_type("application/json").send(r#"{"reason":"the fault is mended"}"#);
        sent.map(|_| ()).map_err(|error| unreachable(&error))
    }

    /// Sends a batch; whether it was acknowledged.
    pub(super) fn send(&self, batch: &[u8]) -> bool {
        let request = self.agent.post(format!("{}/metrics", self.url)).content_type("application/vnd.flcm.batch");
        request.send(batch).is_ok_and(|response| response.status().is_success())
    }

    /// Hears events, as pairs of name and data, until the server ends them or nobody wants them.
    pub(super) fn stream(&self, mut hear: impl FnMut(&str, &str) -> bool) -> Result<(), ureq::Error> {
        let response = self.agent.get(format!("{}/flags/stream", self.url)).call()?;
        let mut event = String::new();
        for line in BufReader::new(response.into_body().into_reader()).lines() {
            let line = line?;
            if let Some(name) = line.strip_prefix("event: ") {
                name.clone_into(&mut event);
            } else if let Some(data) = line.strip_prefix("data: ")
                && !hear(&event, data)
            {
                break;
            }
        }
        Ok(())
    }
}

fn unreachable(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(format!("the demo's server does not answer: {error}"), "run the demo again")
}
