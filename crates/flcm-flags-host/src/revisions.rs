//! Which snapshot may follow the one in use, by their revisions.
//!
//! This holds a host to what its source published last, whatever a proxy, a cache or a restored backup answers. It needs
//! no signature, so it cannot hold for ever: a source that answers with nothing but older revisions for a day is
//! believed.

use core::fmt;

use flcm_flags::Millis;

/// How far a revision may be above the one in use; above 0 where none is. Numbers that are seconds have room for a
/// century, and one wrong answer does not pin a host to the end of all numbers.
pub const LARGEST_JUMP: u64 = 1 << 32;

/// For so many milliseconds a source must answer with older revisions until one of them is used: a day.
pub const OLDER_FOR: u64 = 86_400_000;

/// Why a snapshot may not follow the one in use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RevisionError {
    /// Its revision is above the one in use by more than [`LARGEST_JUMP`].
    Jump {
        /// Its revision.
        next: u64,
        /// The one in use.
        in_use: u64,
    },
    /// Its revision is lower than the one in use; 0 is lower than any.
    Older {
        /// Its revision.
        next: u64,
        /// The one in use.
        in_use: u64,
    },
}

impl fmt::Display for RevisionError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jump { next, in_use } => {
                write!(formatter, "revision {next} is more than 2^32 above {in_use} in use: lower it")
            }
            Self::Older { next, in_use } => {
                write!(formatter, "revision {next} is lower than {in_use} in use: raise it, or wait for 24 hours")
            }
        }
    }
}

impl core::error::Error for RevisionError {}

/// Whether a snapshot may follow the one in use, wherever it comes from. 0 stands for no revision, and for nothing in
/// use.
///
/// # Errors
/// It may not.
///
/// ```
/// use flcm_flags_host::{RevisionError, follows};
///
/// assert_eq!([follows(7, 7), follows(8, 7), follows(1, 0), follows(0, 0)], [Ok(()); 4]);
/// assert_eq!(follows(0, 7), Err(RevisionError::Older { next: 0, in_use: 7 }));
/// assert_eq!(follows(1 << 53, 7), Err(RevisionError::Jump { next: 1 << 53, in_use: 7 }));
/// ```
pub const fn follows(next: u64, in_use: u64) -> Result<(), RevisionError> {
    if next < in_use {
        Err(RevisionError::Older { next, in_use })
    } else if next - in_use > LARGEST_JUMP {
        Err(RevisionError::Jump { next, in_use })
    } else {
        Ok(())
    }
}

/// A snapshot that a source has answered with may be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Follows {
    /// It is as new as what is in use, or newer.
    Newer,
    /// It is older, as all that the source has answered with for a day. This is to be reported.
    Reset,
}

/// The answers of a source, by their revisions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Revisions {
    older_since: Option<Millis>,
}

impl Revisions {
    /// Goes on with what was stored before a restart.
    #[must_use]
    pub const fn new(older_since: Option<Millis>) -> Self {
        Self { older_since }
    }

    /// Since when the source has answered with older revisions alone, to be stored. `None` when its last answer was not
    /// older.
    #[must_use]
    pub const fn older_since(&self) -> Option<Millis> {
        self.older_since
    }

    /// The source has answered with a snapshot; whether it may be used. `now` is a time that does not jump while the
    /// host runs. A stored time that is still to come counts as now.
    ///
    /// # Errors
    /// It may not, and what is in use stays.
    pub fn answered(&mut self, next: u64, in_use: u64, now: Millis) -> Result<Follows, RevisionError> {
        let follows = follows(next, in_use);
        let is_older = matches!(follows, Err(RevisionError::Older { .. }));
        self.older_since = is_older.then(|| self.older_since.map_or(now, |since| since.min(now)));
        if self.older_since.is_some_and(|since| now.0 - since.0 >= OLDER_FOR) {
            self.older_since = None;
            return Ok(Follows::Reset);
        }
        follows.map(|()| Follows::Newer)
    }
}
