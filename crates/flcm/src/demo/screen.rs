//! What the demo prints: a line every second, and what happens in between.

use std::io::{Stdout, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anstyle::Style;
use flcm_flags::TripState;

use super::processes::{DemoProcesses, Report};
use crate::style::{BAD, DIM, GOOD, NAME, NOTE, bar, share};

/// A line is printed this often.
const EVERY: Duration = Duration::from_secs(1);

/// Calls of both ways: all, and those that failed.
#[derive(Clone, Copy, Debug, Default)]
struct Calls {
    new: [u64; 2],
    old: [u64; 2],
}

pub(super) struct Screen {
    output: anstream::AutoStream<Stdout>,
    begun: Instant,
    shown: Instant,
    calls: Calls,
}

impl Screen {
    pub(super) fn new() -> Self {
        Self { output: anstream::stdout(), begun: Instant::now(), shown: Instant::now(), calls: Calls::default() }
    }

    pub(super) fn introduce(&mut self, url: &str, document: &Path) {
        self.line(&format!("{NAME}a server at {url}, two hosts with 3,000 users, 800 calls a second{NAME:#}"));
        self.line(&format!("{NAME}dashboard {url}/ui/{NAME:#}"));
        self.line(&format!("{DIM}document {}{DIM:#}", document.display()));
    }

    /// The title of a new step.
    pub(super) fn step(&mut self, text: &str) {
        self.line(&format!("\n{NAME}{text}{NAME:#}"));
    }

    /// Something that was observed.
    pub(super) fn fact(&mut self, text: &str) {
        self.line(&format!("{NOTE}→ {text}{NOTE:#}"));
    }

    pub(super) fn note(&mut self, text: &str) {
        self.line(text);
    }

    /// Adds up the reports of the hosts, and prints a line when it is time to.
    pub(super) fn show(&mut self, demo: &mut DemoProcesses) {
        for Report { new, old, .. } in demo.take_reports() {
            for index in 0..2 {
                self.calls.new[index] += new[index];
                self.calls.old[index] += old[index];
            }
        }
        if self.shown.elapsed() < EVERY {
            return;
        }
        self.shown = Instant::now();
        let Calls { new, old } = std::mem::take(&mut self.calls);
        let trip = demo.hosts().find_map(|host| host.trip.as_deref()).unwrap_or_default();
        let all = u128::from(new[0] + old[0]).max(1);
        let text = format!(
            "{DIM}{:>4} s{DIM:#}  new way {GOOD}{}{GOOD:#} {:>6} of calls   fails {}   old way fails {}   {}",
            self.begun.elapsed().as_secs(),
            bar(new[0].into(), all),
            share(new[0].into(), all),
            rate(new),
            rate(old),
            state(trip),
        );
        self.line(&text);
    }

    fn line(&mut self, text: &str) {
        // The reader may be gone: the demo then ends by itself.
        let _ = writeln!(self.output, "{text}");
    }
}

/// The share of calls that failed.
fn rate([all, failed]: [u64; 2]) -> String {
    let style = if failed * 20 > all { BAD } else { Style::new() };
    format!("{style}{:>6}{style:#}", share(failed.into(), u128::from(all).max(1)))
}

fn state(trip: &str) -> String {
    let (style, text) = match TripState::parse(trip) {
        Some(TripState::Clear) => (GOOD, "on"),
        Some(TripState::HeldOff) => (BAD, "rolled back"),
        _ => (NOTE, trip),
    };
    format!("{style}{text}{style:#}")
}
