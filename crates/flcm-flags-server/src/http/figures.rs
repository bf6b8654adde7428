//! `GET /metrics`: what was measured, for Prometheus.

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use flcm_flags::metrics::Durations;

use super::{App, Context, Problem};
use crate::exposition::{Exposition, Kind};
use crate::fleet::Figures;
use crate::keys::Role;

const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What hosts have counted, where breakers stand, and how the server does, as `OpenMetrics` text.
#[utoipa::path(get, path = "/metrics", tag = "operation", responses(
    (status = 200, body = String, content_type = "application/openmetrics-text"),
    (status = 401, body = Problem), (status = 403, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn give(State(app): Context, headers: HeaderMap) -> Result<Response, Problem> {
    app.admit(&headers, Role::Server)?;
    let figures = app.asks.figures().await?;
    let mut text = Exposition::default();
    flags(&figures, &mut text);
    breakers(&figures, &mut text);
    customs(&figures, &mut text);
    server(&app, &figures, &mut text);
    Ok(([(header::CONTENT_TYPE, TEXT)], text.finish()).into_response())
}

fn flags(figures: &Figures, text: &mut Exposition) {
    text.family("flcm_decisions", Kind::Counter, "Decisions of hosts, by what was served and why.");
    for (flag, of_flag) in &figures.flags {
        for (variant, reason, count) in of_flag.counts.decisions() {
            let labels = [("flag", flag.as_str()), ("variant", variant), ("reason", reason.as_str())];
            text.whole("_total", &labels, count);
        }
    }
    text.family(
        "flcm_outcomes",
        Kind::Counter,
        "Settled outcomes of flagged code; slow ones are counted as ok or error as well.",
    );
    for (flag, of_flag) in &figures.flags {
        for (arm, [total, errors, slow, missing]) in
            ["outside", "treatment", "control"].iter().zip(of_flag.counts.outcomes)
        {
            let ok = total.saturating_sub(errors).saturating_sub(missing);
            for (outcome, count) in [("ok", ok), ("error", errors), ("missing", missing), ("slow", slow)] {
                text.whole("_total", &[("flag", flag), ("arm", arm), ("outcome", outcome)], count);
            }
        }
    }
    text.family("flcm_users", Kind::Gauge, "Different users that a flag was decided for, within about 2.3 %.");
    for (flag, of_flag) in &figures.flags {
        text.number("", &[("flag", flag)], of_flag.users.round());
    }
    text.family("flcm_duration_milliseconds", Kind::Summary, "How long flagged code took.");
    for (flag, of_flag) in &figures.flags {
        summary(("flag", flag), &of_flag.durations, of_flag.duration_sum, text);
    }
}

fn breakers(figures: &Figures, text: &mut Exposition) {
    text.family("flcm_breaker_state", Kind::Gauge, "1 for the state that the flag's breaker is in.");
    for (flag, report) in &figures.standing.flags {
        for state in ["closed", "open", "half_open"] {
            let is_it = report.state.as_deref() == Some(state);
            text.whole("", &[("flag", flag), ("state", state)], u64::from(is_it));
        }
    }
    text.family(
        "flcm_held_back",
        Kind::Gauge,
        "1 for a flag of which hosts are told to hold it back, wholly or in part.",
    );
    for (flag, report) in &figures.standing.flags {
        text.whole("", &[("flag", flag)], u64::from(report.trip != "clear"));
    }
    text.family(
        "flcm_evidence",
        Kind::Gauge,
        "The largest statistic of a breaker, as a share of what a rollback takes.",
    );
    for (flag, report) in &figures.standing.flags {
        text.number("", &[("flag", flag)], report.evidence);
    }
    text.family("flcm_disagreeing_hosts", Kind::Gauge, "Hosts that do otherwise than the fleet says.");
    for (flag, report) in &figures.standing.flags {
        text.whole("", &[("flag", flag)], report.hosts.len() as u64);
    }
}

fn customs(figures: &Figures, text: &mut Exposition) {
    text.family("flcm_custom", Kind::Counter, "Counters that applications have named.");
    for (name, amount) in &figures.counters {
        text.whole("_total", &[("name", name)], *amount);
    }
    text.family("flcm_custom_values", Kind::Summary, "Values that applications have named.");
    for (name, durations, sum) in &figures.histograms {
        summary(("name", name), durations, *sum, text);
    }
    text.family("flcm_custom_dropped", Kind::Counter, "Custom metrics for whose names there was no room.");
    text.whole("_total", &[], figures.dropped);
}

fn server(app: &App, figures: &Figures, text: &mut Exposition) {
    let counters = &app.shared.counters;
    for (name, help, counter) in [
        ("flcm_batches", "Batches that were added up.", &counters.batches),
        ("flcm_batches_repeated", "Batches that arrived again.", &counters.repeated),
        ("flcm_batches_refused_gap", "Batches of hosts that the server has lost count of.", &counters.gaps),
        ("flcm_batches_refused_invalid", "Bodies that were no batch, or too old.", &counters.invalid),
        ("flcm_unknown_flags", "Flags in batches that no document has.", &counters.unknown_flags),
        ("flcm_documents_refused", "Documents with errors.", &counters.refused_documents),
        ("flcm_connections_refused", "Connections beyond the limit.", &counters.refused_connections),
        ("flcm_requests_denied", "Requests without a good key, or too many.", &counters.denied),
        ("flcm_store_failures", "What could not be written or read.", &counters.store_failures),
        ("flcm_webhooks_delivered", "Messages that webhooks took.", &counters.delivered),
        ("flcm_webhooks_failed", "Attempts that failed.", &counters.undelivered),
    ] {
        text.family(name, Kind::Counter, help);
        text.whole("_total", &[], counter.value());
    }
    for (name, help, value) in [
        ("flcm_revision", "The revision in use.", figures.standing.revision),
        ("flcm_connections", "Open connections.", counters.connections.value()),
        ("flcm_streams", "Open streams.", counters.streams.value()),
        ("flcm_ledgers", "Hosts, by start, of whose batches count is kept.", figures.ledgers as u64),
        ("flcm_stored", "1 while everything that is in force is stored.", u64::from(figures.standing.stored)),
    ] {
        text.family(name, Kind::Gauge, help);
        text.whole("", &[], value);
    }
    requests(app, text);
}

fn requests(app: &App, text: &mut Exposition) {
    let paths = app.requests.all();
    text.family("flcm_requests", Kind::Counter, "Answered requests.");
    for (path, answers) in &paths {
        for ((method, status), count) in &answers.counts {
            text.whole("_total", &[("path", path), ("method", method), ("status", &status.to_string())], *count);
        }
    }
    text.family("flcm_request_milliseconds", Kind::Summary, "How long answers took, streams until they began.");
    for (path, answers) in &paths {
        summary(("path", path), &Durations::new(&answers.durations), answers.durations.sum(), text);
    }
}

fn summary(label: (&str, &str), durations: &Durations, sum: f64, text: &mut Exposition) {
    for (quantile, value) in [("0.5", durations.p50), ("0.95", durations.p95), ("0.99", durations.p99)] {
        text.number("", &[label, ("quantile", quantile)], value);
    }
    text.number("_sum", &[label], sum);
    text.whole("_count", &[label], durations.count);
}
