//! `/session`: signing in with a key, which a cookie stands for from then on.

use axum::body::Body;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Version, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{Authorized, Public, Viewer, denied};
use super::{Context, Problem, body, origin};
use crate::admission::Connection;
use crate::clock::wall;
use crate::keys::{Arrival, Credential, Denial, KeyHash, Role};
use crate::peer::AddressPrefix;
use crate::sessions::{Begun, LASTS_MS, Session};
use crate::state::App;
use crate::store::{Record, SessionChange};

/// The cookie, and its name with TLS: browsers accept that only from this host, and send it only with TLS.
const COOKIE: &str = "flcm";
const COOKIE_WITH_TLS: &str = "__Host-flcm";

/// Signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    /// A key with at least the role `viewer`.
    key: String,
}

/// Who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionAnswer {
    /// The name of the key.
    name: String,
    /// Its role.
    role: &'static str,
    /// When the sign-in ends, in milliseconds since 1970; `null` where there is none.
    expires: Option<u64>,
    /// Whether the server asks nobody for a key.
    keyless: bool,
}

/// Signs in.
///
/// The cookie stands for the key for 12 hours, until the key is removed, or until `DELETE /session`. Only the server's
/// own pages may use it. After ten failures within a minute, a network has to wait for the next one.
#[utoipa::path(post, path = "/session", tag = "people", security(()), request_body = SignIn, responses(
    (status = 204, description = "Signed in", headers(("Set-Cookie" = String, description = "Stands for the key"))),
    (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 408, body = Problem),
    (status = 413, body = Problem), (status = 415, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn sign_in(
    _: Public,
    State(app): Context,
    Extension(Connection { address, .. }): Extension<Connection>,
    version: Version,
    headers: HeaderMap,
    content: Body,
) -> Result<Response, Problem> {
    if body::is_of_page(&headers) && !origin::is_own_page(&headers, false) {
        return Err(Problem::cross_origin());
    }
    let SignIn { key } = body::read_json(&app, &headers, content).await?;
    if app.keys.load().is_empty() {
        origin::expect_this_machine(version, &headers)?;
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let arrival = Arrival { network: AddressPrefix::of(address), at: wall() };
    let (name, hash) = admit(&app, &key, arrival)?;
    let Begun { cookie, session, ended } = app.sessions.begin(hash, arrival.at);
    let record = Record {
        at: arrival.at,
        actor: name,
        action: "sign_in".to_owned(),
        address: Some(address.to_string()),
        ..Record::default()
    };
    let change = SessionChange { begun: Some(session), ended: ended.into_iter().collect(), record: Some(record) };
    // One that cannot be stored is good all the same: somebody must hold a flag although the disk is full.
    let _ = app.fleet.change_sessions(change).await;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, set_cookie(&app, &cookie, LASTS_MS / 1000))]).into_response())
}

/// The name and the hash of a key that may sign in.
fn admit(app: &App, key: &str, arrival: Arrival) -> Result<(String, KeyHash), Problem> {
    if let Some(wait) = app.failures.wait(arrival.network, arrival.at) {
        return Err(Problem::too_many_failures(wait));
    }
    let admitted = app.keys.load().admit(Some(Credential::Key(key)), Role::Viewer, arrival);
    let caller = admitted.map_err(|denial| {
        if matches!(denial, Denial::Unknown | Denial::Expired) {
            app.failures.note(arrival.network, arrival.at);
        }
        denied(app, denial)
    })?;
    let hash = caller.key_hash().ok_or_else(Problem::internal)?;
    Ok((caller.name.to_string(), hash))
}

/// Who is signed in, or whose key it is.
#[utoipa::path(get, path = "/session", tag = "people", responses(
    (status = 200, body = SessionAnswer),
    (status = 401, body = Problem), (status = 403, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn who_is_signed_in(key: Authorized<Viewer>, State(app): Context) -> Json<SessionAnswer> {
    Json(SessionAnswer {
        name: key.name(),
        role: key.caller().role.as_str(),
        expires: key.session().map(|session| session.expires),
        keyless: app.keys.load().is_empty(),
    })
}

/// Signs out.
#[utoipa::path(delete, path = "/session", tag = "people", responses(
    (status = 204, description = "Signed out", headers(("Set-Cookie" = String, description = "Removes the cookie"))),
    (status = 401, body = Problem), (status = 403, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn sign_out(key: Authorized<Viewer>, State(app): Context) -> Result<Response, Problem> {
    if let Some(session) = key.session() {
        app.sessions.end(&session.hash);
        // Wakes all streams, which look whether their sign-in goes on.
        app.shared.stream.send_modify(|_| {});
        app.fleet.change_sessions(SessionChange { ended: vec![session.hash], ..SessionChange::default() }).await?;
    }
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, set_cookie(&app, "", 0))]).into_response())
}

/// The sign-in of a request that has a cookie. Pages of other origins may not use it.
pub(super) fn of_request(app: &App, parts: &Parts) -> Result<Option<Session>, Problem> {
    if app.keys.load().is_empty() {
        return Ok(None);
    }
    let Some(cookie) = cookie(&parts.headers, name_of_cookie(app)) else { return Ok(None) };
    if !origin::is_own_page(&parts.headers, parts.method.is_safe()) {
        return Err(Problem::cross_origin());
    }
    app.sessions.find(cookie, wall()).map(Some).ok_or_else(|| denied(app, Denial::SignedOut))
}

fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lists = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lists.flat_map(|list| list.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(own, _)| *own == name).map(|(_, value)| value)
}

const fn name_of_cookie(app: &App) -> &'static str {
    if app.is_tls { COOKIE_WITH_TLS } else { COOKIE }
}

fn set_cookie(app: &App, value: &str, seconds: u64) -> HeaderValue {
    let (name, secure) = (name_of_cookie(app), if app.is_tls { "; Secure" } else { "" });
    let text = format!("{name}={value}; HttpOnly; SameSite=Strict; Path=/; Max-Age={seconds}{secure}");
    HeaderValue::try_from(text).expect("base64 and digits")
}
