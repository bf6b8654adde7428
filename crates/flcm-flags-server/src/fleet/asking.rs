//! Which apps ask for a flag, and how often.

use std::collections::HashMap;

use flcm_flags::Millis;

use crate::inventory::AppVersion;

/// At most so many apps and versions of a flag, and as many of pages; the one that has not asked for the longest time
/// makes room. Pages have room of their own, because anyone can name apps there.
const MOST: usize = 16;

const HOUR_MS: u64 = 3_600_000;

/// Apps by flag. At most the flags of the document.
#[derive(Debug, Default)]
pub(super) struct AskingApps(HashMap<String, Vec<AskingApp>>);

/// An app that asks for a flag.
#[derive(Clone, Debug)]
pub(crate) struct AskingApp {
    pub(crate) app: AppVersion,
    is_page: bool,
    /// Decisions in each of the last 24 hours, each at its number modulo 24.
    hours: [u32; 24],
    /// In milliseconds since 1970.
    pub(crate) last: u64,
}

impl AskingApps {
    pub(super) fn note(&mut self, flag: &str, (app, is_page): (&AppVersion, bool), decisions: u32, now: Millis) {
        if !self.0.contains_key(flag) {
            self.0.insert(flag.to_owned(), Vec::new());
        }
        let Some(asking) = self.0.get_mut(flag) else { return };
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

    pub(super) fn of(&self, flag: &str) -> Vec<AskingApp> {
        self.0.get(flag).cloned().unwrap_or_default()
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
    use super::{AppVersion, AskingApps, HOUR_MS, MOST, Millis};

    fn app(name: &str) -> AppVersion {
        AppVersion { app: Some(name.to_owned()), ..AppVersion::default() }
    }

    #[test]
    fn decisions_of_a_day_are_counted_and_the_oldest_app_makes_room() {
        let mut asking = AskingApps::default();
        let hour = |hour: u64| Millis((1000 + hour) * HOUR_MS);
        asking.note("a", (&app("shop"), false), 5, hour(0));
        asking.note("a", (&app("shop"), false), 7, hour(23));
        let shop = |asking: &AskingApps, now: Millis| asking.of("a").first().map(|own| own.decisions(now.0));
        assert_eq!(
            (shop(&asking, hour(23)), shop(&asking, hour(24)), shop(&asking, hour(99))),
            (Some(12), Some(7), Some(0))
        );
        let note = |asking: &mut AskingApps, other: u64, is_page| {
            asking.note("a", (&app(&other.to_string()), is_page), 1, hour(24 + other));
        };
        (0..100).for_each(|other| note(&mut asking, other, true));
        assert!(asking.of("a").iter().any(|own| own.app == app("shop")), "pages do not crowd it out");
        (0..MOST as u64).for_each(|other| note(&mut asking, other, false));
        let left = asking.of("a");
        assert!(left.len() == 2 * MOST && left.iter().all(|own| own.app != app("shop")));
        assert!(asking.of("b").is_empty());
    }
}
