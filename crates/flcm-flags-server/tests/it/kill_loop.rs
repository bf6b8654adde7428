//! The server is killed again and again while hosts send, people hold and release, and documents are published: what
//! was acknowledged or announced must be there afterwards, and nothing may count twice.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::host::{Count, Host, Tally, decisions, errors};
use crate::http::{Answer, ask};
use crate::stream::Stream;
use crate::test_server::{FLAGS, TestFolder, TestServer, figure, until};

/// Each counts a flag of its own, so that of each it is known exactly what may be there.
const HOSTS: u64 = 4;

/// Times that the server is killed; `FLCM_KILL_ROUNDS` says otherwise.
const ROUNDS: u32 = 200;

#[test]
fn nothing_is_lost_and_nothing_counts_twice_however_often_the_server_is_killed() {
    let rounds = std::env::var("FLCM_KILL_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let (folder, begun) = (TestFolder::new(), Instant::now());
    folder.file("flags.yaml", document(0));
    let mut server = folder.serve();
    let scene = &Scene::new(server.address);
    let mut chance = 0x2545_F491_4F6C_DD1D;
    let server = thread::scope(|scope| {
        let _over = Over(&scene.is_over);
        (0..scene.hosts.len()).for_each(|host| _ = scope.spawn(move || scene.be_host(host)));
        (0..scene.hands.len()).for_each(|hand| _ = scope.spawn(move || scene.be_hand(hand)));
        scope.spawn(|| scene.publish());
        scope.spawn(|| scene.listen());
        scope.spawn(|| scene.acknowledge());
        for _ in 0..rounds {
            thread::sleep(Duration::from_millis(10 + random(&mut chance) % 190));
            server.kill();
            let mut address = scene.address.write().unwrap();
            until("the stream ends", || (!scene.is_listening.load(Ordering::SeqCst)).then_some(()));
            server = folder.serve();
            scene.check(&server);
            *scene.heard.lock().unwrap() = None;
            *address = server.address;
        }
        server
    });
    scene.persist_and_broadcast(&server);
    scene.check(&server);
    scene.check_revisions(&server);
    scene.report(rounds, begun.elapsed());
}

/// What everyone knows of everyone.
struct Scene {
    /// Where the server is. Whoever asks it reads this; it is written while the server is looked at and nobody may ask.
    address: RwLock<SocketAddr>,
    is_over: AtomicBool,
    hosts: Vec<Mutex<Host>>,
    hands: Vec<Mutex<Hand>>,
    /// What was acknowledged.
    revisions: Mutex<BTreeMap<u64, String>>,
    /// What the stream has said last of the flags that it names.
    heard: Mutex<Option<BTreeMap<String, Word>>>,
    is_listening: AtomicBool,
    trips: AtomicU64,
}

/// A person who holds a flag and lets it go.
struct Hand {
    flag: &'static str,
    /// What was acknowledged last.
    holds: bool,
    /// What was asked since, without an answer.
    asked: Option<bool>,
    commands: u64,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Word {
    trip: String,
    generation: u64,
}

/// Ends the scene however the loop has ended: threads are waited for even after a panic.
struct Over<'s>(&'s AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Scene {
    fn new(address: SocketAddr) -> Self {
        let hand = |flag| Mutex::new(Hand { flag, holds: false, asked: None, commands: 0 });
        Self {
            address: RwLock::new(address),
            is_over: AtomicBool::new(false),
            hosts: (0..HOSTS).map(|number| Mutex::new(Host::new(number + 1))).collect(),
            hands: ["guarded", "plain"].map(hand).into(),
            revisions: Mutex::default(),
            heard: Mutex::default(),
            is_listening: AtomicBool::new(false),
            trips: AtomicU64::new(0),
        }
    }

    /// Does something again and again, but not while the server is looked at.
    fn again(&self, pause: u64, mut act: impl FnMut(SocketAddr)) {
        while !self.is_over.load(Ordering::SeqCst) {
            act(*self.address.read().unwrap());
            thread::sleep(Duration::from_millis(pause));
        }
    }

    fn be_host(&self, number: usize) {
        let own = format!("count_{number}");
        self.again(1, |address| {
            let generation = u32::try_from(self.word("fragile").map_or(0, |word| word.generation)).unwrap();
            let failing = if number == 0 { 20 } else { 0 };
            let tallies = [
                Tally { flag: &own, decisions: 3, errors: 2, generation: 0 },
                Tally { flag: "fragile", decisions: 1, errors: failing, generation },
            ];
            let _ = self.hosts[number].lock().unwrap().send(address, &tallies);
        });
    }

    fn be_hand(&self, number: usize) {
        self.again(3, |address| {
            let mut hand = self.hands[number].lock().unwrap();
            // Only when the last thing that was done has been heard: else what is heard next could be of before it.
            let heard = self.heard.lock().unwrap().as_ref().map(|words| Word::is_held(words.get(hand.flag)));
            if hand.asked.is_none() && heard != Some(hand.holds) {
                return;
            }
            let wanted = !hand.holds;
            hand.asked = Some(wanted);
            let path = format!("/flags/{}/{}", hand.flag, if wanted { "hold" } else { "release" });
            if post(address, &path).is_some_and(|answer| answer.status == 200) {
                (hand.holds, hand.asked) = (wanted, None);
                hand.commands += 1;
            }
        });
    }

    fn publish(&self) {
        let mut number = 0;
        self.again(20, |address| {
            number += 1;
            let text = document(number);
            let headers = [("content-type", "application/yaml"), ("if-match", "*")];
            let Ok(answer) = ask(address, "PUT", "/flags", &headers, text.as_bytes()) else { return };
            if answer.status == 200 {
                let revision = answer.json()["revision"].as_u64().unwrap();
                let mut revisions = self.revisions.lock().unwrap();
                let last = revisions.last_key_value().map_or(0, |(last, _)| *last);
                assert!(revision > last, "{revision} follows {last}");
                revisions.insert(revision, text);
            }
        });
    }

    fn listen(&self) {
        while !self.is_over.load(Ordering::SeqCst) {
            // Said while nobody looks at the server; what is heard after the end was said before it, and counts.
            let stream = {
                let address = self.address.read().unwrap();
                self.is_listening.store(true, Ordering::SeqCst);
                Stream::open(*address)
            };
            if let Ok(mut stream) = stream {
                stream.give_up_after(Duration::from_secs(1));
                while let Some(trips) = stream.next_of("trips") {
                    let words = trips["flags"].as_object().unwrap().iter();
                    let words = words.map(|(flag, word)| (flag.clone(), Word::new(word)));
                    *self.heard.lock().unwrap() = Some(words.collect());
                }
            }
            self.is_listening.store(false, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// A person lets the failing flag go on, so that it trips again.
    fn acknowledge(&self) {
        self.again(25, |address| {
            if self.word("fragile").is_some_and(|word| word.trip == "off") {
                let answer = post(address, "/flags/fragile/acknowledge");
                self.trips.fetch_add(u64::from(answer.is_some_and(|answer| answer.status == 200)), Ordering::Relaxed);
            }
        });
    }

    fn word(&self, flag: &str) -> Option<Word> {
        self.heard.lock().unwrap().as_ref()?.get(flag).cloned()
    }
}

// What must be so.
impl Scene {
    /// Lets the hosts send what waits.
    fn persist_and_broadcast(&self, server: &TestServer) {
        for host in &self.hosts {
            let mut host = host.lock().unwrap();
            until("a batch is acknowledged", || {
                (!host.is_waiting() || host.send(server.address, &[]).is_ok_and(|answer| answer.status == 204))
                    .then_some(())
            });
        }
    }

    fn check(&self, server: &TestServer) {
        let (figures, trips) = (server.get("/metrics").text(), server.get("/trips").json());
        self.check_counts(&figures);
        self.check_words(&trips["flags"]);
        self.hands.iter().for_each(|hand| self.check_hand(&hand.lock().unwrap(), &trips["flags"]));
        let served = trips["revision"].as_u64().unwrap();
        let last = self.revisions.lock().unwrap().last_key_value().map_or(0, |(last, _)| *last);
        assert!(served >= last, "revision {last} was acknowledged, {served} is served");
    }

    /// A batch that was not acknowledged is counted or it is not; nothing else may differ.
    fn check_counts(&self, figures: &str) {
        let (mut least, mut most) = (Count::default(), Count::default());
        for (number, host) in self.hosts.iter().enumerate() {
            let (flag, host) = (format!("count_{number}"), host.lock().unwrap());
            let (known, waits) = (host.acknowledged(&flag), host.waiting(&flag));
            let counted = count(figures, &flag);
            assert!(counted == known || counted == known + waits, "{flag}: {counted:?} is not {known:?} (+ {waits:?})");
            assert_eq!(host.lost_count, 0, "a server that loses nothing never loses count");
            least = least + host.acknowledged("fragile");
            most = most + host.acknowledged("fragile") + host.waiting("fragile");
        }
        let counted = count(figures, "fragile");
        assert!((least.decisions..=most.decisions).contains(&counted.decisions), "{least:?} {counted:?} {most:?}");
        assert!((least.errors..=most.errors).contains(&counted.errors), "{least:?} {counted:?} {most:?}");
    }

    /// Generations never go down, and under the same generation the same trip is in force.
    fn check_words(&self, trips: &Value) {
        for (flag, heard) in self.heard.lock().unwrap().iter().flatten() {
            let now = Word::new(&trips[flag]);
            assert!(now.generation >= heard.generation, "{flag}: {heard:?} was announced; now {now:?}");
            let is_same = now.generation > heard.generation || heard.generation == 0 || now.trip == heard.trip;
            assert!(is_same, "{flag}: {heard:?} was announced; now {now:?}");
        }
    }

    /// What was acknowledged is so, or what was asked since; what was announced of that is so.
    fn check_hand(&self, hand: &Hand, trips: &Value) {
        let is_held = trips[hand.flag]["trip"] == "off";
        let heard = self.heard.lock().unwrap();
        let announced = heard.as_ref().map(|words| Word::is_held(words.get(hand.flag)));
        let says =
            format!("{}: acknowledged {}, asked {:?}, announced {announced:?}", hand.flag, hand.holds, hand.asked);
        assert!(is_held == hand.holds || Some(is_held) == hand.asked, "{says}; now {is_held}");
        if announced.is_some() && announced == hand.asked {
            assert_eq!(Some(is_held), announced, "{says}");
        }
    }

    /// All that were acknowledged are in the history, with their texts, in order.
    fn check_revisions(&self, server: &TestServer) {
        let (mut before, mut history) = (u64::MAX >> 1, Vec::new());
        loop {
            let page = server.get(&format!("/revisions?before={before}&limit=1000")).json();
            let numbers: Vec<u64> = page.as_array().unwrap().iter().map(|of| of["number"].as_u64().unwrap()).collect();
            let Some(last) = numbers.last() else { break };
            before = *last;
            history.extend(numbers);
        }
        assert!(history.is_sorted_by(|later, earlier| later > earlier), "{history:?}");
        for (number, text) in self.revisions.lock().unwrap().iter() {
            assert!(history.contains(number), "revision {number} was acknowledged, and is gone");
            assert_eq!(&server.get(&format!("/revisions/{number}")).text(), text);
        }
    }

    fn report(&self, rounds: u32, took: Duration) {
        let hosts: Vec<_> = self.hosts.iter().map(|host| host.lock().unwrap()).collect();
        let sum = |of: fn(&Host) -> u64| hosts.iter().map(|host| of(host)).sum::<u64>();
        let decisions = sum(|host| host.acknowledged.values().map(|count| count.decisions).sum());
        let commands: u64 = self.hands.iter().map(|hand| hand.lock().unwrap().commands).sum();
        println!(
            "{rounds} kills in {:.1} s: {} batches, {} sent again, {decisions} decisions and {} errors counted once; {} revisions, \
             {commands} holds and releases, {} rollbacks acknowledged",
            took.as_secs_f64(),
            sum(|host| host.batches),
            sum(|host| host.repeats),
            sum(|host| host.acknowledged.values().map(|count| count.errors).sum()),
            self.revisions.lock().unwrap().len(),
            self.trips.load(Ordering::Relaxed),
        );
        assert!(self.trips.load(Ordering::Relaxed) > 0, "the failing flag was rolled back");
    }
}

impl Word {
    /// What is not named is clear.
    fn is_held(word: Option<&Self>) -> bool {
        word.is_some_and(|word| word.trip == "off")
    }

    fn new(json: &Value) -> Self {
        let trip = json["trip"].as_str().unwrap_or("clear").to_owned();
        Self { trip, generation: json["generation"].as_u64().unwrap_or(0) }
    }
}

fn post(address: SocketAddr, path: &str) -> Option<Answer> {
    ask(address, "POST", path, &[("content-type", "application/json")], b"{}").ok()
}

fn count(figures: &str, flag: &str) -> Count {
    Count { decisions: figure(figures, &decisions(flag)), errors: figure(figures, &errors(flag)) }
}

/// Each is another one, and none changes what a breaker goes by.
fn document(number: u64) -> String {
    let counts = (0..HOSTS)
        .map(|host| format!("  count_{host}: {{ rollout: {{ percentage: {} }} }}", number % 100))
        .collect::<Vec<_>>()
        .join("\n");
    format!("# {number}\n{FLAGS}{counts}")
}

/// xorshift: the pauses are the same for each run, and what they meet is not.
fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state >> 11
}
