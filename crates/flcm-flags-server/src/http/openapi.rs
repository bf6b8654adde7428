//! The `OpenAPI` description, made from the handlers.

use std::sync::LazyLock;

use axum::response::IntoResponse;
use bytes::Bytes;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, RefOr};
use utoipa::{Modify, OpenApi};

use super::access::Public;
use super::breakers::CommandName;
use super::problem::MEDIA_TYPE;
use super::{
    audit, batches, breakers, events, explain, flags, health, hosts, keys, meta, metrics, ofrep, overview, revisions,
    series, session, stream,
};

const JSON: &str = "application/json";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "FLCM Flags",
        description = "Feature flags for hosts, what they have measured, and rollback for all of them. Without keys the server \
                       listens on its own machine only, and asks for none.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        flags::get_flags,
        stream::open_stream,
        batches::post_batch,
        metrics::get_metrics,
        metrics::delete_metric,
        ofrep::evaluate_flag,
        ofrep::evaluate_flags,
        breakers::list_breakers,
        breakers::command_breaker,
        revisions::publish_document,
        revisions::list_revisions,
        revisions::get_revision,
        revisions::diff_revisions,
        revisions::revert_to_revision,
        audit::list_audit,
        explain::explain_decision,
        session::sign_in,
        session::who_is_signed_in,
        session::sign_out,
        keys::list_keys,
        meta::get_meta,
        hosts::list_hosts,
        hosts::list_flag_hosts,
        overview::get_overview,
        series::get_series,
        series::get_users,
        series::list_incidents,
        overview::get_live,
        events::open_events,
        health::healthz,
        health::readyz,
        get_openapi,
    ),
    components(schemas(CommandName)),
    modifiers(&Keys, &ProblemTypes),
    security(("bearer" = []), ("key" = []), ("session" = [])),
    tags(
        (name = "hosts", description = "For hosts: key `client`"),
        (name = "ofrep", description = "Decisions for clients without an engine: key `server`"),
        (name = "breakers", description = "Rollbacks: key `server` to read, `operator` for commands"),
        (name = "publishing", description = "Documents: key `viewer` to read, `publisher` to publish"),
        (name = "people", description = "Signing in, and what the dashboard shows: key `viewer`"),
        (name = "operation", description = "Health and metrics"),
    ),
)]
struct Document;

struct Keys;

impl Modify for Keys {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let key = ApiKey::Header(ApiKeyValue::new("X-API-Key"));
        components.add_security_scheme("key", SecurityScheme::ApiKey(key));
        let session = ApiKey::Cookie(ApiKeyValue::new("flcm"));
        components.add_security_scheme("session", SecurityScheme::ApiKey(session));
    }
}

/// Sets the media type of problems, so that handlers need not repeat it for each status.
struct ProblemTypes;

impl Modify for ProblemTypes {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let paths = document.paths.paths.values_mut();
        let operations = paths
            .flat_map(|path| [&mut path.delete, &mut path.get, &mut path.post, &mut path.put].into_iter().flatten());
        for response in operations.flat_map(|operation| operation.responses.responses.values_mut()) {
            let RefOr::T(response) = response else { continue };
            if response.content.get(JSON).is_some_and(is_problem) {
                let content = response.content.swap_remove(JSON);
                response.content.extend(content.map(|content| (MEDIA_TYPE.to_owned(), content)));
            }
        }
    }
}

fn is_problem(content: &RefOr<Content>) -> bool {
    let RefOr::T(Content { schema: Some(RefOr::Ref(schema)), .. }) = content else { return false };
    schema.ref_location == "#/components/schemas/Problem"
}

/// The HTTP interface as an `OpenAPI` 3.1 document in JSON.
#[must_use]
pub fn openapi() -> String {
    let mut text = Document::openapi().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// This description.
#[utoipa::path(get, path = "/openapi.json", tag = "operation", security(()), responses((status = 200, body = Object)))]
pub(super) async fn get_openapi(_: Public) -> impl IntoResponse {
    static TEXT: LazyLock<Bytes> = LazyLock::new(|| openapi().into());
    ([(axum::http::header::CONTENT_TYPE, "application/json")], TEXT.clone())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::openapi;

    #[test]
    fn ids_of_operations_are_unique_and_problems_have_their_media_type() {
        let description: Value = serde_json::from_str(&openapi()).unwrap();
        let paths = description["paths"].as_object().unwrap().values();
        let operations: Vec<&Value> = paths.flat_map(|path| path.as_object().unwrap().values()).collect();
        let ids: BTreeSet<_> = operations.iter().map(|operation| operation["operationId"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), operations.len(), "{ids:?}");
        let text = description.to_string();
        let problem = r##"{"schema":{"$ref":"#/components/schemas/Problem"}}"##;
        assert!(text.contains(&format!(r#""application/problem+json":{problem}"#)));
        assert!(!text.contains(&format!(r#""application/json":{problem}"#)));
    }
}
