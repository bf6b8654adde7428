//! The HTTP interface. Handlers check the request, call the fleet, and write the response; they decide nothing.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, Method, header};
use axum::middleware::from_fn_with_state;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::state::App;
use crate::store::{Reader, Stored};

mod accept;
mod access;
mod audit;
mod batches;
mod body;
mod breakers;
mod caching;
mod encoded;
mod events;
mod explain;
mod flags;
mod health;
mod hosts;
mod keys;
mod layer;
mod meta;
mod metrics;
mod ofrep;
mod openapi;
mod origin;
mod overview;
mod problem;
mod revisions;
mod routes;
mod series;
mod session;
mod stream;
mod ui;

pub use openapi::openapi;
pub(crate) use problem::{Kind, MEDIA_TYPE, Problem};
use routes::{Routes, delete, get, post};

/// How long browsers may cache the response to a preflight request.
const PREFLIGHT: Duration = Duration::from_hours(2);

pub(crate) type Context = State<Arc<App>>;

impl App {
    /// Reads the database on a thread for blocking work.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader) -> Stored<T> + Send + 'static,
    ) -> Result<T, Problem> {
        let path = self.database.clone();
        let done = tokio::task::spawn_blocking(move || Reader::open(&path).and_then(|reader| read(&reader))).await;
        done.map_err(|_| Problem::internal())?.map_err(|error| {
            tracing::error!(%error, "the database cannot be read");
            Problem::not_stored(&error)
        })
    }
}

/// All routes.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let for_pages = Routes::default()
        .route("/flags", get(flags::get_flags).put(revisions::publish_document))
        .route("/flags/stream", get(stream::open_stream))
        .route("/metrics", post(batches::post_batch).get(metrics::get_metrics))
        .route("/ofrep/v1/evaluate/flags", post(ofrep::evaluate_flags))
        .route("/ofrep/v1/evaluate/flags/{key}", post(ofrep::evaluate_flag))
        .into_router()
        // Set before the layer, which answers preflight requests of pages: set behind it, this would take its place.
        .method_not_allowed_fallback(problem::no_such_method)
        .layer(cors(app));
    let others = Routes::default()
        .route("/metrics/{name}", delete(metrics::delete_metric))
        .route("/trips", get(breakers::list_breakers))
        .route("/flags/{key}/{command}", post(breakers::command_breaker))
        .route("/revisions", get(revisions::list_revisions))
        .route("/revisions/{number}", get(revisions::get_revision))
        .route("/revisions/{number}/diff", get(revisions::diff_revisions))
        .route("/revisions/{number}/revert", post(revisions::revert_to_revision))
        .route("/audit", get(audit::list_audit))
        .route("/explain", post(explain::explain_decision))
        .route("/session", post(session::sign_in).get(session::who_is_signed_in).delete(session::sign_out))
        .route("/keys", get(keys::list_keys))
        .route("/meta", get(meta::get_meta))
        .route("/flags/{key}/series", get(series::get_series))
        .route("/flags/{key}/users", get(series::get_users))
        .route("/flags/{key}/incidents", get(series::list_incidents))
        .route("/hosts", get(hosts::list_hosts))
        .route("/flags/{key}/hosts", get(hosts::list_flag_hosts))
        .route("/overview", get(overview::get_overview))
        .route("/overview/live", get(overview::get_live))
        .route("/events", get(events::open_events))
        .route("/", get(ui::to_dashboard))
        .route("/ui", get(ui::get_file))
        .route("/ui/", get(ui::get_file))
        .route("/ui/{*path}", get(ui::get_file))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/openapi.json", get(openapi::get_openapi));
    for_pages
        .merge(others.into_router())
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(problem::no_such_method)
        .layer(from_fn_with_state(Arc::clone(app), layer::around_each_request))
        .with_state(Arc::clone(app))
}

/// What pages of other origins may do: neither publish nor hold.
fn cors(app: &Arc<App>) -> CorsLayer {
    let for_origin = Arc::clone(app);
    let exposed = [header::ETAG, header::RETRY_AFTER, flags::SIGNATURE].to_vec();
    let own = [HeaderName::from_static("flcm-revision"), HeaderName::from_static("x-api-key")];
    let allowed = [header::AUTHORIZATION, header::IF_NONE_MATCH, header::CONTENT_TYPE].into_iter().chain(own);
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, _| origin::may_ask(&for_origin, origin)))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(allowed.collect::<Vec<_>>())
        .expose_headers(exposed)
        .max_age(PREFLIGHT)
}
