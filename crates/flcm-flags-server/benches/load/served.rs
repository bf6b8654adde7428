//! A server with a document, in a folder of its own.

use std::fmt::Write;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::Failure;
use super::client::Talk;

pub(super) struct Served {
    pub(super) address: SocketAddr,
    pub(super) folder: PathBuf,
    child: Child,
    binary: String,
}

impl Served {
    pub(super) fn start(binary: &str, document: &str) -> Result<Self, Failure> {
        let folder = std::env::temp_dir().join(format!("flcm-load-{}-{}", std::process::id(), rand::random::<u32>()));
        std::fs::create_dir_all(&folder)?;
        let path = folder.join("flags.yaml");
        std::fs::write(&path, document)?;
        let (address, child) = spawn(binary, &folder)?;
        Ok(Self { address, folder, child, binary: binary.to_owned() })
    }

    /// Kills it, and starts it again; returns when it listens.
    pub(super) fn restart_after_kill(&mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        (self.address, self.child) = spawn(&self.binary, &self.folder)?;
        Ok(())
    }

    pub(super) async fn etag(&self) -> Result<String, Failure> {
        let mut talk = Talk::open(self.address).await?;
        talk.ask(b"GET /flags HTTP/1.1\r\nhost: localhost\r\n\r\n").await?;
        let head = talk.answer();
        let etag = head.split("etag: ").nth(1).and_then(|rest| rest.split('\r').next()).ok_or("no mark")?;
        Ok(etag.to_owned())
    }

    /// Resident memory in bytes.
    pub(super) fn memory(&self) -> Result<u64, Failure> {
        self.status("VmRSS:")
    }

    /// The most resident memory that it had, in bytes.
    pub(super) fn peak_memory(&self) -> Result<u64, Failure> {
        self.status("VmHWM:")
    }

    /// The processor time of the fleet's thread.
    pub(super) fn fleet_time(&self) -> Result<Duration, Failure> {
        for task in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let task = task?.path();
            if std::fs::read_to_string(task.join("comm"))?.trim() == "fleet" {
                let times = std::fs::read_to_string(task.join("schedstat"))?;
                let time = times.split(' ').next().ok_or("no time")?.parse()?;
                return Ok(Duration::from_nanos(time));
            }
        }
        Err("no thread of the fleet".into())
    }

    fn status(&self, name: &str) -> Result<u64, Failure> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("no memory")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
    }
}

fn spawn(binary: &str, folder: &Path) -> Result<(SocketAddr, Child), Failure> {
    let mut command = Command::new(binary);
    command
        .arg("serve")
        .arg(folder.join("flags.yaml"))
        .args(["--listen", "127.0.0.1:0"])
        .env("FLCM_LOG", "error")
        .stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let mut lines = BufReader::new(child.stderr.take().ok_or("no standard error")?).lines();
    let address = loop {
        let line = lines.next().ok_or("the server did not start")??;
        if let Some(address) = line.strip_prefix("listening on ") {
            break address.parse()?;
        }
    };
    std::thread::spawn(move || lines.for_each(drop));
    Ok((address, child))
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A document with so many flags.
pub(super) fn document(flags: usize, guarded: bool) -> String {
    let mut text = String::from("flags:\n");
    for flag in 0..flags {
        let threshold = if guarded { ", error_threshold: { rate: 0.05 }" } else { "" };
        let _ = writeln!(
            text,
            "  flag_{flag}: {{ rollout: {{ percentage: 25 }}, conditions: [{{ attribute: age, operator: \">\", value: 30 }}]{threshold} }}"
        );
    }
    text
}
