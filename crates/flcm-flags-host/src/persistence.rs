//! Breakers, holds and the fleet's trips across a restart, in one small file of text.
//!
//! ```text
//! flcm-host-state 1
//! breaker <hexadecimal bytes>\t<flag key>
//! fleet <trip>\t<flag key>
//! held \t<flag key>
//! ```
//!
//! Hosts that share a store share the file. A host writes only what has happened to it, over what is there.

use alloc::borrow::ToOwned;
use alloc::vec::Vec;
use core::{fmt, mem};

use flcm_flags::TripState;

use crate::keyed::Keyed;
use crate::text;

/// The name of the file.
pub const FILE: &str = "breakers";

const HEADER: &str = "flcm-host-state 1";

/// What survives a restart, by flag key.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PersistedState {
    /// Breakers of flags to which something has happened, as [`Guards::save`](crate::Guards::save) writes them.
    pub breakers: Keyed<Vec<u8>>,
    /// The fleet's trips that are not clear.
    pub fleet: Keyed<TripState>,
    /// Flags that an operator holds.
    pub held: Keyed<()>,
}

/// Why a file cannot be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PersistenceError(&'static str);

impl PersistenceError {
    /// What is wrong.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for PersistenceError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

impl core::error::Error for PersistenceError {}

impl PersistedState {
    /// Reads a file.
    ///
    /// # Errors
    /// The bytes are no such file, or of another version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PersistenceError> {
        let text = core::str::from_utf8(bytes).map_err(|_| PersistenceError("it is not text"))?;
        let mut lines = text.lines();
        if lines.next() != Some(HEADER) {
            return Err(PersistenceError("it does not begin with `flcm-host-state 1`"));
        }
        let mut state = Self::default();
        lines.try_for_each(|line| state.read(line).ok_or(PersistenceError("one of its lines cannot be read")))?;
        Ok(state)
    }

    fn read(&mut self, line: &str) -> Option<()> {
        let (what, key) = line.split_once('\t')?;
        let (kind, value) = what.split_once(' ')?;
        match kind {
            "breaker" => drop(self.breakers.insert(key, text::from_hex(value)?)),
            "fleet" => drop(self.fleet.insert(key, TripState::from_word(value)?)),
            "held" => drop(self.held.insert(key, ())),
            _ => return None,
        }
        Some(())
    }

    /// Writes a file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut file = HEADER.to_owned();
        file.push('\n');
        let mut line = |kind: &str, value: &str, key: &str| {
            for part in [kind, " ", value, "\t", key, "\n"] {
                file.push_str(part);
            }
        };
        for (key, bytes) in self.breakers.iter() {
            line("breaker", &text::to_hex(bytes), key);
        }
        for (key, trip) in self.fleet.iter() {
            line("fleet", &text::trip(*trip), key);
        }
        for key in self.held.keys() {
            line("held", "", key);
        }
        file.into_bytes()
    }
}

/// Changes that are not in the file yet.
#[derive(Clone, Debug, Default)]
struct PendingWrites {
    breakers: Keyed<Vec<u8>>,
    /// The fleet's trips, if this host has heard of them: until then another host knows better.
    fleet: Option<Keyed<TripState>>,
    held: Keyed<bool>,
}

impl PendingWrites {
    fn is_empty(&self) -> bool {
        self.breakers.is_empty() && self.fleet.is_none() && self.held.is_empty()
    }

    /// Adds newer changes, which take the place of these.
    fn add_newer(&mut self, newer: Self) {
        for (key, bytes) in newer.breakers.iter() {
            self.breakers.insert(key, bytes.clone());
        }
        for (key, held) in newer.held.iter() {
            self.held.insert(key, *held);
        }
        self.fleet = newer.fleet.or_else(|| self.fleet.take());
    }

    fn apply_to(&self, state: &mut PersistedState) {
        for (key, bytes) in self.breakers.iter() {
            state.breakers.insert(key, bytes.clone());
        }
        for (key, held) in self.held.iter() {
            if *held {
                state.held.insert(key, ());
            } else {
                state.held.remove(key);
            }
        }
        if let Some(fleet) = &self.fleet {
            state.fleet.clone_from(fleet);
        }
    }
}

/// Changes on their way into the file: one write at a time, and what happens meanwhile is written with the next.
#[derive(Debug, Default)]
pub struct Persistence {
    pending: PendingWrites,
    writing: Option<PendingWrites>,
}

impl Persistence {
    /// A breaker has changed.
    pub fn breaker(&mut self, key: &str, bytes: Vec<u8>) {
        self.pending.breakers.insert(key, bytes);
    }

    /// A hold has begun or ended.
    pub fn held(&mut self, key: &str, held: bool) {
        self.pending.held.insert(key, held);
    }

    /// The fleet's trips have changed.
    pub fn fleet(&mut self, trips: Keyed<TripState>) {
        self.pending.fleet = Some(trips);
    }

    /// Whether something is to be written, and no write is under way.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.writing.is_none() && !self.pending.is_empty()
    }

    /// The new contents of the file, made of those that are there; a file that cannot be read is replaced. Answer with
    /// [`written`](Self::written) when they are stored, or not.
    pub fn begin_write(&mut self, existing: Option<&[u8]>) -> Vec<u8> {
        let pending = mem::take(&mut self.pending);
        let mut state = existing.and_then(|bytes| PersistedState::from_bytes(bytes).ok()).unwrap_or_default();
        pending.apply_to(&mut state);
        self.writing = Some(pending);
        state.to_bytes()
    }

    /// The write has ended. What could not be written is written with what comes next.
    pub fn written(&mut self, is_stored: bool) {
        let writing = self.writing.take();
        if let Some(mut unwritten) = writing.filter(|_| !is_stored) {
            unwritten.add_newer(mem::take(&mut self.pending));
            self.pending = unwritten;
        }
    }
}
