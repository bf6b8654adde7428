//! A directory of its own, and a server in it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use flcm_flags_server::{Role, mint};

use crate::http::{Answer, ask};

/// Nothing here takes so long, unless it has gone wrong: the machine may be busy with other things.
pub(crate) const DEADLINE: Duration = Duration::from_mins(1);

/// A flag with a breaker that only a person closes, one with a breaker that nobody breaks, and one without.
pub(crate) const FLAGS: &str = "\
flags:
  fragile:
    rollout: { percentage: 50 }
    error_threshold: { rate: 0.05, window: 300, recovery: sticky }
  guarded:
    rollout: { percentage: 50 }
    error_threshold: { rate: 0.05, window: 300 }
  plain:
    rollout: { percentage: 50 }
";

/// An admin's key and its line.
pub(crate) fn key(name: &str) -> (String, String) {
    mint(name, Role::Admin, None).unwrap()
}

/// Waits until something is so.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < DEADLINE, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// A directory that goes away with the test.
pub(crate) struct TestFolder(PathBuf);

impl TestFolder {
    /// With [`FLAGS`] as `flags.yaml`.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("flcm-serve-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        let folder = Self(path);
        folder.file("flags.yaml", FLAGS);
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn file(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    /// The server, not yet started; the caller may add to it.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flcm-flags-server"));
        command.args(arguments).current_dir(&self.0);
        if !arguments.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        command.env("NO_COLOR", "1").env_remove("FLCM_WEBHOOK_SECRET").env_remove("FLCM_LOG");
        command
    }

    /// A server of `flags.yaml` and `flags.db`.
    pub(crate) fn serve(&self) -> TestServer {
        self.serve_with(&[])
    }

    pub(crate) fn serve_with(&self, arguments: &[&str]) -> TestServer {
        TestServer::start(self.command(&[&["flags.yaml"], arguments].concat()))
    }

    /// The same, and the folder goes away with the server.
    pub(crate) fn serve_alone(self) -> TestServer {
        let mut server = self.serve();
        server.folder = Some(self);
        server
    }

    /// A server with a key for three roles, and these keys: client, server, admin.
    pub(crate) fn serve_with_keys(self, arguments: &[&str]) -> (TestServer, Vec<String>) {
        let (mut server, keys) = self.serve_with_keys_of(arguments, str::to_owned);
        server.folder = Some(self);
        (server, keys)
    }

    /// The same; the lines of the keys are changed before.
    pub(crate) fn serve_with_keys_of(
        &self,
        arguments: &[&str],
        change: impl Fn(&str) -> String,
    ) -> (TestServer, Vec<String>) {
        let keys = self.write_keys(&[Role::Client, Role::Server, Role::Admin], change);
        let server = self.serve_with(&[&["--keys", "keys.json"], arguments].concat());
        (server, keys)
    }

    /// A server with a key for each role, which logs all that it can.
    pub(crate) fn trace_with_keys(&self) -> (TestServer, Vec<String>) {
        let keys = self.write_keys(&Role::ALL, str::to_owned);
        let mut command = self.command(&["flags.yaml", "--keys", "keys.json"]);
        command.env("FLCM_LOG", "trace");
        (TestServer::start(command), keys)
    }

    /// Writes `keys.json` with a key for each of these roles, and returns the keys.
    pub(crate) fn write_keys(&self, roles: &[Role], change: impl Fn(&str) -> String) -> Vec<String> {
        let made = roles.iter().map(|role| mint(&format!("a-{}", role.as_str()), *role, None).unwrap());
        let (keys, lines): (Vec<_>, Vec<_>) = made.unzip();
        let lines: Vec<String> = lines.iter().map(|line| change(line)).collect();
        self.file("keys.json", format!("[{}]", lines.join(",")));
        keys
    }

    /// A start that fails: its exit code and what it says.
    pub(crate) fn fails(&self, arguments: &[&str]) -> (i32, String) {
        let mut child = self.command(arguments).stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let begun = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if begun.elapsed() > DEADLINE {
                child.kill().unwrap();
            }
            thread::sleep(Duration::from_millis(10));
        }
        let out = child.wait_with_output().unwrap();
        (out.status.code().expect("it ends by itself"), String::from_utf8(out.stderr).unwrap())
    }

    /// The database, as another program opens it.
    pub(crate) fn database(&self) -> rusqlite::Connection {
        let database = rusqlite::Connection::open(self.path("flags.db")).unwrap();
        database.busy_timeout(DEADLINE).unwrap();
        database
    }
}

impl Drop for TestFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A server that runs, until it is dropped.
pub(crate) struct TestServer {
    child: Child,
    pub(crate) address: SocketAddr,
    log: Arc<Mutex<String>>,
    reader: Option<thread::JoinHandle<()>>,
    /// Goes away after the server.
    folder: Option<TestFolder>,
}

impl TestServer {
    /// Starts it, and waits until it listens.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap());
        let log = Arc::new(Mutex::new(String::new()));
        let into = Arc::clone(&log);
        let reader = thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                into.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        let address = until("the server listens", || {
            let log = log.lock().unwrap();
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "the server has ended: {ended:?}\n{log}");
            log.lines().find_map(listening)
        });
        Self { child, address, log, reader: Some(reader), folder: None }
    }

    /// Everything that it has said.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        ask(self.address, "GET", path, &[], b"").unwrap()
    }

    pub(crate) fn post(&self, path: &str, json: &str) -> Answer {
        ask(self.address, "POST", path, &[("content-type", "application/json")], json.as_bytes()).unwrap()
    }

    /// Publishes a document over whatever is in use.
    pub(crate) fn put(&self, text: &str) -> Answer {
        let headers = [("content-type", "application/yaml"), ("if-match", "*")];
        ask(self.address, "PUT", "/flags", &headers, text.as_bytes()).unwrap()
    }

    /// A figure of `GET /metrics`, by its line up to the number; 0 where there is no such line.
    pub(crate) fn figure(&self, name: &str) -> u64 {
        figure(&self.get("/metrics").text(), name)
    }

    /// What `GET /trips` says of a flag.
    pub(crate) fn trip(&self, flag: &str) -> serde_json::Value {
        self.get("/trips").json()["flags"][flag].clone()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it without a word, as a power cut would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end.
    pub(crate) fn terminate(&self) {
        self.signal("-TERM");
    }

    /// Asks it to read its files again.
    pub(crate) fn hang_up(&self) {
        self.signal("-HUP");
    }

    fn signal(&self, signal: &str) {
        let asked = Command::new("kill").args([signal, &self.id().to_string()]).status().unwrap();
        assert!(asked.success());
    }

    /// Waits until it has ended; how, and all that it said.
    pub(crate) fn wait(mut self) -> (ExitStatus, String) {
        let status = until("the server ends", || self.child.try_wait().unwrap());
        self.reader.take().unwrap().join().unwrap();
        (status, self.log())
    }

    /// Ends it as the system does; it must end well.
    pub(crate) fn stop(self) -> String {
        self.terminate();
        let (status, log) = self.wait();
        assert!(status.success(), "{status}\n{log}");
        log
    }

    /// How much memory it has, in bytes.
    #[cfg(target_os = "linux")]
    pub(crate) fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }
}

/// The address in the line that reports it, as text or as JSON.
fn listening(line: &str) -> Option<SocketAddr> {
    let as_json = || Some(line.split_once(r#""message":"listening","address":""#)?.1.split_once('"')?.0);
    line.strip_prefix("listening on ").or_else(as_json)?.parse().ok()
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A figure of the text that Prometheus reads.
pub(crate) fn figure(text: &str, name: &str) -> u64 {
    let found = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    found.map_or(0, |number| number.parse().unwrap())
}

/// The bytes of a file.
pub(crate) fn bytes(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap()
}
