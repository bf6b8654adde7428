//! A host of the demo: an application with users, which decides for each call, counts how it went, and obeys the fleet.

use std::io::{BufRead, Write};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::{Duration, Instant};

use flcm_flags::breaker::Units;
use flcm_flags::bucket::sip;
use flcm_flags::metrics::FlagMetrics;
use flcm_flags::metrics::batch::{Header, Writer};
use flcm_flags::{Arm, Context, Decision, Millis, Sample, Snapshot, TripState, Trips, evaluate};
use rand::RngExt;
use serde_json::Value;

use super::FLAG;
use super::cast::{Report, now};
use super::http::Server;
use crate::failure::Failure;

/// Calls come in so often, so many at once: 400 a second.
const TICK: Duration = Duration::from_millis(25);
const CALLS: usize = 10;

/// Reports and batches are made so often.
const REPORT: Duration = Duration::from_millis(250);

/// The share of calls that fail in any case.
const USUAL: f64 = 0.005;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    url: String,
    #[arg(long)]
    host: usize,
    /// Its first user.
    #[arg(long)]
    first: u64,
    #[arg(long)]
    users: u64,
}

/// What the host is told.
enum Told {
    /// How many calls the new way fails.
    Fail(f64),
    Flags(Vec<u8>),
    Trip(TripState, u32),
    /// Nobody watches any more.
    End,
}

/// The flag as it is in use.
struct Flags {
    snapshot: Snapshot<Vec<u8>>,
    trips: Trips<Vec<u8>>,
}

struct Host {
    options: Options,
    server: Server,
    flags: Flags,
    metrics: FlagMetrics<Vec<u32>>,
    units: Units<Vec<u64>>,
    epoch: u64,
    sequence: u64,
    /// What is not acknowledged yet.
    batch: Option<Vec<u8>>,
    broken: f64,
    report: Report,
}

pub(crate) fn run(options: Options) -> Result<bool, Failure> {
    let server = Server::new(&options.url);
    let (sender, told) = channel();
    hear_person(sender.clone());
    hear_server(server.clone(), sender);
    let Some(flags) = first_flags(&told) else { return Ok(true) };
    let mut host = Host {
        report: Report { host: options.host, trip: "clear".to_owned(), ..Report::default() },
        options,
        server,
        flags: Flags::of(flags, TripState::Clear).ok_or_else(no_flags)?,
        metrics: FlagMetrics::new(vec![0; FlagMetrics::counters_for(0)]),
        units: Units::new(vec![0; 4096]),
        epoch: rand::random(),
        sequence: 0,
        batch: None,
        broken: USUAL,
    };
    host.adopted();
    let mut reported = Instant::now();
    while host.obey(&told)? {
        host.serve_users();
        if reported.elapsed() >= REPORT {
            reported = Instant::now();
            host.send();
            host.say();
        }
        std::thread::sleep(TICK);
    }
    Ok(true)
}

fn no_flags() -> Failure {
    Failure::new(format!("the server has no `{FLAG}`"), "run the demo again")
}

/// The flags with which the host begins; what is said of trips before is said again.
fn first_flags(told: &Receiver<Told>) -> Option<Vec<u8>> {
    told.iter().find_map(|told| if let Told::Flags(bytes) = told { Some(bytes) } else { None })
}

impl Flags {
    fn of(bytes: Vec<u8>, trip: TripState) -> Option<Self> {
        let snapshot = Snapshot::from_bytes(bytes).ok()?;
        let mut trips = Trips::new(vec![0; Trips::bytes_for(snapshot.flags().len())]);
        trips.set(snapshot.flag(FLAG)?, trip);
        Some(Self { snapshot, trips })
    }
}

impl Host {
    /// Does what it was told; whether it goes on. Reports and sends when it is time to.
    fn obey(&mut self, told: &Receiver<Told>) -> Result<bool, Failure> {
        loop {
            match told.try_recv() {
                Ok(Told::Fail(share)) => {
                    self.broken = share.max(USUAL);
                    self.report.failures_since_break = 0;
                }
                Ok(Told::Flags(bytes)) => {
                    let trip = TripState::from_word(&self.report.trip).unwrap_or_default();
                    self.flags = Flags::of(bytes, trip).ok_or_else(no_flags)?;
                    self.adopted();
                }
                Ok(Told::Trip(trip, generation)) => self.trip(trip, generation),
                Ok(Told::End) | Err(TryRecvError::Disconnected) => return Ok(false),
                Err(TryRecvError::Empty) => return Ok(true),
            }
        }
    }

    fn adopted(&mut self) {
        self.report.revision = self.flags.snapshot.revision();
        self.report.adopted_at = now();
    }

    fn trip(&mut self, trip: TripState, generation: u32) {
        if let Some(flag) = self.flags.snapshot.flag(FLAG) {
            self.flags.trips.set(flag, trip);
        }
        self.metrics.set_generation(generation);
        if self.report.trip != trip.to_string() {
            self.report.trip = trip.to_string();
            self.report.tripped_at = now();
        }
    }

    /// Serves those who come now.
    fn serve_users(&mut self) {
        for _ in 0..CALLS {
            let user = self.options.first + rand::rng().random_range(0..self.options.users);
            self.call(&format!("user-{user}"));
        }
    }

    /// Says how it went since it was said last.
    fn say(&mut self) {
        if let Ok(line) = serde_json::to_string(&self.report) {
            // Nobody may listen any more; then the input has ended as well.
            let _ = writeln!(std::io::stdout(), "{line}");
        }
        (self.report.new, self.report.old) = ([0, 0], [0, 0]);
    }

    /// One call of one user: the new way where the flag says so, else the old one.
    fn call(&mut self, user: &str) {
        let Flags { snapshot, trips } = &self.flags;
        let Some(flag) = snapshot.flag(FLAG) else { return };
        let attributes = [("account_age_days", 45.into())];
        let context = Context::new(Some(user), &attributes).bind(snapshot);
        let at = Millis(now());
        let decision: Decision<'_> = evaluate(snapshot, trips, flag, &context, at);
        let (is_new, arm) = (decision.enabled(), decision.arm());
        self.metrics.decision(decision.packed(), &context);
        let failed = rand::rng().random_bool(if is_new { self.broken } else { USUAL });
        let calls = if is_new { &mut self.report.new } else { &mut self.report.old };
        calls[0] += 1;
        calls[1] += u64::from(failed);
        self.report.failures_since_break += u64::from(failed && is_new);
        let sample = Sample { total: 1, errors: u32::from(failed), ..Sample::default() };
        let duration = rand::rng().random_range(2.0..20.0);
        self.metrics.outcome(arm, &sample, duration);
        if self.units.counts(u64::from(arm == Arm::Treatment), sip(user.as_bytes()), failed, at) {
            self.metrics.add_evidence(arm, &sample);
        }
    }

    /// Sends what was counted: one batch at a time, the same again until it is acknowledged.
    fn send(&mut self) {
        if self.batch.is_none() {
            self.sequence += 1;
            let header =
                Header { instance: self.options.first + 1, epoch: self.epoch, sequence: self.sequence, age: 0 };
            let mut bytes = Vec::new();
            let mut writer = Writer::new(header, |part: &[u8]| bytes.extend_from_slice(part));
            writer.drain(FLAG, |_| None, &mut self.metrics);
            writer.finish();
            self.batch = Some(bytes);
        }
        if self.batch.as_ref().is_some_and(|batch| self.server.send(batch)) {
            self.batch = None;
        }
    }
}

/// Lines of the demo: `fail SHARE`. It ends with them.
fn hear_person(told: Sender<Told>) {
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let share = line.strip_prefix("fail ").and_then(|share| share.parse().ok());
            if let Some(share) = share {
                let _ = told.send(Told::Fail(share));
            }
        }
        let _ = told.send(Told::End);
    });
}

/// Follows the server: fetches each revision that it announces, and passes on what it says of the flag.
fn hear_server(server: Server, told: Sender<Told>) {
    std::thread::spawn(move || {
        loop {
            let _ = server.stream(|event, data| {
                let news = match event {
                    "snapshot" => server.snapshot().ok().map(Told::Flags),
                    "trips" => trip_of(data),
                    _ => None,
                };
                news.is_none_or(|news| told.send(news).is_ok())
            });
            std::thread::sleep(Duration::from_millis(200));
        }
    });
}

fn trip_of(data: &str) -> Option<Told> {
    let said: Value = serde_json::from_str(data).ok()?;
    let flag = &said["flags"][FLAG];
    let trip = TripState::from_word(flag["trip"].as_str()?)?;
    Some(Told::Trip(trip, u32::try_from(flag["generation"].as_u64()?).ok()?))
}
