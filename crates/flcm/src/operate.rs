//! `flcm hold`, `flcm release`, `flcm acknowledge`: what an operator does to a flag of a server.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::remote::{RemoteArgs, segment};
use crate::style::{self, GOOD};

const KEY: &str = "The key must have the role `operator`. It is read from --key-file, or from the variable FLCM_KEY.";

/// Switch a flag off for everyone, on a server
#[derive(Debug, clap::Args)]
#[command(after_help = format!("The flag stays off until `flcm release`, whatever the document says.\n\n{KEY}"))]
pub(crate) struct HoldOptions {
    #[command(flatten)]
    flag: FlagOptions,
}

/// Let a flag that is held decide again, on a server
#[derive(Debug, clap::Args)]
#[command(after_help = KEY)]
pub(crate) struct ReleaseOptions {
    #[command(flatten)]
    flag: FlagOptions,
}

/// Let a flag that was rolled back go on, on a server
#[derive(Debug, clap::Args)]
#[command(after_help = KEY)]
pub(crate) struct AcknowledgeOptions {
    #[command(flatten)]
    flag: FlagOptions,
    /// The generation of the rollback that you mean, as `GET /trips` shows it. Default: the current one
    #[arg(long, value_name = "NUMBER")]
    generation: Option<u32>,
}

#[derive(Debug, clap::Args)]
struct FlagOptions {
    /// The key of the flag
    #[arg(value_name = "KEY")]
    key: String,
    #[command(flatten)]
    remote: RemoteArgs,
    /// The reason, for the audit and for webhooks
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
}

pub(crate) fn hold(HoldOptions { flag }: &HoldOptions) -> Result<bool, Failure> {
    flag.send("hold", &json!({ "reason": flag.reason }), "is off for everyone, until `flcm release`")
}

pub(crate) fn release(ReleaseOptions { flag }: &ReleaseOptions) -> Result<bool, Failure> {
    flag.send("release", &json!({ "reason": flag.reason }), "is not held any more")
}

pub(crate) fn acknowledge(AcknowledgeOptions { flag, generation }: &AcknowledgeOptions) -> Result<bool, Failure> {
    let body = json!({ "reason": flag.reason, "generation": generation });
    flag.send("acknowledge", &body, "goes on")
}

impl FlagOptions {
    fn send(&self, command: &str, body: &Value, done: &str) -> Result<bool, Failure> {
        let remote = self.remote.connect()?;
        let request = remote.request(Method::POST, &format!("/flags/{}/{command}", segment(&self.key)), &[])?;
        remote.send(request.header(CONTENT_TYPE, "application/json").body(body.to_string()))?;
        style::note(&format!("{GOOD}`{}` {done}{GOOD:#}", style::shown(&self.key)));
        Ok(true)
    }
}
