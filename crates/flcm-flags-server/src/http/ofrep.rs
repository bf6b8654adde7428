//! The `OpenFeature` Remote Evaluation Protocol (OFREP) 0.3: decisions for clients without an engine.

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flcm_flags::bucket::sip;
use flcm_flags::{BoundContext, Decision, FlagId, Millis, Reason, evaluate};
use flcm_flags_config::OwnedContext;
use flcm_flags_config::explain::text::json_of_value;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::access::{Authorized, Server};
use super::{Context, Problem, body};
use crate::clock::wall;
use crate::published::etag_matches;
use crate::serving::ServingState;
use crate::state::App;

/// The largest request body.
const BYTES: usize = 64 << 10;

/// The context of an evaluation.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct EvaluationRequest {
    /// The targeting key under `targetingKey`, attributes under their names. Values that are not attributes, such as
    /// objects, are ignored.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    context: Option<Value>,
}

/// One decision.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Evaluation {
    /// The flag key.
    key: String,
    /// The value. If it is absent, the caller uses its own default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value, required = false)]
    value: Option<Value>,
    /// The details of a revert.
    reason: &'static str,
    /// The variant.
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<String>,
    /// The revision, and the rule that matched.
    #[schema(value_type = Object)]
    metadata: Value,
}

/// Why there is no decision.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EvaluationError {
    /// The flag key.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// The error code of `OpenFeature`.
    error_code: &'static str,
    /// What is wrong.
    error_details: String,
}

/// Either.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Evaluated {
    /// A decision.
    Decided(Evaluation),
    /// None.
    Failed(EvaluationError),
}

/// All decisions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BulkEvaluation {
    /// Each flag.
    flags: Vec<Evaluated>,
    /// The revision.
    #[schema(value_type = Object)]
    metadata: Value,
}

/// Decides one flag.
#[utoipa::path(post, path = "/ofrep/v1/evaluate/flags/{key}", tag = "ofrep", params(("key" = String, Path, description = "The flag key")),
    request_body = EvaluationRequest, responses(
    (status = 200, body = Evaluation), (status = 400, body = EvaluationError), (status = 401, body = Problem), (status = 403, body = Problem),
    (status = 404, body = EvaluationError), (status = 408, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem),
    (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn evaluate_flag(
    _: Authorized<Server>,
    State(app): Context,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    content: Body,
) -> Result<Response, Problem> {
    let Path(key) = path.map_err(|error| super::problem::bad_path(&error))?;
    let context = match read(&app, &headers, content).await? {
        Ok(context) => context,
        Err(error) => return Ok(failed(EvaluationError { key: Some(key), ..error })),
    };
    let serving = app.shared.serving.load();
    let Some(flag) = serving.published.snapshot.flag(&key) else {
        let error_details = format!("there is no flag `{key}`");
        return Ok(failed(EvaluationError { key: Some(key), error_code: "FLAG_NOT_FOUND", error_details }));
    };
    let evaluated = context.with_core(|context| {
        let bound = context.bind(&serving.published.snapshot);
        decide(&serving, flag, &key, &bound, Millis(wall()))
    });
    Ok(match evaluated {
        Evaluated::Decided(evaluation) => Json(evaluation).into_response(),
        Evaluated::Failed(error) => failed(error),
    })
}

/// Decides all flags.
#[utoipa::path(post, path = "/ofrep/v1/evaluate/flags", tag = "ofrep", params(
    ("If-None-Match" = Option<String>, Header, description = "The ETag of the response that the client has"),
), request_body = EvaluationRequest, responses(
    (status = 200, body = BulkEvaluation, headers(("ETag" = String, description = "Identifies this response"))),
    (status = 304, description = "The client has this response"), (status = 400, body = EvaluationError), (status = 401, body = Problem),
    (status = 403, body = Problem), (status = 408, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem),
    (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn evaluate_flags(
    _: Authorized<Server>,
    State(app): Context,
    headers: HeaderMap,
    content: Body,
) -> Result<Response, Problem> {
    let context = match read(&app, &headers, content).await? {
        Ok(context) => context,
        Err(error) => return Ok(failed(error)),
    };
    let serving = app.shared.serving.load();
    let (snapshot, now) = (&serving.published.snapshot, Millis(wall()));
    let flags = context.with_core(|context| {
        let bound = context.bind(snapshot);
        let described = snapshot.flags().filter_map(|id| Some((id, snapshot.describe(id)?)));
        described.map(|(id, flag)| decide(&serving, id, flag.key(), &bound, now)).collect()
    });
    let bulk = BulkEvaluation { flags, metadata: json!({ "revision": serving.published.number }) };
    let text = serde_json::to_string(&bulk).map_err(|_| Problem::internal())?;
    let etag = HeaderValue::from_str(&format!("\"{:016x}\"", sip(text.as_bytes()))).map_err(|_| Problem::internal())?;
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|etags| etag_matches(etags, &etag)) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response());
    }
    let media_type = HeaderValue::from_static("application/json");
    Ok(([(header::ETAG, etag), (header::CONTENT_TYPE, media_type)], text).into_response())
}

fn decide(serving: &ServingState, flag: FlagId, key: &str, context: &BoundContext<'_>, now: Millis) -> Evaluated {
    let decision: Decision<'_> = evaluate(&serving.published.snapshot, &serving.trips, flag, context, now);
    let reason = decision.reason();
    if let Reason::Error(code) = reason {
        let error_details = format!("this server cannot decide `{key}`, which needs a later version");
        return Evaluated::Failed(EvaluationError {
            key: Some(key.to_owned()),
            error_code: code.as_str(),
            error_details,
        });
    }
    let described = serving.published.snapshot.describe(flag);
    let reason = described.map_or(reason, |flag| flag.reason_in_open_feature(reason));
    let mut metadata = Map::new();
    metadata.insert("revision".to_owned(), serving.published.number.into());
    if let Some(rule) = decision.rule() {
        metadata.insert("rule".to_owned(), rule.into());
    }
    Evaluated::Decided(Evaluation {
        key: key.to_owned(),
        value: decision.value().map(json_of_value),
        reason: reason.as_str(),
        variant: decision.variant().map(str::to_owned),
        metadata: Value::Object(metadata),
    })
}

/// Reads the context. Errors that OFREP defines have its own form.
async fn read(app: &App, headers: &HeaderMap, content: Body) -> Result<Result<OwnedContext, EvaluationError>, Problem> {
    body::expect_type(headers, &["application/json"])?;
    let question = body::read(app, content, BYTES).await?;
    let wrong = |error_code, error_details| Ok(Err(EvaluationError { key: None, error_code, error_details }));
    let EvaluationRequest { context } = match body::parse(&question.bytes) {
        Ok(request) => request,
        Err(error) => return wrong("PARSE_ERROR", format!("the body is invalid: {error}")),
    };
    let attributes = match context.unwrap_or_default() {
        Value::Null => Map::new(),
        Value::Object(attributes) => attributes,
        _ => return wrong("INVALID_CONTEXT", "`context` is not an object".to_owned()),
    };
    let flat = attributes.into_iter().filter(|(_, value)| is_attribute(value)).collect();
    Ok(serde_json::from_value(Value::Object(flat)).map_err(|error| EvaluationError {
        key: None,
        error_code: "INVALID_CONTEXT",
        error_details: error.to_string(),
    }))
}

/// Whether conditions can read a value.
fn is_attribute(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().all(Value::is_string),
        Value::Object(_) => false,
        _ => true,
    }
}

fn failed(error: EvaluationError) -> Response {
    let status = if error.error_code == "FLAG_NOT_FOUND" { StatusCode::NOT_FOUND } else { StatusCode::BAD_REQUEST };
    (status, Json(error)).into_response()
}
