//! `flcm decide --contexts`: many lines, bad lines, and readers that go away.

use std::io::{BufRead, BufReader, Write};

use super::run::{MENTOR, TestFolder};

#[test]
fn bad_lines_are_told_and_the_others_go_through() {
    let folder = TestFolder::new();
    folder.file("a.yaml", MENTOR);
    let lines = [
        r#"{"targetingKey":"good-1"}"#,
        r#"{"targetingKey":5}"#,
        "",
        r#"{"targetingKey":"x","account_age_days":{"y":1}}"#,
        r#"{"targetingKey":"x","unread":[1]}"#,
        r#"{"targetingKey":"x""#,
        "[1]",
        r#"{"targetingKey":"good-2","account_age_days":31}"#,
    ];
    folder.file("users.jsonl", lines.join("\n"));
    let ran = folder.run(&["decide", "a.yaml", "--json", "--contexts", "users.jsonl"]);
    let users: Vec<_> = ran.out.lines().map(|line| line.split('"').nth(7).unwrap()).collect();
    assert_eq!(users, ["good-1", "good-2"]);
    assert_eq!(
        ran.failed(),
        "\
error: users.jsonl:2:17: `targetingKey` is a number
help: write it as text: {\"targetingKey\": \"42\"}
error: users.jsonl:4:40: attribute `account_age_days` is an object
help: flatten it: {\"account_age_days.country\": \"DE\"}
error: users.jsonl:5:31: attribute `unread` is a list with a number in it
help: put only strings in it: [\"a\", \"b\"]
error: users.jsonl:6:19: the line ends in the middle of an object
help: write a flat JSON object on one line: {\"targetingKey\": \"alice\", \"country\": \"DE\"}
error: users.jsonl:7: invalid type: sequence, expected a JSON object
help: write one object on a line, without the brackets and commas of a list
error: users.jsonl: 5 lines of 8 could not be read; the others were decided
"
    );
}

#[test]
fn at_most_ten_bad_lines_are_told_one_by_one() {
    let folder = TestFolder::new();
    folder.file("a.yaml", MENTOR);
    let lines = "nonsense\n".repeat(1_000) + "{}\n";
    let ran = folder.run_with_input(&["decide", "a.yaml", "--json", "--contexts", "-"], lines);
    assert_eq!(ran.out.lines().count(), 1);
    let error = ran.failed();
    assert_eq!(error.matches("error: <stdin>:").count(), 11);
    assert!(
        error.ends_with("error: <stdin>: 1,000 lines of 1,001 could not be read; the others were decided\n"),
        "{error}"
    );
}

#[test]
fn odd_lines_are_still_lines() {
    let folder = TestFolder::new();
    folder.file("a.yaml", MENTOR);
    let lines =
        b"\xef\xbb\xbf{\"targetingKey\":\"bom\"}\r\n   \n{\"targetingKey\":\"crlf\"}\r\n{\"targetingKey\":\"last\"}";
    let ran = folder.run_with_input(&["decide", "a.yaml", "--json", "--contexts", "-"], lines);
    let users: Vec<_> = ran.out.lines().map(|line| line.split('"').nth(7).unwrap()).collect();
    assert_eq!(users, ["bom", "crlf", "last"]);
    let ran =
        folder.run_with_input(&["decide", "a.yaml", "--json", "--contexts", "-"], b"{\"targetingKey\":\"\xff\"}\n{}\n");
    assert_eq!(ran.out.lines().count(), 1);
    assert!(ran.failed().contains("<stdin>:1:18: not UTF-8"));
    assert_eq!(folder.run(&["decide", "a.yaml", "--json", "--contexts", "-"]).well(), "");
}

#[test]
fn a_line_without_end_does_not_fill_the_memory() {
    let folder = TestFolder::new();
    folder.file("a.yaml", MENTOR);
    let mut lines = format!("{{\"targetingKey\":\"{}\"}}\n", "x".repeat(3 << 20));
    lines.push_str("{\"targetingKey\":\"next\"}\n");
    let ran = folder.run_with_input(&["decide", "a.yaml", "--json", "--contexts", "-"], lines);
    assert_eq!(ran.out.lines().count(), 1);
    let error = ran.failed();
    assert!(error.contains("<stdin>:1: longer than the limit of 1048576 bytes"), "{error}");
    // One that just fits is read, wherever the buffer ends.
    let head = "{\"targetingKey\":\"";
    let fits = format!("{head}{}\"}}\n", "x".repeat((1 << 20) - head.len() - 3));
    assert_eq!(fits.len(), 1 << 20);
    let ran = folder.run_with_input(&["decide", "a.yaml", "--json", "--contexts", "-"], fits.repeat(3));
    assert_eq!(ran.well().lines().count(), 3);
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let folder = TestFolder::new();
    folder.file("a.yaml", MENTOR);
    folder.file("users.jsonl", "{\"targetingKey\":\"alice\"}\n".repeat(50_000));
    for form in [&["--json"][..], &[], &["--explain"]] {
        let arguments = [&["decide", "a.yaml", "--contexts", "users.jsonl"], form].concat();
        let mut child = folder.spawn(&arguments);
        let mut first = String::new();
        BufReader::with_capacity(64, child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        assert!(first.contains("v2_mentor_layer"));
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(0), String::new()));
    }
}

/// The most memory that a run of so many lines has taken, in KB.
#[cfg(target_os = "linux")]
fn peak_memory(folder: &TestFolder, lines: usize) -> u64 {
    let mut child = folder.spawn(&["decide", "a.yaml", "--json", "--contexts", "-"]);
    let mut stdin = child.stdin.take().unwrap();
    let stdout = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || BufReader::new(stdout).lines().count());
    for line in 0..lines {
        writeln!(
            stdin,
            "{{\"targetingKey\":\"user-{line}\",\"account_age_days\":{},\"name\":\"J\\u00f6rg\"}}",
            line % 900
        )
        .unwrap();
    }
    stdin.flush().unwrap();
    // All but what the pipe holds has been read by now, and the process still waits for more.
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success());
    assert_eq!(reader.join().unwrap(), lines);
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn memory_does_not_grow_with_the_file() {
    let folder = TestFolder::new();
    folder.file("a.yaml", MENTOR);
    let (few, many) = (peak_memory(&folder, 20_000), peak_memory(&folder, 400_000));
    // 400,000 lines are 25 MB in and 60 MB out.
    assert!(many < few + 1_000, "{few} KB, then {many} KB");
}
