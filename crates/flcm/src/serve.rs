//! `flcm serve`: flags for hosts, and rollback for all of them.

use std::path::Path;

use flcm_flags_server::command_line::ServeArgs;
use flcm_flags_server::{Asset, Dashboard, StartError};

use crate::failure::Failure;
use crate::{source, style};

pub(crate) fn run(options: ServeArgs) -> Result<bool, Failure> {
    let document = options.document().map(Path::to_owned);
    let listening = |address| style::note(&format!("listening on {address}"));
    options
        .run(style::is_error_coloured(), Dashboard::Embedded(asset), listening)
        .map_err(|error| failure(error, document.as_deref()))
}

/// The files of the dashboard, as the server takes them.
fn asset(path: &str) -> Option<Asset> {
    let flcm_dashboard::Asset { media_type, etag, gzip, brotli } = flcm_dashboard::asset(path)?;
    Some(Asset { media_type, etag, gzip, brotli })
}

fn failure(error: StartError, document: Option<&Path>) -> Failure {
    match error {
        StartError::Other(what, help) => Failure::new(what, help),
        StartError::Refused(diagnostics) => {
            let name = document.map(source::display).unwrap_or_default();
            let text = document.and_then(|path| source::read_document(path).ok()).unwrap_or_default();
            source::refused(&diagnostics, &name, &text)
        }
    }
}
