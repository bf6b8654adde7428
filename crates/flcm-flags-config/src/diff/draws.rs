//! The draws of flags, each divided into what it decides.

use std::collections::{BTreeMap, BTreeSet};

use flcm_flags::bucket::BUCKETS;

use super::intervals::{POINTS, gcd};
use super::member::{Member, Rule};

/// The draws that some flags make, without repetition: flags of the same salt have the same draw.
pub(super) struct Draws(Vec<Draw>);

/// So many outcomes of rules are listed for a draw at most.
const MOST_OUTCOMES: usize = 1 << 20;

struct Draw {
    /// Empty where there would be too many.
    cells: Vec<Cell>,
    /// The sum of their weights.
    whole: u128,
}

/// Parts of the plane of buckets and split points in which all rules decide alike.
pub(super) struct Cell {
    pub(super) weight: u128,
    /// What each rule serves there, if its conditions hold; `None` where its percentage ends before.
    pub(super) outcomes: Vec<Option<u16>>,
}

impl Draws {
    /// Numbers the draws, and says each flag which one is its own.
    pub(super) fn of(members: &mut [Member]) -> Self {
        let mut numbers = BTreeMap::new();
        let mut rules: Vec<usize> = Vec::new();
        for member in members.iter_mut() {
            let next = numbers.len();
            member.draw = *numbers.entry(member.salt.clone()).or_insert(next);
            rules.resize(numbers.len(), 0);
            member.place = rules[member.draw];
            rules[member.draw] += member.rules.len();
        }
        let of = |number| members.iter().filter(move |member| member.draw == number).flat_map(|member| &member.rules);
        Self((0..numbers.len()).map(|number| Draw::of(&of(number).collect::<Vec<_>>())).collect())
    }

    /// Whether a draw has too many cells to be gone through.
    pub(super) fn are_too_many(&self) -> bool {
        self.0.iter().any(|draw| draw.cells.is_empty())
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn cells(&self, draw: usize) -> &[Cell] {
        &self.0[draw].cells
    }

    /// The area of the draws that do not matter. `None` if a number would be too large.
    pub(super) fn rest(&self, drawn: &[Option<usize>]) -> Option<u128> {
        self.0.iter().try_fold(1_u128, |whole, draw| whole.checked_mul(draw.whole))?;
        let open = self.0.iter().zip(drawn).filter(|(_, cell)| cell.is_none());
        Some(open.map(|(draw, _)| draw.whole).product())
    }
}

impl Draw {
    fn of(rules: &[&Rule]) -> Self {
        let ends: BTreeSet<u32> = rules.iter().map(|rule| rule.end).chain([0, BUCKETS]).collect();
        let points: BTreeSet<u64> = rules.iter().flat_map(|rule| rule.points()).chain([0, POINTS]).collect();
        let (ends, points): (Vec<u32>, Vec<u64>) = (ends.into_iter().collect(), points.into_iter().collect());
        if ends.len().saturating_mul(points.len()).saturating_mul(rules.len()) > MOST_OUTCOMES {
            return Self { cells: Vec::new(), whole: 0 };
        }
        let mut cells: BTreeMap<Vec<Option<u16>>, u128> = BTreeMap::new();
        for gate in ends.windows(2) {
            for split in points.windows(2) {
                let outcomes = rules.iter().map(|rule| rule.outcome_at(gate[0], split[0])).collect();
                *cells.entry(outcomes).or_default() += u128::from(gate[1] - gate[0]) * u128::from(split[1] - split[0]);
            }
        }
        let divisor = cells.values().fold(0, |divisor, weight| gcd(divisor, *weight));
        let cell = |(outcomes, weight)| Cell { weight: weight / divisor, outcomes };
        let cells: Vec<Cell> = cells.into_iter().map(cell).collect();
        let whole = cells.iter().map(|cell| cell.weight).sum();
        Self { cells, whole }
    }
}
