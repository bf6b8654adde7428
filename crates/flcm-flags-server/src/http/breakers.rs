//! `GET /trips`, and operator commands.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use flcm_flags::breaker::Mode;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::access::{Authorized, Operator, Server};
use super::{Context, Problem, body};
use crate::ahead::AheadHost;
use crate::clock::wall;
use crate::event::{BreakerEvent, Outcomes, finite};
use crate::fleet::{Action, BreakerCommand, BreakerStatuses, FlagReport, Host, PAGES_HINT, PagesReport};
use crate::serving::{RefusedEdit, Shared};
use crate::store::CommandInForce;

/// The details of a command.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CommandRequest {
    /// The reason, for the audit.
    reason: String,
    /// The generation of the rollback that is acknowledged. Default: the current one.
    #[serde(deserialize_with = "whole")]
    generation: Option<u32>,
}

/// What to do to a flag.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CommandName {
    /// Acknowledges a rollback, so that the breaker closes.
    Acknowledge,
    /// The flag decides as usual, whatever the outcomes.
    Force,
    /// The flag is off for everyone.
    Hold,
    /// The flag decides as usual, and rollbacks that would have happened are reported.
    Observe,
    /// The breaker decides again.
    Release,
}

/// JSON has one type of number: 4.0 is an integer as well.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let Some(number) = Option::<f64>::deserialize(deserializer)? else { return Ok(None) };
    let is_whole = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole, and within bounds")]
    let generation = is_whole.then_some(number as u32);
    generation
        .map(Some)
        .ok_or_else(|| D::Error::custom(format!("`generation` is {number}: it must be an integer from 0")))
}

/// The result of a command.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CommandAnswer {
    /// The transition; `null` if nothing has changed, or the flag has no breaker.
    #[schema(value_type = Option<Object>)]
    event: Option<BreakerEvent>,
}

/// The status of all flags with a breaker.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TripsAnswer {
    /// The revision in use.
    revision: u64,
    /// Flags with a breaker, and flags that an operator holds.
    flags: BTreeMap<String, FlagStatus>,
    /// Whether everything that is in force is stored.
    stored: bool,
    /// Hosts that use a later revision than the server has, and refuse what it serves. Any key can claim that.
    ahead: Vec<AheadHost>,
    /// The edit that the document's file has, and that is not published.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<RefusedEdit>,
}

/// The status of a flag.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FlagStatus {
    /// The trip that hosts receive: `clear`, `probing`, `off`, or `capped` and thousandths of a percent.
    trip: String,
    /// `closed`, `open` or `half_open`; absent without a breaker.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    /// The mode that an operator has set: `auto`, `held`, `forced_closed` or `observe`.
    mode: &'static str,
    /// Who has set the mode, why and when; absent while the breaker decides by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    set_by: Option<CommandInForce>,
    /// The generation whose outcomes are evidence; 0 without a breaker.
    generation: u32,
    /// The outcomes of the breaker's window, for users who had the feature.
    treatment: Outcomes,
    /// The same, for users whom the percentage left out.
    control: Outcomes,
    /// The largest statistic, as a share of the rollback limit.
    evidence: f64,
    /// The breaker that weighs the outcomes of pages; absent where they are no evidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pages: Option<PagesStatus>,
    /// What to change in the document, if pages report outcomes that are no evidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'static str>,
    /// The last transition.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    last: Option<BreakerEvent>,
    /// Hosts that disagree.
    hosts: Vec<Host>,
}

/// The status of the breaker that weighs the outcomes of pages.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PagesStatus {
    /// `closed`, `open` or `half_open`.
    state: &'static str,
    /// Outcomes that were weighed, for users who had the feature.
    treatment: Outcomes,
    /// The same, for users whom the percentage left out.
    control: Outcomes,
    /// The largest statistic, as a share of the rollback limit.
    evidence: f64,
    /// Networks that have reported outcomes that are not weighed yet: that takes 20 within a minute.
    networks: usize,
}

impl From<PagesReport> for PagesStatus {
    fn from(PagesReport { breaker, networks }: PagesReport) -> Self {
        Self {
            state: breaker.state.as_str(),
            treatment: breaker.window.treatment.into(),
            control: breaker.window.control.into(),
            evidence: finite(breaker.evidence),
            networks,
        }
    }
}

impl TripsAnswer {
    fn new(BreakerStatuses { revision, flags, stored }: BreakerStatuses, shared: &Shared) -> Self {
        let flags = flags.into_iter().map(|(key, report)| (key, FlagStatus::from(report))).collect();
        let (ahead, refused) = (shared.ahead.list(revision, wall()), shared.refused_edit());
        Self { revision, flags, stored, ahead, refused: refused.as_deref().cloned() }
    }
}

impl From<FlagReport> for FlagStatus {
    fn from(FlagReport { trip, breaker, pages, ignores_pages, command, is_held, last, hosts }: FlagReport) -> Self {
        let (pages, last) = (pages.map(PagesStatus::from), last.as_ref().map(BreakerEvent::from));
        let hint = ignores_pages.then_some(PAGES_HINT);
        let held = Mode::Held.as_str();
        // Without a breaker it is here because it is held.
        let status =
            Self { trip: trip.to_string(), mode: held, set_by: command, pages, hint, last, hosts, ..Self::default() };
        let Some(breaker) = breaker else { return status };
        Self {
            state: Some(breaker.state.as_str()),
            mode: if is_held { held } else { breaker.mode.as_str() },
            generation: breaker.generation,
            treatment: breaker.window.treatment.into(),
            control: breaker.window.control.into(),
            evidence: finite(breaker.evidence),
            ..status
        }
    }
}

/// The status of all breakers, and the hosts that disagree.
#[utoipa::path(get, path = "/trips", tag = "breakers", responses(
    (status = 200, body = TripsAnswer),
    (status = 401, body = Problem), (status = 403, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn list_breakers(_: Authorized<Server>, State(app): Context) -> Result<Json<TripsAnswer>, Problem> {
    Ok(Json(TripsAnswer::new(app.fleet.breaker_statuses().await?, &app.shared)))
}

/// Commands the breaker of a flag, for all hosts at once.
///
/// `hold` turns the flag off, whatever the document says. `release` lets its breaker decide again. `acknowledge` closes
/// the breaker of a flag that was rolled back. `observe` and `force` let the flag decide as usual, whatever the
/// outcomes; `observe` reports the rollbacks that would have happened.
#[utoipa::path(post, path = "/flags/{key}/{command}", tag = "breakers", params(
    ("key" = String, Path, description = "The flag key"),
    ("command" = CommandName, Path, description = "What to do to it"),
), request_body(content = Option<CommandRequest>, content_type = "application/json"), responses(
    (status = 200, body = CommandAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
    (status = 404, body = Problem), (status = 408, body = Problem), (status = 409, description = "The state of the flag does not allow it", body = Problem),
    (status = 413, body = Problem), (status = 415, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn command_breaker(
    key: Authorized<Operator>,
    State(app): Context,
    path: Result<Path<(String, CommandName)>, PathRejection>,
    headers: HeaderMap,
    content: Body,
) -> Result<Json<CommandAnswer>, Problem> {
    let (actor, address) = (key.name(), key.address());
    let Ok(Path((flag, command))) = path else { return Err(super::problem::no_such_path().await) };
    let CommandRequest { reason, generation } = body::read_json(&app, &headers, content).await?;
    let action = match command {
        CommandName::Acknowledge => Action::Acknowledge(generation),
        CommandName::Force => Action::Force,
        CommandName::Hold => Action::Hold,
        CommandName::Observe => Action::Observe,
        CommandName::Release => Action::Release,
    };
    let event = app.fleet.command(BreakerCommand { flag, action, actor, address, reason }).await?;
    Ok(Json(CommandAnswer { event: event.as_ref().map(BreakerEvent::from) }))
}
