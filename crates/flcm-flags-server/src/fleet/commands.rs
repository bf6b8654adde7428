//! Operator commands: holding flags, releasing them, acknowledging rollbacks.

use std::net::IpAddr;

use flcm_flags::breaker::Mode;
use flcm_flags::{FlagId, TripState};
use serde_json::json;

use super::{Fleet, FleetError, RemoveMetric};
use crate::store::{CommandInForce, Record};
use crate::transition::FleetTransition;

/// What an operator can do to a flag.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Action {
    /// Acknowledges the rollback of a generation, so that the breaker closes.
    Acknowledge(Option<u32>),
    /// The flag decides as usual, whatever the outcomes.
    Force,
    /// The flag is off for everyone.
    Hold,
    /// The flag decides as usual, and rollbacks that would have happened are reported.
    Observe,
    /// The breaker decides again.
    Release,
}

impl Action {
    /// The name in the path and in the audit.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledge(_) => "acknowledge",
            Self::Force => "force",
            Self::Hold => "hold",
            Self::Observe => "observe",
            Self::Release => "release",
        }
    }
}

/// A command for the breaker of a flag: who gives it, and why.
#[derive(Clone, Debug)]
pub(crate) struct BreakerCommand {
    pub(crate) flag: String,
    pub(crate) action: Action,
    pub(crate) actor: String,
    /// The address of the operator.
    pub(crate) address: IpAddr,
    pub(crate) reason: String,
}

impl Fleet {
    /// Carries out a command; returns the transition that it caused, if any.
    pub(super) fn command(&mut self, command: &BreakerCommand) -> Result<Option<FleetTransition>, FleetError> {
        let flag = self.published.snapshot.flag(&command.flag).ok_or(FleetError::NoSuchFlag)?;
        let (action, detail) = (command.action.as_str(), json!({}));
        let mut record = self.record(&command.actor, action, &command.reason, detail);
        record.flag = Some(command.flag.clone());
        record.address = Some(command.address.to_string());
        if self.guards.breaker(flag).is_some() {
            // The flag was held before it had a breaker: the commands that release a breaker release it as well.
            let lets_go = matches!(command.action, Action::Force | Action::Observe | Action::Release);
            let was_held = lets_go && self.holds.remove(&command.flag).is_some();
            if was_held {
                self.set_external_trip(flag, TripState::Clear);
                self.unstored.holds = true;
            }
            self.command_breaker(flag, command, record, was_held)
        } else {
            self.command_flag(flag, command, record)
        }
    }

    fn command_breaker(
        &mut self,
        flag: FlagId,
        command: &BreakerCommand,
        record: Record,
        was_held: bool,
    ) -> Result<Option<FleetTransition>, FleetError> {
        let now = self.clock.now();
        let mut transitions = Vec::new();
        // Transitions until now are the breaker's, not the operator's.
        self.guards.poll(&self.published.snapshot, now, &mut transitions);
        self.persist_and_broadcast(&std::mem::take(&mut transitions), "breaker", "");
        let snapshot = &self.published.snapshot;
        let mode = match command.action {
            Action::Acknowledge(generation) => {
                let current = self.guards.breaker(flag).map_or(0, |(breaker, _)| breaker.generation());
                self.guards.acknowledge(snapshot, flag, generation.unwrap_or(current), now, &mut transitions);
                None
            }
            Action::Force => Some(Mode::ForcedClosed),
            Action::Hold => Some(Mode::Held),
            Action::Observe => Some(Mode::Observe),
            Action::Release => Some(Mode::Auto),
        };
        if let Some(mode) = mode {
            self.guards.set_mode(snapshot, flag, mode, now, &mut transitions);
        } else if transitions.is_empty() {
            let what = format!("`{}` has nothing to acknowledge in this generation", command.flag);
            return Err(FleetError::InvalidState(
                what,
                "look at GET /trips: its state may have changed, or an operator may hold it",
            ));
        }
        if transitions.is_empty() && !was_held && !self.gives_another_reason(command) {
            // The flag was in this state already, but that may not be stored yet.
            return self.stored(None);
        }
        if mode.is_some() {
            self.set_command(command, record.at);
        }
        self.unstored.records.push(record);
        self.persist_transitions(&transitions, &command.actor, &command.reason);
        self.broadcast();
        let event = self.events.get(&command.flag).filter(|_| !transitions.is_empty()).cloned();
        self.stored(event)
    }

    /// A flag without a breaker can be held and released.
    fn command_flag(
        &mut self,
        flag: FlagId,
        command: &BreakerCommand,
        record: Record,
    ) -> Result<Option<FleetTransition>, FleetError> {
        let changed = match command.action {
            Action::Hold => self.holds.insert(command.flag.clone(), TripState::HeldOff) != Some(TripState::HeldOff),
            Action::Release => self.holds.remove(&command.flag).is_some(),
            _ => {
                let what = format!("`{}` has no breaker", command.flag);
                return Err(FleetError::InvalidState(what, "give it an `error_threshold`, or use hold and release"));
            }
        };
        if changed {
            self.set_external_trip(flag, self.holds.get(&command.flag).copied().unwrap_or_default());
            self.touched.insert(flag);
            let is_held = command.action == Action::Hold;
            self.enqueue_hold(&command.flag, is_held, &command.actor, &command.reason);
        }
        if changed || self.gives_another_reason(command) {
            self.set_command(command, record.at);
            self.unstored.records.push(record);
            self.store_changes();
            self.broadcast();
        }
        self.stored(None)
    }

    /// Whether a command that changes nothing is another operator's, or has another reason, than the one in force.
    fn gives_another_reason(&self, BreakerCommand { flag, action, actor, reason, .. }: &BreakerCommand) -> bool {
        let is_same = |in_force: &CommandInForce| in_force.actor == *actor && in_force.reason == *reason;
        *action != Action::Release && !self.commands.get(flag).is_some_and(is_same)
    }

    /// Notes who has set the mode of a flag. After a release nobody has.
    fn set_command(&mut self, BreakerCommand { flag, action, actor, reason, .. }: &BreakerCommand, at: u64) {
        if *action == Action::Release {
            self.commands.remove(flag);
        } else {
            let command = CommandInForce { actor: actor.clone(), reason: reason.clone(), at };
            self.commands.insert(flag.clone(), command);
        }
        self.unstored.holds = true;
    }

    /// Removes a custom metric, and stores that: else the next start would count it again.
    pub(super) fn remove_metric(
        &mut self,
        RemoveMetric { name, actor, address }: RemoveMetric,
    ) -> Result<(), FleetError> {
        let removed = self.totals.customs.remove(&name).ok_or(FleetError::NoSuchMetric)?;
        let mut record = self.record(&actor, "remove_metric", "", json!({ "metric": name }));
        record.address = Some(address.to_string());
        self.unstored.records.push(record);
        self.checkpoint().map_err(|error| {
            self.log_store_failure("a metric could not be removed; it stays", &error);
            // The record may not be stored yet, or it was, with whatever else was waiting.
            self.unstored.records.retain(|record| record.action != "remove_metric");
            self.totals.customs.put_back(name, removed);
            FleetError::NotStored(error)
        })
    }

    fn stored(&self, event: Option<FleetTransition>) -> Result<Option<FleetTransition>, FleetError> {
        if self.unstored.is_empty() { Ok(event) } else { Err(FleetError::NotYetStored) }
    }
}
