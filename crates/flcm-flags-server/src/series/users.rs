//! The users of a flag by day, as they are answered.

use std::collections::{BTreeMap, BTreeSet};

use flcm_flags::Arm;
use flcm_flags::metrics::Distinct;
use serde::Serialize;
use utoipa::ToSchema;

use crate::sketches::Sketches;

/// The users of a flag.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UsersAnswer {
    /// The days in UTC, the oldest first.
    days: Vec<String>,
    /// How many users the flag was decided for on each, about.
    users: Vec<u64>,
    /// How many on all of these days together, about.
    total: u64,
    /// Those of each arm: `treatment`, `control` and `outside`.
    arms: BTreeMap<&'static str, UsersOf>,
    /// Those who were served a variant, for the first sixteen of the flag.
    variants: BTreeMap<String, UsersOf>,
    /// The standard error of these numbers, as a share.
    error: f64,
}

/// The users of an arm or a variant.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct UsersOf {
    /// How many on each day, about.
    users: Vec<u64>,
    /// How many on all of these days together, about.
    total: u64,
}

impl UsersAnswer {
    /// Of days and who was counted on each.
    pub(crate) fn new(days: Vec<String>, sketches: &[Sketches]) -> Self {
        let of_arm =
            |arm: Arm| (arm.as_str(), UsersOf::new(sketches.iter().map(|day| day.of_arm(arm).users().clone())));
        let of_variant = |name: &str| UsersOf::new(sketches.iter().map(|day| day.of_variant(name).users().clone()));
        let names: BTreeSet<&str> = sketches.iter().flat_map(Sketches::variants).collect();
        let UsersOf { users, total } = UsersOf::new(sketches.iter().map(Sketches::users));
        Self {
            days,
            users,
            total,
            arms: [Arm::Control, Arm::Outside, Arm::Treatment].map(of_arm).into(),
            variants: names.into_iter().map(|name| (name.to_owned(), of_variant(name))).collect(),
            error: 0.023,
        }
    }

    /// Whether there are none.
    pub(crate) const fn is_empty(&self) -> bool {
        self.total == 0
    }
}

impl UsersOf {
    fn new(days: impl Iterator<Item = Distinct>) -> Self {
        let (mut users, mut all) = (Vec::new(), Distinct::new());
        for day in days {
            users.push(estimate(&day));
            all.merge(&day);
        }
        Self { users, total: estimate(&all) }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "such a cast saturates")]
fn estimate(users: &Distinct) -> u64 {
    users.estimate().round() as u64
}
