//! Batches of metrics, from many hosts.

use std::time::{Duration, Instant};

use flcm_flags::metrics::FlagMetrics;
use flcm_flags::metrics::batch::{Header, Writer};
use flcm_flags::{Arm, Context, Millis, Sample, Snapshot, Trips, evaluate};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::client::{Load, Talk, post};
use super::served::{Served, document};
use super::{Failure, report};

const FLAGS: usize = 100;

/// Batches of 100 flags, all with a breaker and all with decisions, users, outcomes and durations.
pub(super) async fn run(binary: &str) -> Result<(), Failure> {
    let text = document(FLAGS, true);
    let served = Served::start(binary, &text)?;
    let made = Batches::new(&text)?;
    println!("a batch of {FLAGS} flags has {} bytes", made.batch(0, 1).len());
    let load = Load { address: served.address, connections: 64, time: Duration::from_secs(8), may_refuse: false };
    let make = move |host: usize, sequence: u64| {
        post("/metrics", "application/vnd.flcm.batch", &made.batch(host, sequence + 1))
    };
    report("POST /metrics, batches of 100 flags", 5_000.0, load.run(make).await?);
    println!("memory behind it: {} MB", served.memory()? >> 20);
    Ok(())
}

/// What 150 batches of 1,000 flags in 30 s cost the fleet's thread: counting, storing, seconds and checkpoints.
pub(super) async fn fleet(binary: &str) -> Result<(), Failure> {
    let text = document(1000, true);
    let served = Served::start(binary, &text)?;
    let made = Batches::new(&text)?;
    let mut talk = Talk::open(served.address).await?;
    let before = served.fleet_time()?;
    for sequence in 1..=150 {
        talk.ask(&post("/metrics", "application/vnd.flcm.batch", &made.batch(0, sequence))).await?;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    println!(
        "150 batches of 1,000 flags in 30 s, on the fleet's thread: {:?}",
        served.fleet_time()?.saturating_sub(before)
    );
    Ok(())
}

/// What a host has counted in a second, with the names of flags.
#[derive(Clone)]
struct Batches(Vec<(String, FlagMetrics)>);

impl Batches {
    fn new(text: &str) -> Result<Self, Failure> {
        let config = flcm_flags_config::check(text).0.ok_or("the document")?;
        let snapshot = Snapshot::from_bytes(flcm_flags_config::compile(&config))?;
        let flags = snapshot.flags().filter_map(|id| Some((id, snapshot.describe(id)?)));
        let counted = flags.map(|(id, flag)| {
            let mut metrics = FlagMetrics::new([0; FlagMetrics::counters_for(0)]);
            metrics.set_generation(1);
            for user in 0..20 {
                let (user, attributes) = (format!("user-{user}"), [("age", 45.into())]);
                let context = Context::new(Some(&user), &attributes).bind(&snapshot);
                let decision = evaluate(&snapshot, &Trips::NONE, id, &context, Millis(0));
                metrics.decision(decision.packed(), &context);
                let sample = Sample { total: 1, ..Sample::default() };
                metrics.outcome(decision.arm(), &sample, 12.5);
                metrics.add_evidence(decision.arm(), &sample);
            }
            (flag.key().to_owned(), metrics)
        });
        Ok(Self(counted.collect()))
    }

    fn batch(&self, host: usize, sequence: u64) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1 << 14);
        let header = Header { instance: host as u64 + 1, epoch: 1, sequence, age: 0 };
        let mut writer = Writer::new(header, |part: &[u8]| bytes.extend_from_slice(part));
        for (key, metrics) in &self.0 {
            writer.flag(key, |_| None, metrics);
        }
        writer.finish();
        bytes
    }
}

/// From the batch with which the evidence suffices to the word on the stream.
pub(super) async fn breach(binary: &str) -> Result<(), Failure> {
    let mut times = Vec::new();
    for _ in 0..10 {
        let served = Served::start(binary, &document(1, true))?;
        let mut stream = tokio::net::TcpStream::connect(served.address).await?;
        stream.write_all(b"GET /flags/stream HTTP/1.1\r\nhost: localhost\r\n\r\n").await?;
        let mut metrics = FlagMetrics::new([0; FlagMetrics::counters_for(0)]);
        metrics.set_generation(1);
        metrics.add_evidence(Arm::Treatment, &Sample { total: 50, errors: 50, ..Sample::default() });
        metrics.add_evidence(Arm::Control, &Sample { total: 450, ..Sample::default() });
        let mut bytes = Vec::new();
        let mut writer = Writer::new(Header { instance: 1, epoch: 1, sequence: 1, age: 0 }, |part: &[u8]| {
            bytes.extend_from_slice(part);
        });
        writer.drain("flag_0", |_| None, &mut metrics);
        writer.finish();
        tokio::time::sleep(Duration::from_millis(rand::random_range(0..1000))).await;
        let begun = Instant::now();
        Talk::open(served.address).await?.ask(&post("/metrics", "application/vnd.flcm.batch", &bytes)).await?;
        let mut heard = Vec::new();
        while !String::from_utf8_lossy(&heard).contains(r#""trip":"off""#) {
            stream.read_buf(&mut heard).await?;
        }
        times.push(begun.elapsed().as_millis());
    }
    times.sort_unstable();
    println!("breach to the trip on the stream: {times:?} ms   aim 2000");
    Ok(())
}
