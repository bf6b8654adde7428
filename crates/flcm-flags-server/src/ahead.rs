//! Hosts that use a later revision than the server has, as after an old backup was restored: they refuse what it serves.
//! A public key can send any number, so this is only reported.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::PoisonError;

use serde::Serialize;
use utoipa::ToSchema;

use crate::keys::Role;

/// At most so many addresses are kept.
const MOST: usize = 100;

/// An address is forgotten when no request has come from it for so long.
const FORGET_MS: u64 = 600_000;

/// The log reports them at most so often.
const REPORT_MS: u64 = 60_000;

/// A host that is ahead of the server.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct AheadHost {
    /// The address that it asked from.
    #[schema(value_type = String)]
    pub(crate) address: IpAddr,
    /// The role of its key: anyone can have a `client` key of a page.
    #[serde(serialize_with = "as_name")]
    #[schema(value_type = String)]
    pub(crate) role: Role,
    /// The revision that it uses.
    pub(crate) revision: u64,
    /// When it asked last, in milliseconds since 1970.
    pub(crate) last_seen: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn as_name<S: serde::Serializer>(role: &Role, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(role.as_str())
}

/// The hosts that are ahead, by address.
#[derive(Debug, Default)]
pub(crate) struct AheadHosts(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    hosts: BTreeMap<IpAddr, AheadHost>,
    reported: u64,
}

impl AheadHosts {
    /// Notes a host that uses a later revision than the one in use.
    pub(crate) fn note(&self, host: AheadHost, in_use: u64) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = host.last_seen;
        seen.hosts.insert(host.address, host);
        if seen.hosts.len() > MOST {
            seen.drop_one();
        }
        if now.saturating_sub(seen.reported) >= REPORT_MS {
            seen.reported = now;
            let highest = seen.hosts.values().map(|host| host.revision).max().unwrap_or_default();
            tracing::warn!(
                revision = in_use,
                highest,
                hosts = seen.hosts.len(),
                "hosts use a later revision and refuse this one: publish the document again, or sign it again with \
                 a later revision"
            );
        }
    }

    /// Those that are still ahead of a revision.
    pub(crate) fn list(&self, in_use: u64, now: u64) -> Vec<AheadHost> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.hosts.retain(|_, host| host.revision > in_use && now.saturating_sub(host.last_seen) < FORGET_MS);
        seen.hosts.values().copied().collect()
    }
}

impl Seen {
    /// Drops the one that has not asked for the longest time. Pages make room before services do.
    fn drop_one(&mut self) {
        let oldest = self.hosts.values().min_by_key(|host| (host.role, host.last_seen)).map(|host| host.address);
        oldest.map(|address| self.hosts.remove(&address));
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::{AheadHost, AheadHosts, FORGET_MS, MOST};
    use crate::keys::Role;

    fn host(number: u32, role: Role, last_seen: u64) -> AheadHost {
        AheadHost { address: IpAddr::V4(Ipv4Addr::from_bits(number)), role, revision: 9, last_seen }
    }

    #[test]
    fn pages_do_not_crowd_out_services() {
        let ahead = AheadHosts::default();
        ahead.note(host(0, Role::Server, 0), 5);
        (1..1000).for_each(|number| ahead.note(host(number, Role::Client, u64::from(number)), 5));
        let listed = ahead.list(5, 1000);
        assert_eq!(listed.len(), MOST);
        assert!(listed.iter().any(|host| host.role == Role::Server));
    }

    #[test]
    fn hosts_are_forgotten_after_a_while_or_when_the_server_is_ahead() {
        let ahead = AheadHosts::default();
        ahead.note(host(0, Role::Server, 0), 5);
        assert_eq!(ahead.list(5, FORGET_MS - 1).len(), 1);
        assert_eq!(ahead.list(5, FORGET_MS).len(), 0);
        ahead.note(host(0, Role::Server, 0), 5);
        assert_eq!(ahead.list(9, 0).len(), 0);
    }
}
