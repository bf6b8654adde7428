//! Everything that is measured, family by family: for whoever asks, and for whom it is pushed to.

use flcm_flags::TripState;
use flcm_flags::breaker::State;
use flcm_flags::metrics::Durations;

use crate::fleet::MetricsSnapshot;
use crate::state::App;

/// What a family of snapshot is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Summary,
}

/// Takes snapshot down in its own form.
pub(crate) trait MetricSink {
    /// Begins a family; what follows belongs to it.
    fn family(&mut self, name: &'static str, kind: Kind, help: &str);
    fn int(&mut self, labels: &[(&str, &str)], value: u64);
    fn float(&mut self, labels: &[(&str, &str)], value: f64);
    fn summary(&mut self, label: (&str, &str), durations: &Durations, sum: f64);
}

/// What hosts have counted since the database began, and where breakers stand.
pub(crate) fn of_hosts(snapshot: &MetricsSnapshot, to: &mut impl MetricSink) {
    flags(snapshot, to);
    breakers(snapshot, to);
    customs(snapshot, to);
}

/// How the server does, since it was started.
pub(crate) fn of_server(app: &App, snapshot: &MetricsSnapshot, to: &mut impl MetricSink) {
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
        to.family(name, Kind::Counter, help);
        to.int(&[], counter.value());
    }
    for (name, help, value) in [
        ("flcm_revision", "The revision in use.", snapshot.breakers.revision),
        ("flcm_connections", "Open connections.", counters.connections.value()),
        ("flcm_streams", "Open streams.", counters.streams.value()),
        ("flcm_ledgers", "Hosts, by start, of whose batches count is kept.", snapshot.ledgers as u64),
        ("flcm_stored", "1 while everything that is in force is stored.", u64::from(snapshot.breakers.stored)),
    ] {
        to.family(name, Kind::Gauge, help);
        to.int(&[], value);
    }
    requests(app, to);
}

fn flags(snapshot: &MetricsSnapshot, to: &mut impl MetricSink) {
    to.family("flcm_decisions", Kind::Counter, "Decisions of hosts, by what was served and why.");
    for (flag, of_flag) in &snapshot.flags {
        for (variant, reason, count) in of_flag.counts.decisions() {
            let mut labels = vec![("flag", flag.as_str()), ("variant", variant), ("reason", reason.as_str())];
            labels.extend(reason.error_code().map(|code| ("error", code.as_str())));
            to.int(&labels, count);
        }
    }
    to.family(
        "flcm_outcomes",
        Kind::Counter,
        "Settled outcomes of flagged code; slow ones are counted as ok or error as well.",
    );
    for (flag, of_flag) in &snapshot.flags {
        for (arm, [total, errors, slow, missing]) in
            ["outside", "treatment", "control"].iter().zip(of_flag.counts.outcomes)
        {
            let ok = total.saturating_sub(errors).saturating_sub(missing);
            for (outcome, count) in [("ok", ok), ("error", errors), ("missing", missing), ("slow", slow)] {
                to.int(&[("flag", flag), ("arm", arm), ("outcome", outcome)], count);
            }
        }
    }
    to.family("flcm_users", Kind::Gauge, "Different users that a flag was decided for, within about 2.3 %.");
    for (flag, of_flag) in &snapshot.flags {
        to.float(&[("flag", flag)], of_flag.users.round());
    }
    to.family("flcm_duration_milliseconds", Kind::Summary, "How long flagged code took.");
    for (flag, of_flag) in &snapshot.flags {
        to.summary(("flag", flag), &of_flag.durations, of_flag.duration_sum);
    }
}

fn breakers(snapshot: &MetricsSnapshot, to: &mut impl MetricSink) {
    to.family("flcm_breaker_state", Kind::Gauge, "1 for the state that the flag's breaker is in.");
    for (flag, report) in &snapshot.breakers.flags {
        for state in State::ALL {
            let is_it = report.breaker.is_some_and(|breaker| breaker.state == *state);
            to.int(&[("flag", flag), ("state", state.as_str())], u64::from(is_it));
        }
    }
    to.family(
        "flcm_held_back",
        Kind::Gauge,
        "1 for a flag of which hosts are told to hold it back, wholly or in part.",
    );
    for (flag, report) in &snapshot.breakers.flags {
        to.int(&[("flag", flag)], u64::from(report.trip != TripState::Clear));
    }
    to.family("flcm_evidence", Kind::Gauge, "The largest statistic of a breaker, as a share of what a rollback takes.");
    for (flag, report) in &snapshot.breakers.flags {
        let evidence = report.breaker.map_or(0.0, |breaker| breaker.evidence);
        to.float(&[("flag", flag)], evidence.min(f64::MAX));
    }
    to.family("flcm_disagreeing_hosts", Kind::Gauge, "Hosts that do otherwise than the fleet says.");
    for (flag, report) in &snapshot.breakers.flags {
        to.int(&[("flag", flag)], report.hosts.len() as u64);
    }
}

fn customs(snapshot: &MetricsSnapshot, to: &mut impl MetricSink) {
    to.family("flcm_custom", Kind::Counter, "Counters that applications have named.");
    for (name, amount) in &snapshot.counters {
        to.int(&[("name", name)], *amount);
    }
    to.family("flcm_custom_values", Kind::Summary, "Values that applications have named.");
    for (name, durations, sum) in &snapshot.histograms {
        to.summary(("name", name), durations, *sum);
    }
    to.family("flcm_custom_dropped", Kind::Counter, "Custom metrics for whose names there was no room.");
    to.int(&[], snapshot.dropped);
}

fn requests(app: &App, to: &mut impl MetricSink) {
    let paths = app.requests.all();
    to.family("flcm_requests", Kind::Counter, "Answered requests.");
    for (path, answers) in &paths {
        for ((method, status), count) in &answers.counts {
            to.int(&[("path", path), ("method", method), ("status", &status.to_string())], *count);
        }
    }
    to.family("flcm_request_milliseconds", Kind::Summary, "How long answers took, streams until they began.");
    for (path, answers) in &paths {
        to.summary(("path", path), &Durations::new(&answers.durations), answers.durations.sum());
    }
}
