//! Load on a real `flcm serve`, from this machine: `cargo bench -p flcm-flags-server --bench load -- BINARY [WHICH…]`.
//!
//! The generator has one thread and speaks plain HTTP/1.1 over kept connections, so that most of the machine is the
//! server's.

use std::time::Duration;

mod batches;
mod client;
mod hold;
mod served;
mod streams;

use client::Load;
use served::Served;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let binary = arguments.next().ok_or("name the binary: target/release/flcm")?;
    let wanted: Vec<String> = arguments.collect();
    let wants = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    // Ten thousand streams are as many files.
    rlimit::increase_nofile_limit(30_000)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        if wants("http") {
            http(&binary).await?;
        }
        if wants("batches") {
            batches::run(&binary).await?;
        }
        if wants("fleet") {
            batches::fleet(&binary).await?;
        }
        if wants("hold") {
            hold::run(&binary).await?;
        }
        if wants("streams") {
            streams::run(&binary).await?;
        }
        if wants("breach") {
            batches::breach(&binary).await?;
        }
        Ok(())
    })
}

/// Questions that are answered from memory.
async fn http(binary: &str) -> Result<(), Failure> {
    let served = Served::start(binary, &served::document(1000, false))?;
    let etag = served.etag().await?;
    let mut load = Load { address: served.address, connections: 64, time: Duration::from_secs(5), may_refuse: false };
    let unchanged = format!("GET /flags HTTP/1.1\r\nhost: localhost\r\nif-none-match: {etag}\r\n\r\n");
    report("GET /flags, 304", 40_000.0, load.run(move |_, _| unchanged.clone().into()).await?);
    let whole = "GET /flags HTTP/1.1\r\nhost: localhost\r\n\r\n";
    report("GET /flags, snapshot of 1,000 flags", 5_000.0, load.run(|_, _| whole.into()).await?);
    let zipped = "GET /flags HTTP/1.1\r\nhost: localhost\r\naccept-encoding: gzip\r\n\r\n";
    report("the same, gzip", 5_000.0, load.run(|_, _| zipped.into()).await?);
    load.connections = 32;
    let one = |connection: usize, sequence: u64| {
        let context =
            format!(r#"{{"context":{{"targetingKey":"user-{connection}-{sequence}","country":"DE","age":45}}}}"#);
        client::post("/ofrep/v1/evaluate/flags/flag_7", "application/json", context.as_bytes())
    };
    report("OFREP, one flag", 25_000.0, load.run(one).await?);
    Ok(())
}

fn report(what: &str, aim: f64, rate: f64) {
    println!("{what:<40} {rate:>9.0} /s   aim {aim:>6.0}   ratio {:.2}", rate / aim);
}
