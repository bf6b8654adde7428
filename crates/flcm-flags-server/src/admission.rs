//! Admission: which connections stay when there are too many. Those that have presented a secret key come first, then
//! those with a public key, of which each network has a share; those without a key make room for all others.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::keys::Role;
use crate::peer::AddressPrefix;

/// A connection without a key ends after one to two times this without a request.
const IDLE: Duration = Duration::from_secs(10);

/// The part of all connections that only secret keys can have: one in ten.
const RESERVED: usize = 10;

/// The part of all connections that one network can have without a secret key: one in four.
const SHARE: usize = 4;

/// How many of so many connections one network can have without a secret key.
pub(crate) const fn share(most: usize) -> usize {
    if most < SHARE { 1 } else { most / SHARE }
}

/// How many of so many connections public keys can have.
pub(crate) fn public_of(most: usize) -> usize {
    most - most.div_ceil(RESERVED).min(most.saturating_sub(1))
}

/// What a connection has presented.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Class {
    /// No key, or none yet.
    Keyless,
    /// A key that pages contain.
    Public,
    /// The key of a server or of an operator.
    Secret,
}

impl From<Role> for Class {
    fn from(role: Role) -> Self {
        if role.is_public() { Self::Public } else { Self::Secret }
    }
}

/// Who the peer of a connection is, as far as its address tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Peer {
    /// A proxy, whose connections are those of many networks.
    Proxy,
    /// Somebody who must present a key.
    Stranger,
    /// A program of this machine, where no keys are needed.
    Trusted,
}

/// The connection that a request came on: an extension of the request.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    /// The address at its other end, or the one that a trusted proxy there names.
    pub(crate) address: IpAddr,
    pub(crate) place: Arc<Place>,
}

/// Admits connections, up to a limit.
#[derive(Debug)]
pub(crate) struct Admission {
    most: usize,
    places: Mutex<Places>,
}

/// The connections that are open.
#[derive(Debug, Default)]
struct Places {
    next: u64,
    all: usize,
    public: usize,
    networks: HashMap<AddressPrefix, Network>,
}

/// The connections of a network that have not presented a secret key.
#[derive(Debug, Default)]
struct Network {
    /// In the order in which they came.
    keyless: BTreeMap<u64, Arc<Notify>>,
    public: usize,
}

/// The place of a connection. It is given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    admission: Arc<Admission>,
    number: u64,
    network: AddressPrefix,
    /// So many connections its network may have without a secret key.
    share: usize,
    class: AtomicU8,
    requests: AtomicU64,
    is_refused: AtomicBool,
    end: Arc<Notify>,
}

impl Admission {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, places: Mutex::default() })
    }

    /// A place for a connection that has presented nothing yet; `None` if nobody can make room for it.
    pub(crate) fn admit(self: &Arc<Self>, network: AddressPrefix, peer: Peer) -> Option<Place> {
        let (end, mut places) = (Arc::new(Notify::new()), self.places());
        let (is_full, is_trusted) = (places.all >= self.most, peer == Peer::Trusted);
        let share = if peer == Peer::Proxy { self.most } else { share(self.most) };
        if places.networks.get(&network).is_some_and(|own| own.keyless.len() >= share) {
            places.evict(network);
        } else if is_full {
            let crowded = places.most_keyless()?;
            places.evict(crowded);
        }
        let number = places.next;
        places.next += 1;
        places.all += 1;
        if !is_trusted {
            places.network(network).keyless.insert(number, Arc::clone(&end));
        }
        drop(places);
        let class = AtomicU8::new(if is_trusted { Class::Secret } else { Class::Keyless } as u8);
        let (requests, is_refused) = (AtomicU64::new(0), AtomicBool::new(false));
        Some(Place { admission: Arc::clone(self), number, network, share, class, requests, is_refused, end })
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    fn network(&mut self, network: AddressPrefix) -> &mut Network {
        self.networks.entry(network).or_default()
    }

    /// The network with the most connections without a key.
    fn most_keyless(&self) -> Option<AddressPrefix> {
        let crowded = self.networks.iter().max_by_key(|(_, network)| network.keyless.len())?;
        (!crowded.1.keyless.is_empty()).then_some(*crowded.0)
    }

    /// Ends the oldest connection without a key. Its place counts as free at once.
    fn evict(&mut self, network: AddressPrefix) {
        if let Some((_, end)) = self.network(network).keyless.pop_first() {
            end.notify_one();
            self.all -= 1;
        }
        self.forget(network);
    }

    fn forget(&mut self, network: AddressPrefix) {
        if self.networks.get(&network).is_some_and(|own| own.keyless.is_empty() && own.public == 0) {
            self.networks.remove(&network);
        }
    }
}

impl Place {
    /// Records that a request begins or ends: the connection is not idle.
    pub(crate) fn touch(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Records that the connection has presented a valid key of this role; whether it may stay.
    pub(crate) fn present(&self, role: Role) -> bool {
        let class = Class::from(role);
        if self.class.load(Ordering::Relaxed) >= class as u8 {
            return true;
        }
        let mut places = self.admission.places();
        let is_public = self.class.load(Ordering::Relaxed) == Class::Public as u8;
        let (public, own) = (places.public, places.network(self.network));
        let was_keyless = own.keyless.contains_key(&self.number);
        let has_share = own.public < self.share && public < public_of(self.admission.most);
        // One that is evicted at this moment ends, whatever it presents.
        let may_stay = (was_keyless || is_public) && (class == Class::Secret || has_share);
        if may_stay {
            own.keyless.remove(&self.number);
            let (before, after) = (usize::from(is_public), usize::from(class == Class::Public));
            own.public = own.public + after - before;
            places.public = public + after - before;
            self.class.store(class as u8, Ordering::Relaxed);
        }
        self.is_refused.store(!may_stay, Ordering::Relaxed);
        places.forget(self.network);
        may_stay
    }

    /// Whether the connection may not stay.
    pub(crate) fn is_refused(&self) -> bool {
        self.is_refused.load(Ordering::Relaxed)
    }

    /// Done when the connection must end: it makes room, or it is idle without a key.
    pub(crate) async fn ended(&self) {
        while self.class.load(Ordering::Relaxed) == Class::Keyless as u8 {
            let before = self.requests.load(Ordering::Relaxed);
            let evicted = tokio::time::timeout(IDLE, self.end.notified()).await.is_ok();
            let is_idle = before == self.requests.load(Ordering::Relaxed);
            if evicted || is_idle && self.class.load(Ordering::Relaxed) == Class::Keyless as u8 {
                return;
            }
        }
        std::future::pending::<()>().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.admission.places();
        let class = self.class.load(Ordering::Relaxed);
        let own = places.network(self.network);
        let was_keyless = own.keyless.remove(&self.number).is_some();
        if class == Class::Public as u8 {
            own.public -= 1;
            places.public -= 1;
        }
        // The place of one that made room is free already.
        if was_keyless || class != Class::Keyless as u8 {
            places.all -= 1;
        }
        places.forget(self.network);
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::Arc;

    use super::{Admission, Peer, Place};
    use crate::keys::Role;
    use crate::peer::AddressPrefix;

    fn network(last: u8) -> AddressPrefix {
        AddressPrefix::of(IpAddr::from([192, 0, last, 1]))
    }

    fn admit(admission: &Arc<Admission>, last: u8, role: Option<Role>) -> Option<Place> {
        let place = admission.admit(network(last), Peer::Stranger)?;
        let stays = role.is_none_or(|role| place.present(role));
        assert_eq!(place.is_refused(), !stays);
        stays.then_some(place)
    }

    #[test]
    fn what_is_given_back_is_free_and_leaves_nothing_behind() {
        let admission = Admission::new(20);
        for role in [None, Some(Role::Client), Some(Role::Server), Some(Role::Admin)] {
            let places: Vec<_> = (0..20).filter_map(|last| admit(&admission, last, role)).collect();
            assert!(places.len() >= 18, "{role:?}: {}", places.len());
        }
        let trusted: Vec<_> = (0..20).filter_map(|_| admission.admit(network(1), Peer::Trusted)).collect();
        assert!(trusted.len() == 20 && admission.admit(network(1), Peer::Trusted).is_none());
        drop(trusted);
        let places = admission.places();
        assert!(places.all == 0 && places.public == 0 && places.networks.is_empty(), "{places:?}");
    }

    #[test]
    fn the_oldest_of_the_most_crowded_network_makes_room() {
        let admission = Admission::new(8);
        let quiet = admit(&admission, 1, None);
        let crowd: Vec<_> = (0..2).map(|_| admit(&admission, 2, None)).collect();
        let secret: Vec<_> = (0..5).map(|_| admit(&admission, 3, Some(Role::Server))).collect();
        assert!(admit(&admission, 4, Some(Role::Admin)).is_some());
        assert!(quiet.as_ref().is_some_and(|place| place.present(Role::Admin)));
        let stay: Vec<_> = crowd.iter().flatten().map(|place| place.present(Role::Admin)).collect();
        assert_eq!(stay, [false, true]);
        drop((quiet, crowd, secret));
        assert_eq!(admission.places().all, 0);
    }

    #[test]
    fn pages_have_neither_all_connections_nor_one_network_all_of_theirs() {
        let admission = Admission::new(40);
        let one: Vec<_> = (0..20).filter_map(|_| admit(&admission, 1, Some(Role::Client))).collect();
        assert_eq!(one.len(), 10);
        let many: Vec<_> = (2..100).filter_map(|last| admit(&admission, last, Some(Role::Client))).collect();
        assert_eq!(one.len() + many.len(), 36);
        assert!(one[0].present(Role::Server), "a page may become a server");
        let hosts: Vec<_> = (0..20).filter_map(|_| admit(&admission, 1, Some(Role::Server))).collect();
        assert_eq!(hosts.len(), 4);
        drop((one, many, hosts));
        let proxied: Vec<_> = (0..40).filter_map(|_| admission.admit(network(1), Peer::Proxy)).collect();
        assert_eq!(proxied.iter().filter(|place| place.present(Role::Client)).count(), 36);
    }
}
