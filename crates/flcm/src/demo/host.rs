//! A host of the demo: an application with users. It decides each call through the client, as any Rust service does,
//! and reports to the demo several times a second.

use std::io::{BufRead, Write};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::Duration;

use flcm_flags_client::{App, CallOutcome, Context, Features, Mode, Options as ClientOptions};
use rand::RngExt;

use super::FLAG;
use super::processes::{Report, now};
use crate::failure::Failure;

/// Users of each host.
const USERS: u64 = 1500;

/// Calls arrive this often, this many at once: 400 a second.
const TICK: Duration = Duration::from_millis(25);
const CALLS: usize = 10;

/// Reports to the demo, and counts to the server, are sent every 250 ms.
const TICKS_PER_REPORT: u32 = 10;

/// The share of calls that fail in any case.
const USUAL: f64 = 0.005;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    url: String,
    /// The users from this one on are its own.
    first_user: u64,
}

struct Host {
    features: Features,
    /// The share of the new way's calls that fail.
    failing: f64,
    report: Report,
}

pub(crate) fn run(options: &Options) -> Result<bool, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut host = Host::start(options).await.map_err(|error| {
            Failure::new(format!("the host cannot use `{FLAG}` of the server: {error}"), "run the demo again")
        })?;
        host.serve(&read_failing()).await;
        host.features.close().await;
        Ok(true)
    })
}

impl Host {
    async fn start(Options { url, first_user }: &Options) -> Result<Self, flcm_flags_client::Error> {
        let client = ClientOptions {
            init_timeout: super::TIMEOUT,
            flush_interval: TICK * TICKS_PER_REPORT,
            // Two hosts may fetch at the same moment.
            stream_spread: Duration::ZERO,
            app: Some(App { name: "demo".into(), version: Some(env!("CARGO_PKG_VERSION").into()) }),
            instance: Some(first_user + 1),
            ..ClientOptions::url(url)
        };
        let features = Features::start(client).await?;
        // The demo shows what the server decides for both hosts, so the host's own breaker only watches.
        features.set_mode(FLAG, Mode::Observe)?;
        let report = Report { first_user: *first_user, ..Report::default() };
        Ok(Self { features, failing: USUAL, report })
    }

    /// Serves users until the demo is over.
    async fn serve(&mut self, failing: &Receiver<f64>) {
        let mut ticks = tokio::time::interval(TICK);
        for tick in 1_u32.. {
            ticks.tick().await;
            match failing.try_recv() {
                Ok(share) => (self.failing, self.report.failures_since_break) = (share.max(USUAL), 0),
                Err(TryRecvError::Disconnected) => return,
                Err(TryRecvError::Empty) => {}
            }
            self.note_changes();
            (0..CALLS).for_each(|_| self.call());
            if tick.is_multiple_of(TICKS_PER_REPORT) {
                self.send_report();
            }
        }
    }

    /// Notes since when the host uses another revision, and since when the flag is held back or released.
    fn note_changes(&mut self) {
        let (revision, trip) = (self.features.revision(), self.features.trip(FLAG));
        if self.report.revision != revision {
            (self.report.revision, self.report.adopted_at) = (revision, now());
        }
        if self.report.trip != trip {
            (self.report.trip, self.report.tripped_at) = (trip, now());
        }
    }

    /// One call of one user: the new way where the flag is on, else the old one.
    fn call(&mut self) {
        let mut random = rand::rng();
        let user = format!("user-{}", self.report.first_user + random.random_range(0..USERS));
        let decided = self.features.decide(FLAG, &Context::new(Some(&user), &[("account_age_days", 45.into())]));
        let is_new = decided.is_enabled();
        let failed = random.random_bool(if is_new { self.failing } else { USUAL });
        let took = Duration::from_secs_f64(random.random_range(0.002..0.020));
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

/// The demo writes to the standard input, a number a line, which share of the new way's calls fails from then on. The
/// demo is over when the input ends.
fn read_failing() -> Receiver<f64> {
    let (sender, shares) = channel();
    std::thread::spawn(move || {
        let lines = std::io::stdin().lock().lines().map_while(Result::ok);
        let _ = lines.filter_map(|line| line.parse().ok()).try_for_each(|share| sender.send(share));
    });
    shares
}
