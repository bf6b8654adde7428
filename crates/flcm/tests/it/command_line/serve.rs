//! `flcm serve` and `flcm key`, as far as they are about the command line: the server's own tests are in its crate.

use std::io::{BufRead, BufReader};

use super::run::TestFolder;

#[test]
fn a_document_with_errors_is_quoted() {
    let desk = TestFolder::new();
    desk.file("flags.yaml", "flags:\n  broken:\n    rollout: { percentage: 200 }\n");
    let error = desk.run(&["serve", "flags.yaml", "--listen", "127.0.0.1:0"]).failed();
    assert!(error.contains("percentage: 200") && error.contains("flags.yaml is refused"), "{error}");
    let error = desk.run(&["serve"]).failed();
    assert!(error.contains("neither a document nor a database"), "{error}");
}

#[test]
fn a_key_is_printed_with_the_line_that_the_server_reads() {
    let desk = TestFolder::new();
    let printed = desk.run(&["key", "ci", "--role", "admin"]).well();
    let (key, line) = printed.trim().split_once('\n').expect("two lines");
    assert!(key.starts_with("flcm_admin_") && line.contains(r#""name":"ci""#) && !line.contains(key), "{printed}");
    desk.file("flags.yaml", "flags:\n  plain:\n    rollout: { percentage: 50 }\n");
    desk.file("keys.json", format!("[{line}]"));
    let mut server = desk.spawn(&["serve", "flags.yaml", "--keys", "keys.json", "--listen", "127.0.0.1:0"]);
    let lines = BufReader::new(server.stderr.take().unwrap()).lines();
    let heard = lines
        .map_while(Result::ok)
        .find(|line| line.starts_with("listening on 127.0.0.1:") || line.starts_with("error"));
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(heard.is_some_and(|line| line.starts_with("listening")));
}
