//! Which apps ask for a flag, and how often.

use flcm_flags::Millis;

use crate::inventory::AppVersion;
use crate::totals::Place;

/// At most so many apps and versions of a flag, and as many of pages; the one that has not asked for the longest time
/// makes room. Pages have room of their own, because anyone can name apps there.
const MOST: usize = 16;

/// At most so many apps are counted before they are added to their flags.
const RECENT: usize = 64;

const HOUR_MS: u64 = 3_600_000;

/// Apps by flag.
#[derive(Debug, Default)]
pub(super) struct AskingApps {
    /// By place.
    flags: Vec<Vec<AskingApp>>,
    recent: Vec<RecentApp>,
}

/// What an app has asked for since its counts were added to those of the flags: one number for each flag, so that a
/// batch costs little.
#[derive(Debug)]
struct RecentApp {
    app: AppVersion,
    is_page: bool,
    /// Decisions by place.
    decisions: Vec<u32>,
    last: Millis,
}

/// An app that asks for a flag.
#[derive(Clone, Debug)]
pub(crate) struct AskingApp {
    pub(crate) app: AppVersion,
    pub(crate) is_page: bool,
    /// Decisions in each of the last 24 hours, each at its number modulo 24.
    hours: [u32; 24],
    /// In milliseconds since 1970.
    pub(crate) last: u64,
}

impl AskingApps {
    /// The number of an app, for the batch that comes next.
    pub(super) fn app(&mut self, app: &AppVersion, is_page: bool, now: Millis) -> usize {
        if let Some(number) = self.recent.iter().position(|own| own.is_page == is_page && own.app == *app) {
            let recent = &mut self.recent[number];
            if recent.last.0 / HOUR_MS == now.0 / HOUR_MS {
                recent.last = recent.last.max(now);
                return number;
            }
            self.settle();
        } else if self.recent.len() >= RECENT {
            self.settle();
        }
        self.recent.push(RecentApp { app: app.clone(), is_page, decisions: Vec::new(), last: now });
        self.recent.len() - 1
    }

    /// Counts decisions of an app.
    pub(super) fn add(&mut self, number: usize, Place(place): Place, decisions: u32) {
        let own = &mut self.recent[number].decisions;
        if own.len() <= place {
            own.resize(place + 1, 0);
        }
        own[place] = own[place].saturating_add(decisions);
    }

    /// Adds what was counted to the apps of each flag.
    pub(super) fn settle(&mut self) {
        for RecentApp { app, is_page, decisions, last } in std::mem::take(&mut self.recent) {
            for (place, count) in decisions.into_iter().enumerate().filter(|(_, count)| *count > 0) {
                self.note(place, (&app, is_page), count, last);
            }
        }
    }

    fn note(&mut self, place: usize, (app, is_page): (&AppVersion, bool), decisions: u32, now: Millis) {
        if self.flags.len() <= place {
            self.flags.resize_with(place + 1, Vec::new);
        }
        let asking = &mut self.flags[place];
        if let Some(own) = asking.iter_mut().find(|own| own.app == *app && own.is_page == is_page) {
            own.add(decisions, now);
            return;
        }
        let alike = || (0..asking.len()).filter(|index| asking[*index].is_page == is_page);
        if alike().count() >= MOST
            && let Some(oldest) = alike().min_by_key(|index| asking[*index].last)
        {
            asking.swap_remove(oldest);
        }
        let mut own = AskingApp { app: app.clone(), is_page, hours: [0; 24], last: now.0 };
        own.add(decisions, now);
        asking.push(own);
    }

    pub(super) fn of(&mut self, Place(place): Place) -> Vec<AskingApp> {
        self.settle();
        self.flags.get(place).cloned().unwrap_or_default()
    }
}

impl AskingApp {
    fn add(&mut self, decisions: u32, now: Millis) {
        self.clear_until(now.0);
        self.last = self.last.max(now.0);
        let hour = &mut self.hours[slot(now.0 / HOUR_MS)];
        *hour = hour.saturating_add(decisions);
    }

    fn clear_until(&mut self, now: u64) {
        for hour in (self.last / HOUR_MS + 1..=now / HOUR_MS).take(24) {
            self.hours[slot(hour)] = 0;
        }
    }

    /// Decisions of the last 24 hours.
    pub(crate) fn decisions(&self, now: u64) -> u64 {
        let mut own = self.clone();
        own.clear_until(now);
        own.hours.iter().map(|count| u64::from(*count)).sum()
    }
}

fn slot(hour: u64) -> usize {
    usize::try_from(hour % 24).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{AppVersion, AskingApps, HOUR_MS, MOST, Millis, Place, RECENT};

    fn app(name: &str) -> AppVersion {
        AppVersion { app: Some(name.to_owned()), ..AppVersion::default() }
    }

    #[test]
    fn decisions_of_a_day_are_counted_and_the_oldest_app_makes_room() {
        let mut asking = AskingApps::default();
        let hour = |hour: u64| Millis((1000 + hour) * HOUR_MS);
        let flag = Place(1);
        let note = |asking: &mut AskingApps, name: &str, is_page, decisions, now| {
            let number = asking.app(&app(name), is_page, now);
            asking.add(number, flag, decisions);
        };
        note(&mut asking, "shop", false, 2, hour(0));
        note(&mut asking, "shop", false, 3, hour(0));
        note(&mut asking, "shop", false, 7, hour(23));
        let mut shop = |now: Millis| asking.of(flag).first().map(|own| own.decisions(now.0));
        assert_eq!((shop(hour(23)), shop(hour(24)), shop(hour(99))), (Some(12), Some(7), Some(0)));
        let other = |asking: &mut AskingApps, other: u64, is_page| {
            note(asking, &other.to_string(), is_page, 1, hour(24 + other));
        };
        (0..100).for_each(|number| other(&mut asking, number, true));
        assert!(asking.recent.len() <= RECENT);
        assert!(asking.of(flag).iter().any(|own| own.app == app("shop")), "pages do not crowd it out");
        (0..MOST as u64).for_each(|number| other(&mut asking, number, false));
        let left = asking.of(flag);
        assert!(left.len() == 2 * MOST && left.iter().all(|own| own.app != app("shop")));
        assert!(asking.of(Place(0)).is_empty() && asking.of(Place(2)).is_empty());
    }
}
