//! SIGHUP: keys, certificates and signing keys are read again, and the server goes on.

use std::io::Read;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use flcm_flags_host::{KeyId, Unverified};
use flcm_flags_server::mint_signing_key;

use crate::http::ask;
use crate::stream::Stream;
use crate::test_server::{TestFolder, TestServer, key, until};

fn status(server: &TestServer, key: &str) -> u16 {
    let bearer = format!("Bearer {key}");
    ask(server.address, "GET", "/flags", &[("authorization", bearer.as_str())], b"").unwrap().status
}

fn keys(folder: &TestFolder, lines: &[&str]) {
    folder.file("keys.json", format!("[{}]", lines.join(",")));
}

#[test]
fn keys_are_read_again_and_streams_of_those_that_are_gone_end() {
    let folder = TestFolder::new();
    let ((old, old_line), (kept, kept_line), (new, new_line)) = (key("old"), key("kept"), key("new"));
    keys(&folder, &[&old_line, &kept_line]);
    let server = folder.serve_with(&["--keys", "keys.json"]);
    let [mut gone, mut stays] = [&old, &kept].map(|key| Stream::open_with(server.address, key).unwrap());
    gone.next_of("trips").unwrap();
    stays.next_of("trips").unwrap();
    keys(&folder, &[&kept_line, &new_line]);
    server.hang_up();
    assert!(gone.ends_well(), "the stream of a key that is gone ends");
    assert_eq!([&old, &kept, &new].map(|key| status(&server, key)), [401, 200, 200]);
    let log = server.log();
    assert!(log.contains("keys were read again") && log.contains("new") && log.contains("old"), "{log}");
    let bearer = format!("Bearer {new}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    ask(server.address, "POST", "/flags/plain/hold", &headers, b"{}").unwrap().expect(200);
    assert_eq!(stays.next_of("trips").unwrap()["flags"]["plain"]["trip"], "off", "the other one goes on");
}

#[test]
fn a_file_of_keys_with_errors_changes_nothing() {
    let folder = TestFolder::new();
    let (kept, line) = key("kept");
    keys(&folder, &[&line]);
    let server = folder.serve_with(&["--keys", "keys.json"]);
    for wrong in ["", "[]", "[{", &format!("[{line},{line}]")] {
        folder.file("keys.json", wrong);
        let before = server.log().matches("the keys in use stay").count();
        server.hang_up();
        until("it is reported", || (server.log().matches("the keys in use stay").count() > before).then_some(()));
        assert_eq!(status(&server, &kept), 200, "{wrong:?}");
    }
    server.stop();
}

#[test]
fn without_keys_it_goes_on_as_well() {
    let server = TestFolder::new().serve_alone();
    server.hang_up();
    until("it is reported", || server.log().contains("nothing to read again").then_some(()));
    server.get("/flags").expect(200);
}

#[test]
fn a_key_expires_while_the_server_runs() {
    let folder = TestFolder::new();
    let ((expired, expired_line), (valid, valid_line)) = (key("expired"), key("valid"));
    let until_then = |line: &str, year: u32| line.replace('}', &format!(",\"expires\":\"{year}-01-01T00:00:00Z\"}}"));
    keys(&folder, &[&until_then(&expired_line, 2020), &until_then(&valid_line, 2200)]);
    let server = folder.serve_with(&["--keys", "keys.json"]);
    assert_eq!([&expired, &valid].map(|key| status(&server, key)), [401, 200]);
    assert!(server.log().contains("expired"), "{}", server.log());
    let bearer = format!("Bearer {expired}");
    let refused = ask(server.address, "GET", "/flags", &[("authorization", bearer.as_str())], b"").unwrap();
    assert!(refused.text().contains("the key has expired"), "{}", refused.text());
}

/// Makes a certificate of a name, `NAME.crt`, and its key, `NAME.key`.
fn certify(folder: &TestFolder, name: &str) {
    let (key, chain) = (format!("{name}.key"), format!("{name}.crt"));
    let subject = format!("/CN={name}");
    let arguments = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let made = Command::new("openssl")
        .args(arguments)
        .args(["-keyout", &key, "-out", &chain, "-subj", &subject])
        .current_dir(folder.path(""))
        .stderr(Stdio::null())
        .status();
    assert!(made.unwrap().success());
}

/// The name of the certificate that is served.
fn served(address: SocketAddr) -> String {
    let mut client = Command::new("openssl")
        .args(["s_client", "-connect", &address.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut text = String::new();
    client.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    client.wait().unwrap();
    let line = text.lines().find(|line| line.starts_with("subject=")).unwrap_or_default();
    line.trim_start_matches("subject=").replace(' ', "")
}

#[test]
fn certificates_are_read_again() {
    let folder = TestFolder::new();
    for name in ["one", "two"] {
        certify(&folder, name);
    }
    let copy = |from: &str, to: &str| std::fs::copy(folder.path(from), folder.path(to)).map(drop).unwrap();
    copy("one.crt", "chain.pem");
    copy("one.key", "key.pem");
    let server = folder.serve_with(&["--tls-cert", "chain.pem", "--tls-key", "key.pem"]);
    assert_eq!(served(server.address), "CN=one");
    // A certificate that does not fit its key changes nothing.
    copy("two.crt", "chain.pem");
    server.hang_up();
    until("it is reported", || server.log().contains("the certificate in use stays").then_some(()));
    assert!(server.log().contains("does not fit the certificate"), "{}", server.log());
    assert_eq!(served(server.address), "CN=one");
    copy("two.key", "key.pem");
    server.hang_up();
    until("the new one is served", || (served(server.address) == "CN=two").then_some(()));
    drop(server);
    let (code, why) = folder.fails(&["flags.yaml", "--tls-cert", "one.crt", "--tls-key", "two.key"]);
    assert!(code == 1 && why.contains("two.key does not fit the certificate one.crt"), "{why}");
}

/// The key of the only statement of what is served.
fn signed_by(server: &TestServer) -> KeyId {
    let answer = server.get("/flags").expect(200);
    Unverified::parse(answer.header("flcm-signature").unwrap()).unwrap().statement.key
}

#[test]
fn signing_keys_are_read_again_and_a_bad_one_changes_nothing() {
    let folder = TestFolder::new();
    let [one, two] = [(), ()].map(|()| mint_signing_key().unwrap());
    folder.file("sign.pem", &one.1);
    let server = folder.serve_with(&["--signing-key", "sign.pem", "--audience", "prod"]);
    let (first, etag) = (signed_by(&server), server.get("/flags").header("etag").map(str::to_owned));
    for wrong in ["", "no key"] {
        folder.file("sign.pem", wrong);
        let before = server.log().matches("the signing key in use stays").count();
        server.hang_up();
        until("it is reported", || {
            (server.log().matches("the signing key in use stays").count() > before).then_some(())
        });
        assert!(server.log().contains("sign.pem: it is no Ed25519 key"), "{}", server.log());
        assert_eq!(signed_by(&server), first);
    }
    folder.file("sign.pem", &two.1);
    server.hang_up();
    until("the new one signs", || (signed_by(&server) != first).then_some(()));
    assert_eq!(server.get("/flags").header("etag").map(str::to_owned), etag, "the snapshot is the same");
    until("the log has its pin", || server.log().contains(&two.0.pin().to_string()).then_some(()));
}
