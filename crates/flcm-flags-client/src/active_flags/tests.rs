use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex, Weak, mpsc};
use std::thread;
use std::time::Duration;

use flcm_flags::breaker::Mode;
use flcm_flags::metrics::Group;
use flcm_flags::metrics::batch::{Batch, Header};
use flcm_flags::{Context, FlagId, Millis, TripState, Value};
use flcm_flags_host::{FleetFlag, FleetState};

use super::ActiveFlags;
use crate::clock::Clock;
use crate::event::{Event, Events, Subscription};
use crate::in_use::Flags;
use crate::remote::source::compile;
use crate::state_file::StateFile;
use crate::store::Store;
use crate::user::{CallOutcome, User};

/// A clock that stands unless it is set.
#[derive(Debug, Default)]
struct Stopped(AtomicU64);

impl Clock for Stopped {
    fn now(&self) -> Millis {
        Millis(1_800_000_000_000 + self.0.load(Ordering::Relaxed))
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }

    fn random(&self) -> f64 {
        0.5
    }

    fn sleep(&self, _: Duration) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(std::future::pending())
    }
}

fn active() -> (Arc<ActiveFlags>, Arc<Stopped>) {
    let (clock, events) = (Arc::new(Stopped::default()), Events::default());
    (Arc::new(ActiveFlags::new(Arc::clone(&clock) as _, events.clone(), StateFile::new(None, events))), clock)
}

/// A folder of the test's own.
fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("flcm-flags-client-{name}-{:016x}", rand::random::<u64>()));
    let _ = std::fs::remove_dir_all(&path);
    path
}

/// Flags with a state file, and the errors that are reported.
fn stored(folder: &Path) -> (Arc<ActiveFlags>, Arc<Mutex<Vec<String>>>, Subscription) {
    let (events, errors) = (Events::default(), Arc::new(Mutex::new(Vec::new())));
    let into = Arc::clone(&errors);
    let listening = events.subscribe(move |event| {
        if let Event::Error(error) = event {
            into.lock().unwrap().push(error.message.clone());
        }
    });
    let file = StateFile::new(Some(Store::new(folder.to_owned())), events.clone());
    (Arc::new(ActiveFlags::new(Arc::new(Stopped::default()), events, file)), errors, listening)
}

fn snapshot(document: &str) -> Vec<u8> {
    compile("the document", document).unwrap()
}

fn used(active: &ActiveFlags, document: &str) {
    active.use_bytes(snapshot(document)).unwrap();
}

/// Every value of a snapshot names it: whoever sees two has seen half of one and half of another.
fn numbered(number: u64) -> String {
    format!(
        "flags:\n\
         \x20 one: {{ rollout: {{ percentage: 100 }}, variants: [{{ name: v{number}, weight: 1, value: {number} }}] }}\n\
         \x20 two: {{ rollout: {{ percentage: 100 }}, variants: [{{ name: w{number}, weight: 1, value: {number} }}] }}\n"
    )
}

/// What threads that read share with the one that swaps.
struct Readers {
    begun: Barrier,
    decisions: AtomicU64,
    stop: AtomicBool,
}

/// Decides once at least, and until it is stopped.
fn read(active: &Arc<ActiveFlags>, number: usize, readers: &Readers) {
    let key = format!("user{number}");
    readers.begun.wait();
    loop {
        let user = User::new(active, &Context::new(Some(&key), &[]));
        let number = user.value("two").and_then(Value::as_number).unwrap();
        assert_eq!(user.variant("one"), Some(format!("v{number}").as_str()));
        let decisions = readers.decisions.fetch_add(1, Ordering::Relaxed);
        if readers.stop.load(Ordering::Relaxed) {
            break;
        }
        // Sixteen threads on two cores would leave little to the one that swaps.
        if decisions.is_multiple_of(16) {
            thread::yield_now();
        }
    }
}

#[test]
fn sixteen_threads_see_whole_flags_during_a_thousand_swaps_and_nothing_is_lost_or_left() {
    const SWAPS: usize = 1000;
    const THREADS: usize = 16;
    let (active, _) = active();
    let readers =
        Readers { begun: Barrier::new(THREADS + 1), decisions: AtomicU64::new(0), stop: AtomicBool::new(false) };
    let mut seen: Vec<Weak<Flags>> = Vec::new();
    used(&active, &numbered(0));
    let snapshots: Vec<_> = (1..=20).map(|number| snapshot(&numbered(number))).collect();
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (active, readers) = (&active, &readers);
            scope.spawn(move || read(active, number, readers));
        }
        readers.begun.wait();
        // On a busy machine the swaps might be over before many of them have read, so they go on.
        let have_read = || readers.decisions.load(Ordering::Relaxed) >= 100 * THREADS as u64;
        for (swap, bytes) in snapshots.iter().cycle().enumerate() {
            if swap >= SWAPS && have_read() {
                break;
            }
            assert_eq!(active.use_bytes(bytes.clone()), Ok(true));
            seen.extend(active.flags().as_ref().map(Arc::downgrade));
            active.counted("one");
        }
        readers.stop.store(true, Ordering::Relaxed);
    });
    let decisions = readers.decisions.into_inner();
    for flag in ["one", "two"] {
        let summary = active.counted(flag).unwrap().summary();
        assert_eq!(summary.decisions, decisions, "{flag}");
        assert!((15.5..16.5).contains(&summary.users), "{flag}: {}", summary.users);
    }
    let alive = seen.iter().filter(|flags| flags.upgrade().is_some()).count();
    assert_eq!(alive, 1, "only what is in use is left");
    println!("{decisions} decisions by {THREADS} threads during {} swaps", seen.len());
}

#[test]
fn reading_waits_for_nobody_who_changes_something() {
    let (active, _) = active();
    used(&active, &numbered(0));
    let (locked, is_locked) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let (done, decided) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            active.custom(move |_| {
                locked.send(()).unwrap();
                released.recv().unwrap();
            })
        });
        is_locked.recv().unwrap();
        let reader = Arc::clone(&active);
        // Not of the scope: were it to wait, the test would end all the same.
        thread::spawn(move || {
            let user = User::new(&reader, &Context::new(Some("alice"), &[]));
            done.send(user.variant("one").map(str::to_owned)).unwrap();
        });
        let answer = decided.recv_timeout(Duration::from_mins(1));
        release.send(()).unwrap();
        assert_eq!(answer, Ok(Some("v0".to_owned())));
    });
}

#[test]
fn deciding_and_counting_allocate_nothing() {
    let (active, _) = active();
    used(&active, &numbered(0));
    let attributes = [("country", "DE".into()), ("age", 45.into())];
    let context = Context::new(Some("alice"), &attributes);
    let decide = || {
        let user = User::new(&active, &context);
        assert!(user.is_enabled("one"));
        assert_eq!(user.variant("two"), Some("w0"));
    };
    // A thread, and a flag, have their memory from the first decision on.
    decide();
    let measured = allocation_counter::measure(|| (0..1000).for_each(|_| decide()));
    assert_eq!(measured.count_total, 0);
}

const RISKY: &str = "flags: { risky: { rollout: { percentage: 50 }, error_threshold: { rate: 0.05, window: 300 } } }";

/// Calls that all fail where the feature is on, a hundred users each second, until it is off.
fn fails(active: &Arc<ActiveFlags>, clock: &Stopped) {
    for second in 0..60 {
        for number in 0..100 {
            let key = format!("user{second}-{number}");
            let user = User::new(active, &Context::new(Some(&key), &[]));
            let decided = user.decide("risky");
            let failed = decided.is_enabled();
            decided.record(CallOutcome { failed, duration: None });
        }
        clock.0.fetch_add(1000, Ordering::Relaxed);
        active.poll();
        if is_off(active) {
            return;
        }
    }
    panic!("it was not rolled back within a minute");
}

fn is_off(active: &Arc<ActiveFlags>) -> bool {
    (0..100).all(|number| {
        let key = format!("user{number}");
        !User::new(active, &Context::new(Some(&key), &[])).is_enabled("risky")
    })
}

#[test]
fn a_feature_that_fails_is_rolled_back_and_stays_so_over_updates() {
    let (active, clock) = active();
    used(&active, RISKY);
    let rolled_back = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&rolled_back);
    let _listening =
        active.events.subscribe(move |event| into.lock().unwrap().extend(event.rollback().map(str::to_owned)));
    let late = User::new(&active, &Context::new(Some("late"), &[])).decide("risky");
    fails(&active, &clock);
    assert_eq!(*rolled_back.lock().unwrap(), ["risky"]);
    let state = active.breaker("risky");
    assert_eq!(state, Some(flcm_flags::breaker::State::Open));

    // What was decided before is no evidence after it, and does no harm.
    late.record(CallOutcome::FAILURE);
    used(&active, &format!("revision: 2\n{RISKY}"));
    assert!(is_off(&active));
    used(&active, "revision: 3\nflags: { risky: { rollout: { percentage: 100 } } }");
    assert!(is_off(&active), "taking the threshold away is no acknowledgement");
}

#[test]
fn an_outcome_is_that_of_its_variant_unless_another_snapshot_has_decided() {
    let (active, _) = active();
    let document = |revision: u64, variants: [&str; 2]| {
        let [first, second] = variants.map(|name| format!("{{ name: {name}, weight: 1 }}"));
        let overrides = "overrides: { ann: one, bob: two }";
        format!("revision: {revision}\nflags: {{ split: {{ variants: [{first}, {second}], {overrides} }} }}")
    };
    used(&active, &document(1, ["one", "two"]));
    let decide = |key| User::new(&active, &Context::new(Some(key), &[])).decide("split");
    for key in ["ann", "bob", "bob"] {
        decide(key).record(CallOutcome::FAILURE);
    }
    let late = decide("ann");
    used(&active, &document(2, ["two", "one"]));
    late.record(CallOutcome::FAILURE);
    decide("bob").record(CallOutcome::FAILURE);
    let bytes = active.drain(Header { instance: 1, epoch: 1, sequence: 1, age: 0 }).expect("a batch");
    let batch = Batch::from_bytes(&bytes).expect("a batch");
    let groups: Vec<_> = batch.flags().flat_map(|flag| flag.groups()).collect();
    let of =
        |variant| groups.iter().filter(move |group| group.variant() == variant).map(|group| group.outcomes().total);
    let totals = [None, Some("one"), Some("two")].map(|variant| of(variant).sum::<u32>());
    assert_eq!(totals, [1, 1, 3], "where variants may be others, none is named");
    let users = |variant| {
        let mut all = Group::new();
        groups.iter().filter(|group| group.variant() == Some(variant)).for_each(|group| group.merge_into(&mut all));
        all.users().estimate().round()
    };
    assert_eq!((users("one"), users("two")), (1.0, 1.0));
}

#[test]
fn the_stricter_of_fleet_and_person_holds() {
    let (active, _) = active();
    used(&active, "flags: { risky: { rollout: { percentage: 100 } } }");
    let fleet = |trip| FleetState::from([("risky".to_owned(), FleetFlag { trip, generation: Some(3) })]);
    active.apply_fleet_state(fleet(TripState::HeldOff));
    assert!(is_off(&active));
    active.apply_fleet_state(FleetState::new());
    assert!(!is_off(&active));
    active.set_mode("risky", Mode::Held).unwrap();
    active.apply_fleet_state(fleet(TripState::Clear));
    assert!(is_off(&active));
    active.set_mode("risky", Mode::Auto).unwrap();
    assert!(!is_off(&active));
    assert!(active.set_mode("nothing", Mode::Held).unwrap_err().message.contains("no flag is called `nothing`"));
}

#[test]
fn a_listener_may_ask_and_change_anything() {
    let (active, _) = active();
    used(&active, RISKY);
    let weak = Arc::downgrade(&active);
    let _listening = active.events.subscribe(move |event| {
        let Some(active) = weak.upgrade() else { return };
        if matches!(event, Event::Fleet(_)) {
            active.set_mode("risky", Mode::Held).unwrap();
            active.counted("one");
        }
    });
    active.apply_fleet_state(FleetState::new());
    assert!(is_off(&active));
    assert_eq!(active.in_use().as_ref().map(|in_use| in_use.trip(FlagId(0))), Some(TripState::HeldOff));
}

const RELEASED: &str = "flags: { risky: { rollout: { percentage: 100 } }, other: { rollout: { percentage: 100 } } }";

fn trip_of(active: &ActiveFlags, flag: &str) -> Option<TripState> {
    let in_use = active.in_use();
    let in_use = in_use.as_ref()?;
    Some(in_use.trip(in_use.flags.snapshot.flag(flag)?))
}

#[tokio::test]
async fn holds_and_trips_of_the_fleet_survive_a_restart() {
    let folder = folder("restart");
    let (active, errors, _listening) = stored(&folder);
    used(&active, RELEASED);
    active.set_mode("risky", Mode::Held).unwrap();
    let tripped = FleetFlag { trip: TripState::Capped(500), generation: Some(3) };
    active.apply_fleet_state(FleetState::from([("other".to_owned(), tripped)]));
    active.written().await;
    assert!(std::fs::read_to_string(folder.join("breakers")).unwrap().starts_with("flcm-host-state 1\n"));

    let (next, _, _listening) = stored(&folder);
    used(&next, RELEASED);
    assert_eq!(trip_of(&next, "risky"), Some(TripState::HeldOff));
    assert_eq!(trip_of(&next, "other"), Some(TripState::Capped(500)));
    next.set_mode("risky", Mode::Auto).unwrap();
    next.apply_fleet_state(FleetState::new());
    next.written().await;

    let (last, _, _listening) = stored(&folder);
    used(&last, RELEASED);
    assert_eq!([trip_of(&last, "risky"), trip_of(&last, "other")], [Some(TripState::Clear); 2]);
    assert!(errors.lock().unwrap().is_empty());
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_rolled_back_breaker_survives_a_restart() {
    let folder = folder("rollback");
    let (clock, events) = (Arc::new(Stopped::default()), Events::default());
    let file = StateFile::new(Some(Store::new(folder.clone())), events.clone());
    let active = Arc::new(ActiveFlags::new(Arc::clone(&clock) as _, events, file));
    used(&active, RISKY);
    fails(&active, &clock);
    active.written().await;
    let (next, errors, _listening) = stored(&folder);
    used(&next, RISKY);
    assert!(is_off(&next));
    assert!(errors.lock().unwrap().is_empty());
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_state_that_cannot_be_stored_is_reported_and_stored_with_the_next_change() {
    let folder = folder("disk");
    // A file where the folder should be.
    std::fs::write(&folder, "").unwrap();
    let (active, errors, _listening) = stored(&folder);
    used(&active, RELEASED);
    active.set_mode("risky", Mode::Held).unwrap();
    active.written().await;
    let reported = errors.lock().unwrap().clone();
    assert!(reported.iter().any(|message| message.starts_with("breakers cannot be stored: ")), "{reported:?}");
    std::fs::remove_file(&folder).unwrap();
    active.set_mode("other", Mode::Held).unwrap();
    active.written().await;
    let (next, _, _listening) = stored(&folder);
    used(&next, RELEASED);
    assert_eq!([trip_of(&next, "risky"), trip_of(&next, "other")], [Some(TripState::HeldOff); 2]);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_damaged_state_file_is_reported_and_replaced() {
    let folder = folder("damaged");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("breakers"), "{}").unwrap();
    let (active, errors, _listening) = stored(&folder);
    assert!(errors.lock().unwrap()[0].starts_with("stored breakers cannot be read: "));
    used(&active, RELEASED);
    active.set_mode("risky", Mode::Held).unwrap();
    active.written().await;
    let (next, errors, _listening) = stored(&folder);
    used(&next, RELEASED);
    assert_eq!(trip_of(&next, "risky"), Some(TripState::HeldOff));
    assert!(errors.lock().unwrap().is_empty());
    std::fs::remove_dir_all(folder).unwrap();
}
