//! Which outcomes of pages are evidence. The key of a page is public, so anyone may report what they like, under as
//! many names as they like. What a stranger cannot have at will is addresses in many networks.
//!
//! | limit | why |
//! |---|---|
//! | a page counts once a minute for each flag and arm | a broken page that retries is one failure |
//! | a network counts once for each flag and arm in a round | a stranger counts as one user |
//! | a round counts only with 20 networks in an arm | so one network has at most 5 % of it |
//!
//! A *round* collects outcomes of a flag for at least a second and at most a minute, until both arms come from enough
//! networks. It is weighed as the outcomes of one second. When a round ends depends on time and on who reports, and
//! never on failures: a rule that stops at a failure would favour one arm.
//!
//! Of several outcomes that a page reports at once, one counts, and each is as likely as the others. So the share of
//! failures stays what it is, however often pages call the feature. A hash of the page's name and of the minute
//! chooses it, so the same reports give the same evidence.
//!
//! What is not evidence is counted in totals all the same, by the caller.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use flcm_flags::bucket::mix;
use flcm_flags::{Counts, FlagId, Millis, Sample};

/// So many networks must report an arm before it counts. One of them is then 5 % of it, which is
/// [`INVENTED`](flcm_flags::breaker::INVENTED).
pub const NETWORKS: usize = 20;

/// The networks of an arm that a round keeps: enough for a verdict, and 2 KB.
const MOST_NETWORKS: usize = 512;

/// Seconds after which a round ends if the treatment comes from enough networks, whether or not the control does: at a
/// high percentage there may be next to no control.
const PATIENCE: u64 = 10;

/// Seconds after which a round ends in any case.
const LONGEST: u64 = 60;

/// Outcomes that a page has held back for longer, in milliseconds, are no evidence: they belong to another round.
const OLDEST: u32 = 60_000;

/// The places for pages that have counted in the current minute: 4 MB.
const PLACES: usize = 1 << 20;

/// The network that an address is in: an IPv4 network of 256 addresses, or a /48 of IPv6, which is the most that one
/// customer of a provider usually gets.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Network(u32);

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::from(address),
            IpAddr::V6(address) => Self::from(address),
        }
    }
}

impl From<Ipv4Addr> for Network {
    fn from(address: Ipv4Addr) -> Self {
        Self(u32::from(address) >> 8)
    }
}

impl From<Ipv6Addr> for Network {
    fn from(address: Ipv6Addr) -> Self {
        if let Some(address) = address.to_ipv4_mapped() {
            return Self::from(address);
        }
        let [first, second, third, ..] = address.segments().map(u64::from);
        let hash = mix((first << 32) | (second << 16) | third);
        // IPv4 has 24 bits, so the highest bit is free to tell them apart.
        Self(low_half(hash) | (1 << 31))
    }
}

/// A page that reports: the name that it has chosen, and where it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Page {
    /// The number that the page has chosen for itself.
    pub instance: u64,
    /// The number of its run.
    pub epoch: u64,
    /// The network of its address.
    pub network: Network,
}

/// The rounds of all flags. See the top of the file.
#[derive(Debug, Default)]
pub struct PageEvidence {
    seen: Seen,
    /// Flags with outcomes that are not weighed yet.
    rounds: BTreeMap<u32, Round>,
}

/// Outcomes of a flag that are weighed together.
#[derive(Clone, Debug)]
struct Round {
    /// The second of the first one.
    began: u64,
    generation: u32,
    treatment: Collected,
    control: Collected,
}

/// Outcomes of an arm, at most one of each network.
#[derive(Clone, Debug, Default)]
struct Collected {
    /// In order.
    networks: Vec<Network>,
    sample: Sample,
}

impl PageEvidence {
    /// Takes what a page reports of a flag. Later [`take_round`](Self::take_round) returns what of it counts.
    pub fn offer(&mut self, flag: FlagId, counts: &Counts, page: &Page, now: Millis) {
        if !counts.is_valid() || counts.age > OLDEST {
            return;
        }
        let (second, generation) = (now.0 / 1000, counts.generation);
        let fresh = || Round::new(second, generation);
        let round = self.rounds.entry(flag.0).or_insert_with(fresh);
        if round.generation != generation {
            *round = fresh();
        }
        let minute = mix(mix(page.instance) ^ page.epoch) ^ mix(second / 60);
        let name = mix(minute ^ u64::from(flag.0));
        round.treatment.offer(&counts.treatment, page.network, name, &mut self.seen);
        round.control.offer(&counts.control, page.network, mix(name), &mut self.seen);
        if round.is_empty() {
            self.rounds.remove(&flag.0);
        }
    }

    /// Ends a round that is complete, if any: the flag, and what is evidence. Call it until there is none, once a second.
    pub fn take_round(&mut self, now: Millis) -> Option<(FlagId, Counts)> {
        loop {
            let (flag, _) = self.rounds.iter().find(|(_, round)| round.is_over(now.0 / 1000))?;
            let flag = *flag;
            let counts = self.rounds.remove(&flag).and_then(|round| round.counts());
            if let Some(counts) = counts {
                return Some((FlagId(flag), counts));
            }
        }
    }

    /// How many networks the round of a flag has, in the arm that has more of them.
    #[must_use]
    pub fn networks(&self, flag: FlagId) -> usize {
        self.rounds.get(&flag.0).map_or(0, |round| round.treatment.networks.len().max(round.control.networks.len()))
    }
}

impl Round {
    fn new(began: u64, generation: u32) -> Self {
        Self { began, generation, treatment: Collected::default(), control: Collected::default() }
    }

    const fn is_empty(&self) -> bool {
        self.treatment.networks.is_empty() && self.control.networks.is_empty()
    }

    fn is_over(&self, second: u64) -> bool {
        let age = second.saturating_sub(self.began);
        let (treatment, control) = (self.treatment.is_enough(), self.control.is_enough());
        age > 0 && treatment && (control || age >= PATIENCE) || age >= LONGEST
    }

    /// The arms that come from enough networks.
    fn counts(&self) -> Option<Counts> {
        let of = |arm: &Collected| if arm.is_enough() { arm.sample } else { Sample::default() };
        let (treatment, control) = (of(&self.treatment), of(&self.control));
        let counts = Counts { generation: self.generation, age: 0, treatment, control };
        (treatment.total > 0 || control.total > 0).then_some(counts)
    }
}

impl Collected {
    fn is_enough(&self) -> bool {
        self.networks.len() >= NETWORKS
    }

    /// Adds one of the outcomes of a page, unless its network or the page itself has counted already.
    fn offer(&mut self, reported: &Sample, network: Network, name: u64, seen: &mut Seen) {
        if reported.total == 0 || self.networks.len() >= MOST_NETWORKS {
            return;
        }
        if let Err(place) = self.networks.binary_search(&network)
            && seen.is_first(name)
        {
            self.networks.insert(place, network);
            self.sample.add(&one_of(reported, mix(name)));
        }
    }
}

/// One of some outcomes, chosen by a random number.
fn one_of(outcomes: &Sample, random: u64) -> Sample {
    let below = |part: u64, count: u32| part % u64::from(outcomes.total) < u64::from(count);
    let missing = below(random >> 32, outcomes.failures()) && !below(random >> 32, outcomes.errors);
    Sample {
        total: 1,
        errors: below(random >> 32, outcomes.errors).into(),
        slow: below(random & 0xffff_ffff, outcomes.slow).into(),
        missing: missing.into(),
    }
}

/// The pages that have counted, by a hash of their name, the minute, the flag and the arm.
///
/// Each has one place, where a later one may take over. So it needs no more memory under an attack, and refuses nobody:
/// a page whose place was taken may count twice in its minute.
#[derive(Debug, Default)]
struct Seen(Vec<u32>);

impl Seen {
    fn is_first(&mut self, hash: u64) -> bool {
        if self.0.is_empty() {
            self.0 = vec![0; PLACES];
        }
        let places = u64::try_from(self.0.len()).unwrap_or(1);
        let place = usize::try_from((hash >> 32) % places).unwrap_or(0);
        let tag = low_half(hash) | 1;
        self.0.get_mut(place).is_none_or(|known| core::mem::replace(known, tag) != tag)
    }
}

/// The lower 32 bits.
fn low_half(bits: u64) -> u32 {
    u32::try_from(bits & 0xffff_ffff).unwrap_or(0)
}
