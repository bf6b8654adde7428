//! Time and chance as arguments: nothing in this crate reads a clock or draws a number.

use flcm_flags::Millis;

/// When a call is made, and a number that was drawn for it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Now {
    /// Milliseconds since 1970. May jump, as the clocks of machines do.
    pub wall: Millis,
    /// Milliseconds since some moment. Never goes back.
    pub elapsed: u64,
    /// A number from 0 to below 1, drawn for this call.
    pub random: f64,
}

/// A time at which something is due, in milliseconds of [`Now::elapsed`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Deadline(Option<u64>);

impl Deadline {
    /// Due after so many milliseconds, and not before.
    pub const fn set(&mut self, now: Now, after: u64) {
        self.0 = Some(now.elapsed.saturating_add(after));
    }

    /// Due after so many milliseconds, or when it was due anyway if that is sooner.
    pub fn no_later_than(&mut self, now: Now, after: u64) {
        let at = now.elapsed.saturating_add(after);
        self.0 = Some(self.0.map_or(at, |known| known.min(at)));
    }

    /// Nothing is due any more.
    pub const fn clear(&mut self) {
        self.0 = None;
    }

    /// Whether it is due. It is due once.
    pub fn is_due(&mut self, now: Now) -> bool {
        let is_due = self.0.is_some_and(|at| at <= now.elapsed);
        if is_due {
            self.0 = None;
        }
        is_due
    }

    /// When it is due, by the time that elapses.
    #[must_use]
    pub const fn at(self) -> Option<u64> {
        self.0
    }
}
