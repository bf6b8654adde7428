//! What hosts have counted within the last hour, in memory: for the dashboard's list. A restart begins anew.

use flcm_flags::{Arm, Millis};

use crate::series::Point;
use crate::totals::Place;

/// The hour has so many parts, each of so many milliseconds.
const PARTS: usize = 30;
const PART_MS: u64 = 120_000;

/// The hour of each flag that was counted in it, by place.
#[derive(Debug, Default)]
pub(super) struct Activity(Vec<Option<Box<Hour>>>);

/// Counts of one arm: total, errors, slow, missing.
pub(super) type ArmCounts = [u64; 4];

/// What was counted in a part of an hour, or in all of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Part {
    /// All decisions, and those that were on.
    pub(super) decisions: u64,
    pub(super) on: u64,
    pub(super) treatment: ArmCounts,
    pub(super) control: ArmCounts,
}

/// The last parts, each at its number modulo [`PARTS`].
#[derive(Debug, Default)]
pub(super) struct Hour {
    parts: [Part; PARTS],
    /// The number of the part that was counted last.
    last: u64,
}

impl Activity {
    pub(super) fn note(&mut self, Place(place): Place, counted: &Point, now: Millis) {
        if self.0.len() <= place {
            self.0.resize_with(place + 1, || None);
        }
        self.0[place].get_or_insert_default().at(now.0 / PART_MS).add(counted);
    }

    pub(super) fn of(&self, Place(place): Place) -> Option<&Hour> {
        self.0.get(place)?.as_deref()
    }

    /// Forgets flags that were not counted for an hour.
    pub(super) fn forget(&mut self, now: Millis) {
        let is_over = |hour: &mut Box<Hour>| now.0 / PART_MS >= hour.last + PARTS as u64;
        self.0.iter_mut().for_each(|hour| _ = hour.take_if(is_over));
    }
}

impl Hour {
    /// The part with this number, after those that have passed since were cleared.
    fn at(&mut self, number: u64) -> &mut Part {
        for passed in (self.last + 1..=number).take(PARTS) {
            self.parts[slot(passed)] = Part::default();
        }
        self.last = self.last.max(number);
        &mut self.parts[slot(number)]
    }

    /// The parts up to now, the oldest first.
    pub(super) fn parts(&self, now: Millis) -> impl Iterator<Item = Part> {
        let newest = now.0 / PART_MS;
        let oldest = (newest + 1).saturating_sub(PARTS as u64);
        (oldest..=newest).map(|number| {
            let is_kept = number <= self.last && number + PARTS as u64 > self.last;
            if is_kept { self.parts[slot(number)] } else { Part::default() }
        })
    }

    pub(super) fn sum(&self, now: Millis) -> Part {
        self.parts(now).fold(Part::default(), |mut sum, part| {
            sum.decisions += part.decisions;
            sum.on += part.on;
            for (sums, counts) in [(&mut sum.treatment, part.treatment), (&mut sum.control, part.control)] {
                sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
            }
            sum
        })
    }
}

impl Part {
    fn add(&mut self, counted: &Point) {
        self.decisions += u64::from(counted.decided());
        self.on += u64::from(counted.on());
        for (sums, arm) in [(&mut self.treatment, Arm::Treatment), (&mut self.control, Arm::Control)] {
            sums.iter_mut().zip(counted.arm(arm)).for_each(|(sum, count)| *sum += u64::from(count));
        }
    }
}

fn slot(number: u64) -> usize {
    usize::try_from(number % PARTS as u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Hour, Millis, PART_MS, PARTS};

    #[test]
    fn an_hour_forgets_what_is_older() {
        let mut hour = Hour::default();
        let now = |part: u64| Millis((1000 + part) * PART_MS);
        hour.at(1000).on = 1;
        hour.at(1001).on = 2;
        let sum = |hour: &Hour, part| hour.sum(now(part)).on;
        assert_eq!((sum(&hour, 1), sum(&hour, 29), sum(&hour, 30), sum(&hour, 31)), (3, 3, 2, 0));
        hour.at(1030).on += 4;
        assert_eq!(
            hour.parts(now(30)).map(|part| part.on).collect::<Vec<_>>(),
            [&[2][..], &[0; PARTS - 2], &[4]].concat()
        );
        hour.at(5000).on += 8;
        assert_eq!(hour.sum(Millis(5000 * PART_MS)).on, 8);
    }
}
