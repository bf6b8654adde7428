//! `GET /audit`: who did what, when and why.

use axum::Json;
use axum::extract::{Query, State};

use utoipa::IntoParams;

use super::access::{Authorized, Viewer};
use super::revisions::PageQuery;
use super::{Context, Problem};
use crate::store::{AuditFilter, Record};

/// The longest part that is looked for, in characters.
const TEXT: usize = 200;

/// So many actions may be asked for at once.
const ACTIONS: usize = 32;

/// Which records are wanted.
#[derive(Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes the parameters: `action` may be repeated, which serde cannot read")]
pub(crate) struct AuditQuery {
    /// What was done to this flag.
    flag: Option<String>,
    /// By whom: the name of a key, `file` or `breaker`.
    actor: Option<String>,
    /// What was done, such as `hold`; may be repeated.
    action: Option<Vec<String>>,
    /// From this time, in milliseconds since 1970.
    since: Option<u64>,
    /// Before this time.
    until: Option<u64>,
    /// A part of the reason or of the detail, of at most 200 characters.
    text: Option<String>,
    /// Only what is before this number.
    before: Option<u64>,
    /// How many, at most 1000. Default: 100.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// The audit, the newest record first. Records cannot be changed.
#[utoipa::path(get, path = "/audit", tag = "publishing", params(AuditQuery), responses(
    (status = 200, body = Vec<Record>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
    (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn list_audit(
    _: Authorized<Viewer>,
    State(app): Context,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Json<Vec<Record>>, Problem> {
    let (mut filter, mut page) = (AuditFilter::default(), PageQuery::default());
    for (name, value) in pairs {
        set(&mut filter, &mut page, &name, value)?;
    }
    if filter.actions.len() > ACTIONS {
        return Err(Problem::bad_request(format!("more than {ACTIONS} actions"), "leave `action` out for all of them"));
    }
    let (before, limit) = page.bounds()?;
    app.read(move |reader| reader.audit(filter, before, limit)).await.map(Json)
}

fn set(filter: &mut AuditFilter, page: &mut PageQuery, name: &str, value: String) -> Result<(), Problem> {
    match name {
        "flag" => filter.flag = Some(value),
        "actor" => filter.actor = Some(value),
        "action" => filter.actions.push(value),
        "since" => filter.since = Some(number(name, &value)?),
        "until" => filter.until = Some(number(name, &value)?),
        "text" if value.chars().count() > TEXT => {
            return Err(Problem::bad_request(
                format!("`text` has more than {TEXT} characters"),
                "write a shorter part",
            ));
        }
        "text" => filter.text = Some(value),
        "before" => page.before = Some(number(name, &value)?),
        "limit" => page.limit = Some(number(name, &value)?),
        _ => {}
    }
    Ok(())
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, Problem> {
    let wrong = |_| Problem::bad_request(format!("`{name}` is `{value}`"), "write a whole number from 0");
    value.parse().map_err(wrong)
}
