//! `GET /meta`: what the dashboard needs to know about the server.

use std::fmt::Write;
use std::sync::LazyLock;

use axum::Json;
use axum::extract::State;
use flcm_flags_config::limits;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::access::{Authorized, Viewer};
use super::{Context, Problem, openapi};
use crate::series::TIERS;
use crate::state::App;

/// What the server is, and what it serves.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Meta {
    /// The version of the server.
    version: &'static str,
    /// The SHA-256 of `GET /openapi.json`: a page that was made for another one must be loaded again.
    contract: &'static str,
    document: DocumentMeta,
    limits: Limits,
    retention: Retention,
    /// Whether everything that is in force is stored.
    stored: bool,
}

/// Where the document is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DocumentMeta {
    /// The name of the file; `null` without one.
    name: Option<String>,
    /// Where edits go: `file`, `database` or `none`.
    mode: &'static str,
    /// Where people edit the document elsewhere, with `{path}` for its name.
    edit_url: Option<String>,
    /// Whether the file differs from what git has committed; `null` outside a work tree, and where git does not say.
    uncommitted: Option<bool>,
}

/// What is refused beyond.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Limits {
    /// The bytes of a document.
    document_bytes: usize,
}

/// How long series are kept, in seconds: steps of 10 s, of a minute, and of 15 minutes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Retention {
    fine: u64,
    day: u64,
    year: u64,
}

impl Retention {
    const fn of([fine, day, year]: [u64; 3]) -> Self {
        Self { fine, day, year }
    }
}

/// The server, the document and the limits.
#[utoipa::path(get, path = "/meta", tag = "people", responses(
    (status = 200, body = Meta),
    (status = 401, body = Problem), (status = 403, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn get_meta(_: Authorized<Viewer>, State(app): Context) -> Result<Json<Meta>, Problem> {
    let stored = app.fleet.breaker_statuses().await?.stored;
    Ok(Json(Meta {
        version: env!("CARGO_PKG_VERSION"),
        contract: contract(),
        document: DocumentMeta::of(&app).await,
        limits: Limits { document_bytes: limits::DOCUMENT_BYTES },
        retention: Retention::of(TIERS.map(|tier| tier.kept)),
        stored,
    }))
}

impl DocumentMeta {
    async fn of(app: &App) -> Self {
        let file = app.document.as_ref();
        let name = file.and_then(|file| file.path.file_name());
        let uncommitted = match file {
            Some(file) => file.git.is_uncommitted(&file.path).await,
            None => None,
        };
        Self {
            name: name.map(|name| name.to_string_lossy().into_owned()),
            mode: app.edits.as_str(),
            edit_url: app.edit_url.clone(),
            uncommitted,
        }
    }
}

fn contract() -> &'static str {
    static HASH: LazyLock<String> = LazyLock::new(|| {
        Sha256::digest(openapi().as_bytes()).iter().fold(String::new(), |mut hash, byte| {
            let _ = write!(hash, "{byte:02x}");
            hash
        })
    });
    &HASH
}
