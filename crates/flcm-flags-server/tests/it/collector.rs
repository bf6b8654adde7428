//! Stands in for a collector of OpenTelemetry: takes what is pushed apart, and answers what it is told to.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{AggregationTemporality, Metric, NumberDataPoint};
use prost::Message;

use crate::http::request;

/// What was pushed at once.
#[derive(Clone, Debug)]
pub(crate) struct Push {
    pub(crate) head: String,
    request: ExportMetricsServiceRequest,
}

/// One figure that is a whole number.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Point {
    pub(crate) value: i64,
    /// When it was nothing; 0 for what is no sum.
    pub(crate) since: u64,
    pub(crate) at: u64,
}

/// What tells figures of a metric apart.
pub(crate) type Attributes = BTreeMap<String, String>;

impl Push {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(crate) fn resource(&self) -> Attributes {
        attributes(&self.request.resource_metrics[0].resource.as_ref().unwrap().attributes)
    }

    pub(crate) fn metrics(&self) -> &[Metric] {
        &self.request.resource_metrics[0].scope_metrics[0].metrics
    }

    pub(crate) fn metric(&self, name: &str) -> Option<&Metric> {
        self.metrics().iter().find(|metric| metric.name == name)
    }

    /// The whole numbers of a sum, which must be one that only grows from when it began, or of a gauge.
    pub(crate) fn points(&self, name: &str) -> Vec<(Attributes, Point)> {
        let points = match self.metric(name).and_then(|metric| metric.data.clone()) {
            Some(Data::Sum(sum)) => {
                assert!(
                    sum.is_monotonic && sum.aggregation_temporality() == AggregationTemporality::Cumulative,
                    "{name}"
                );
                sum.data_points
            }
            Some(Data::Gauge(gauge)) => gauge.data_points,
            _ => Vec::new(),
        };
        points.iter().filter_map(|point| Some((attributes(&point.attributes), Point::new(point)?))).collect()
    }

    /// The figure with these attributes, and no others.
    pub(crate) fn point(&self, name: &str, expected: &[(&str, &str)]) -> Option<Point> {
        let expected: Attributes = expected.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        self.points(name).into_iter().find(|(attributes, _)| *attributes == expected).map(|(_, point)| point)
    }
}

impl Point {
    fn new(point: &NumberDataPoint) -> Option<Self> {
        let Some(Value::AsInt(value)) = point.value else { return None };
        Some(Self { value, since: point.start_time_unix_nano, at: point.time_unix_nano })
    }
}

fn attributes(pairs: &[KeyValue]) -> Attributes {
    let text = |pair: &KeyValue| match pair.value.clone().unwrap().value.unwrap() {
        any_value::Value::StringValue(text) => text,
        any_value::Value::IntValue(number) => number.to_string(),
        other => panic!("{other:?}"),
    };
    pairs.iter().map(|pair| (pair.key.clone(), text(pair))).collect()
}

/// Listens to pushes.
#[derive(Clone)]
pub(crate) struct Collector {
    pub(crate) address: SocketAddr,
    pushes: Arc<Mutex<Vec<Push>>>,
    answer: Arc<Mutex<(u16, Vec<u8>)>>,
}

impl Collector {
    pub(crate) fn new() -> Self {
        Self::at("127.0.0.1:0".parse().unwrap())
    }

    /// Where nobody listens yet.
    pub(crate) fn nowhere() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
    }

    pub(crate) fn at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let made = Self { address, pushes: Arc::default(), answer: Arc::new(Mutex::new((200, Vec::new()))) };
        let of_thread = made.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // A server that was killed says nothing more.
                let _ = of_thread.take(stream);
            }
        });
        made
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers so from now on; 0 is no answer at all.
    pub(crate) fn answers(&self, status: u16, body: Vec<u8>) {
        *self.answer.lock().unwrap() = (status, body);
    }

    /// Everything that was pushed, whatever was answered.
    pub(crate) fn all(&self) -> Vec<Push> {
        self.pushes.lock().unwrap().clone()
    }

    fn take(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let Some((head, body)) = request(&mut stream)? else { return Ok(()) };
        let mut raw = Vec::new();
        GzDecoder::new(body.as_slice()).read_to_end(&mut raw)?;
        let request = ExportMetricsServiceRequest::decode(raw.as_slice()).unwrap();
        self.pushes.lock().unwrap().push(Push { head, request });
        let (status, body) = self.answer.lock().unwrap().clone();
        if status == 0 {
            // Until the other side has enough of it.
            return stream.read(&mut [0; 64]).map(|_| ());
        }
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        stream.write_all(&[head.as_bytes(), &body].concat())
    }
}
