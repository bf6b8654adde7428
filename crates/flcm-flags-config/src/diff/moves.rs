//! What changes for a user, and counts of users by that.

use serde::Serialize;

/// What a user gets. The default stands for a flag that does not exist.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Served {
    /// Whether the feature is on.
    pub enabled: bool,
    /// The variant's name.
    pub variant: Option<String>,
    /// The value, as JSON text.
    pub value: Option<String>,
}

impl Served {
    /// The default, as a constant.
    pub(super) const OFF: Self = Self { enabled: false, variant: None, value: None };
}

/// What changes for a user.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Move {
    /// From off to on.
    Gain,
    /// From on to off.
    Lose,
    /// Nothing.
    Same,
    /// To another variant.
    Switch,
    /// To another value, on or off as before and of the same variant.
    Value,
}

impl Move {
    /// Compares what was served with what is served now.
    #[must_use]
    pub fn of(old: &Served, new: &Served) -> Self {
        match (old.enabled, new.enabled) {
            (false, true) => Self::Gain,
            (true, false) => Self::Lose,
            _ if old.variant != new.variant => Self::Switch,
            _ if old.value != new.value && old.value.is_some() && new.value.is_some() => Self::Value,
            _ => Self::Same,
        }
    }
}

/// Users counted by what changes for them.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Moves {
    /// From off to on.
    pub gain: u64,
    /// From on to off.
    pub lose: u64,
    /// To another variant.
    pub switch: u64,
    /// To another value.
    pub value: u64,
    /// Nothing changes.
    pub same: u64,
}

impl Moves {
    /// Whether anything changes for any user.
    #[must_use]
    pub fn moved(&self) -> bool {
        self.gain + self.lose + self.switch + self.value > 0
    }

    /// Adds the counts of another part.
    pub(super) const fn merge(&mut self, other: &Self) {
        self.gain += other.gain;
        self.lose += other.lose;
        self.switch += other.switch;
        self.value += other.value;
        self.same += other.same;
    }

    /// Counts one more user.
    pub fn add(&mut self, what: Move) {
        *match what {
            Move::Gain => &mut self.gain,
            Move::Lose => &mut self.lose,
            Move::Same => &mut self.same,
            Move::Switch => &mut self.switch,
            Move::Value => &mut self.value,
        } += 1;
    }
}
