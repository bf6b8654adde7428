//! How soon a flag is held while others send the worst batches that are accepted, and how soon a server is ready that
//! was killed amid them.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use flcm_flags::metrics::FlagMetrics;
use flcm_flags::metrics::batch::{Header, Writer, set_header};
use flcm_flags::{Arm, Sample};

use super::Failure;
use super::client::{Load, post};
use super::served::{Served, document};

const FLAGS: usize = 1000;
const CONNECTIONS: usize = 20;
const HOLDS: usize = 50;

/// Batches of a size, as large as the server takes them, from as many connections.
pub(super) async fn run(binary: &str) -> Result<(), Failure> {
    for (what, bytes) in [("64 KB", 60 << 10), ("8 MB", 7 << 20)] {
        let mut served = Served::start(binary, &document(FLAGS, true))?;
        let (address, stop) = (served.address, Arc::new(AtomicBool::new(false)));
        let until = Arc::clone(&stop);
        let asker = std::thread::spawn(move || hold(address, &until));
        let worst = worst(bytes);
        let size = worst.len();
        let load = Load { address, connections: CONNECTIONS, time: Duration::from_secs(10), may_refuse: true };
        let make = move |host: usize, sequence: u64| {
            let mut bytes = worst.clone();
            // Each is the first of a host of its own: one that was refused leaves no gap.
            let instance = (host as u64) << 32 | sequence;
            set_header(&mut bytes, |_| Header { instance, epoch: 1, sequence: 1, age: 0 }).expect("a batch");
            post("/metrics", "application/vnd.flcm.batch", &bytes)
        };
        let rate = load.run(make).await?;
        if rate <= 0.0 {
            return Err(format!("no batch of {what} was accepted: this measures nothing").into());
        }
        stop.store(true, Ordering::Relaxed);
        let mut times = asker.join().map_err(|_| "the asker has failed")??;
        let memory = served.peak_memory()? >> 20;
        times.sort_unstable();
        let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
        println!(
            "hold under batches of {what} ({size} bytes): median {median} ms, worst {worst} ms of {}   aim 100",
            times.len()
        );
        let begun = Instant::now();
        served.restart_after_kill()?;
        let ready = begun.elapsed().as_millis();
        println!("  {rate:.0} batches/s, {memory} MB at most; ready {ready} ms after a kill   aim 150 MB, 5000 ms");
    }
    Ok(())
}

/// Holds and releases a flag until it is stopped; how long each took, in milliseconds.
fn hold(address: SocketAddr, stop: &AtomicBool) -> Result<Vec<u128>, std::io::Error> {
    let mut times = Vec::new();
    std::thread::sleep(Duration::from_secs(1));
    for command in ["hold", "release"].into_iter().cycle() {
        if stop.load(Ordering::Relaxed) || times.len() >= HOLDS {
            break;
        }
        let begun = Instant::now();
        let status = ask(address, &post(&format!("/flags/flag_7/{command}"), "application/json", b"{}"))?;
        times.push(if status == 200 { begun.elapsed().as_millis() } else { 10_000 });
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(times)
}

fn ask(address: SocketAddr, request: &[u8]) -> std::io::Result<u16> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(request)?;
    let mut line = String::new();
    BufReader::new(&stream).read_line(&mut line)?;
    Ok(line.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0))
}

/// A batch that takes the server as long as one of so many bytes can: flags that it knows with all that can be counted,
/// and between them flags that it does not know.
fn worst(length: usize) -> Vec<u8> {
    let variants: Vec<String> = (0..380).map(|variant| format!("v{variant}")).collect();
    let mut metrics = FlagMetrics::new(vec![0; FlagMetrics::counters_for(variants.len())]);
    (0..FlagMetrics::counters_for(variants.len())).for_each(|index| metrics.tally(index, 1));
    (0..2048).for_each(|register| metrics.see(0, register, if register % 2 == 0 { 1 } else { 6 }));
    let sample = Sample { total: 400, ..Sample::default() };
    metrics.outcome(Arm::Treatment, &sample, 1.0);
    (1..384).for_each(|step| metrics.outcome(Arm::Control, &sample, 0.01 * 1.04_f64.powi(step)));
    metrics.set_generation(1);
    metrics.add_evidence(Arm::Control, &sample);
    let mut unknown = FlagMetrics::new(vec![0; FlagMetrics::counters_for(0)]);
    unknown.tally(0, 1);
    let mut known: Vec<String> = (0..FLAGS).map(|flag| format!("flag_{flag}")).collect();
    known.sort_unstable();
    let name = |variant: u16| variants.get(usize::from(variant)).map(String::as_str);
    let write = |flags: usize| {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(Header::default(), |part: &[u8]| bytes.extend_from_slice(part));
        known.iter().take(flags).for_each(|key| _ = writer.flag(key, name, &metrics));
        let unknown_flags = if flags == 1 { 0 } else { (length / 20).min(90_000) / 10 };
        (0..unknown_flags).for_each(|flag| _ = writer.flag(&format!("g{flag:05}"), |_| None, &unknown));
        writer.finish();
        bytes
    };
    // A tenth is left for flags that the server does not know.
    write((length * 8 / 10 / write(1).len()).max(1))
}
