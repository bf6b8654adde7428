//! What the demo shows: a line a second, and what happens in between.

use std::io::{Stdout, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anstyle::Style;

use super::cast::{Cast, Report};
use crate::style::{BAD, DIM, GOOD, NAME, NOTE, bar, share};

/// A line is shown so often.
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
        self.line(&format!("{DIM}document {}{DIM:#}", document.display()));
    }

    /// Something new begins.
    pub(super) fn scene(&mut self, text: &str) {
        self.line(&format!("\n{NAME}{text}{NAME:#}"));
    }

    /// Something was seen.
    pub(super) fn fact(&mut self, text: &str) {
        self.line(&format!("{NOTE}→ {text}{NOTE:#}"));
    }

    pub(super) fn note(&mut self, text: &str) {
        self.line(text);
    }

    /// Adds up what hosts say, and shows it when it is time to.
    pub(super) fn show(&mut self, cast: &mut Cast) {
        for Report { new, old, .. } in cast.take_reports() {
            for place in 0..2 {
                self.calls.new[place] += new[place];
                self.calls.old[place] += old[place];
            }
        }
        if self.shown.elapsed() < EVERY {
            return;
        }
        self.shown = Instant::now();
        let Calls { new, old } = std::mem::take(&mut self.calls);
        let trip = cast.hosts().map(|host| host.trip.as_str()).next().unwrap_or_default();
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
        // Nobody may read any more: the demo ends by itself.
        let _ = writeln!(self.output, "{text}");
    }
}

/// The share of calls that failed.
fn rate([all, failed]: [u64; 2]) -> String {
    let style = if failed * 20 > all { BAD } else { Style::new() };
    format!("{style}{:>6}{style:#}", share(failed.into(), u128::from(all).max(1)))
}

fn state(trip: &str) -> String {
    let (style, word) = match trip {
        "clear" => (GOOD, "on"),
        "off" => (BAD, "rolled back"),
        other => (NOTE, other),
    };
    format!("{style}{word}{style:#}")
}
