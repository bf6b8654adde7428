//! `flcm revert`: publishes the document of an earlier revision again.

use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, IF_MATCH};
use serde_json::json;

use crate::failure::Failure;
use crate::publish::ChangeArgs;
use crate::remote::Remote;
use crate::style::{self, GOOD};

/// Publish an earlier revision again, on a server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without REVISION it is the one before the revision in use. After a revert that is the one that was just left.

The key must have the role `publisher`. It is read from --key-file, or from the variable FLCM_KEY.")]
pub(crate) struct Options {
    /// The number of the revision, as `GET /revisions` lists it
    #[arg(value_name = "REVISION")]
    revision: Option<u64>,
    #[command(flatten)]
    change: ChangeArgs,
}

pub(crate) fn run(options: &Options) -> Result<bool, Failure> {
    let remote = options.change.remote.connect()?;
    // First: whoever publishes meanwhile is not undone.
    let etag = remote.etag()?;
    let revision = options.revision.map_or_else(|| before(&remote), Ok)?;
    let request =
        remote.request(Method::POST, &format!("/revisions/{revision}/revert"), &[options.change.removal()])?;
    let body = json!({ "reason": options.change.reason }).to_string();
    let answer = remote.send(request.header(CONTENT_TYPE, "application/json").header(IF_MATCH, etag).body(body))?;
    let number = &answer["revision"];
    style::note(&format!("{GOOD}revision {revision} is in use again, as revision {number}{GOOD:#}"));
    Ok(true)
}

/// The revision before the one in use.
fn before(remote: &Remote) -> Result<u64, Failure> {
    let history = remote.send(remote.request(Method::GET, "/revisions", &[("limit", "2")])?)?;
    history[1]["number"].as_u64().ok_or_else(|| {
        Failure::new("there is no earlier revision", "publish a document with `flcm publish`, or hold the flag")
    })
}
