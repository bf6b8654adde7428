//! `flcm demo`: shows a rollout and its rollback, with a server and two hosts as processes of their own.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use flcm_flags::TripState;

use crate::failure::Failure;

mod host;
mod processes;
mod screen;
mod server;

pub(crate) use host::{Options as HostOptions, run as run_host};

use processes::DemoProcesses;
use screen::Screen;

/// The document that is served: the first example.
const DOCUMENT: &str = include_str!("../../../examples/feature-flags.yaml");

/// The flag that is rolled out, and breaks.
const FLAG: &str = "v2_mentor_layer";

/// The share of calls that fail while the feature is broken.
const BROKEN: f64 = 0.3;

/// How long a step is shown.
const STEP: Duration = Duration::from_secs(4);

/// What a step waits for happens within this, or the demo has failed.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Show a rollout and an automatic rollback, with a server and two hosts as real processes
#[derive(Debug, clap::Args)]
#[command(after_help = "\
It takes about twenty seconds. On a terminal it then goes on until you interrupt it, so that you can use the dashboard, \
or edit the document whose path it prints. With --once, or when the output is not a terminal, it ends by itself.")]
pub(crate) struct Options {
    /// End after the rollback, on a terminal as well
    #[arg(long)]
    once: bool,
    /// Serve the dashboard from this folder, as `flcm serve --dashboard` does
    #[arg(long, value_name = "FOLDER")]
    dashboard: Option<String>,
}

pub(crate) fn run(options: &Options) -> Result<bool, Failure> {
    let mut demo = DemoProcesses::spawn(DOCUMENT, options.dashboard.as_deref())?;
    let mut screen = Screen::new();
    screen.introduce(&demo.server.url, &demo.document());

    screen.step("10 % of the users have the mentor layer");
    watch(&mut demo, &mut screen, STEP);
    roll_out(&mut demo, &mut screen)?;
    watch(&mut demo, &mut screen, STEP);
    break_it(&mut demo, &mut screen)?;
    watch(&mut demo, &mut screen, STEP / 2);
    fix_it(&mut demo, &mut screen)?;
    watch(&mut demo, &mut screen, STEP);

    screen.step("that was it: `flcm serve feature-flags.yaml` does this with flags of your own");
    if !options.once && std::io::stdout().is_terminal() {
        screen.note(&format!("the demo goes on until you interrupt it: open {}/ui/", demo.server.url));
        screen.note(&format!("or edit {}", demo.document().display()));
        watch(&mut demo, &mut screen, Duration::MAX);
    }
    Ok(true)
}

/// An edit of the document reaches both hosts.
fn roll_out(demo: &mut DemoProcesses, screen: &mut Screen) -> Result<(), Failure> {
    screen.step("the document is edited: 50 %");
    let before = demo.revision();
    let edited = demo.edit("percentage: 10", "percentage: 50")?;
    until(demo, screen, "the hosts have not followed the edit", |demo| demo.revision() > before)?;
    let took = demo.hosts().map(|host| host.adopted_at).max().unwrap_or(0).saturating_sub(edited);
    screen.fact(&format!("both hosts use the new revision {took} ms after the edit"));
    Ok(())
}

/// The feature begins to fail, and is rolled back.
fn break_it(demo: &mut DemoProcesses, screen: &mut Screen) -> Result<(), Failure> {
    screen.step(&format!("the mentor layer breaks: {:.0} % of its calls fail", BROKEN * 100.0));
    let broken = demo.set_failing(BROKEN)?;
    until(demo, screen, "nothing was rolled back", |demo| demo.all_are(TripState::HeldOff))?;
    let took = demo.hosts().map(|host| host.tripped_at).max().unwrap_or(0).saturating_sub(broken);
    let failed: u64 = demo.hosts().map(|host| host.failures_since_break).sum();
    screen.fact(&format!(
        "rolled back on both hosts {:.1} s after the first call could fail; {failed} calls did",
        seconds(took)
    ));
    let event = demo.server.last_event_text(FLAG)?;
    screen.fact(event.as_deref().unwrap_or("the server does not say why"));
    Ok(())
}

/// The fault is fixed, and an operator acknowledges the rollback.
fn fix_it(demo: &mut DemoProcesses, screen: &mut Screen) -> Result<(), Failure> {
    screen.step("the fault is fixed, and an operator acknowledges the rollback");
    demo.set_failing(0.0)?;
    demo.server.acknowledge(FLAG)?;
    until(demo, screen, "the flag did not come back", |demo| demo.all_are(TripState::Clear))?;
    screen.fact("both hosts serve it again");
    Ok(())
}

/// Shows what happens for a while.
fn watch(demo: &mut DemoProcesses, screen: &mut Screen, time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        demo.receive(Duration::from_millis(100));
        screen.show(demo);
    }
}

/// Shows what happens until a condition holds.
fn until(
    demo: &mut DemoProcesses,
    screen: &mut Screen,
    otherwise: &str,
    has_happened: impl Fn(&DemoProcesses) -> bool,
) -> Result<(), Failure> {
    let begun = Instant::now();
    while !has_happened(demo) {
        if begun.elapsed() > TIMEOUT {
            return Err(Failure::new(
                otherwise,
                "run it on a machine that has less to do; if that does not help, report it",
            ));
        }
        demo.receive(Duration::from_millis(20));
        screen.show(demo);
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a few seconds")]
fn seconds(milliseconds: u64) -> f64 {
    milliseconds as f64 / 1000.0
}
