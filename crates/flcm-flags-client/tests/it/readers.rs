//! Readers while a file is replaced again and again: in a process of its own, because its memory is looked at.

use std::env;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use flcm_flags_client::{Context, Features, Options, Value};

/// How often the flags are swapped.
const SWAPS: usize = 1000;
const READERS: usize = 16;

/// Flags of which each says the same number.
fn snapshot(number: usize) -> Vec<u8> {
    let mut document = "flags:\n".to_owned();
    for flag in 0..300 {
        let _ = writeln!(document, "  flag{flag}: {{ default: 0, on: {number}, rollout: {{ percentage: 100 }} }}");
    }
    let (config, _) = flcm_flags_config::check(&document);
    flcm_flags_config::compile(&config.unwrap())
}

/// Decides until it is stopped; answers how often.
fn read(features: &Features, user: usize, stop: &AtomicBool) -> u64 {
    let key = format!("user{user}");
    let mut decisions = 0;
    while !stop.load(Ordering::Relaxed) {
        let context = Context::new(Some(&key), &[]);
        let user = features.user(&context);
        let numbers = ["flag0", "flag150", "flag299"].map(|flag| user.value(flag).and_then(Value::as_number));
        assert!(numbers[0].is_some() && numbers.iter().all(|number| *number == numbers[0]), "{numbers:?}");
        decisions += 1;
        thread::yield_now();
    }
    decisions
}

fn replace(file: &Path, bytes: &[u8]) {
    let beside = file.with_extension("new");
    std::fs::write(&beside, bytes).unwrap();
    std::fs::rename(&beside, file).unwrap();
}

/// What the process has in memory; `None` where the system does not say.
fn resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// Starts this program once more with a single test, which is ignored otherwise; other tests would use memory as well.
#[test]
fn memory_stays_and_no_count_is_lost_while_sixteen_threads_read_during_a_thousand_swaps() {
    let mut alone = Command::new(env::current_exe().unwrap());
    let out = alone.args(["--exact", "readers::sixteen_threads", "--ignored", "--nocapture"]).output().unwrap();
    let output = String::from_utf8_lossy(&out.stdout);
    println!("{output}{}", String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success() && output.contains("1 passed"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the test above, in a process of its own"]
async fn sixteen_threads() {
    let folder = env::temp_dir().join(format!("flcm-readers-{:016x}", rand::random::<u64>()));
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("flags.snapshot");
    let snapshots: Vec<_> = (1..=20).map(snapshot).collect();
    replace(&file, &snapshots[0]);
    let features = Features::start(Options::file(&file)).await.unwrap();
    let stop = std::sync::Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..READERS)
        .map(|user| {
            let (features, stop) = (features.clone(), std::sync::Arc::clone(&stop));
            thread::spawn(move || read(&features, user, &stop))
        })
        .collect();
    let mut early = None;
    for (swap, bytes) in snapshots.iter().cycle().skip(1).take(SWAPS).enumerate() {
        replace(&file, bytes);
        features.sync().await;
        // Counts are gathered as they are when a batch is made.
        let _ = features.summary("flag0");
        if swap == SWAPS / 4 {
            early = resident_kib();
        }
    }
    let late = resident_kib();
    stop.store(true, Ordering::Relaxed);
    let decisions: u64 = readers.into_iter().map(|reader| reader.join().unwrap()).sum();
    for flag in ["flag0", "flag150", "flag299"] {
        let summary = features.summary(flag).unwrap();
        assert_eq!(summary.decisions, decisions, "{flag}");
    }
    features.close().await;
    std::fs::remove_dir_all(&folder).unwrap();
    println!("{decisions} users by {READERS} threads during {SWAPS} swaps; {early:?} KiB, then {late:?} KiB");
    // Snapshots that stay would take 30 MiB.
    if let (Some(early), Some(late)) = (early, late) {
        assert!(late < early + 8 * 1024, "{early} KiB after a quarter of the swaps, {late} KiB after all");
    }
}
