//! The processes of the demo: a server and two hosts. They end with the demo, however it ends.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use flcm_flags::TripState;
use serde::{Deserialize, Serialize};

use super::server::Server;
use crate::failure::Failure;

/// The first user of each host.
const FIRST_USERS: [u64; 2] = [0, 1500];

/// What a host reports, several times a second.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Report {
    /// Which host it is.
    pub(super) first_user: u64,
    pub(super) revision: Option<u64>,
    /// When the host began to use that revision, in milliseconds since 1970.
    pub(super) adopted_at: u64,
    /// What holds the flag back, if anything does.
    pub(super) trip: Option<String>,
    /// When that took effect.
    pub(super) tripped_at: u64,
    /// Since the last report: calls of the new way and of the old way, all and failed.
    pub(super) new: [u64; 2],
    pub(super) old: [u64; 2],
    /// Calls of the new way that failed since it began to fail.
    pub(super) failures_since_break: u64,
}

/// The server and the hosts.
pub(super) struct DemoProcesses {
    folder: PathBuf,
    pub(super) server: Server,
    children: Vec<Child>,
    inputs: Vec<ChildStdin>,
    reports: Receiver<Report>,
    latest: [Report; 2],
    /// Reports that have come in and are not yet shown.
    unseen: Vec<Report>,
}

impl DemoProcesses {
    /// Starts the processes, in a folder of their own.
    pub(super) fn spawn(document: &str, dashboard: Option<&str>) -> Result<Self, Failure> {
        let folder = std::env::temp_dir().join(format!("flcm-demo-{:08x}", rand::random::<u32>()));
        let path = folder.join("feature-flags.yaml");
        let name = path.display().to_string();
        fs::create_dir(&folder)
            .and_then(|()| fs::write(&path, document))
            .map_err(|error| Failure::file("write", &name, &error))?;
        let mut arguments = vec!["serve", name.as_str(), "--listen", "127.0.0.1:0"];
        arguments.extend(dashboard.into_iter().flat_map(|folder| ["--dashboard", folder]));
        let mut server = start(&arguments)?;
        let url = address_of(&mut server)?;
        let (sender, reports) = channel();
        let mut processes = Self {
            folder,
            server: Server::new(url)?,
            children: vec![server],
            inputs: Vec::new(),
            reports,
            latest: Default::default(),
            unseen: Vec::new(),
        };
        for first_user in FIRST_USERS {
            processes.start_host(first_user, sender.clone())?;
        }
        Ok(processes)
    }

    fn start_host(&mut self, first_user: u64, sender: Sender<Report>) -> Result<(), Failure> {
        let mut host = start(&["demo-host", &self.server.url, &first_user.to_string()])?;
        self.inputs.extend(host.stdin.take());
        if let Some(output) = host.stdout.take() {
            std::thread::spawn(move || pass_on(output, &sender));
        }
        self.children.push(host);
        Ok(())
    }

    pub(super) fn document(&self) -> PathBuf {
        self.folder.join("feature-flags.yaml")
    }

    /// Waits for a report, at most for so long.
    pub(super) fn receive(&mut self, time: Duration) {
        match self.reports.recv_timeout(time) {
            Ok(report) => {
                if let Some(host) = FIRST_USERS.iter().position(|first| *first == report.first_user) {
                    self.latest[host].clone_from(&report);
                }
                self.unseen.push(report);
            }
            // All hosts have ended. The step that waits for one of them fails in the end.
            Err(RecvTimeoutError::Disconnected) => std::thread::sleep(time),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }

    /// Takes the reports that have come in since the last call.
    pub(super) fn take_reports(&mut self) -> Vec<Report> {
        std::mem::take(&mut self.unseen)
    }

    /// The latest report of each host.
    pub(super) fn hosts(&self) -> impl Iterator<Item = &Report> {
        self.latest.iter()
    }

    /// The revision that all hosts use; `None` while they differ.
    pub(super) fn revision(&self) -> Option<u64> {
        let [first, second] = &self.latest;
        first.revision.filter(|_| first.revision == second.revision)
    }

    /// Whether all hosts say that the flag is in this state.
    pub(super) fn all_are(&self, trip: TripState) -> bool {
        self.latest.iter().all(|host| host.trip.as_deref() == Some(trip.as_str()))
    }

    /// Edits the document as an editor does, by replacing the file; returns when.
    pub(super) fn edit(&self, from: &str, to: &str) -> Result<u64, Failure> {
        let path = self.document();
        let name = path.display().to_string();
        let replaced = || {
            let text = fs::read_to_string(&path)?.replacen(from, to, 1);
            let beside = path.with_extension("new");
            fs::write(&beside, text)?;
            fs::rename(&beside, &path)
        };
        let at = now();
        replaced().map_err(|error| Failure::file("write", &name, &error))?;
        Ok(at)
    }

    /// Sets the share of the new way's calls that fail, on all hosts; returns when.
    pub(super) fn set_failing(&mut self, share: f64) -> Result<u64, Failure> {
        let at = now();
        for input in &mut self.inputs {
            writeln!(input, "{share}").and_then(|()| input.flush())?;
        }
        Ok(at)
    }
}

impl Drop for DemoProcesses {
    fn drop(&mut self) {
        // The hosts first, so that none reports that the server is gone.
        for child in self.children.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Starts this program once more.
fn start(arguments: &[&str]) -> Result<Child, Failure> {
    let program = std::env::current_exe()?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().map_err(|error| Failure::new(format!("cannot start a process: {error}"), "run the demo again"))
}

/// Waits until the server listens. What it logs from then on is discarded.
fn address_of(server: &mut Child) -> Result<String, Failure> {
    let Some(output) = server.stderr.take() else { return Err(not_started("")) };
    let mut lines = BufReader::new(output);
    let mut log = String::new();
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            return Err(not_started(&log));
        }
        if let Some(address) = line.trim().strip_prefix("listening on ") {
            let url = format!("http://{address}");
            std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
            return Ok(url);
        }
        log.push_str(&line);
    }
}

fn not_started(log: &str) -> Failure {
    Failure::new(format!("the server did not start: {}", log.trim()), "run `flcm serve` to see why")
}

/// Reads reports until there are no more.
fn pass_on(output: impl Read, reports: &Sender<Report>) {
    for line in BufReader::new(output).lines() {
        let report = line.ok().and_then(|line| serde_json::from_str(&line).ok());
        if report.is_none_or(|report| reports.send(report).is_err()) {
            return;
        }
    }
}

/// Milliseconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(0)
}
