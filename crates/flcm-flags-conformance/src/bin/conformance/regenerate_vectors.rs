//! `conformance regenerate-vectors`: answers, by the oracle; problems, by the check; differences and bytes of
//! snapshots, by the config crate.

use std::fs;
use std::path::Path;

use flcm_flags_conformance::vectors::format::{Decision, Diagnostics, Diff, Evaluate, Snapshot};
use flcm_flags_conformance::vectors::{breaker, files, read, run};
use flcm_flags_conformance::{Oracle, Question};

/// Fills in all that is missing. What is there already is left alone: vectors are only ever added, and bytes that were
/// released must still load.
pub(crate) fn run() {
    for path in files("evaluate") {
        let mut file: Evaluate = read(&path);
        if fill(&path, &file.document.text(), &mut file.cases) {
            write(&path, file.to_text().as_bytes());
        }
    }
    for path in files("diagnostics") {
        find(&path);
    }
    for path in files("diff") {
        differ(&path);
    }
    for path in files("breaker") {
        play(&path);
    }
    for path in files("snapshot") {
        keep(&path);
    }
}

/// Fills in the answers that are missing; whether there were any.
fn fill(path: &Path, text: &str, cases: &mut [Decision]) -> bool {
    let (config, _) = run::load(text, &path.display().to_string());
    let oracle = Oracle::new(&config);
    let mut filled = false;
    for case in cases.iter_mut().filter(|case| case.answer.is_none()) {
        let trips = case.trips();
        let question = Question { context: &case.context, trips: &trips, now: case.now };
        case.answer = Some(oracle.decide(&case.flag, question));
        println!("{}: {}", path.display(), serde_json::to_string(case).expect("a case is JSON"));
        filled = true;
    }
    filled
}

/// Fills in the problems that are missing.
fn find(path: &Path) {
    let mut file: Diagnostics = read(path);
    let missing: Vec<_> = file.cases.iter_mut().filter(|case| case.diagnostics.is_none()).collect();
    let found = !missing.is_empty();
    for case in missing {
        let text = case.document.text();
        let (_, diagnostics) = flcm_flags_config::check_with(&text, case.options());
        println!("{}\n", diagnostics.render("document", &text, false));
        case.diagnostics = Some(run::problems(&diagnostics));
    }
    if found {
        write(path, file.to_text().as_bytes());
    }
}

/// Fills in the differences that are missing.
fn differ(path: &Path) {
    let mut file: Diff = read(path);
    let missing: Vec<_> = file.cases.iter_mut().filter(|case| case.flags.is_none()).collect();
    let found = !missing.is_empty();
    for case in missing {
        let flags = run::different_flags(case);
        println!("{}: {flags}\n", case.note);
        case.flags = Some(flags);
    }
    if found {
        write(path, file.to_text().as_bytes());
    }
}

/// Fills in what comes of the steps of a breaker.
fn play(path: &Path) {
    let mut file: breaker::File = read(path);
    if file.steps.iter().all(|step| step.then.is_some()) {
        return;
    }
    let played = breaker::play(&file, &path.display().to_string());
    for (step, then) in file.steps.iter_mut().zip(played) {
        if step.then.is_none() {
            println!("{} ms: {}", step.at, serde_json::to_string(&then).expect("it is JSON"));
            step.then = Some(then);
        }
    }
    write(path, file.to_text().as_bytes());
}

/// Writes the bytes that are missing, and their digest and answers.
fn keep(path: &Path) {
    let mut file: Snapshot = read(path);
    let bytes = path.with_extension("snapshot");
    let (_, snapshot) = run::load(&file.document.text(), &path.display().to_string());
    if !bytes.exists() {
        write(&bytes, snapshot.as_bytes());
        file.digest = None;
    }
    let digest = file.digest.is_none();
    file.digest.get_or_insert_with(|| format!("{:016x}", snapshot.digest()));
    let text = file.document.text();
    if fill(path, &text, &mut file.cases) || digest {
        write(path, file.to_text().as_bytes());
    }
}

fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    println!("wrote {}", path.display());
}
