//! A transition of a flag's breaker, and who caused it: what the fleet stores and broadcasts.

use flcm_flags::Source;
use flcm_flags::breaker::{State, Transition};

/// A transition of the breaker of a flag.
#[derive(Clone, Debug)]
pub(crate) struct FleetTransition {
    /// The flag key.
    pub(crate) flag: String,
    /// Who caused it: the name of a key, or `breaker`.
    pub(crate) actor: String,
    /// Whose outcomes the breaker weighs.
    pub(crate) source: Source,
    pub(crate) transition: Transition,
}

impl FleetTransition {
    /// The same for each delivery.
    pub(crate) fn id(&self) -> String {
        self.transition.id(&self.flag).to_string()
    }

    /// One line for people.
    pub(crate) fn text(&self) -> String {
        self.transition.describe(&self.flag).to_string()
    }

    /// Whether the breaker was left in a state that holds the flag back.
    pub(crate) fn holds_back(&self) -> bool {
        self.transition.to != State::Closed
    }
}
