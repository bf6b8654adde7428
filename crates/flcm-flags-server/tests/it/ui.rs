//! `/ui/`: the dashboard's files, and the way there.

use std::process::Command;
use std::time::SystemTime;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::http::{Answer, ask};
use crate::test_server::{FLAGS, TestFolder, TestServer};

const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

fn get(server: &TestServer, path: &str) -> Answer {
    ask(server.address, "GET", path, &[BROWSER], b"").unwrap()
}

#[test]
fn a_browser_is_led_to_the_dashboard_and_a_program_is_not() {
    let server = TestFolder::new().serve_alone();
    assert_eq!(get(&server, "/").expect(303).header("location"), Some("/ui/"));
    assert_eq!(server.get("/").expect(404).code(), "PATH_NOT_FOUND");
    let json = [("accept", "application/json")];
    ask(server.address, "GET", "/", &json, b"").unwrap().expect(404);
    // This program has none, and says how to get it.
    let page = get(&server, "/ui/").expect(200);
    assert!(page.text().contains("rust-just") && page.text().contains("dashboard"), "{}", page.text());
    assert_eq!(get(&server, "/ui/assets/app.js").expect(404).code(), "PATH_NOT_FOUND");
}

#[test]
fn files_of_a_folder_have_the_headers_that_keep_pages_safe() {
    let folder = TestFolder::new();
    std::fs::create_dir_all(folder.path("dist/assets")).unwrap();
    folder.file("dist/index.html", "<!doctype html><title>the page</title>");
    folder.file("dist/assets/app-1234.js", "export {};");
    folder.file("secret.txt", "no");
    let server = folder.serve_with(&["--dashboard", "dist"]);
    for path in
        ["/ui", "/ui/", "/ui/flags/checkout", "/ui/flags/shop.checkout", "/ui/flags?q=is:held", "/ui/index.html"]
    {
        let page = get(&server, path).expect(200);
        assert!(page.text().contains("the page"), "{path}");
        assert_eq!(page.header("cache-control"), Some("no-cache"), "{path}");
        let policy = page.header("content-security-policy").unwrap();
        for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "trusted-types flcm"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{policy}");
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(page.header("cross-origin-opener-policy"), Some("same-origin"));
    }
    let script = get(&server, "/ui/assets/app-1234.js").expect(200);
    assert_eq!(script.header("content-type"), Some("text/javascript; charset=utf-8"));
    assert_eq!(script.header("cache-control"), Some("public, max-age=31536000, immutable"));
    let none = get(&server, "/ui/assets/none.js").expect(404);
    assert_eq!(none.header("cache-control"), Some("no-store"));
    let above = ["/ui/../secret.txt", "/ui/%2e%2e/secret.txt", "/ui/..%2fsecret.txt", "/ui//etc/hostname"];
    for path in above.iter().chain(&["/ui/assets/../../secret.txt"]) {
        let answer = get(&server, path);
        assert!(answer.status == 404 || answer.text().contains("the page"), "{path}: {}", answer.text());
    }
    ask(server.address, "POST", "/ui/", &[], b"").unwrap().expect(405);
}

#[test]
fn a_page_can_see_for_which_description_of_the_interface_it_was_made() {
    let described = include_bytes!("../../../../schema/openapi.json");
    let server = TestFolder::new().serve_alone();
    let contract = server.get("/meta").expect(200).json()["contract"].as_str().unwrap().to_owned();
    let bytes = (0..contract.len()).step_by(2).map(|at| u8::from_str_radix(&contract[at..at + 2], 16).unwrap());
    assert_eq!(bytes.collect::<Vec<u8>>(), *Sha256::digest(described), "as in the manifest of the dashboard");
}

#[test]
fn a_page_can_see_whether_the_file_is_committed() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let uncommitted = || server.get("/meta").expect(200).json()["document"]["uncommitted"].clone();
    assert_eq!(uncommitted(), Value::Null, "no work tree");
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=anna", "-c", "user.email=anna@example.com"]).args(arguments);
        assert!(git.current_dir(folder.path("")).status().unwrap().success(), "git {arguments:?}");
        // An answer about the same state of the file counts for two seconds.
        std::fs::File::options()
            .append(true)
            .open(folder.path("flags.yaml"))
            .unwrap()
            .set_modified(SystemTime::now())
            .unwrap();
    };
    git(&["init", "--quiet"]);
    assert_eq!(uncommitted(), json!(true), "never added");
    git(&["add", "flags.yaml"]);
    assert_eq!(uncommitted(), json!(true), "only added");
    git(&["commit", "--quiet", "--message", "Flags"]);
    assert_eq!(uncommitted(), json!(false));
    folder.file("flags.yaml", format!("{FLAGS}  more: {{}}\n"));
    assert_eq!(uncommitted(), json!(true), "edited");
}

#[test]
fn without_a_dashboard_there_is_nothing() {
    let folder = TestFolder::new();
    let server = folder.serve_with(&["--no-dashboard"]);
    for path in ["/", "/ui", "/ui/", "/ui/index.html", "/ui/flags"] {
        get(&server, path).expect(404);
    }
}
