//! Metrics as OTLP: the content of `GET /metrics`, under the names of OpenTelemetry's semantic conventions.

use flcm_flags::metrics::Durations;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary,
    SummaryDataPoint,
};
use opentelemetry_proto::tonic::resource::v1::Resource;

use crate::metrics::catalog::{Kind, MetricSink};

/// Collects metrics for an export request. Times are in nanoseconds since 1970.
#[derive(Debug)]
pub(super) struct OtlpEncoder {
    metrics: Vec<Metric>,
    /// When the counts began at zero.
    pub(super) since: u64,
    now: u64,
}

impl OtlpEncoder {
    pub(super) fn new(since: u64, now: u64) -> Self {
        Self { metrics: Vec::new(), since, now }
    }

    /// The request, with the attributes of the resource.
    pub(super) fn finish(mut self, of: &[(String, String)]) -> ExportMetricsServiceRequest {
        self.metrics.retain(|metric| metric.data.as_ref().is_some_and(is_any));
        let attributes = of.iter().map(|(name, value)| text(name, value)).collect();
        let scope = InstrumentationScope {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..InstrumentationScope::default()
        };
        let scope = ScopeMetrics { scope: Some(scope), metrics: self.metrics, ..ScopeMetrics::default() };
        let metrics = ResourceMetrics {
            resource: Some(Resource { attributes, ..Resource::default() }),
            scope_metrics: vec![scope],
            ..ResourceMetrics::default()
        };
        ExportMetricsServiceRequest { resource_metrics: vec![metrics] }
    }

    fn add(&mut self, labels: &[(&str, &str)], value: Value) {
        let mut point = NumberDataPoint {
            attributes: attributes(labels),
            time_unix_nano: self.now,
            value: Some(value),
            ..NumberDataPoint::default()
        };
        match self.metrics.last_mut().and_then(|metric| metric.data.as_mut()) {
            Some(Data::Sum(sum)) => {
                point.start_time_unix_nano = self.since;
                sum.data_points.push(point);
            }
            Some(Data::Gauge(gauge)) => gauge.data_points.push(point),
            _ => {}
        }
    }
}

impl MetricSink for OtlpEncoder {
    fn family(&mut self, name: &'static str, kind: Kind, help: &str) {
        let (name, unit) = named(name);
        let data = match kind {
            Kind::Counter => Data::Sum(Sum {
                aggregation_temporality: AggregationTemporality::Cumulative.into(),
                is_monotonic: true,
                ..Sum::default()
            }),
            Kind::Gauge => Data::Gauge(Gauge::default()),
            Kind::Summary => Data::Summary(Summary::default()),
        };
        let (description, unit) = (help.to_owned(), unit.to_owned());
        self.metrics.push(Metric { name, description, unit, data: Some(data), ..Metric::default() });
    }

    fn int(&mut self, labels: &[(&str, &str)], value: u64) {
        self.add(labels, Value::AsInt(i64::try_from(value).unwrap_or(i64::MAX)));
    }

    fn float(&mut self, labels: &[(&str, &str)], value: f64) {
        self.add(labels, Value::AsDouble(value));
    }

    fn summary(&mut self, label: (&str, &str), durations: &Durations, sum: f64) {
        let quantiles = [(0.5, durations.p50), (0.95, durations.p95), (0.99, durations.p99)];
        let point = SummaryDataPoint {
            attributes: attributes(&[label]),
            start_time_unix_nano: self.since,
            time_unix_nano: self.now,
            count: durations.count,
            sum,
            quantile_values: quantiles.map(|(quantile, value)| ValueAtQuantile { quantile, value }).to_vec(),
            ..SummaryDataPoint::default()
        };
        if let Some(Data::Summary(summary)) = self.metrics.last_mut().and_then(|metric| metric.data.as_mut()) {
            summary.data_points.push(point);
        }
    }
}

fn is_any(data: &Data) -> bool {
    match data {
        Data::Sum(sum) => !sum.data_points.is_empty(),
        Data::Gauge(gauge) => !gauge.data_points.is_empty(),
        Data::Summary(summary) => !summary.data_points.is_empty(),
        _ => false,
    }
}

/// The name and unit of a family: those of the semantic conventions where they have one, else our own name with a dot.
fn named(name: &str) -> (String, &'static str) {
    let (name, unit) = match name {
        "flcm_decisions" => return ("feature_flag.evaluation".to_owned(), "{evaluation}"),
        "flcm_outcomes" => (name, "{outcome}"),
        "flcm_custom" => (name, "{count}"),
        "flcm_request_duration_seconds" => return ("http.server.request.duration".to_owned(), "s"),
        _ => named_by_unit(name),
    };
    (name.replacen('_', ".", 1), unit)
}

/// OpenTelemetry has the unit beside the name.
fn named_by_unit(name: &str) -> (&str, &'static str) {
    let units = [("_timestamp_seconds", "s"), ("_seconds", "s"), ("_bytes", "By")];
    let found = units.into_iter().find_map(|(suffix, unit)| Some((name.strip_suffix(suffix)?, unit)));
    found.unwrap_or((name, ""))
}

fn attributes(labels: &[(&str, &str)]) -> Vec<KeyValue> {
    let is_of_flag = labels.iter().any(|(name, _)| *name == "flag");
    let provider = is_of_flag.then(|| text("feature_flag.provider.name", "flcm-flags"));
    // A decision without a variant has an empty label in OpenMetrics, and no attribute here.
    let labels = labels.iter().filter(|label| **label != ("variant", ""));
    provider.into_iter().chain(labels.map(|label| attribute_of(*label))).collect()
}

fn attribute_of((name, value): (&str, &str)) -> KeyValue {
    match name {
        "error" => text("error.type", value.to_ascii_lowercase()),
        "flag" => text("feature_flag.key", value),
        "method" => text("http.request.method", value),
        "name" => text("flcm.custom.name", value),
        "path" => text("http.route", value),
        "reason" => text("feature_flag.result.reason", value.to_ascii_lowercase()),
        "status" => attribute("http.response.status_code", status(value)),
        "variant" => text("feature_flag.result.variant", value),
        own => text(format!("flcm.{own}"), value),
    }
}

fn status(value: &str) -> any_value::Value {
    any_value::Value::IntValue(value.parse().unwrap_or_default())
}

fn text(key: impl Into<String>, value: impl Into<String>) -> KeyValue {
    attribute(key, any_value::Value::StringValue(value.into()))
}

fn attribute(key: impl Into<String>, value: any_value::Value) -> KeyValue {
    KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::any_value::Value;

    use super::{OtlpEncoder, attributes, named};
    use crate::metrics::catalog::{Kind, MetricSink};

    fn pairs(labels: &[(&str, &str)]) -> Vec<(String, Value)> {
        attributes(labels).into_iter().map(|pair| (pair.key, pair.value.unwrap().value.unwrap())).collect()
    }

    fn pair(key: &str, value: &str) -> (String, Value) {
        (key.to_owned(), Value::StringValue(value.to_owned()))
    }

    #[test]
    fn attributes_are_those_of_the_conventions() {
        let provider = pair("feature_flag.provider.name", "flcm-flags");
        assert_eq!(
            pairs(&[("flag", "a"), ("variant", ""), ("reason", "ERROR"), ("error", "PARSE_ERROR")]),
            [
                provider.clone(),
                pair("feature_flag.key", "a"),
                pair("feature_flag.result.reason", "error"),
                pair("error.type", "parse_error"),
            ]
        );
        assert_eq!(
            pairs(&[("flag", "a"), ("variant", "Red"), ("reason", "SPLIT")]),
            [
                provider,
                pair("feature_flag.key", "a"),
                pair("feature_flag.result.variant", "Red"),
                pair("feature_flag.result.reason", "split"),
            ]
        );
        let status = ("http.response.status_code".to_owned(), Value::IntValue(204));
        assert_eq!(pairs(&[("path", "/flags"), ("status", "204")]), [pair("http.route", "/flags"), status]);
        assert_eq!(
            pairs(&[("name", "x"), ("state", "open")]),
            [pair("flcm.custom.name", "x"), pair("flcm.state", "open")]
        );
    }

    #[test]
    fn names_are_the_conventions_or_our_own() {
        for (family, name, unit) in [
            ("flcm_decisions", "feature_flag.evaluation", "{evaluation}"),
            ("flcm_duration_seconds", "flcm.duration", "s"),
            ("flcm_held_back", "flcm.held_back", ""),
        ] {
            assert_eq!(named(family), (name.to_owned(), unit));
        }
    }

    #[test]
    fn families_without_figures_are_left_out() {
        let mut encoder = OtlpEncoder::new(1, 2);
        for (name, kind) in [("flcm_a", Kind::Counter), ("flcm_b", Kind::Gauge), ("flcm_c", Kind::Summary)] {
            encoder.family(name, kind, "");
        }
        encoder.family("flcm_d", Kind::Gauge, "");
        encoder.float(&[], 1.5);
        let request = encoder.finish(&[]);
        let metrics = &request.resource_metrics[0].scope_metrics[0].metrics;
        assert_eq!(metrics.iter().map(|metric| metric.name.as_str()).collect::<Vec<_>>(), ["flcm.d"]);
    }
}
