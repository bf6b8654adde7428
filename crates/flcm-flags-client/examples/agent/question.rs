//! What may be asked.

use serde::Deserialize;

use crate::options::AgentOptions;

/// A question. Clocks and hosts have the numbers that whoever asks has given them; a clock is there from its first
/// question on.
#[derive(Debug, Deserialize)]
#[serde(tag = "ask", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum Question {
    /// Begins to follow a source; takes its time. In a crowd all make their requests by the same client, of which one
    /// is soon made.
    Start { ticket: u64, host: u64, clock: u64, options: Box<AgentOptions>, is_one_of_many: bool },
    /// Something of a host that takes its time.
    Wait { ticket: u64, host: u64, r#for: Waited },
    /// Lets time pass, and tasks go on in between.
    Pass { ticket: u64, clock: u64, ms: f64 },
    /// Lets tasks go on for so many turns, or for as many as they need.
    Turns { ticket: u64, turns: Option<u32> },
    /// What time it is, and what waits for another.
    Time { clock: u64 },
    /// What chance gives from now on; without a number it gives another one each time.
    Chance { clock: u64, number: Option<f64> },
    /// How much too early timers ring.
    Early { clock: u64, ms: f64 },
    /// Sets the time of day.
    Jump { clock: u64, ms: i64 },
    /// Rings the next timer.
    Ring { clock: u64 },
    /// Something about a host.
    Host { host: u64, of: About },
    /// Only what happened.
    Events,
}

/// What of a host takes its time.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Waited {
    Close,
    Flush,
    Settled,
    Sync,
}

/// What may be asked about a host.
#[derive(Debug, Deserialize)]
#[serde(tag = "what", rename_all = "camelCase")]
pub(crate) enum About {
    Breaker {
        flag: String,
    },
    /// Closes it as soon as something happens.
    CloseOn {
        event: String,
    },
    Decision {
        flag: String,
        user: String,
    },
    IsEnabled {
        flag: String,
        user: String,
    },
    Record {
        flag: String,
        user: String,
        failed: bool,
    },
    Snapshot,
    Status,
    Summary {
        flag: String,
    },
    Trip {
        flag: String,
    },
}
