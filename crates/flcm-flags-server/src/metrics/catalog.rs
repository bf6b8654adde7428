//! The catalog of metrics: every metric family, for `GET /metrics` and for OTLP.

use flcm_flags::TripState;
use flcm_flags::breaker::State;
use flcm_flags::metrics::Durations;

use super::process;
use crate::clock::wall;
use crate::fleet::MetricsSnapshot;
use crate::state::App;

/// The type of a metric family.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Summary,
}

/// Receives metrics, and writes them in its own format.
pub(crate) trait MetricSink {
    /// Begins a family, to which the following values belong.
    fn family(&mut self, name: &'static str, kind: Kind, help: &str);
    fn int(&mut self, labels: &[(&str, &str)], value: u64);
    fn float(&mut self, labels: &[(&str, &str)], value: f64);
    fn summary(&mut self, label: (&str, &str), durations: &Durations, sum: f64);
}

/// What hosts have counted since the database was created, and the state of breakers.
pub(crate) fn of_hosts(snapshot: &MetricsSnapshot, to: &mut impl MetricSink) {
    flags(snapshot, to);
    breakers(snapshot, to);
    customs(snapshot, to);
}

/// What the server has counted about itself since it was started.
pub(crate) fn of_server(app: &App, snapshot: &MetricsSnapshot, to: &mut impl MetricSink) {
    to.family("flcm_build_info", Kind::Gauge, "1, with the version of the server.");
    to.int(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    process::of_process(to);
    let counters = &app.shared.counters;
    for (name, help, counter) in [
        ("flcm_batches", "Batches that were counted.", &counters.batches),
        ("flcm_batches_repeated", "Batches that arrived more than once.", &counters.repeated),
        (
            "flcm_batches_refused_gap",
            "Batches rejected because an earlier batch of the host is missing.",
            &counters.gaps,
        ),
        ("flcm_batches_refused_invalid", "Batches rejected because they are invalid or too old.", &counters.invalid),
        ("flcm_unknown_flags", "Flags in batches that are in no document.", &counters.unknown_flags),
        (
            "flcm_documents_refused",
            "Documents and edits of the file that were not published.",
            &counters.refused_documents,
        ),
        ("flcm_connections_refused", "Connections refused because of the limit.", &counters.refused_connections),
        ("flcm_requests_denied", "Requests denied because of their key, its role or its rate limit.", &counters.denied),
        ("flcm_store_failures", "Failed writes to the database.", &counters.store_failures),
        ("flcm_webhooks_delivered", "Deliveries that webhooks accepted.", &counters.delivered),
        ("flcm_webhooks_failed", "Failed attempts to deliver to a webhook.", &counters.undelivered),
    ] {
        to.family(name, Kind::Counter, help);
        to.int(&[], counter.value());
    }
    let ahead = app.shared.ahead.list(snapshot.breakers.revision, wall()).len() as u64;
    let refused = u64::from(app.shared.refused_edit().is_some());
    for (name, help, value) in [
        ("flcm_revision", "The revision in use.", snapshot.breakers.revision),
        ("flcm_hosts_ahead", "Addresses of hosts that use a later revision than the server has.", ahead),
        ("flcm_file_refused", "1 if the document's file has an edit that was not published.", refused),
        ("flcm_connections", "Open connections.", counters.connections.value()),
        ("flcm_streams", "Open streams.", counters.streams.value()),
        ("flcm_ledgers", "Ledgers of batches: one for each start of each host.", snapshot.ledgers as u64),
        ("flcm_stored", "1 if everything that is in force is stored.", u64::from(snapshot.breakers.stored)),
    ] {
        to.family(name, Kind::Gauge, help);
        to.int(&[], value);
    }
    last_publish(snapshot, to);
    requests(app, to);
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are far below 2^53")]
fn last_publish(snapshot: &MetricsSnapshot, to: &mut impl MetricSink) {
    let help = "When the revision in use was published, in seconds since 1970.";
    to.family("flcm_last_publish_timestamp_seconds", Kind::Gauge, help);
    to.float(&[], snapshot.published_at.0 as f64 / 1000.0);
}

fn flags(snapshot: &MetricsSnapshot, to: &mut impl MetricSink) {
    to.family("flcm_decisions", Kind::Counter, "Decisions of hosts, by variant and reason.");
    for (flag, of_flag) in &snapshot.flags {
        for (variant, reason, count) in of_flag.counts.decisions() {
            let mut labels = vec![("flag", flag.as_str()), ("variant", variant), ("reason", reason.as_str())];
            labels.extend(reason.error_code().map(|code| ("error", code.as_str())));
            to.int(&labels, count);
        }
    }
    to.family("flcm_outcomes", Kind::Counter, "Outcomes of flagged code; slow ones are also counted as ok or error.");
    for (flag, of_flag) in &snapshot.flags {
        for (arm, counts) in ["outside", "treatment", "control"].iter().zip(of_flag.counts.outcomes) {
            for (outcome, count) in by_outcome(counts) {
                to.int(&[("flag", flag), ("arm", arm), ("outcome", outcome)], count);
            }
        }
    }
    to.family("flcm_variant_outcomes", Kind::Counter, "The same by variant, for the first sixteen of a flag.");
    for (flag, of_flag) in &snapshot.flags {
        for (variant, counts) in of_flag.counts.outcomes_by_variant() {
            for (outcome, count) in by_outcome(*counts) {
                to.int(&[("flag", flag), ("variant", variant), ("outcome", outcome)], count);
            }
        }
    }
    to.family("flcm_users", Kind::Gauge, "Distinct users for whom a flag was decided, within about 2.3 %.");
    for (flag, of_flag) in &snapshot.flags {
        to.float(&[("flag", flag)], of_flag.users.round());
    }
    to.family("flcm_variant_users", Kind::Gauge, "The same by variant, for the first sixteen of a flag.");
    for (flag, of_flag) in &snapshot.flags {
        for (variant, users) in &of_flag.users_by_variant {
            to.float(&[("flag", flag), ("variant", variant)], users.round());
        }
    }
    to.family("flcm_duration_seconds", Kind::Summary, "Duration of flagged code.");
    for (flag, of_flag) in &snapshot.flags {
        to.summary(("flag", flag), &in_seconds(&of_flag.durations), of_flag.duration_sum / 1000.0);
    }
}

fn by_outcome([total, errors, slow, missing]: [u64; 4]) -> [(&'static str, u64); 4] {
    let ok = total.saturating_sub(errors).saturating_sub(missing);
    [("ok", ok), ("error", errors), ("missing", missing), ("slow", slow)]
}

fn breakers(snapshot: &MetricsSnapshot, to: &mut impl MetricSink) {
    to.family("flcm_breaker_state", Kind::Gauge, "1 for the current state of the flag's breaker.");
    for (flag, report) in &snapshot.breakers.flags {
        for state in State::ALL {
            let is_it = report.breaker.is_some_and(|breaker| breaker.state == *state);
            to.int(&[("flag", flag), ("state", state.as_str())], u64::from(is_it));
        }
    }
    to.family("flcm_held_back", Kind::Gauge, "1 if the fleet holds the flag back, wholly or in part.");
    for (flag, report) in &snapshot.breakers.flags {
        to.int(&[("flag", flag)], u64::from(report.trip != TripState::Clear));
    }
    to.family("flcm_evidence", Kind::Gauge, "The breaker's largest statistic, as a share of the rollback limit.");
    for (flag, report) in &snapshot.breakers.flags {
        let evidence = report.breaker.map_or(0.0, |breaker| breaker.evidence);
        to.float(&[("flag", flag)], evidence.min(f64::MAX));
    }
    to.family(
        "flcm_disagreeing_hosts",
        Kind::Gauge,
        "Hosts whose local breaker or generation differs from the fleet's.",
    );
    for (flag, report) in &snapshot.breakers.flags {
        to.int(&[("flag", flag)], report.hosts.len() as u64);
    }
}

fn customs(snapshot: &MetricsSnapshot, to: &mut impl MetricSink) {
    to.family("flcm_custom", Kind::Counter, "Counters of applications, by name.");
    for (name, amount) in &snapshot.counters {
        to.int(&[("name", name)], *amount);
    }
    to.family("flcm_custom_values", Kind::Summary, "Values of applications, by name.");
    for (name, durations, sum) in &snapshot.histograms {
        to.summary(("name", name), durations, *sum);
    }
    let help = "Custom metrics dropped because there were too many names, or they came with a client key.";
    to.family("flcm_custom_dropped", Kind::Counter, help);
    to.int(&[], snapshot.dropped);
}

fn requests(app: &App, to: &mut impl MetricSink) {
    let paths = app.requests.all();
    to.family("flcm_requests", Kind::Counter, "Requests, by path, method and status.");
    for (path, answers) in &paths {
        for ((method, status), count) in &answers.counts {
            to.int(&[("path", path), ("method", method), ("status", &status.to_string())], *count);
        }
    }
    to.family(
        "flcm_request_duration_seconds",
        Kind::Summary,
        "Duration of requests; of streams, until the response began.",
    );
    for (path, answers) in &paths {
        let durations = in_seconds(&Durations::new(&answers.durations));
        to.summary(("path", path), &durations, answers.durations.sum() / 1000.0);
    }
}

/// Histograms are in milliseconds, and the base unit of metrics is the second.
fn in_seconds(durations: &Durations) -> Durations {
    let &Durations { count, mean, p50, p95, p99, min, max } = durations;
    let [mean, p50, p95, p99, min, max] = [mean, p50, p95, p99, min, max].map(|milliseconds| milliseconds / 1000.0);
    Durations { count, mean, p50, p95, p99, min, max }
}
