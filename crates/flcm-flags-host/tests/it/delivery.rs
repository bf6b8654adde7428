//! When flags are fetched: single calls, many hosts at once, and a host beside a source that breaks in every way.

use flcm_flags::Millis;
use flcm_flags_host::schedule::phase_of;
use flcm_flags_host::{Delivery, DeliveryAction, DeliveryOptions, Freshness, Now};

use crate::chance::Chance;

const START: u64 = 1_800_000_000_000;
const INTERVAL: u64 = 60_000;
const SPREAD: u64 = 500;

const OPTIONS: DeliveryOptions =
    DeliveryOptions { poll_interval: INTERVAL, stale_after: Some(3 * INTERVAL), stream_spread: SPREAD, phase: 0.25 };

fn at(elapsed: u64, random: f64) -> Now {
    Now { wall: Millis(START + elapsed), elapsed, random }
}

/// A host that follows a source, with flags in use or without.
fn opened(options: DeliveryOptions, in_use: Option<&str>, now: Now) -> Delivery {
    let mut delivery = Delivery::new(options, true);
    delivery.open(in_use, in_use.map(etag), now);
    delivery
}

fn etag(digest: &str) -> String {
    format!("\"{digest}\"")
}

/// The `ETag`s of the requests that are to be made.
fn fetches(delivery: &mut Delivery) -> Vec<Option<String>> {
    let fetch = |action| if let DeliveryAction::Fetch { etag } = action { Some(etag) } else { None };
    std::iter::from_fn(|| delivery.take_action()).filter_map(fetch).collect()
}

#[test]
fn the_etag_is_cleared_until_the_snapshot_is_in_use() {
    let now = at(0, 0.5);
    let mut delivery = opened(OPTIONS, Some("a"), now);
    assert_eq!(fetches(&mut delivery), [Some(etag("a"))]);
    delivery.failed(false, 0, now);
    delivery.sync();
    assert_eq!(fetches(&mut delivery), [None], "after a failure everything is asked for");
    assert!(delivery.applied("b", Some(etag("b")), now), "another snapshot is to be stored");
    delivery.sync();
    assert_eq!(fetches(&mut delivery), [Some(etag("b"))]);
    delivery.not_modified(now);
    delivery.sync();
    assert_eq!(fetches(&mut delivery), [Some(etag("b"))], "an `ETag` that was confirmed stays");
    assert!(!delivery.applied("b", Some(etag("b")), now), "the same is not stored again");
    delivery.sync();
    fetches(&mut delivery);
    assert!(delivery.applied("b", Some(etag("c")), now), "another `ETag` is to be stored");
}

#[test]
fn whoever_asks_while_a_request_is_under_way_gets_one_more() {
    let now = at(0, 0.5);
    let mut delivery = opened(OPTIONS, None, now);
    assert_eq!(fetches(&mut delivery), [None]);
    for _ in 0..3 {
        delivery.sync();
    }
    assert!(fetches(&mut delivery).is_empty());
    delivery.applied("a", None, now);
    assert_eq!(fetches(&mut delivery).len(), 1);
    delivery.sync();
    delivery.failed(false, 0, now);
    assert!(fetches(&mut delivery).is_empty(), "a source that fails is left alone");
}

#[test]
fn what_is_announced_during_a_request_is_fetched_unless_the_request_brings_it() {
    for (brings, expected) in [("new", 0), ("old", 1)] {
        let mut delivery = opened(OPTIONS, None, at(0, 0.5));
        fetches(&mut delivery);
        delivery.announce("new", true, at(1, 0.5));
        assert!(fetches(&mut delivery).is_empty());
        delivery.applied(brings, None, at(2, 0.5));
        delivery.poll(at(2 + SPREAD, 0.5));
        assert_eq!(fetches(&mut delivery).len(), expected, "{brings}");
    }
}

#[test]
fn however_much_is_announced_it_is_fetched_once_per_spread() {
    let (mut chance, mut fetched) = (Chance::new(3), 0);
    let mut delivery = opened(OPTIONS, Some("old"), at(0, 0.5));
    fetches(&mut delivery);
    delivery.not_modified(at(0, 0.5));
    for time in (0..20 * SPREAD).step_by(20) {
        let now = at(time, chance.unit());
        delivery.announce(&time.to_string(), chance.one_in(2), now);
        delivery.poll(now);
        let count = fetches(&mut delivery).len();
        if count > 0 {
            delivery.not_modified(now);
        }
        fetched += count;
    }
    assert!((10..=20).contains(&fetched), "{fetched}");
}

#[test]
fn further_announcements_bring_no_fetch_forward() {
    let mut delivery = opened(OPTIONS, Some("old"), at(0, 0.5));
    fetches(&mut delivery);
    delivery.not_modified(at(0, 0.5));
    delivery.announce("first", true, at(0, 0.8));
    delivery.announce("second", true, at(1, 0.1));
    assert_eq!(delivery.next_deadline(), Some(400));
    // What was there before the stream may be as late as a poll, which is no reason for what is new to wait.
    let mut delivery = opened(OPTIONS, Some("old"), at(0, 0.5));
    fetches(&mut delivery);
    delivery.not_modified(at(0, 0.5));
    delivery.announce("first", false, at(0, 0.4));
    delivery.announce("second", true, at(1, 0.1));
    assert_eq!(delivery.next_deadline(), Some(51));
}

#[test]
fn a_source_that_is_confused_is_asked_once_more_at_once() {
    let mut delivery = opened(OPTIONS, None, at(0, 0.9));
    fetches(&mut delivery);
    delivery.failed(true, 0, at(0, 0.9));
    assert_eq!(delivery.next_deadline(), Some(0));
    delivery.poll(at(0, 0.9));
    assert_eq!(fetches(&mut delivery), [None]);
    delivery.failed(true, 0, at(0, 0.9));
    assert_eq!(delivery.next_deadline(), Some(1800), "the second time it waits like after any failure");
}

#[test]
fn retry_after_comes_on_top_of_the_back_off() {
    let mut delivery = opened(OPTIONS, None, at(0, 0.5));
    fetches(&mut delivery);
    delivery.failed(false, 7_000, at(100, 0.5));
    assert_eq!(delivery.next_deadline(), Some(7_600));
}

/// How many of some moments are in each tenth of a time.
fn tenths(moments: impl Iterator<Item = u64>, length: u64) -> [u32; 10] {
    let mut counts = [0; 10];
    for moment in moments {
        assert!(moment < length, "{moment}");
        counts[usize::try_from(moment * 10 / length).unwrap()] += 1;
    }
    counts
}

/// What each of 2000 hosts that have flags waits for after something has happened to all of them.
fn waits(happens: impl Fn(&mut Delivery, Now)) -> Vec<u64> {
    let mut chance = Chance::new(7);
    let host = |_| {
        let now = at(1000, chance.unit());
        let mut delivery = opened(DeliveryOptions { stale_after: None, ..OPTIONS }, Some("old"), now);
        fetches(&mut delivery);
        happens(&mut delivery, now);
        delivery.next_deadline().unwrap() - now.elapsed
    };
    (0..2000).map(host).collect()
}

#[test]
fn an_announcement_is_followed_by_each_host_at_a_moment_of_its_own() {
    let announced = |is_new| {
        waits(move |delivery, now| {
            delivery.not_modified(Now { random: 0.5, ..now });
            delivery.announce("new", is_new, now);
        })
    };
    // The stream may have been broken for every host: then all of them would come as soon.
    for (is_new, spread) in [(true, SPREAD), (false, INTERVAL)] {
        for count in tenths(announced(is_new).into_iter(), spread) {
            assert!((150..250).contains(&count), "{count}");
        }
    }
}

#[test]
fn hosts_that_fail_together_do_not_come_back_together() {
    let waits = waits(|delivery, now| delivery.failed(false, 0, now));
    for count in tenths(waits.into_iter(), 2 * INTERVAL) {
        assert!((150..250).contains(&count), "{count}");
    }
}

#[test]
fn polls_of_a_fleet_are_even_whatever_its_instances_are_called() {
    for first in [1, 1 << 40] {
        let polls = (first..first + 1200).map(|instance| {
            let now = at(instance % 7919, 0.5);
            let options = DeliveryOptions { stale_after: None, phase: phase_of(instance), ..OPTIONS };
            let mut delivery = opened(options, Some("a"), now);
            fetches(&mut delivery);
            delivery.not_modified(now);
            delivery.next_deadline().unwrap() % INTERVAL
        });
        for count in tenths(polls, INTERVAL) {
            assert!((100..140).contains(&count), "{count}");
        }
    }
}

#[test]
fn flags_are_stale_from_the_moment_on_that_the_options_name() {
    let mut delivery = opened(OPTIONS, None, at(0, 0.5));
    assert_eq!(delivery.state(), Freshness::Initializing);
    delivery.failed(false, 0, at(0, 0.5));
    assert_eq!(delivery.state(), Freshness::Offline);
    delivery.applied("a", None, at(10, 0.5));
    assert_eq!(delivery.state(), Freshness::Fresh);
    delivery.poll(at(9 + 3 * INTERVAL, 0.5));
    assert_eq!(delivery.state(), Freshness::Fresh);
    delivery.poll(at(10 + 3 * INTERVAL, 0.5));
    assert_eq!(delivery.state(), Freshness::Stale);
    let states = std::iter::from_fn(|| delivery.take_action()).filter_map(|action| match action {
        DeliveryAction::State { to, age, .. } => Some((to, age)),
        DeliveryAction::Expired | DeliveryAction::Fetch { .. } => None,
    });
    let (offline, fresh) = ((Freshness::Offline, None), (Freshness::Fresh, Some(0)));
    assert_eq!(states.collect::<Vec<_>>(), [offline, fresh, (Freshness::Stale, Some(3 * INTERVAL))]);
}

#[test]
fn flags_are_stale_when_their_signature_has_expired_which_is_reported_once() {
    const EXPIRES: u64 = INTERVAL / 2;
    let mut delivery = opened(OPTIONS, None, at(0, 0.5));
    delivery.signed_until(Some(Millis(START + EXPIRES)));
    delivery.applied("a", None, at(0, 0.5));
    assert_eq!((delivery.state(), delivery.next_deadline()), (Freshness::Fresh, Some(EXPIRES)));
    let expired = |delivery: &mut Delivery| {
        std::iter::from_fn(|| delivery.take_action()).filter(|action| *action == DeliveryAction::Expired).count()
    };
    assert_eq!(expired(&mut delivery), 0);
    delivery.poll(at(EXPIRES, 0.5));
    assert_eq!((delivery.state(), expired(&mut delivery)), (Freshness::Stale, 1));
    delivery.sync();
    delivery.not_modified(at(EXPIRES + 1, 0.5));
    assert_eq!((delivery.state(), expired(&mut delivery)), (Freshness::Stale, 0));
    delivery.signed_until(Some(Millis(START + 2 * INTERVAL)));
    delivery.not_modified(at(EXPIRES + 2, 0.5));
    assert_eq!((delivery.state(), expired(&mut delivery)), (Freshness::Fresh, 0));
    delivery.failed(false, 0, at(2 * INTERVAL, 0.5));
    assert_eq!((delivery.state(), expired(&mut delivery)), (Freshness::Stale, 1));
}

/// What a source answers.
#[derive(Clone, Debug)]
enum Answer {
    /// A body that no host can use, with an `ETag` of its own.
    Bad,
    /// `304 Not Modified`, whatever was asked.
    Confused,
    Error {
        retry_after: u64,
    },
    NotModified,
    Snapshot(String),
}

/// A host beside a source that breaks, and all that must hold of them.
struct World {
    chance: Chance,
    now: u64,
    delivery: Delivery,
    /// What the source has now.
    published: u64,
    is_healthy: bool,
    /// The request that is under way: when it is answered, and with what.
    request: Option<(u64, Answer)>,
    /// An event of the stream that has not come yet.
    announcement: Option<(u64, String)>,
    /// The `ETag` that a request may carry: that of the flags in use, unless anything has failed since.
    confirmed: Option<String>,
    in_use: Option<String>,
    requests: u32,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let poll_interval = [0, INTERVAL][usize::try_from(chance.below(2)).unwrap()];
        let stale_after = (poll_interval > 0).then_some(3 * INTERVAL);
        let options = DeliveryOptions { poll_interval, stale_after, ..OPTIONS };
        let in_use = chance.one_in(2).then(|| "0".to_owned());
        let delivery = opened(options, in_use.as_deref(), at(0, chance.unit()));
        Self {
            chance,
            now: 0,
            delivery,
            published: 0,
            is_healthy: false,
            request: None,
            announcement: None,
            confirmed: in_use.as_deref().map(etag),
            in_use,
            requests: 0,
        }
    }

    fn now(&mut self) -> Now {
        at(self.now, self.chance.unit())
    }

    /// Sends the requests that are to be made.
    fn act(&mut self) {
        for asked in fetches(&mut self.delivery) {
            assert!(self.request.is_none(), "one request at a time");
            assert!(asked.is_none() || asked == self.confirmed, "{asked:?} is not of the flags in use, or has failed");
            self.requests += 1;
            let answer = self.answer(asked.as_deref());
            self.request = Some((self.now + 1 + self.chance.below(3000), answer));
        }
    }

    fn answer(&mut self, asked: Option<&str>) -> Answer {
        let digest = self.published.to_string();
        match self.chance.below(8) {
            0 if !self.is_healthy => Answer::Bad,
            1 if !self.is_healthy && asked.is_none() => Answer::Confused,
            2 | 3 if !self.is_healthy => Answer::Error { retry_after: self.chance.below(2) * 5000 },
            _ if asked == Some(&*etag(&digest)) => Answer::NotModified,
            _ => Answer::Snapshot(digest),
        }
    }

    fn answered(&mut self, answer: Answer) {
        let now = self.now();
        match answer {
            Answer::Snapshot(digest) => {
                self.delivery.applied(&digest, Some(etag(&digest)), now);
                self.confirmed = Some(etag(&digest));
                self.in_use = Some(digest);
            }
            Answer::NotModified => self.delivery.not_modified(now),
            Answer::Bad => self.fail(false, 0, now),
            Answer::Confused => self.fail(true, 0, now),
            Answer::Error { retry_after } => self.fail(false, retry_after, now),
        }
    }

    fn fail(&mut self, is_confused: bool, retry_after: u64, now: Now) {
        self.confirmed = None;
        self.delivery.failed(is_confused, retry_after, now);
    }

    /// Goes on to what happens next, but not further than to some moment.
    fn step(&mut self, until: u64) {
        let request = self.request.as_ref().map(|(at, _)| *at);
        let announcement = self.announcement.as_ref().map(|(at, _)| *at);
        let next = [self.delivery.next_deadline(), request, announcement].into_iter().flatten().min();
        let next = next.map_or(until, |next| next.clamp(self.now, until));
        if next > self.now + 1 {
            let early = at(self.now + self.chance.below(next - self.now), self.chance.unit());
            self.delivery.poll(early);
            assert_eq!(self.delivery.take_action(), None, "nothing is due before the deadline");
        }
        self.now = next;
        if let Some((_, answer)) = self.request.take_if(|(at, _)| *at <= next) {
            self.answered(answer);
        }
        if let Some((_, digest)) = self.announcement.take_if(|(at, _)| *at <= next) {
            let (is_new, now) = (self.chance.one_in(2), self.now());
            self.delivery.announce(&digest, is_new, now);
        }
        let now = self.now();
        self.delivery.poll(now);
        self.act();
    }

    fn run(&mut self, length: u64) {
        let end = self.now + length;
        self.act();
        for _ in 0..10_000 {
            self.step(end.min(self.now + 20_000));
            if self.now == end {
                return;
            }
            if !self.is_healthy && self.chance.one_in(4) {
                self.disturb();
            }
        }
        panic!("time stands still");
    }

    /// Publishes something, or asks for the latest.
    fn disturb(&mut self) {
        if self.chance.one_in(2) {
            self.published += 1;
            self.announcement = Some((self.now + self.chance.below(5000), self.published.to_string()));
        } else {
            self.delivery.sync();
            self.act();
        }
    }
}

#[test]
fn a_host_survives_a_source_that_breaks_in_every_way_and_has_the_latest_flags_at_last() {
    let mut requests = 0;
    for seed in 0..300 {
        let mut world = World::new(seed);
        world.run(3_600_000);
        world.is_healthy = true;
        // As long as the longest wait after failures, and the request behind it.
        world.run(400_000);
        assert_eq!(world.in_use, Some(world.published.to_string()), "seed {seed}");
        assert_eq!(world.delivery.state(), Freshness::Fresh, "seed {seed}");
        requests += world.requests;
    }
    assert!(requests > 30_000, "{requests} requests try little");
}
