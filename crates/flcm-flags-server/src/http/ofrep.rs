//! The `OpenFeature` Remote Evaluation Protocol (OFREP) 0.3: decisions for clients without an engine.

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flcm_flags::bucket::sip;
use flcm_flags::{BoundContext, Decision, Flag, FlagId, Millis, Reason, evaluate};
use flcm_flags_config::OwnedContext;
use flcm_flags_config::explain::text::json_of_value;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::access::{Authorized, Host, denied};
use super::{Context, Problem, body};
use crate::clock::wall;
use crate::keys::{Denial, Role};
use crate::peer::AddressPrefix;
use crate::published::etag_matches;
use crate::serving::ServingState;
use crate::state::App;

/// The largest request body.
const BYTES: usize = 64 << 10;

/// The same from a page, which sends the attributes of one user.
const PAGE_BYTES: usize = 8 << 10;

/// The context of an evaluation.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
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
    /// A reason that `OpenFeature` defines.
    reason: &'static str,
    /// The variant; `on` or `off` if the flag has no variants. Some providers fail without one.
    variant: String,
    /// `flcm.reason`, which is more exact than `reason`; the rule that matched; the revision, if one flag was asked for.
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
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
    /// Empty. Some providers read it without a check.
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
}

impl EvaluationError {
    fn new(key: Option<&str>, error_code: &'static str, error_details: impl Into<String>) -> Self {
        let (key, error_details) = (key.map(str::to_owned), error_details.into());
        Self { key, error_code, error_details, metadata: Map::new() }
    }
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
///
/// A key `client` has flags evaluated whose `client` is `true` or `evaluated`. Others are not found.
#[utoipa::path(post, path = "/ofrep/v1/evaluate/flags/{key}", tag = "ofrep", params(("key" = String, Path, description = "The flag key")),
    request_body = EvaluationRequest, responses(
    (status = 200, body = Evaluation), (status = 400, body = EvaluationError), (status = 401, body = Problem), (status = 403, body = Problem),
    (status = 404, body = EvaluationError), (status = 408, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem),
    (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn evaluate_flag(
    key: Authorized<Host>,
    State(app): Context,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    content: Body,
) -> Result<Response, Problem> {
    let Path(flag_key) = path.map_err(|error| super::problem::bad_path(&error))?;
    let context = match read(&app, &key, &headers, content).await? {
        Ok(context) => context,
        Err(error) => return Ok(failed(EvaluationError { key: Some(flag_key), ..error })),
    };
    let serving = app.shared.serving.load();
    let (published, role) = (&serving.published, key.caller().role);
    // A flag that pages do not get is answered as one that is not there.
    let Some(flag) = published.snapshot.flag(&flag_key).filter(|flag| published.may_evaluate(role, *flag)) else {
        let details = format!("there is no flag `{flag_key}`");
        return Ok(failed(EvaluationError::new(Some(&flag_key), "FLAG_NOT_FOUND", details)));
    };
    let evaluated = context.with_core(|context| {
        let bound = context.bind(&published.snapshot);
        decide(&serving, role, flag, &flag_key, &bound, Millis(wall()))
    });
    Ok(match evaluated {
        Evaluated::Decided(mut evaluation) => {
            evaluation.metadata.insert("revision".to_owned(), serving.published.number.into());
            Json(evaluation).into_response()
        }
        Evaluated::Failed(error) => failed(error),
    })
}

/// Decides all flags; with a key `client`, those whose `client` is `true` or `evaluated`.
#[utoipa::path(post, path = "/ofrep/v1/evaluate/flags", tag = "ofrep", params(
    ("If-None-Match" = Option<String>, Header, description = "The ETag of the response that the client has"),
), request_body = EvaluationRequest, responses(
    (status = 200, body = BulkEvaluation, headers(("ETag" = String, description = "Identifies this response"))),
    (status = 304, description = "The client has this response"), (status = 400, body = EvaluationError), (status = 401, body = Problem),
    (status = 403, body = Problem), (status = 408, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem),
    (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn evaluate_flags(
    key: Authorized<Host>,
    State(app): Context,
    headers: HeaderMap,
    content: Body,
) -> Result<Response, Problem> {
    let context = match read(&app, &key, &headers, content).await? {
        Ok(context) => context,
        Err(error) => return Ok(failed(error)),
    };
    let serving = app.shared.serving.load();
    let (snapshot, role, now) = (&serving.published.snapshot, key.caller().role, Millis(wall()));
    let flags = context.with_core(|context| {
        let bound = context.bind(snapshot);
        let flags = snapshot.flags().filter(|id| serving.published.may_evaluate(role, *id));
        let described = flags.filter_map(|id| Some((id, snapshot.describe(id)?)));
        described.map(|(id, flag)| decide(&serving, role, id, flag.key(), &bound, now)).collect()
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

fn decide(
    serving: &ServingState,
    role: Role,
    flag: FlagId,
    key: &str,
    context: &BoundContext<'_>,
    now: Millis,
) -> Evaluated {
    let decision: Decision<'_> = evaluate(&serving.published.snapshot, &serving.trips, flag, context, now);
    let reason = decision.reason();
    if let Reason::Error(code) = reason {
        let details = format!("this server cannot decide `{key}`, which needs a later version");
        return Evaluated::Failed(EvaluationError::new(Some(key), code.as_str(), details));
    }
    let described = serving.published.snapshot.describe(flag);
    let mut metadata = Map::from_iter([("flcm.reason".to_owned(), reason.as_str().into())]);
    // Names of rules are for those who may read the document.
    let rule = decision.rule().filter(|_| !role.is_public());
    metadata.extend(rule.map(|rule| ("rule".to_owned(), rule.into())));
    let is_fractional = described.is_some_and(|flag| has_fraction(&flag));
    let on_or_off = if decision.enabled() { "on" } else { "off" };
    Evaluated::Decided(Evaluation {
        key: key.to_owned(),
        value: decision.value().map(|value| json_of(value, is_fractional)),
        reason: standard(described.map_or(reason, |flag| flag.reason_in_open_feature(reason))).as_str(),
        variant: decision.variant().unwrap_or(on_or_off).to_owned(),
        metadata,
    })
}

/// The reason of the specification that comes closest. Providers that read reasons into an enumeration fail for others.
const fn standard(reason: Reason) -> Reason {
    match reason {
        Reason::BreakerOpen => Reason::Disabled,
        Reason::Override => Reason::TargetingMatch,
        Reason::PrerequisiteFailed => Reason::Default,
        other => other,
    }
}

/// Whether one of the flag's numbers has a fraction. Then all of them are written with one: languages that tell
/// integers from floats would otherwise see the type of the flag change with the user.
fn has_fraction(flag: &Flag<'_>) -> bool {
    let variants = flag.variants().filter_map(|variant| variant.value());
    let mut values = flag.default_value().into_iter().chain(flag.on_value()).chain(variants);
    values.any(|value| matches!(value, flcm_flags::Value::Number(number) if number.fract() != 0.0))
}

fn json_of(value: flcm_flags::Value<'_>, is_fractional: bool) -> Value {
    match value {
        flcm_flags::Value::Number(number) if is_fractional => number.into(),
        other => json_of_value(other),
    }
}

/// Reads the context. Errors that OFREP defines have its own form.
async fn read(
    app: &App,
    key: &Authorized<Host>,
    headers: &HeaderMap,
    content: Body,
) -> Result<Result<OwnedContext, EvaluationError>, Problem> {
    let bodies = &app.bodies;
    let (memory, limit) = if key.caller().role.is_public() {
        limit(app, key)?;
        (&bodies.evaluations_of_pages, PAGE_BYTES)
    } else {
        (&bodies.evaluations, BYTES)
    };
    body::expect_type(headers, &["application/json"])?;
    let question = body::read(memory, content, limit).await?;
    let wrong = |error_code, details: String| Ok(Err(EvaluationError::new(None, error_code, details)));
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
    let context = serde_json::from_value(Value::Object(flat));
    Ok(context.map_err(|error| EvaluationError::new(None, "INVALID_CONTEXT", error.to_string())))
}

/// Refuses a page whose network asks too often.
fn limit(app: &App, key: &Authorized<Host>) -> Result<(), Problem> {
    let wait = app.evaluations_of_pages.wait(AddressPrefix::of(key.address()));
    wait.map_or(Ok(()), |wait| Err(denied(app, Denial::Limited(wait))))
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
