//! A host in Rust that does what another process asks: `tests/hosts` runs the fault suite of the runtime in TypeScript
//! against it.
//!
//! A question is a line of JSON, and so is its answer, which comes at once: nothing that takes its time is waited for.
//! Such a question has a ticket instead, and some later answer says that it is done.

mod clock;
mod event_json;
mod hosts;
mod options;
mod question;
mod script;

use std::io::{self, BufRead as _, Write as _};
use std::panic;
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::thread;

use hosts::Hosts;
use question::Question;
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.as_slice() {
        [] => answer_all(),
        [script, options] => script::run(script, options),
        _ => Err("agent [SCRIPT OPTIONS]".into()),
    };
    if let Err(error) = result {
        eprintln!("agent: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Answers questions until nobody asks any more.
fn answer_all() -> Result<(), Box<dyn std::error::Error>> {
    // Whoever waits for its turn gets it, and sockets are looked after, once nothing else can go on.
    let runtime = Builder::new_current_thread().enable_all().event_interval(u32::MAX).build()?;
    let hosts = Arc::new(Hosts::new(runtime.handle().clone()));
    thread::spawn(move || run_for_ever(&runtime));
    end_at_a_panic();
    let mut answers = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let question: Question = serde_json::from_str(&line?)?;
        let answer = hosts.answer(question);
        // In this order: events that happened before something was done are in the same answer or in an earlier one.
        let done = hosts.take_done();
        let events = hosts.take_events();
        let mut text = serde_json::to_vec(&json!({ "answer": answer, "done": done, "events": events }))?;
        text.push(b'\n');
        answers.write_all(&text)?;
        answers.flush()?;
    }
    Ok(())
}

/// A task that panics would be missed by nobody but whoever waits for it.
fn end_at_a_panic() {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |panicked| {
        report(panicked);
        process::exit(101);
    }));
}

/// Everything but the answers happens on one thread, as in Node.
fn run_for_ever(runtime: &Runtime) {
    runtime.block_on(std::future::pending::<()>());
}
