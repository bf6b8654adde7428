//! `GET /trips` and a person's hand on a flag.

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::{Context, Problem, body};
use crate::event::BreakerEvent;
use crate::fleet::{Command, Order, Standing};
use crate::keys::Role;

/// Why, and what is meant.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CommandRequest {
    /// Stands in the audit.
    reason: String,
    /// Of the rollback that is acknowledged; without it the present one.
    #[serde(deserialize_with = "whole")]
    generation: Option<u32>,
}

/// What is done to a flag.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CommandWord {
    /// A rollback was seen: the flag may go on.
    Acknowledge,
    /// On, whatever the outcomes.
    Force,
    /// Off for everyone.
    Hold,
    /// On, and what would have happened is told.
    Observe,
    /// The breaker decides again.
    Release,
}

/// Numbers as JSON has them: 4.0 is whole as well.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let Some(number) = Option::<f64>::deserialize(deserializer)? else { return Ok(None) };
    let is_whole = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole, and within bounds")]
    let generation = is_whole.then_some(number as u32);
    generation
        .map(Some)
        .ok_or_else(|| D::Error::custom(format!("`generation` is {number}: it is a whole number from 0")))
}

/// What came of a command.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CommandAnswer {
    /// What happened; `null` when it was so already, or the flag has no breaker.
    #[schema(value_type = Option<Object>)]
    event: Option<BreakerEvent>,
}

/// Where all breakers stand, and which hosts do otherwise.
#[utoipa::path(get, path = "/trips", tag = "breakers", responses(
    (status = 200, body = Standing),
    (status = 401, body = Problem), (status = 403, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn list(State(app): Context, headers: HeaderMap) -> Result<Json<Standing>, Problem> {
    app.admit(&headers, Role::Server)?;
    Ok(Json(app.asks.standing().await?))
}

/// Does something to a flag, for all hosts at once.
///
/// `hold` turns it off whatever the document says; `release` lets its breaker decide again; `acknowledge` lets a flag go on that was
/// rolled back; `observe` and `force` leave it on whatever the outcomes, with and without telling what would have happened.
#[utoipa::path(post, path = "/flags/{key}/{command}", tag = "breakers", params(
    ("key" = String, Path, description = "The flag key"),
    ("command" = CommandWord, Path, description = "What is done to it"),
), request_body(content = CommandRequest, content_type = "application/json"), responses(
    (status = 200, body = CommandAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
    (status = 404, body = Problem), (status = 408, body = Problem), (status = 409, description = "Not with this flag as it is", body = Problem),
    (status = 413, body = Problem), (status = 415, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn command(
    State(app): Context,
    path: Result<Path<(String, CommandWord)>, PathRejection>,
    headers: HeaderMap,
    content: Body,
) -> Result<Json<CommandAnswer>, Problem> {
    let actor = app.admit(&headers, Role::Admin)?.to_owned();
    let Ok(Path((flag, command))) = path else { return Err(super::problem::no_such_path().await) };
    let CommandRequest { reason, generation } = body::read_json(&app, &headers, content).await?;
    let command = match command {
        CommandWord::Acknowledge => Command::Acknowledge(generation),
        CommandWord::Force => Command::Force,
        CommandWord::Hold => Command::Hold,
        CommandWord::Observe => Command::Observe,
        CommandWord::Release => Command::Release,
    };
    let event = app.asks.command(Order { flag, command, actor, reason }).await?;
    Ok(Json(CommandAnswer { event }))
}
