//! What services do with their flags that no fault suite asks for.

use std::future::{pending, ready};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use flcm_flags_client::{Context, Event, Features, Options, Subscription};
use futures_util::FutureExt;

const ON: &str = "flags: { beta: { rollout: { percentage: 100 }, error_threshold: { rate: 0.05 } } }";

fn alice() -> Context<'static> {
    Context::new(Some("alice"), &[])
}

#[tokio::test]
async fn a_file_is_read_when_it_changes_and_not_because_it_was_read() {
    let folder = std::env::temp_dir().join(format!("flcm-features-{:016x}", rand::random::<u64>()));
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("flags.yaml");
    std::fs::write(&file, ON).unwrap();
    let syncs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&syncs);
    let options = Options { poll_interval: Duration::ZERO, ..Options::file(&file) };
    let features = Features::start_with(options, move |event| {
        counted.fetch_add(u32::from(matches!(event, Event::Sync { .. })), Ordering::Relaxed);
    });
    let features = features.await.unwrap();
    // Whatever a reading were to bring about would be there by then.
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(syncs.load(Ordering::Relaxed), 1);
    std::fs::write(&file, "flags: { gamma: { rollout: { percentage: 100 } } }").unwrap();
    let start = std::time::Instant::now();
    while !features.is_enabled("gamma", &alice()) {
        assert!(start.elapsed() < Duration::from_mins(1), "the edit was not seen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    features.close().await;
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn a_call_that_never_ends_is_a_missing_outcome() {
    let features = Features::start(Options::document(ON)).await.unwrap();
    let alice = alice();
    let hangs = features.run_async("beta", &alice, pending::<Result<(), ()>>, || ready(Ok(())));
    assert!(tokio::time::timeout(Duration::from_millis(5), hangs).await.is_err());
    let outcomes = features.summary("beta").unwrap().outcomes;
    assert_eq!((outcomes.outside.missing + outcomes.treatment.missing, outcomes.outside.errors), (1, 0));
    assert_eq!(features.run("beta", &alice, || Err("broken"), || Ok::<_, &str>("the old way")), Ok("the old way"));
    let outcomes = features.summary("beta").unwrap().outcomes;
    assert_eq!(outcomes.outside.errors + outcomes.treatment.errors, 1);
}

#[tokio::test]
async fn closing_may_be_given_up_and_whoever_closes_again_finds_the_counts_kept() {
    let folder = std::env::temp_dir().join(format!("flcm-closing-{:016x}", rand::random::<u64>()));
    // Nobody listens there: what was counted cannot be sent.
    let options =
        Options { document: Some(ON.to_owned()), cache: Some(folder.clone()), ..Options::url("http://127.0.0.1:9") };
    let features = Features::start(options).await.unwrap();
    assert!(features.is_enabled("beta", &alice()));
    let other = features.clone();
    // Begun, and given up before anything of it can go on.
    assert!(features.close().now_or_never().is_none());
    other.close().await;
    let names = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|name| name.starts_with("batch-")).count(), 1);
    assert!(features.is_enabled("beta", &alice()), "what is in use goes on deciding");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn a_listener_may_unsubscribe_itself() {
    let features = Features::start(Options::document(ON)).await.unwrap();
    let own: Arc<Mutex<Option<Subscription>>> = Arc::default();
    let owned = Arc::clone(&own);
    let heard = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&heard);
    let subscription = features.on(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        let _gone = owned.lock().unwrap().take();
    });
    *own.lock().unwrap() = Some(subscription);
    features.hold("beta").unwrap();
    features.release("beta").unwrap();
    assert_eq!(heard.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_listener_that_owns_a_subscription_goes_without_a_deadlock() {
    let features = Features::start(Options::document(ON)).await.unwrap();
    let inner = features.on(|_| {});
    let outer = features.on(move |_| {
        let _owned = &inner;
    });
    let (done, dropped) = mpsc::channel();
    // In a thread of its own, which a deadlock would keep for ever.
    thread::spawn(move || {
        drop(outer);
        done.send(()).unwrap();
    });
    assert_eq!(dropped.recv_timeout(Duration::from_mins(1)), Ok(()));
}
