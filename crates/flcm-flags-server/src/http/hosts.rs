//! `GET /hosts`: which hosts there are; and `GET /flags/{key}/hosts`: which of them ask for a flag.

use std::collections::HashMap;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::access::{Authorized, Viewer};
use super::{Context, Problem, problem};
use crate::clock::wall;
use crate::fleet::{BreakerStatuses, Disagreement, FleetError};
use crate::inventory::{AppVersion, KnownHost};

/// A host, or all pages of an app and version.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HostAnswer {
    /// The number that the host has chosen for itself, in 16 hexadecimal digits; empty for pages.
    instance: String,
    /// The name of its machine, if it says so.
    host: Option<String>,
    /// The name of the application, if it says so.
    app: Option<String>,
    /// The version of the application.
    version: Option<String>,
    /// The client library and its version.
    sdk: Option<String>,
    /// `server`, `rust` or `page`.
    kind: &'static str,
    /// When its first request came, in milliseconds since 1970.
    first: u64,
    /// When it was seen last.
    last_seen: u64,
    /// The revision that it used then, if it says so.
    revision: Option<u64>,
    /// Whether that is the revision in use, and it has received all changes of breakers. Pages are only counted, and
    /// their revisions are not known.
    in_step: bool,
    /// How it disagrees with the fleet about some flag: `behind` or `stricter`.
    says: Option<Disagreement>,
    /// How many pages, about; 1 for a host.
    count: u64,
}

/// Hosts of one app and version that ask for a flag.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FlagHosts {
    /// The name of the application, if its hosts say so.
    app: Option<String>,
    /// The version of the application.
    version: Option<String>,
    /// The client library and its version.
    sdk: Option<String>,
    /// How many hosts of this app and version were seen within the hour.
    hosts: u64,
    /// How many pages, about.
    pages: u64,
    /// How many of the hosts have not received a change of the flag.
    behind: usize,
    /// Decisions of the last 24 hours, since the server was started.
    #[serde(rename = "decisions24h")]
    decisions: u64,
    /// When one of them counted the flag last, in milliseconds since 1970.
    last_asked: u64,
}

/// The hosts that were seen within the hour; those with the key of a page as sums by app and version.
#[utoipa::path(get, path = "/hosts", tag = "people", responses(
    (status = 200, body = Vec<HostAnswer>),
    (status = 401, body = Problem), (status = 403, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn list_hosts(_: Authorized<Viewer>, State(app): Context) -> Result<Json<Vec<HostAnswer>>, Problem> {
    let BreakerStatuses { revision, flags, .. } = app.fleet.breaker_statuses().await?;
    let mut says: HashMap<u64, Disagreement> = HashMap::new();
    for host in flags.values().flat_map(|flag| &flag.hosts) {
        let own = says.entry(host.instance).or_insert(host.disagreement);
        // Whoever is behind about one flag is not in step, whatever it says of others.
        if host.disagreement == Disagreement::Behind {
            *own = Disagreement::Behind;
        }
    }
    let hosts = app.shared.inventory.list(wall()).into_iter();
    Ok(Json(hosts.map(|host| HostAnswer::new(host, revision, &says)).collect()))
}

impl HostAnswer {
    fn new(host: KnownHost, in_use: u64, says: &HashMap<u64, Disagreement>) -> Self {
        let KnownHost { instance, host, app: AppVersion { app, version, sdk }, first, last_seen, revision, count } =
            host;
        let says = instance.and_then(|instance| says.get(&instance).copied());
        let is_rust = sdk.as_deref().is_some_and(|sdk| sdk.contains("rust"));
        let kind = if instance.is_none() {
            "page"
        } else if is_rust {
            "rust"
        } else {
            "server"
        };
        let is_current = instance.is_none() || revision == Some(in_use);
        Self {
            instance: instance.map(|instance| format!("{instance:016x}")).unwrap_or_default(),
            host,
            app,
            version,
            sdk,
            kind,
            first,
            last_seen,
            revision,
            in_step: is_current && says != Some(Disagreement::Behind),
            says,
            count,
        }
    }
}

/// Which apps and versions ask for a flag.
#[utoipa::path(get, path = "/flags/{key}/hosts", tag = "people", params(
    ("key" = String, Path, description = "The flag key"),
), responses(
    (status = 200, body = Vec<FlagHosts>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
    (status = 404, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn list_flag_hosts(
    _: Authorized<Viewer>,
    State(app): Context,
    key: Result<Path<String>, PathRejection>,
) -> Result<Json<Vec<FlagHosts>>, Problem> {
    let Path(flag) = key.map_err(|error| problem::bad_path(&error))?;
    if app.shared.published().snapshot.flag(&flag).is_none() {
        return Err(FleetError::NoSuchFlag.into());
    }
    let (asking, disagreeing) = app.fleet.asking(flag).await?;
    let (now, known) = (wall(), app.shared.inventory.list(wall()));
    let behind = |app: &AppVersion| {
        let is_behind = |instance| {
            disagreeing.iter().any(|host| Some(host.instance) == instance && host.disagreement == Disagreement::Behind)
        };
        known.iter().filter(|host| host.app == *app && is_behind(host.instance)).count()
    };
    let count = |app: &AppVersion, is_page: bool| {
        known.iter().filter(|host| host.app == *app && host.instance.is_none() == is_page).map(|host| host.count).sum()
    };
    let hosts = asking.into_iter().map(|own| FlagHosts {
        hosts: if own.is_page { 0 } else { count(&own.app, false) },
        pages: if own.is_page { count(&own.app, true) } else { 0 },
        behind: if own.is_page { 0 } else { behind(&own.app) },
        decisions: own.decisions(now),
        last_asked: own.last,
        app: own.app.app,
        version: own.app.version,
        sdk: own.app.sdk,
    });
    Ok(Json(hosts.collect()))
}
