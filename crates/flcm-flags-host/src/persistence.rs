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
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use flcm_flags::TripState;

use crate::text;

/// The name of the file.
pub const FILE: &str = "breakers";

const HEADER: &str = "flcm-host-state 1";

/// What survives a restart, by flag key.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PersistedState {
    /// Breakers of flags to which something has happened, as [`Guards::save`](crate::Guards::save) writes them.
    pub breakers: BTreeMap<String, Vec<u8>>,
    /// The fleet's trips that are not clear.
    pub fleet: BTreeMap<String, TripState>,
    /// Flags that an operator holds.
    pub held: BTreeSet<String>,
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
        let key = key.to_owned();
        let (kind, value) = what.split_once(' ')?;
        match kind {
            "breaker" => drop(self.breakers.insert(key, text::from_hex(value)?)),
            "fleet" => drop(self.fleet.insert(key, TripState::parse(value)?)),
            "held" => drop(self.held.insert(key)),
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
            // No flag has such a key, but a server may name one. It would damage the file.
            if key.contains(char::is_control) {
                return;
            }
            for part in [kind, " ", value, "\t", key, "\n"] {
                file.push_str(part);
            }
        };
        for (key, bytes) in &self.breakers {
            line("breaker", &text::to_hex(bytes), key);
        }
        for (key, trip) in &self.fleet {
            line("fleet", &text::trip(*trip), key);
        }
        for key in &self.held {
            line("held", "", key);
        }
        file.into_bytes()
    }
}

/// Changes that are not in the file yet.
#[derive(Clone, Debug, Default)]
struct PendingWrites {
    breakers: BTreeMap<String, Vec<u8>>,
    /// The fleet's trips, once this host has received them: until then what another host has stored stands.
    fleet: Option<BTreeMap<String, TripState>>,
    held: BTreeMap<String, bool>,
}

impl PendingWrites {
    /// Adds older changes; newer ones stay.
    fn add_older(&mut self, older: Self) {
        for (key, bytes) in older.breakers {
            self.breakers.entry(key).or_insert(bytes);
        }
        for (key, held) in older.held {
            self.held.entry(key).or_insert(held);
        }
        self.fleet = self.fleet.take().or(older.fleet);
    }

    fn apply_to(&self, state: &mut PersistedState) {
        state.breakers.extend(self.breakers.clone());
        for (key, held) in &self.held {
            if *held {
                state.held.insert(key.clone());
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
    /// Something has changed since the last write began. A write that fails is not tried again before that.
    is_changed: bool,
}

impl Persistence {
    /// A breaker has changed.
    pub fn breaker(&mut self, key: &str, bytes: Vec<u8>) {
        self.pending.breakers.insert(key.to_owned(), bytes);
        self.is_changed = true;
    }

    /// A hold has begun or ended.
    pub fn held(&mut self, key: &str, held: bool) {
        self.pending.held.insert(key.to_owned(), held);
        self.is_changed = true;
    }

    /// The fleet's trips have changed.
    pub fn fleet(&mut self, trips: BTreeMap<String, TripState>) {
        self.pending.fleet = Some(trips);
        self.is_changed = true;
    }

    /// Whether something is to be written, and no write is under way.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.writing.is_none() && self.is_changed
    }

    /// The new contents of the file, made of those that are there; a file that cannot be read is replaced. Answer with
    /// [`written`](Self::written) when they are stored, or not.
    pub fn begin_write(&mut self, existing: Option<&[u8]>) -> Vec<u8> {
        let pending = core::mem::take(&mut self.pending);
        self.is_changed = false;
        let mut state = existing.and_then(|bytes| PersistedState::from_bytes(bytes).ok()).unwrap_or_default();
        pending.apply_to(&mut state);
        self.writing = Some(pending);
        state.to_bytes()
    }

    /// The write has ended. What could not be written is written with what comes next.
    pub fn written(&mut self, is_stored: bool) {
        let writing = self.writing.take().unwrap_or_default();
        if !is_stored {
            self.pending.add_older(writing);
        }
    }
}
