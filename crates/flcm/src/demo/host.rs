//! A host of the demo: an application with users. It decides each call through the client, as any Rust service does,
//! and reports to the demo several times a second.

use std::io::{BufRead, Write};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::{Duration, Instant};

use flcm_flags_client::{CallOutcome, Context, Features, Mode, Options as ClientOptions};
use rand::RngExt;

use super::FLAG;
use super::processes::{Report, now};
use crate::failure::Failure;

/// Calls arrive this often, this many at once: 400 a second.
const TICK: Duration = Duration::from_millis(25);
const CALLS: usize = 10;

/// Reports to the demo and counts for the server are sent this often.
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

/// What the demo tells a host.
enum HostMessage {
    /// The share of the new way's calls that fail from now on.
    Fail(f64),
    /// The demo is over.
    End,
}

struct Host {
    options: Options,
    features: Features,
    /// The share of the new way's calls that fail.
    failing: f64,
    report: Report,
}

pub(crate) fn run(options: Options) -> Result<bool, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(options))?;
    Ok(true)
}

/// Serves users until the demo is over.
async fn serve(options: Options) -> Result<(), Failure> {
    let messages = read_messages();
    let mut host = Host::start(options).await?;
    let mut ticks = tokio::time::interval(TICK);
    let mut reported = Instant::now();
    while host.take_messages(&messages) {
        ticks.tick().await;
        host.note_changes();
        host.serve_users();
        if reported.elapsed() >= REPORT {
            reported = Instant::now();
            host.send_report();
        }
    }
    host.features.close().await;
    Ok(())
}

impl Host {
    async fn start(options: Options) -> Result<Self, Failure> {
        let client = ClientOptions {
            init_timeout: super::TIMEOUT,
            flush_interval: REPORT,
            // Two hosts may fetch at the same moment.
            stream_spread: Duration::ZERO,
            instance: Some(options.first + 1),
            ..ClientOptions::url(&options.url)
        };
        let features = Features::start(client).await.map_err(|error| no_flags(&error))?;
        // The demo shows what the server decides for both hosts, so the host's own breaker only watches.
        features.set_mode(FLAG, Mode::Observe).map_err(|error| no_flags(&error))?;
        let report = Report { host: options.host, ..Report::default() };
        Ok(Self { options, features, failing: USUAL, report })
    }

    /// Handles all messages that are there; whether the demo goes on.
    fn take_messages(&mut self, messages: &Receiver<HostMessage>) -> bool {
        loop {
            match messages.try_recv() {
                Ok(HostMessage::Fail(share)) => {
                    self.failing = share.max(USUAL);
                    self.report.failures_since_break = 0;
                }
                Ok(HostMessage::End) | Err(TryRecvError::Disconnected) => return false,
                Err(TryRecvError::Empty) => return true,
            }
        }
    }

    /// Notes since when the host uses another revision, and since when the flag is held back or released.
    fn note_changes(&mut self) {
        let revision = self.features.revision().unwrap_or(0);
        if self.report.revision != revision {
            (self.report.revision, self.report.adopted_at) = (revision, now());
        }
        let trip = self.features.trip(FLAG).unwrap_or_default();
        if self.report.trip != trip {
            (self.report.trip, self.report.tripped_at) = (trip, now());
        }
    }

    /// Serves the users who come now.
    fn serve_users(&mut self) {
        for _ in 0..CALLS {
            let user = self.options.first + rand::rng().random_range(0..self.options.users);
            self.call(&format!("user-{user}"));
        }
    }

    /// One call of one user: the new way where the flag is on, else the old one.
    fn call(&mut self, user: &str) {
        let attributes = [("account_age_days", 45.into())];
        let decided = self.features.decide(FLAG, &Context::new(Some(user), &attributes));
        let is_new = decided.is_enabled();
        let failed = rand::rng().random_bool(if is_new { self.failing } else { USUAL });
        let took = Duration::from_secs_f64(rand::rng().random_range(0.002..0.020));
        decided.record(CallOutcome { failed, duration: Some(took) });
        let calls = if is_new { &mut self.report.new } else { &mut self.report.old };
        calls[0] += 1;
        calls[1] += u64::from(failed);
        self.report.failures_since_break += u64::from(failed && is_new);
    }

    /// Prints how the calls since the last report went.
    fn send_report(&mut self) {
        if let Ok(line) = serde_json::to_string(&self.report) {
            // The demo may be gone already; then the input has ended as well.
            let _ = writeln!(std::io::stdout(), "{line}");
        }
        (self.report.new, self.report.old) = ([0, 0], [0, 0]);
    }
}

fn no_flags(error: &flcm_flags_client::Error) -> Failure {
    Failure::new(format!("the server has no `{FLAG}`: {error}"), "run the demo again")
}

/// Reads what the demo writes to the standard input, a line for each message: `fail SHARE`. The demo is over when the
/// input ends.
fn read_messages() -> Receiver<HostMessage> {
    let (sender, messages) = channel();
    std::thread::spawn(move || pass_on(&sender));
    messages
}

fn pass_on(messages: &Sender<HostMessage>) {
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let share = line.strip_prefix("fail ").and_then(|share| share.parse().ok());
        if let Some(share) = share {
            let _ = messages.send(HostMessage::Fail(share));
        }
    }
    let _ = messages.send(HostMessage::End);
}
