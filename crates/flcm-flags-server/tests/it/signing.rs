//! Snapshots that the server signs, or that were signed elsewhere.

use std::time::Duration;

use flcm_flags::{Millis, Snapshot};
use flcm_flags_host::{Pin, Unverified};
use flcm_flags_server::{SigningKey, SnapshotSigner, mint_signing_key};

use crate::http::{Answer, ask};
use crate::test_server::{FLAGS, TestFolder, TestServer, until};

/// A folder with a key, `key.pem`.
fn folder_with_key() -> (TestFolder, Pin) {
    let folder = TestFolder::new();
    let (key, pem) = mint_signing_key().unwrap();
    folder.file("key.pem", pem);
    (folder, key.pin())
}

fn get(server: &TestServer, headers: &[(&str, &str)]) -> Answer {
    ask(server.address, "GET", "/flags", headers, b"").unwrap()
}

/// What the only statement of an answer says.
fn statement(answer: &Answer) -> flcm_flags_host::Statement {
    let text = answer.header("flcm-signature").expect("a signature");
    Unverified::parse(text).expect("one statement").statement
}

#[test]
fn what_is_published_is_signed() {
    let (folder, _) = folder_with_key();
    let arguments = ["--signing-key", "key.pem", "--audience", "prod", "--epoch", "3", "--valid", "12h"];
    let server = folder.serve_with(&arguments);
    let first = get(&server, &[("origin", "http://localhost")]).expect(200);
    assert!(first.header("access-control-expose-headers").unwrap().contains("flcm-signature"));
    let said = statement(&first);
    assert_eq!(said.position.revision, server.get("/trips").json()["revision"].as_u64().unwrap());
    assert_eq!((said.position.epoch, said.length), (3, first.body.len() as u64));
    assert_eq!(said.expires.0 - said.position.issued.0, 12 * 3_600_000);

    let etag = first.header("etag").unwrap();
    let same = get(&server, &[("if-none-match", etag)]).expect(304);
    assert_eq!(statement(&same), said, "it is signed once");
    let document = get(&server, &[("accept", "application/yaml")]).expect(200);
    assert_eq!(document.header("flcm-signature"), None, "only snapshots are signed");

    server.put(&FLAGS.replace("plain:", "other:")).expect(200);
    let next = statement(&get(&server, &[]));
    assert!(next.position > said.position && next.sha512 != said.sha512);
}

#[test]
fn two_keys_sign_while_one_replaces_the_other() {
    let (folder, _) = folder_with_key();
    folder.file("next.pem", mint_signing_key().unwrap().1);
    let server = folder.serve_with(&["--signing-key", "key.pem", "--signing-key", "next.pem", "--audience", "prod"]);
    let answer = get(&server, &[]).expect(200);
    let ids = answer.header("flcm-signature").unwrap().split(", ");
    let ids: Vec<_> = ids.map(|text| Unverified::parse(text).unwrap().statement.key).collect();
    assert!(ids.len() == 2 && ids[0] != ids[1]);
}

#[test]
fn a_server_that_cannot_sign_does_not_start() {
    let (folder, _) = folder_with_key();
    folder.file("other.pem", "no key");
    for (arguments, error) in [
        (&["--signing-key", "other.pem", "--audience", "prod"][..], "other.pem: it is no Ed25519 key"),
        (&["--signing-key", "no.pem", "--audience", "prod"], "cannot read no.pem"),
        (&["--signing-key", "key.pem", "--audience", ""], "the audience has no name"),
        (&["--signing-key", "key.pem"], "--audience"),
        (&["--audience", "prod"], "--signing-key"),
        (&["--signing-key", "key.pem", "--audience", "prod", "--valid", "soon"], "write minutes, hours or days"),
    ] {
        let (_, log) = folder.fails(&[&["flags.yaml"], arguments].concat());
        assert!(log.contains(error), "{log}");
    }
}

/// Signs a document as `flcm sign` does, as `flags.signed`.
fn sign(folder: &TestFolder, document: &str, at: u64) {
    let bytes = flcm_flags_config::compile(&flcm_flags_config::check(document).0.unwrap());
    let key = SigningKey::from_pkcs8(&std::fs::read(folder.path("key.pem")).unwrap()).unwrap();
    let signer = SnapshotSigner::new(vec![key], "prod", 0, Millis(1_000_000)).unwrap();
    let revision = Snapshot::from_bytes(&bytes[..]).unwrap().revision();
    folder.file("flags.signed", &bytes);
    folder.file("flags.signed.sig", signer.sign(&bytes, revision, Millis(at)) + "\n");
}

fn serve_signed(folder: &TestFolder) -> TestServer {
    TestServer::start(folder.command(&["flags.signed"]))
}

#[test]
fn a_signed_snapshot_is_served_as_it_is() {
    let (folder, _) = folder_with_key();
    let document = |revision: u64, name: &str| format!("revision: {revision}\n{}", FLAGS.replace("plain:", name));
    sign(&folder, &document(5, "plain:"), 100);
    let server = serve_signed(&folder);
    let first = get(&server, &[]).expect(200);
    assert_eq!(first.body, std::fs::read(folder.path("flags.signed")).unwrap());
    assert_eq!((statement(&first).position.revision, statement(&first).position.issued), (5, Millis(100)));
    assert_eq!(get(&server, &[("accept", "application/yaml")]).expect(406).code(), "NOT_ACCEPTABLE");

    // Hosts would refuse what is not signed.
    assert_eq!(server.put(FLAGS).expect(403).code(), "MANAGED");
    let headers = [("content-type", "application/json"), ("if-match", "*")];
    let revert = ask(server.address, "POST", "/revisions/5/revert", &headers, b"{}").unwrap();
    assert_eq!(revert.expect(403).code(), "MANAGED");

    // The same snapshot signed again is the same revision.
    sign(&folder, &document(5, "plain:"), 200);
    until("the signature is new", || (statement(&get(&server, &[])).position.issued == Millis(200)).then_some(()));
    assert_eq!(get(&server, &[]).header("etag"), first.header("etag"));
    let etag = first.header("etag").unwrap();
    assert_eq!(statement(&get(&server, &[("if-none-match", etag)]).expect(304)).position.issued, Millis(200));

    // A lower number is refused; a higher one is published.
    sign(&folder, &document(4, "four:"), 300);
    until("the log says so", || server.log().contains("revision 4 does not follow 5").then_some(()));
    sign(&folder, &document(9, "nine:"), 400);
    until("it is served", || (statement(&get(&server, &[])).position.revision == 9).then_some(()));
    assert_eq!(server.get("/revisions").json().as_array().unwrap().len(), 2);
    assert_eq!(server.get("/revisions/5/diff").expect(200).json()["flags"].as_array().map(Vec::is_empty), Some(false));
    server.stop();

    // After a restart the file's signature counts, and an older file changes nothing.
    sign(&folder, &document(9, "nine:"), 500);
    let server = serve_signed(&folder);
    assert_eq!(statement(&get(&server, &[])).position.issued, Millis(500));
    server.stop();
    sign(&folder, &document(4, "four:"), 600);
    let server = serve_signed(&folder);
    assert_eq!(statement(&get(&server, &[])).position.revision, 9);
    assert!(server.log().contains("revision 4 does not follow 9"), "{}", server.log());
}

/// As somebody writes them who joins the statements of two keys.
#[test]
fn statements_may_stand_on_lines_of_their_own() {
    let (folder, _) = folder_with_key();
    sign(&folder, &format!("revision: 1\n{FLAGS}"), 100);
    let one = std::fs::read_to_string(folder.path("flags.signed.sig")).unwrap();
    folder.file("flags.signed.sig", format!("{},\n{one}", one.trim()));
    let answer = get(&serve_signed(&folder), &[]).expect(200);
    assert_eq!(answer.header("flcm-signature"), Some(format!("{0}, {0}", one.trim()).as_str()));
}

#[test]
fn a_snapshot_without_its_signature_is_not_served() {
    let (folder, _) = folder_with_key();
    sign(&folder, &format!("revision: 1\n{FLAGS}"), 100);
    let signed = std::fs::read(folder.path("flags.signed.sig")).unwrap();
    for (name, beside, error) in [
        ("garbage", &b"garbage"[..], "the file of statements beside it cannot be read"),
        ("nothing", b"", "the file of statements beside it cannot be read"),
        ("of another snapshot", &signed[..], "the statements beside it are about another snapshot"),
    ] {
        sign(&folder, &format!("revision: 2\n{FLAGS}"), 100);
        folder.file("flags.signed.sig", beside);
        let (_, log) = folder.fails(&["flags.signed"]);
        assert!(log.contains(error), "{name}: {log}");
    }
    std::fs::remove_file(folder.path("flags.signed.sig")).unwrap();
    let (_, log) = folder.fails(&["flags.signed"]);
    assert!(log.contains("its statements cannot be read from flags.signed.sig"), "{log}");
}

/// The file and its signature are replaced one after the other.
#[test]
fn half_of_an_edit_is_not_published() {
    let (folder, _) = folder_with_key();
    sign(&folder, &format!("revision: 1\n{FLAGS}"), 100);
    let server = serve_signed(&folder);
    let old = std::fs::read(folder.path("flags.signed.sig")).unwrap();
    sign(&folder, &format!("revision: 2\n{}", FLAGS.replace("plain:", "other:")), 200);
    let new = std::fs::read(folder.path("flags.signed.sig")).unwrap();
    folder.file("flags.signed.sig", &old);
    std::thread::sleep(Duration::from_millis(200));
    folder.file("flags.signed.sig", &new);
    until("both are served", || (statement(&get(&server, &[])).position.revision == 2).then_some(()));
}
