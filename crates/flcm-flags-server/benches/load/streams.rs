//! Streams: what ten thousand idle ones cost, and how soon news are with the last of a thousand.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Failure;
use super::served::{Served, document};

pub(super) async fn run(binary: &str) -> Result<(), Failure> {
    idle(binary, 10_000).await?;
    for _ in 0..3 {
        publish(binary, 1_000).await?;
    }
    Ok(())
}

async fn idle(binary: &str, count: usize) -> Result<(), Failure> {
    let served = Served::start(binary, &document(100, true))?;
    let before = served.memory()?;
    let _streams = open(&served, count).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let after = served.memory()?;
    let each = (after - before) / count as u64;
    println!("{count} idle streams: {} MB resident, {each} bytes each   aim 150 MB", after >> 20);
    Ok(())
}

async fn publish(binary: &str, count: usize) -> Result<(), Failure> {
    let served = Served::start(binary, &document(100, true))?;
    let mut streams = open(&served, count).await?;
    let begun = Instant::now();
    std::fs::write(served.folder.join("flags.yaml"), document(101, true))?;
    let mut first = None;
    for stream in &mut streams {
        until(stream, "event: snapshot").await?;
        first.get_or_insert_with(|| begun.elapsed());
    }
    println!(
        "an edit to the first and to the last of {count} streams: {} and {} ms   aim 500",
        first.unwrap_or_default().as_millis(),
        begun.elapsed().as_millis()
    );
    Ok(())
}

/// Opens streams, each of which was greeted.
async fn open(served: &Served, count: usize) -> Result<Vec<TcpStream>, Failure> {
    let mut streams = Vec::with_capacity(count);
    for _ in 0..count {
        let mut stream = TcpStream::connect(served.address).await?;
        stream.write_all(b"GET /flags/stream HTTP/1.1\r\nhost: localhost\r\n\r\n").await?;
        streams.push(stream);
    }
    for stream in &mut streams {
        until(stream, "event: trips").await?;
        // To the end of that event, which may come in parts.
        while tokio::time::timeout(Duration::ZERO, stream.readable()).await.is_ok() {
            let mut rest = vec![0; 65_536];
            if stream.try_read(&mut rest).is_err() {
                break;
            }
        }
    }
    Ok(streams)
}

async fn until(stream: &mut TcpStream, wanted: &str) -> Result<(), Failure> {
    let mut heard = Vec::new();
    while !String::from_utf8_lossy(&heard).contains(wanted) {
        if stream.read_buf(&mut heard).await? == 0 {
            return Err("a stream has ended".into());
        }
    }
    Ok(())
}
