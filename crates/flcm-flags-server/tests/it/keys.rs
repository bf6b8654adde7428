//! Who may ask what: by keys, and without any only from this machine.

use std::io::{Read, Write};

use flcm_flags_server::Role;

use crate::host::BATCH;
use crate::http::{ask, connect};
use crate::test_server::TestFolder;

/// What can be asked, the least role that may, and a content type that is taken. None of it does anything when it is
/// let in.
const PATHS: [(&str, &str, Role, &str); 31] = [
    ("GET", "/flags", Role::Client, ""),
    ("GET", "/flags/stream", Role::Client, ""),
    ("POST", "/metrics", Role::Client, "application/vnd.flcm.batch"),
    ("POST", "/ofrep/v1/evaluate/flags", Role::Client, "application/json"),
    ("POST", "/ofrep/v1/evaluate/flags/plain", Role::Client, "application/json"),
    ("GET", "/metrics", Role::Server, ""),
    ("GET", "/trips", Role::Server, ""),
    ("GET", "/session", Role::Viewer, ""),
    ("DELETE", "/session", Role::Viewer, ""),
    ("GET", "/meta", Role::Viewer, ""),
    ("GET", "/revisions", Role::Viewer, ""),
    ("GET", "/revisions/1", Role::Viewer, ""),
    ("GET", "/revisions/1/diff", Role::Viewer, ""),
    ("GET", "/audit", Role::Viewer, ""),
    ("GET", "/overview", Role::Viewer, ""),
    ("GET", "/overview/live", Role::Viewer, ""),
    ("GET", "/events", Role::Viewer, ""),
    ("GET", "/hosts", Role::Viewer, ""),
    ("GET", "/flags/plain/hosts", Role::Viewer, ""),
    ("GET", "/flags/plain/series", Role::Viewer, ""),
    ("GET", "/flags/plain/users", Role::Viewer, ""),
    ("GET", "/flags/plain/incidents", Role::Viewer, ""),
    ("POST", "/flags/plain/hold", Role::Operator, "application/json"),
    ("POST", "/flags/plain/release", Role::Operator, "application/json"),
    ("POST", "/flags/plain/acknowledge", Role::Operator, "application/json"),
    ("POST", "/flags/plain/observe", Role::Operator, "application/json"),
    ("POST", "/flags/plain/force", Role::Operator, "application/json"),
    ("PUT", "/flags?dry_run=true", Role::Publisher, "application/yaml"),
    ("POST", "/revisions/1/revert", Role::Publisher, "application/json"),
    ("DELETE", "/metrics/nothing", Role::Admin, ""),
    ("GET", "/keys", Role::Admin, ""),
];

#[test]
fn each_path_asks_for_a_key_that_is_good_for_it() {
    let folder = TestFolder::new();
    let (server, keys) = folder.trace_with_keys();
    let status = |method: &str, path: &str, kind: &str, key: Option<&str>| {
        let bearer = key.map(|key| format!("Bearer {key}"));
        let mut headers = vec![("content-type", kind)];
        headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        // A stream has no end: its first bytes tell enough.
        let mut stream = connect(server.address).unwrap();
        let head = crate::http::head(server.address, method, path, &headers) + "content-length: 0\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        let mut first = [0; 12];
        stream.read_exact(&mut first).unwrap();
        std::str::from_utf8(&first[9..]).unwrap().parse::<u16>().unwrap()
    };
    for (method, path, least, kind) in PATHS {
        for wrong in [None, Some("flcm_admin_guess"), Some(""), Some("\u{e4}")] {
            assert_eq!(status(method, path, kind, wrong), 401, "{method} {path} with {wrong:?}");
        }
        for (role, key) in Role::ALL.iter().zip(&keys) {
            let got = status(method, path, kind, Some(key));
            assert_eq!(got == 403, *role < least, "{method} {path} as {role:?}: {got}");
            assert!(got != 401 && got < 500, "{method} {path} as {role:?}: {got}");
        }
    }
    for open in ["/healthz", "/readyz"] {
        assert_eq!(status("GET", open, "", None), 200, "{open}");
    }
    let log = server.stop();
    assert!(keys.iter().all(|key| !log.contains(key)), "a key is in the log");
}

#[test]
fn without_keys_a_page_of_a_stranger_gets_nothing() {
    let folder = TestFolder::new();
    let server = folder.serve();
    for (method, path, ..) in PATHS {
        for host in ["evil.example", "evil.example:80", "localhost.evil.example", "10.0.0.1", "0.0.0.0"] {
            let answer = ask(server.address, method, path, &[("host", host), BATCH], b"").unwrap();
            assert_eq!(answer.expect(403).code(), "HOST_NOT_ALLOWED", "{method} {path} as {host}");
        }
    }
    ask(server.address, "GET", "/flags", &[("host", "localhost:1")], b"").unwrap().expect(200);
}

#[test]
fn it_does_not_listen_to_everyone_without_keys() {
    let folder = TestFolder::new();
    let (code, said) = folder.fails(&["flags.yaml", "--listen", "0.0.0.0:0"]);
    assert!(code == 1 && said.contains("without keys") && said.contains("flcm key"), "{said}");
}
