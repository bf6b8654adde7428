//! Metrics that are pushed to a collector: what they say, and what a collector that is away does to them.

use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsPartialSuccess, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use prost::Message;

use crate::collector::{Collector, Point, Push};
use crate::host::{Host, Tally};
use crate::test_server::{TestFolder, TestServer, until};

const PLAIN: [(&str, &str); 3] = [
    ("feature_flag.key", "plain"),
    ("feature_flag.provider.name", "flcm-flags"),
    ("feature_flag.result.reason", "override"),
];

fn variables() -> [(&'static str, &'static str); 4] {
    [
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20secret"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "50"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test"),
        ("OTEL_SERVICE_NAME", "flags"),
    ]
}

/// A server that pushes there, twenty times a second.
fn serve(folder: &TestFolder, url: &str) -> TestServer {
    let mut command = folder.command(&["flags.yaml", "--otlp-endpoint", url]);
    command.envs(variables());
    TestServer::start(command)
}

fn count(server: &TestServer, host: &mut Host, decisions: u32, errors: u32) {
    let tally = Tally { flag: "plain", decisions, errors, generation: 0 };
    host.send(server.address, &[tally]).unwrap().expect(204);
}

fn evaluations(push: &Push) -> Option<Point> {
    push.point("feature_flag.evaluation", &PLAIN)
}

/// Waits for a push that says so many evaluations.
fn pushed(collector: &Collector, expected: i64) -> (Push, Point) {
    until("the evaluations are pushed", || {
        let push = collector.all().pop()?;
        let point = evaluations(&push).filter(|point| point.value == expected)?;
        Some((push, point))
    })
}

#[test]
fn counts_are_pushed_as_the_conventions_name_them() {
    let (folder, collector) = (TestFolder::new(), Collector::new());
    let server = serve(&folder, &collector.url());
    let mut host = Host::new(7);
    count(&server, &mut host, 10, 3);
    let (push, first) = pushed(&collector, 10);
    assert!(push.head.starts_with("POST /v1/metrics HTTP/1.1"), "{}", push.head);
    assert_eq!(push.header("content-type"), Some("application/x-protobuf"));
    assert_eq!(push.header("api-key"), Some("a secret"));
    let resource: Vec<_> = push.resource().into_iter().collect();
    let expected = [("deployment.environment.name", "test"), ("service.name", "flags")];
    assert_eq!(resource, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    assert_eq!(push.metric("feature_flag.evaluation").unwrap().unit, "{evaluation}");
    let failed = [PLAIN[0], PLAIN[1], ("flcm.arm", "treatment"), ("flcm.outcome", "error")];
    assert_eq!(push.point("flcm.outcomes", &failed).unwrap().value, 3);

    count(&server, &mut host, 15, 0);
    let (_, second) = pushed(&collector, 25);
    assert!(0 < first.since && first.since < first.at && first.at < second.at, "{first:?} {second:?}");
    assert_eq!(first.since, second.since);
}

/// The name of a family of Prometheus in OTLP.
fn name_in_otlp(family: &str) -> String {
    match family {
        "flcm_decisions_total" => "feature_flag.evaluation".to_owned(),
        "flcm_request_duration_seconds" => "http.server.request.duration".to_owned(),
        _ => {
            let suffixes = ["_total", "_timestamp_seconds", "_seconds", "_bytes"];
            let name = suffixes.into_iter().fold(family, |name, suffix| name.strip_suffix(suffix).unwrap_or(name));
            name.replacen('_', ".", 1)
        }
    }
}

/// Every family of `GET /metrics` that says something is pushed, and what does not change meanwhile is the same.
#[test]
fn what_prometheus_is_told_is_pushed() {
    let (folder, collector) = (TestFolder::new(), Collector::new());
    let server = serve(&folder, &collector.url());
    count(&server, &mut Host::new(7), 10, 3);
    server.post("/flags/guarded/hold", "{}").expect(200);
    let told = server.get("/metrics").text();
    let (push, _) = until("the hold is pushed", || {
        let (push, point) = pushed(&collector, 10);
        let held = push.point("flcm.held_back", &[("feature_flag.key", "guarded"), PLAIN[1]])?;
        (held.value == 1).then_some((push, point))
    });
    for (family, kind) in told.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')) {
        let name = name_in_otlp(family);
        let mut behind = told.lines().skip_while(|line| !line.starts_with(&format!("# TYPE {family} "))).skip(1);
        let is_told = behind.next().is_some_and(|line| line.starts_with(family));
        match (push.metric(&name).and_then(|metric| metric.data.as_ref()), kind) {
            (Some(Data::Sum(_)), "counter") | (Some(Data::Gauge(_)), "gauge") | (Some(Data::Summary(_)), "summary") => {
                assert!(is_told, "{family} is not told");
            }
            (None, _) => assert!(!is_told, "{family} is not pushed"),
            other => panic!("{family}: {other:?}"),
        }
    }
    let state =
        |state| push.point("flcm.breaker_state", &[("feature_flag.key", "guarded"), PLAIN[1], ("flcm.state", state)]);
    assert_eq!(["closed", "open", "half_open"].map(|name| state(name).unwrap().value), [0, 1, 0]);
    let revision = push.point("flcm.revision", &[]).unwrap();
    assert_eq!((revision.value.cast_unsigned(), revision.since), (server.figure("flcm_revision"), 0));
    let posted = [("http.request.method", "POST"), ("http.response.status_code", "204"), ("http.route", "/metrics")];
    assert_eq!(push.point("flcm.requests", &posted).unwrap().value, 1);
    let Some(Data::Summary(durations)) = &push.metric("flcm.duration").unwrap().data else { panic!() };
    assert_eq!((durations.data_points[0].count, durations.data_points[0].quantile_values.len()), (1, 3));
}

#[test]
fn a_collector_that_is_away_disturbs_nobody_and_misses_nothing() {
    let (folder, address) = (TestFolder::new(), Collector::nowhere());
    let server = serve(&folder, &format!("http://{address}"));
    let mut host = Host::new(7);
    let logs = |text: &str| until(text, || server.log().contains(text).then_some(()));
    logs("metrics are not pushed: Connection refused");
    count(&server, &mut host, 10, 3);
    server.get("/flags").expect(200);

    let collector = Collector::at(address);
    collector.answers(503, Vec::new());
    logs("metrics are not pushed: status 503");
    count(&server, &mut host, 1, 0);
    collector.answers(200, Vec::new());
    logs("metrics are pushed again");
    pushed(&collector, 11);
    let log = server.stop();
    assert_eq!(log.matches("metrics are").count(), 3, "{log}");
    assert!(!log.contains("secret"), "{log}");
}

#[test]
fn what_the_collector_refuses_is_said_once() {
    let (folder, collector) = (TestFolder::new(), Collector::new());
    let refused = ExportMetricsPartialSuccess { rejected_data_points: 2, error_message: "too old".to_owned() };
    collector.answers(200, ExportMetricsServiceResponse { partial_success: Some(refused) }.encode_to_vec());
    let server = serve(&folder, &collector.url());
    until("it is pushed a few times", || (collector.all().len() > 3).then_some(()));
    let log = server.stop();
    assert_eq!(log.matches("the collector rejects metrics: too old").count(), 1, "{log}");
}

#[test]
fn the_last_counts_are_pushed_at_the_end() {
    let (folder, collector) = (TestFolder::new(), Collector::new());
    let mut command = folder.command(&["flags.yaml", "--otlp-endpoint", &collector.url()]);
    let server = TestServer::start({
        command.envs(variables()).env("OTEL_METRIC_EXPORT_INTERVAL", "3600000");
        command
    });
    count(&server, &mut Host::new(7), 10, 3);
    server.stop();
    let all = collector.all();
    assert_eq!(all.iter().map(|push| evaluations(push).unwrap().value).collect::<Vec<_>>(), [10]);
}

#[test]
fn a_collector_without_an_answer_does_not_keep_the_server() {
    let (folder, collector) = (TestFolder::new(), Collector::new());
    collector.answers(0, Vec::new());
    let server = serve(&folder, &collector.url());
    until("it is pushed", || (!collector.all().is_empty()).then_some(()));
    let log = server.stop();
    assert!(log.contains("metrics are not pushed: the collector does not answer"), "{log}");
}

/// What is added up for hosts goes on where it was; what the server counts of itself begins anew.
#[test]
fn sums_begin_when_they_began() {
    let (folder, collector) = (TestFolder::new(), Collector::new());
    let of_server = |push: &Push| push.point("flcm.batches", &[]).unwrap();
    let server = serve(&folder, &collector.url());
    let mut host = Host::new(7);
    count(&server, &mut host, 10, 3);
    let (push, before) = pushed(&collector, 10);
    server.stop();

    let server = serve(&folder, &collector.url());
    count(&server, &mut host, 1, 0);
    let (again, after) = pushed(&collector, 11);
    assert_eq!(before.since, after.since);
    assert!(of_server(&push).since < of_server(&again).since);
    assert_eq!(of_server(&again).value, 1);
}

#[test]
fn only_an_option_has_it_push() {
    let (folder, collector) = (TestFolder::new(), Collector::new());
    let mut command = folder.command(&["flags.yaml"]);
    command.envs(variables());
    for name in ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"] {
        command.env(name, collector.url());
    }
    let server = TestServer::start(command);
    count(&server, &mut Host::new(7), 10, 3);
    server.stop();
    assert!(collector.all().is_empty());
}

#[test]
fn a_collector_that_could_never_be_told_is_refused() {
    let folder = TestFolder::new();
    let (code, said) = folder.fails(&["flags.yaml", "--otlp-endpoint", "collector:4318"]);
    assert!(code == 1 && said.contains("the collector's address is not a URL"), "{code}: {said}");
}
