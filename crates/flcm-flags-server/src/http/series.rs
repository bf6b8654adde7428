//! What was counted of a flag over time: its series, its users by day, and the moments at which its breaker acted.

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use flcm_flags_config::explain::text::rfc3339;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::access::{Authorized, Viewer};
use super::revisions::bad_query;
use super::{Context, Problem, problem};
use crate::clock::wall;
use crate::fleet::FleetError;
use crate::series::{Point, SeriesAnswer, TIERS, Tier, UsersAnswer};
use crate::state::App;

/// The most points of an answer, and how many there are unless the request says otherwise.
const MOST: u64 = 2000;
const POINTS: u64 = 300;

/// The last seconds are in memory for so long, in seconds.
const SECONDS: u64 = 600;

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// Users are kept for so many days.
const DAYS: u64 = 30;

/// Which points are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct SeriesQuery {
    /// From this time, in milliseconds since 1970. Default: an hour before `to`.
    from: Option<u64>,
    /// Before this time. Default: now.
    to: Option<u64>,
    /// At most so many points. Default: 300.
    #[param(minimum = 1, maximum = 2000)]
    points: Option<u64>,
}

/// Which days are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct UsersQuery {
    /// So many days up to today. Default: 30.
    #[param(minimum = 1, maximum = 30)]
    days: Option<u64>,
}

/// Which incidents are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct IncidentsQuery {
    /// Only those before this time, in milliseconds since 1970.
    before: Option<u64>,
    /// How many, at most 100. Default: 20.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// A moment at which a breaker has changed its state.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Incident {
    /// Identifies the transition, as in webhooks.
    id: String,
    /// The transition.
    #[schema(value_type = Object)]
    event: Value,
    /// The length of a step in seconds.
    step: u64,
    /// From 120 s before to 60 s after.
    points: SeriesAnswer,
}

/// How a time is divided into points.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Division {
    Seconds,
    /// So many steps of a tier are one point.
    Steps(Tier, u64),
}

/// What hosts have counted of a flag, in steps of time.
///
/// The step is the finest that gives at most `points`: a second within the last ten minutes, 10 s within 6 hours, a
/// minute within 8 days, 15 minutes within 400 days, or a multiple of that.
#[utoipa::path(get, path = "/flags/{key}/series", tag = "people", params(
    ("key" = String, Path, description = "The flag key"), SeriesQuery,
), responses(
    (status = 200, body = SeriesAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
    (status = 404, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn get_series(
    _: Authorized<Viewer>,
    State(app): Context,
    key: Result<Path<String>, PathRejection>,
    query: Result<Query<SeriesQuery>, QueryRejection>,
) -> Result<Json<SeriesAnswer>, Problem> {
    let Path(flag) = key.map_err(|error| problem::bad_path(&error))?;
    let Query(SeriesQuery { from, to, points }) = query.map_err(|error| bad_query(&error))?;
    let now = wall();
    let to = to.unwrap_or(now).min(now + 1000);
    let from = from.unwrap_or(to.saturating_sub(HOUR_MS));
    let points = points.unwrap_or(POINTS);
    if from >= to {
        return Err(Problem::bad_request("`from` is not before `to`", "write times in milliseconds since 1970"));
    }
    if !(1..=MOST).contains(&points) {
        return Err(Problem::bad_request(format!("`points` is {points}"), "write a number from 1 to 2000"));
    }
    let division = divide(from, to, points, now);
    let (step, found) = points_of(&app, &flag, division, from, to, now).await?;
    if found.is_empty() {
        expect_flag(&app, &flag)?;
    }
    let of_reader = flag.clone();
    let marks = app.read(move |reader| reader.marks(&of_reader, from, to)).await?;
    Ok(Json(SeriesAnswer::new(flag, step, &found, marks)))
}

async fn points_of(
    app: &App,
    flag: &str,
    division: Division,
    from: u64,
    to: u64,
    now: u64,
) -> Result<(u64, Vec<(u64, Point)>), Problem> {
    let flag = flag.to_owned();
    let (tier, times) = match division {
        Division::Seconds => {
            let seconds = app.fleet.seconds(flag.clone(), from / 1000, (to - 1) / 1000).await?;
            if !seconds.is_empty() {
                return Ok((1, seconds));
            }
            // Beyond the limit of flags, and right after a start, only steps are known.
            (TIERS[0], 1)
        }
        Division::Steps(tier, times) => (tier, times),
    };
    let oldest = (now / 1000).saturating_sub(tier.kept);
    let (first, last) = ((from / 1000).max(oldest) / tier.step, (to - 1) / 1000 / tier.step);
    let found = app.read(move |reader| reader.series(&flag, tier, first..last + 1)).await?;
    let mut sums: Vec<(u64, Point)> = Vec::new();
    for (number, point) in found {
        match sums.last_mut() {
            Some((last, sum)) if *last == number / times => sum.add(&point),
            _ => sums.push((number / times, point)),
        }
    }
    Ok((tier.step * times, sums))
}

/// The finest steps that are kept for so long and that are no more than wanted.
fn divide(from: u64, to: u64, points: u64, now: u64) -> Division {
    let (range, age) = ((to - from).div_ceil(1000), now.saturating_sub(from) / 1000);
    if range <= points && age <= SECONDS {
        return Division::Seconds;
    }
    let fits = |tier: &&Tier| range.div_ceil(tier.step) <= points && age <= tier.kept;
    if let Some(tier) = TIERS.iter().find(fits) {
        return Division::Steps(*tier, 1);
    }
    let [.., coarsest] = TIERS;
    let kept = range.min(coarsest.kept).div_ceil(coarsest.step);
    Division::Steps(coarsest, kept.div_ceil(points).max(1))
}

/// For how many different users a flag was decided, by day.
#[utoipa::path(get, path = "/flags/{key}/users", tag = "people", params(
    ("key" = String, Path, description = "The flag key"), UsersQuery,
), responses(
    (status = 200, body = UsersAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
    (status = 404, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn get_users(
    _: Authorized<Viewer>,
    State(app): Context,
    key: Result<Path<String>, PathRejection>,
    query: Result<Query<UsersQuery>, QueryRejection>,
) -> Result<Json<UsersAnswer>, Problem> {
    let Path(flag) = key.map_err(|error| problem::bad_path(&error))?;
    let days = query.map_err(|error| bad_query(&error))?.days.unwrap_or(DAYS);
    if !(1..=DAYS).contains(&days) {
        return Err(Problem::bad_request(format!("`days` is {days}"), "write a number from 1 to 30"));
    }
    let end = wall() / DAY_MS + 1;
    let wanted = end.saturating_sub(days)..end;
    let (of_reader, of_days) = (flag.clone(), wanted.clone());
    let sketches = app.read(move |reader| reader.users(&of_reader, of_days)).await?;
    let name = |day: u64| rfc3339(day * DAY_MS).chars().take(10).collect();
    let answer = UsersAnswer::new(wanted.map(name).collect(), &sketches);
    if answer.is_empty() {
        expect_flag(&app, &flag)?;
    }
    Ok(Json(answer))
}

/// When the breaker of a flag has changed its state, and what was counted around it, the newest first.
#[utoipa::path(get, path = "/flags/{key}/incidents", tag = "people", params(
    ("key" = String, Path, description = "The flag key"), IncidentsQuery,
), responses(
    (status = 200, body = Vec<Incident>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
    (status = 404, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn list_incidents(
    _: Authorized<Viewer>,
    State(app): Context,
    key: Result<Path<String>, PathRejection>,
    query: Result<Query<IncidentsQuery>, QueryRejection>,
) -> Result<Json<Vec<Incident>>, Problem> {
    let Path(flag) = key.map_err(|error| problem::bad_path(&error))?;
    let Query(IncidentsQuery { before, limit }) = query.map_err(|error| bad_query(&error))?;
    let limit = limit.unwrap_or(20);
    if !(1..=100).contains(&limit) {
        return Err(Problem::bad_request(format!("`limit` is {limit}"), "write a number from 1 to 100"));
    }
    let before = i64::try_from(before.unwrap_or(i64::MAX.cast_unsigned())).unwrap_or(i64::MAX);
    let of_reader = flag.clone();
    let found = app.read(move |reader| reader.incidents(&of_reader, before, limit)).await?;
    if found.is_empty() {
        expect_flag(&app, &flag)?;
    }
    let incidents = found.into_iter().map(|stored| Incident {
        id: stored.id,
        event: serde_json::from_str(&stored.event).unwrap_or_default(),
        step: 1,
        points: SeriesAnswer::new(stored.flag, 1, &stored.points, Vec::new()),
    });
    Ok(Json(incidents.collect()))
}

/// Refuses a flag of which nothing is known.
fn expect_flag(app: &App, flag: &str) -> Result<(), Problem> {
    let is_known = app.shared.published().snapshot.flag(flag).is_some();
    if is_known { Ok(()) } else { Err(FleetError::NoSuchFlag.into()) }
}

#[cfg(test)]
mod tests {
    use super::{Division, TIERS, divide};

    #[test]
    fn the_finest_steps_that_fit_are_chosen() {
        const NOW: u64 = 1_796_000_000_000;
        let ago = |seconds: u64| NOW - seconds * 1000;
        let [fine, day, year] = TIERS;
        for (from, points, expected) in [
            (300, 300, Division::Seconds),
            (600, 300, Division::Steps(fine, 1)),
            (3000, 300, Division::Steps(fine, 1)),
            (3600, 300, Division::Steps(day, 1)),
            (3600, 2000, Division::Steps(fine, 1)),
            (86_400, 300, Division::Steps(year, 1)),
            (86_400, 2000, Division::Steps(day, 1)),
            (30 * 86_400, 2000, Division::Steps(year, 2)),
            (400 * 86_400, 300, Division::Steps(year, 128)),
            (4000 * 86_400, 300, Division::Steps(year, 128)),
        ] {
            assert_eq!(divide(ago(from), NOW, points, NOW), expected, "{from} s in {points}");
        }
        // A minute of last week is no longer there by seconds.
        assert_eq!(divide(ago(6 * 86_400), ago(6 * 86_400 - 60), 300, NOW), Division::Steps(day, 1));
        assert_eq!(divide(ago(60 * 86_400), ago(60 * 86_400 - 60), 300, NOW), Division::Steps(year, 1));
    }
}
