//! `flcm simulate --attack`: what a stranger with the public key of a page can do to a flag, and what not. The breakers
//! and the limits are those of the server.

use std::net::Ipv4Addr;

use flcm_flags::breaker::{Event, Next, Transition};
use flcm_flags::{Counts, FlagId, Millis, Policy, Recovery, Sample, Snapshot, Source};
use flcm_flags_config::simulate::{Poisson, Random, Source as Outcomes, Traffic};
use flcm_flags_host::{FleetGuards, Network, Page, SourcedTransition};

pub(super) mod output;

/// A run ends after so many seconds.
const HOUR: u64 = 3_600;

/// From so many networks strangers report in the columns of the table.
const NETWORKS: [u32; 4] = [0, 1, 10, 100];

/// Strangers with more networks are not simulated.
const MOST: u32 = 4_096;

/// What is simulated for one flag.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attack<'s, B> {
    pub(super) snapshot: &'s Snapshot<B>,
    pub(super) flag: FlagId,
    pub(super) policy: Policy,
    /// The requests of servers, and as many of pages.
    pub(super) traffic: Traffic,
    /// The networks that honest pages are in.
    pub(super) networks: u32,
    pub(super) runs: u64,
    pub(super) seed: u64,
    pub(super) start: Millis,
}

/// What strangers achieve, in the order of [`NETWORKS`].
#[derive(Clone, Debug)]
pub(super) struct Results {
    /// The median delay of the rollback of a feature that fails on servers; `None` where it is not rolled back. Absent
    /// where servers are no source of evidence.
    pub(super) hidden_on_servers: Option<Vec<Option<u64>>>,
    /// The same on pages.
    pub(super) hidden_on_pages: Option<Vec<Option<u64>>>,
    /// The median delay of the rollback of a healthy feature.
    pub(super) switched_off: Vec<Option<u64>>,
    /// Probes of a failing feature that end as if it were well. Absent where nothing is probed.
    pub(super) ended_probes: Option<Vec<u64>>,
    /// The networks that it takes to switch off a healthy feature within an hour.
    pub(super) needed: Option<u32>,
}

impl<B: AsRef<[u8]>> Attack<'_, B> {
    pub(super) fn run(&self) -> Results {
        let each = |source: Source| {
            let is_source = self.policy.evidence.include(source);
            is_source.then(|| NETWORKS.map(|liars| self.median(|run| run.hide(source, liars))).to_vec())
        };
        Results {
            hidden_on_servers: each(Source::Servers),
            hidden_on_pages: each(Source::Pages),
            switched_off: NETWORKS.map(|liars| self.median(|run| run.switch_off(liars))).to_vec(),
            ended_probes: self.ended_probes(),
            needed: self.needed(),
        }
    }

    fn each_run(&self) -> impl Iterator<Item = Run<'_, B>> {
        (0..self.runs).map(|number| Run::new(self, Random::seed(self.seed, number)))
    }

    fn median(&self, delay: impl Fn(&mut Run<'_, B>) -> Option<u64>) -> Option<u64> {
        let mut delays: Vec<u64> = self.each_run().map(|mut run| delay(&mut run).unwrap_or(u64::MAX)).collect();
        delays.sort_unstable();
        delays.get(delays.len() / 2).copied().filter(|delay| *delay < u64::MAX)
    }

    fn ended_probes(&self) -> Option<Vec<u64>> {
        let of_servers = self.policy.evidence.include(Source::Servers);
        if of_servers && self.policy.recovery == Recovery::Sticky {
            return None;
        }
        let source = if of_servers { Source::Servers } else { Source::Pages };
        let ended = |liars| {
            let probes = self.each_run().filter_map(|mut run| run.end_probe(source, liars));
            probes.filter(|ended| *ended).count() as u64
        };
        Some(NETWORKS.map(ended).to_vec())
    }

    /// By doubling, then by halving the distance.
    fn needed(&self) -> Option<u32> {
        let is_enough = |liars| self.median(|run| run.switch_off(liars)).is_some();
        let mut enough = (0..=MOST.ilog2()).map(|power| 1_u32 << power).find(|liars| is_enough(*liars))?;
        let mut less = enough / 2;
        while enough - less > 1 {
            let middle = u32::midpoint(less, enough);
            if is_enough(middle) { enough = middle } else { less = middle }
        }
        Some(enough)
    }
}

/// The breakers of a server, its honest hosts and pages, and strangers.
struct Run<'a, B> {
    attack: &'a Attack<'a, B>,
    guards: FleetGuards,
    random: Random,
    now: Millis,
    /// Each page is another one, as strangers may invent them.
    pages: u64,
}

/// What strangers report: whether the treatment fails, and whether the control does.
#[derive(Clone, Copy)]
struct Lies {
    networks: u32,
    treatment: bool,
    control: bool,
}

impl<'a, B: AsRef<[u8]>> Run<'a, B> {
    fn new(attack: &'a Attack<'a, B>, seed: u64) -> Self {
        let mut guards = FleetGuards::none(attack.snapshot.flags().len());
        guards.guard(attack.snapshot, attack.start);
        Self { attack, guards, random: Random::new(seed), now: attack.start, pages: 0 }
    }

    /// The feature fails where the source is, and strangers report that it is well and that its control fails.
    fn hide(&mut self, source: Source, networks: u32) -> Option<u64> {
        let lies = Lies { networks, treatment: false, control: true };
        self.until_tripped(Some(source), lies)
    }

    /// The feature is healthy, and strangers report that it fails.
    fn switch_off(&mut self, networks: u32) -> Option<u64> {
        self.until_tripped(None, Lies { networks, treatment: true, control: false })
    }

    fn until_tripped(&mut self, failing: Option<Source>, lies: Lies) -> Option<u64> {
        (1..=HOUR).find(|_| self.second(failing, lies).iter().any(|(_, _, transition)| has_tripped(transition)))
    }

    /// Both arms fail, so that the flag is probed; strangers report that the probe does well. Whether they end it;
    /// `None` if there is no probe.
    fn end_probe(&mut self, source: Source, networks: u32) -> Option<bool> {
        let traffic = self.attack.traffic;
        let honest = Lies { networks: 0, treatment: false, control: false };
        let tripped = (0..HOUR).find_map(|_| {
            self.outage(source, &Traffic { control: 1.0, ..traffic });
            self.pass().into_iter().find(|(_, _, transition)| has_tripped(transition))
        })?;
        let Next::Probe(_) = tripped.2.next else { return None };
        (0..HOUR).find(|_| self.happened(&[Event::HalfOpened]).is_some())?;
        let lies = Lies { networks, ..honest };
        (0..HOUR).find_map(|_| {
            self.outage(source, &self.probed());
            self.strangers(lies);
            let ended = self.happened(&[Event::Recovered, Event::Reopened, Event::ProbeInconclusive])?;
            Some(ended == Event::Recovered)
        })
    }

    fn happened(&mut self, events: &[Event]) -> Option<Event> {
        self.pass().iter().map(|(_, _, transition)| transition.event).find(|event| events.contains(event))
    }

    /// The requests of a probe: of the treated, only the share that passes.
    fn probed(&self) -> Traffic {
        let Attack { policy, traffic, .. } = self.attack;
        let passing = traffic.share * f64::from(policy.probe) / 100_000.0;
        let all = 1.0 - traffic.share + passing;
        Traffic { requests: traffic.requests * all, share: passing / all.max(f64::MIN_POSITIVE), ..*traffic }
    }

    /// The treated of a source all fail.
    fn outage(&mut self, source: Source, traffic: &Traffic) {
        let traffic = Traffic { treatment: 1.0, ..*traffic };
        match source {
            Source::Servers => self.servers(&traffic),
            Source::Pages => self.honest_pages(&traffic),
        }
    }

    fn second(&mut self, failing: Option<Source>, lies: Lies) -> Vec<SourcedTransition> {
        let bad = self.attack.traffic;
        let good = Traffic { treatment: bad.control, ..bad };
        self.servers(if failing == Some(Source::Servers) { &bad } else { &good });
        self.honest_pages(if failing == Some(Source::Pages) { &bad } else { &good });
        self.strangers(lies);
        self.pass()
    }

    fn pass(&mut self) -> Vec<SourcedTransition> {
        self.now.0 += 1_000;
        let mut happened = Vec::new();
        self.guards.poll(self.attack.snapshot, self.now, &mut happened);
        happened.retain(|(flag, ..)| *flag == self.attack.flag);
        happened
    }

    fn counts(&self, treatment: Sample, control: Sample) -> Counts {
        let generation = self.guards.breaker(self.attack.flag).map_or(0, |(breaker, _)| breaker.generation());
        Counts { generation, age: 0, treatment, control }
    }

    fn servers(&mut self, traffic: &Traffic) {
        let (treatment, control) = Outcomes::new(traffic).draw(&mut self.random);
        let (counts, mut late) = (self.counts(treatment, control), Vec::new());
        self.guards.record(self.attack.snapshot, self.attack.flag, &counts, self.now, &mut late);
    }

    fn honest_pages(&mut self, traffic: &Traffic) {
        for _ in 0..Poisson::new(traffic.requests).draw(&mut self.random) {
            let [network, arm, outcome] = [(); 3].map(|()| self.random.unit());
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below the number of networks")]
            let network = (network * f64::from(self.attack.networks)) as u32;
            let is_treated = arm < traffic.share;
            let rate = if is_treated { traffic.treatment } else { traffic.control };
            let sample = one(outcome < rate);
            let (treatment, control) =
                if is_treated { (sample, Sample::default()) } else { (Sample::default(), sample) };
            self.page(network, treatment, control);
        }
    }

    /// Strangers report as much as counts: once a second from each of their networks.
    fn strangers(&mut self, lies: Lies) {
        for number in 0..lies.networks {
            self.page(self.attack.networks + number, one(lies.treatment), one(lies.control));
        }
    }

    fn page(&mut self, network: u32, treatment: Sample, control: Sample) {
        self.pages += 1;
        let network = Network::from(Ipv4Addr::from_bits(network << 8));
        let page = Page { instance: self.pages, epoch: 1, network };
        let counts = self.counts(treatment, control);
        self.guards.record_page(self.attack.flag, &counts, &page, self.now);
    }
}

fn one(failed: bool) -> Sample {
    Sample { total: 1, errors: failed.into(), ..Sample::default() }
}

/// A policy that only notifies is taken as if it rolled back.
const fn has_tripped(transition: &Transition) -> bool {
    matches!(transition.event, Event::Tripped | Event::WouldTrip)
}
