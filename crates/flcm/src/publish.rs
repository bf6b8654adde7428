//! `flcm publish`: sends a document to a server.

use std::path::PathBuf;

use flcm_flags_config::CheckOptions;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, IF_MATCH};
use serde_json::Value;

use crate::failure::Failure;
use crate::remote::RemoteArgs;
use crate::source;
use crate::style::{self, GOOD, plural, shown};

/// Publish a document on a server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The document replaces the revision that is in use when the command starts. If another one is published meanwhile, \
nothing changes. With --if-match the document replaces only the revision that it was made from: `curl -I` on `/flags` \
shows its ETag.

The server refuses a document that removes flags which hosts have used within the hour, or more than a third of all. \
Name them in `removed: […]` of the document, or allow it once with --allow-removal.

The key must have the role `publisher`. It is read from --key-file, or from the variable FLCM_KEY.")]
pub(crate) struct Options {
    /// The document, YAML or JSON
    #[arg(value_name = "DOC")]
    document: PathBuf,
    #[command(flatten)]
    change: ChangeArgs,
    /// Report what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Replace only the revision with this `ETag`; `*` replaces any. Default: the revision in use
    #[arg(long, value_name = "ETAG")]
    if_match: Option<String>,
}

/// How the revision in use is replaced, by a document or by an earlier revision.
#[derive(Debug, clap::Args)]
pub(crate) struct ChangeArgs {
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
    /// The reason, for the history, the audit and webhooks
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) reason: String,
    /// Publish although flags that are in use are removed
    #[arg(long)]
    allow_removal: bool,
}

impl ChangeArgs {
    /// The parameter of a request that says which removals are allowed.
    pub(crate) const fn removal(&self) -> (&'static str, &'static str) {
        ("allow_removal", if self.allow_removal { "true" } else { "false" })
    }
}

pub(crate) fn run(options: &Options) -> Result<bool, Failure> {
    let name = source::display(&options.document);
    let text = source::read_document(&options.document)?;
    source::accept(&options.document, &text, |warnings| {
        if !warnings.is_empty() {
            style::note(&source::render(warnings, &name, &text, style::is_error_coloured()));
        }
    })?;
    let remote = options.change.remote.connect()?;
    let etag = options.if_match.clone().map_or_else(|| remote.etag(), Ok)?;
    let query = [
        ("reason", options.change.reason.as_str()),
        options.change.removal(),
        ("dry_run", if options.dry_run { "true" } else { "false" }),
    ];
    let request = remote.request(Method::PUT, "/flags", &query)?;
    let media_type =
        if CheckOptions::of_file(&options.document).json { "application/json" } else { "application/yaml" };
    let answer = remote.send(request.header(CONTENT_TYPE, media_type).header(IF_MATCH, etag).body(text))?;
    report(&name, &answer);
    Ok(true)
}

fn report(name: &str, answer: &Value) {
    let (revision, changed) = (&answer["revision"], answer["difference"]["flags"].as_array().map_or(0, Vec::len));
    let changes = plural(changed as u64, "flag changes", "flags change");
    let is_published = answer["published"] == true;
    let what = if is_published { "is published as" } else { "would be published as" };
    style::note(&format!("{GOOD}{name} {what} revision {revision}{GOOD:#}: {changes}"));
    let removed = answer["removed"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let removed: Vec<&str> = removed.collect();
    if !removed.is_empty() {
        style::warning(&format!("it removes {}", shown(&removed.join(", "))));
    }
}
