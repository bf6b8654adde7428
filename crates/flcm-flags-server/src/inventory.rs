//! Which hosts there are: what each says of itself with its requests, and when it was seen last. Hosts with the key of
//! a page are only counted by app and version, because anyone can claim to be many.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use flcm_flags::bucket::sip;
use flcm_flags::metrics::Distinct;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::keys::Role;

/// At most so many hosts, and so many pairs of app and version of pages.
const HOSTS: usize = 20_000;
const PAGES: usize = 200;

/// A value has at most so many bytes.
const BYTES: usize = 128;

/// A host is forgotten when it was not seen for so long, in milliseconds.
const FORGET_MS: u64 = 3_600_000;

/// What a host may say of itself. A value that is longer than 128 bytes, or has control characters, is left out.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct HostQuery {
    /// The name of its machine.
    host: Option<String>,
    /// The name of the application.
    app: Option<String>,
    /// The version of the application.
    version: Option<String>,
    /// The client library and its version, such as `features-js/0.9.0`.
    sdk: Option<String>,
    /// The revision that it uses.
    revision: Option<String>,
    /// The number that it has chosen for itself, in 16 hexadecimal digits. A batch has it already.
    instance: Option<String>,
}

/// An application, its version, and the client library that it uses.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct AppVersion {
    pub(crate) app: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) sdk: Option<String>,
}

/// A host, or all pages of an app and version.
#[derive(Clone, Debug)]
pub(crate) struct KnownHost {
    pub(crate) instance: Option<u64>,
    pub(crate) host: Option<String>,
    pub(crate) app: AppVersion,
    /// In milliseconds since 1970.
    pub(crate) first: u64,
    pub(crate) last_seen: u64,
    pub(crate) revision: Option<u64>,
    /// How many pages, about; 1 for a host.
    pub(crate) count: u64,
}

/// All hosts that were seen.
#[derive(Debug, Default)]
pub(crate) struct Inventory(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    hosts: HashMap<u64, KnownHost>,
    pages: BTreeMap<AppVersion, Pages>,
}

#[derive(Debug)]
struct Pages {
    first: u64,
    last_seen: u64,
    instances: Box<Distinct>,
}

impl HostQuery {
    /// The application, as far as the host names it.
    pub(crate) fn app(&self) -> AppVersion {
        AppVersion {
            app: clean(self.app.as_ref()),
            version: clean(self.version.as_ref()),
            sdk: clean(self.sdk.as_ref()),
        }
    }

    /// The number of the host.
    pub(crate) fn instance(&self) -> Option<u64> {
        let digits = self.instance.as_deref().filter(|text| text.len() == 16 && !text.starts_with('+'))?;
        u64::from_str_radix(digits, 16).ok()
    }
}

fn clean(text: Option<&String>) -> Option<String> {
    text.filter(|text| !text.is_empty() && text.len() <= BYTES && !text.chars().any(char::is_control)).cloned()
}

impl Inventory {
    /// Notes a request of a host. What its batches say of the revision stays where the request says nothing.
    pub(crate) fn note(&self, instance: u64, role: Role, query: &HostQuery, now: u64) {
        let mut seen = self.lock();
        if role == Role::Client {
            seen.note_page(instance, query.app(), now);
            return;
        }
        if seen.hosts.len() >= HOSTS && !seen.hosts.contains_key(&instance) {
            let oldest = seen.hosts.iter().min_by_key(|(_, host)| host.last_seen).map(|(instance, _)| *instance);
            oldest.map(|oldest| seen.hosts.remove(&oldest));
        }
        let known = seen.hosts.get(&instance);
        let first = known.map_or(now, |host| host.first);
        let named = query.revision.as_deref().and_then(|revision| revision.parse().ok());
        let revision = named.or_else(|| known?.revision);
        let host = KnownHost {
            instance: Some(instance),
            host: clean(query.host.as_ref()),
            app: query.app(),
            first,
            last_seen: now,
            revision,
            count: 1,
        };
        seen.hosts.insert(instance, host);
    }

    /// Notes that a host is still there.
    pub(crate) fn note_alive(&self, instance: u64, now: u64) {
        if let Some(host) = self.lock().hosts.get_mut(&instance) {
            host.last_seen = now;
        }
    }

    /// All of them: hosts by the number of their instance, then pages.
    pub(crate) fn list(&self, now: u64) -> Vec<KnownHost> {
        let mut seen = self.lock();
        seen.forget(now);
        let mut hosts: Vec<KnownHost> = seen.hosts.values().cloned().collect();
        hosts.sort_unstable_by_key(|host| host.instance);
        hosts.extend(seen.pages.iter().map(|(app, pages)| pages.as_host(app)));
        hosts
    }

    /// How many hosts there are, pages left out, and how many of them say that they use a revision.
    pub(crate) fn in_step(&self, revision: u64, now: u64) -> (usize, usize) {
        let mut seen = self.lock();
        seen.forget(now);
        let in_step = seen.hosts.values().filter(|host| host.revision == Some(revision));
        (seen.hosts.len(), in_step.count())
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn note_page(&mut self, instance: u64, app: AppVersion, now: u64) {
        // Anyone can name apps: those that come after the limit are counted without a name.
        let app = if self.pages.len() < PAGES || self.pages.contains_key(&app) { app } else { AppVersion::default() };
        let new = || Pages { first: now, last_seen: now, instances: Box::new(Distinct::new()) };
        let pages = self.pages.entry(app).or_insert_with(new);
        pages.last_seen = now;
        pages.instances.insert(sip(&instance.to_le_bytes()));
    }

    fn forget(&mut self, now: u64) {
        self.hosts.retain(|_, host| now.saturating_sub(host.last_seen) < FORGET_MS);
        self.pages.retain(|_, pages| now.saturating_sub(pages.last_seen) < FORGET_MS);
    }
}

impl Pages {
    fn as_host(&self, app: &AppVersion) -> KnownHost {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "such a cast saturates")]
        let count = self.instances.estimate().round() as u64;
        KnownHost {
            instance: None,
            host: None,
            app: app.clone(),
            first: self.first,
            last_seen: self.last_seen,
            revision: None,
            count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FORGET_MS, HOSTS, HostQuery, Inventory, PAGES};
    use crate::keys::Role;

    fn query(app: &str, revision: &str) -> HostQuery {
        HostQuery { app: Some(app.to_owned()), revision: Some(revision.to_owned()), ..HostQuery::default() }
    }

    #[test]
    fn hosts_are_bounded_and_forgotten() {
        let inventory = Inventory::default();
        (0..=HOSTS as u64).for_each(|instance| inventory.note(instance, Role::Server, &query("shop", "7"), instance));
        let listed = inventory.list(1);
        assert!(listed.len() == HOSTS && listed.iter().all(|host| host.instance != Some(0)), "the oldest made room");
        inventory.note(1, Role::Server, &query("shop", "8"), FORGET_MS);
        assert_eq!(inventory.in_step(8, HOSTS as u64 + FORGET_MS), (1, 1));
        assert_eq!(inventory.in_step(9, HOSTS as u64 + FORGET_MS), (1, 0));
        inventory.note(1, Role::Server, &HostQuery::default(), FORGET_MS);
        assert_eq!(
            inventory.in_step(8, HOSTS as u64 + FORGET_MS),
            (1, 1),
            "a request that says nothing changes nothing"
        );
    }

    #[test]
    fn pages_are_sums_however_many_apps_they_name() {
        let inventory = Inventory::default();
        for instance in 0..2000_u64 {
            inventory.note(instance, Role::Client, &query(&format!("app {}", instance % 1000), ""), 0);
        }
        let listed = inventory.list(0);
        assert_eq!(listed.len(), PAGES + 1);
        let sum: u64 = listed.iter().map(|pages| pages.count).sum();
        assert!((1800..2200).contains(&sum), "{sum}");
    }

    #[test]
    fn what_is_too_long_or_would_break_a_line_is_left_out() {
        let inventory = Inventory::default();
        for (instance, app) in (0..).zip(["", "a\nb", &"a".repeat(129), &"a".repeat(128)]) {
            inventory.note(instance, Role::Server, &query(app, "many"), 0);
        }
        let apps: Vec<bool> = inventory.list(0).iter().map(|host| host.app.app.is_some()).collect();
        assert_eq!(apps, [false, false, false, true]);
        assert!(inventory.list(0).iter().all(|host| host.revision.is_none()));
    }
}
