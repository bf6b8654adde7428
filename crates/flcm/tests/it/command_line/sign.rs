//! `flcm key sign` and `flcm sign`.

use super::run::{MENTOR, TestFolder};

#[test]
fn a_signing_key_is_a_secret_that_other_tools_read() {
    let folder = TestFolder::new();
    let pin = folder.run(&["key", "sign", "release"]).well();
    assert!(pin.starts_with("ed25519:") && pin.trim().len() == 51, "{pin}");
    let pem = String::from_utf8(folder.read("release.pem")).unwrap();
    assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"), "{pem}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let metadata = std::fs::metadata(folder.path().join("release.pem")).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    }
    let again = folder.run(&["key", "sign", "release"]).failed();
    assert!(again.contains("release.pem is there already"), "{again}");
    assert_eq!(folder.read("release.pem"), pem.as_bytes(), "no key is lost");
    // Where OpenSSL is, it reads the same public key.
    let path = folder.path().join("release.pem");
    let openssl = std::process::Command::new("openssl").args(["pkey", "-noout", "-text", "-in"]).arg(path).output();
    if let Ok(output) = openssl {
        assert!(String::from_utf8_lossy(&output.stdout).starts_with("ED25519 Private-Key"), "{output:?}");
    }
}

#[test]
fn a_signing_key_goes_where_output_says() {
    let folder = TestFolder::new();
    std::fs::create_dir(folder.path().join("keys")).unwrap();
    let pin = folder.run(&["key", "sign", "-o", "keys/release.key"]).well();
    assert_eq!(folder.run(&["key", "pin", "keys/release.key"]).well(), pin);
    let again = folder.run(&["key", "sign", "--output", "keys/release.key"]).failed();
    assert!(again.contains("keys/release.key is there already"), "{again}");
    let nowhere = folder.run(&["key", "sign", "-o", "nowhere/release.key"]).failed();
    assert!(nowhere.contains("cannot write nowhere/release.key"), "{nowhere}");
    assert_eq!(folder.run(&["key", "sign", "release", "-o", "other.pem"]).code, Some(2), "one name is enough");
}

#[test]
fn the_pin_of_a_signing_key_is_printed_again() {
    let folder = TestFolder::new();
    let pin = folder.run(&["key", "sign", "release"]).well();
    let ran = folder.run(&["key", "pin", "release.pem"]);
    assert_eq!((ran.code, ran.out, ran.err), (Some(0), pin, String::new()));
    folder.file("other.pem", "no key");
    let other = folder.run(&["key", "pin", "other.pem"]).failed();
    assert!(other.contains("other.pem: it is no Ed25519 key") && other.contains("flcm key sign NAME"), "{other}");
    let missing = folder.run(&["key", "pin", "missing.pem"]).failed();
    assert!(missing.contains("cannot read missing.pem"), "{missing}");
    assert_eq!(folder.run(&["key", "pin"]).code, Some(2));
}

#[test]
fn signing_and_compiling_show_warnings_and_no_hints() {
    let folder = folder_with_key();
    folder.file("a.yaml", "flags: { everyone: { enabled: true } }");
    assert!(folder.run(&["check", "a.yaml"]).well().contains("reaches-everyone"));
    let compile = ["compile", "a.yaml", "-o", "a.signed"];
    for command in [&SIGN[..], &compile] {
        let quiet = folder.run(command);
        assert_eq!((quiet.code, quiet.err.lines().count()), (Some(0), 1), "{}", quiet.err);
    }
    folder.file("a.yaml", "flags: { everyone: { enabled: true }, nobody: { users: { allow: [ann, ann] } } }");
    for command in [&SIGN[..], &compile] {
        let warned = folder.run(command);
        assert!(warned.err.contains("ann") && !warned.err.contains("reaches-everyone"), "{}", warned.err);
    }
}

#[test]
fn an_api_key_still_needs_a_name_and_a_role() {
    let folder = TestFolder::new();
    assert_eq!(folder.run(&["key"]).code, Some(2));
    assert_eq!(folder.run(&["key", "ci"]).code, Some(2));
    assert_eq!(folder.run(&["key", "sign"]).code, Some(2));
    assert!(folder.run(&["key", "ci", "--role", "admin"]).well().contains("flcm_admin_"));
}

/// A folder with `a.yaml` and `key.pem`.
fn folder_with_key() -> TestFolder {
    let folder = TestFolder::new();
    folder.file("a.yaml", MENTOR);
    folder.run(&["key", "sign", "key"]).well();
    folder
}

const SIGN: [&str; 8] = ["sign", "a.yaml", "--key", "key.pem", "--audience", "prod", "-o", "a.signed"];

#[test]
fn a_document_becomes_a_snapshot_with_its_signature_beside() {
    let folder = folder_with_key();
    let ran = folder.run(&[&SIGN[..], &["--revision", "7", "--epoch", "2"]].concat());
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""));
    assert!(ran.err.contains("a.signed: revision 7, signed for prod in epoch 2 until 20"), "{}", ran.err);
    let inspected = folder.run(&["inspect", "a.signed"]).well();
    assert!(inspected.contains("revision    7\n"), "{inspected}");
    let signature = String::from_utf8(folder.read("a.signed.sig")).unwrap();
    assert_eq!(signature.trim().len(), 295);

    // The snapshot can be signed again as it is: for a new expiry, or by two keys.
    let snapshot = folder.read("a.signed");
    folder.run(&["key", "sign", "next"]).well();
    let again = ["sign", "a.signed", "--key", "key.pem", "--key", "next.pem", "--audience", "prod", "-o", "a.signed"];
    folder.run(&again).well();
    assert_eq!(folder.read("a.signed"), snapshot);
    assert_eq!(String::from_utf8(folder.read("a.signed.sig")).unwrap().trim().len(), 2 * 295 + 2);
    let error = folder.run(&[&again[..], &["--revision", "8"]].concat()).failed();
    assert!(error.contains("a snapshot has its revision already"), "{error}");
}

#[test]
fn without_a_number_the_revision_is_the_document_s_or_the_time() {
    let folder = folder_with_key();
    folder.run(&SIGN).well();
    let revision = |folder: &TestFolder| {
        let json = folder.run(&["inspect", "--json", "a.signed"]).well();
        serde_json::from_str::<serde_json::Value>(&json).unwrap()["revision"].as_u64().unwrap()
    };
    assert!(revision(&folder) > 28_000_000);
    folder.file("a.yaml", format!("revision: 5\n{MENTOR}"));
    folder.run(&SIGN).well();
    assert_eq!(revision(&folder), 5);
}

#[test]
fn what_cannot_be_signed_leaves_the_files_alone() {
    let folder = folder_with_key();
    folder.run(&SIGN).well();
    let before = [folder.read("a.signed"), folder.read("a.signed.sig")];
    folder.file("bad.yaml", "flags: { a: { rollout: { percentage: 101 } } }");
    folder.file("bad.pem", "no key");
    for (position, value, error) in [
        (1, "bad.yaml", "bad.yaml is refused"),
        (3, "bad.pem", "bad.pem: it is no Ed25519 key"),
        (3, "no.pem", "cannot read no.pem"),
        (5, "", "the audience has no name"),
    ] {
        let mut arguments = SIGN;
        arguments[position] = value;
        let said = folder.run(&arguments).failed();
        assert!(said.contains(error), "{said}");
    }
    for valid in ["soon", "3", "0d", "-1d", "5000d", "d", "99999999999999999999d"] {
        let valid = format!("--valid={valid}");
        assert_eq!(folder.run(&[&SIGN[..], &[&valid]].concat()).code, Some(2), "{valid}");
    }
    assert_eq!([folder.read("a.signed"), folder.read("a.signed.sig")], before);
}
