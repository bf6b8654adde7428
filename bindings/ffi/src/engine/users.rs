//! Calls about single users, and about how flags are written.

use alloc::string::String;
use alloc::vec::Vec;

use flcm_flags::{BoundContext, Flag, FlagId, Override, cohorts};

use super::{Engine, Loaded};
use crate::bound::Bound;
use crate::slots::Handle;
use flcm_flags_host::changed;

/// Calls that may take their time. What is asked of a handle or a slot that names nothing is `None`.
impl Engine {
    /// Decides a flag for the context in a slot, with the override `on`, `off` or a variant; answers the upper
    /// half of the outcome. `None` as well for any other override.
    pub fn decide_as(&mut self, snapshot: Handle, slot: u32, flag: FlagId, serve: &str, now: f64) -> Option<u32> {
        let Loaded { snapshot, state, slots } = &mut **self.snapshots.get_mut(snapshot)?;
        let context = context(slots, slot)?;
        let serve = override_of(&snapshot.describe(flag)?, serve)?;
        let outcome = state.guards.decide_as(snapshot, flag, context, super::millis(now), serve);
        if let Some(measures) = &mut state.measures {
            measures.decided(snapshot, flag, outcome, context.user_digest(), 1);
        }
        u32::try_from(outcome.to_bits() >> 32).ok()
    }

    /// The cohorts of the document that the user in a slot is a member of, each followed by a line feed.
    #[must_use]
    pub fn cohorts(&self, snapshot: Handle, slot: u32) -> Option<String> {
        let loaded = self.snapshots.get(snapshot)?;
        let mut names = String::new();
        cohorts(&loaded.snapshot, context(&loaded.slots, slot)?, &mut |name| {
            names.push_str(name);
            names.push('\n');
        });
        Some(names)
    }

    /// Which of some flags, as many as `count` from `first` on, are written differently than in another snapshot, or
    /// are not in it: 1 for each that is, else 0.
    #[must_use]
    pub fn changed(&self, snapshot: Handle, before: Handle, first: u32, count: u32) -> Option<Vec<u8>> {
        let ids = (first..first.saturating_add(count)).map(FlagId);
        Some(changed(self.snapshot(snapshot)?, self.snapshot(before)?, ids).map(u8::from).collect())
    }
}

fn context(slots: &[Option<Bound>], slot: u32) -> Option<&BoundContext<'_>> {
    slots.get(usize::try_from(slot).ok()?)?.as_ref().map(Bound::borrow_dependent)
}

fn override_of(flag: &Flag<'_>, serve: &str) -> Option<Override> {
    let variant = flag.variants().position(|variant| variant.name() == serve);
    match (variant, serve) {
        (Some(index), _) => u16::try_from(index).ok().map(Override::Variant),
        (None, "on") => Some(Override::On),
        (None, "off") => Some(Override::Off),
        (None, _) => None,
    }
}
