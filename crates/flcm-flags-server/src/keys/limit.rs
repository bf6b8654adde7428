//! Limits of requests: of a key, or of each network that uses a key.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use super::Role;
use crate::peer::AddressPrefix;

/// So many networks have a limit of their own; with more, some share one. It bounds the memory: strangers choose from
/// where they send.
const NETWORKS: u64 = 1 << 16;

/// How many requests a second are allowed, and as many in one burst.
#[derive(Debug)]
pub(crate) enum Limit {
    /// For the key.
    Key(DefaultDirectRateLimiter),
    /// For each network: many use a public key, and one of them must not use up what is for all.
    Network(RateLimiter<u64, HashMapStateStore<u64>, DefaultClock>, RandomState),
}

impl Limit {
    pub(super) fn new(role: Role, limit: NonZeroU32) -> Self {
        match role {
            Role::Client => Self::of_networks(limit),
            _ => Self::Key(RateLimiter::direct(Quota::per_second(limit))),
        }
    }

    pub(crate) fn of_networks(limit: NonZeroU32) -> Self {
        // Keyed by chance, so that nobody can choose whose limit they share.
        Self::Network(RateLimiter::hashmap(Quota::per_second(limit)), RandomState::new())
    }

    /// How long to wait, if there were too many requests.
    pub(crate) fn wait(&self, network: AddressPrefix) -> Option<Duration> {
        let refused = match self {
            Self::Key(limiter) => limiter.check(),
            Self::Network(limiter, hasher) => limiter.check_key(&(hasher.hash_one(network) % NETWORKS)),
        };
        Some(refused.err()?.wait_time_from(DefaultClock::default().now()))
    }
}
