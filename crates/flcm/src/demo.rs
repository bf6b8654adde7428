//! `flcm demo`: a server, two hosts and a feature that breaks, as processes of their own; shows a rollout and its
//! rollback.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use crate::failure::Failure;

mod cast;
mod host;
mod http;
mod screen;

pub(crate) use host::{Options as HostOptions, run as run_host};

use cast::Cast;
use screen::Screen;

/// The document that is served: the first example.
const DOCUMENT: &str = include_str!("../../../examples/feature-flags.yaml");

/// The flag that is rolled out, and breaks.
const FLAG: &str = "v2_mentor_layer";

/// The share of calls that fail while the new way is broken.
const BROKEN: f64 = 0.3;

/// How long a scene is watched.
const SCENE: Duration = Duration::from_secs(4);

/// What must happen does so within this, or the demo has failed.
const PATIENCE: Duration = Duration::from_mins(1);

/// Show a rollout and an automatic rollback: a server and two hosts with 3,000 users, as real processes
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Takes about twenty seconds. Ends by itself when its output is no terminal; on one it goes on until it is interrupted, and \
the document that it names may be edited.")]
pub(crate) struct Options {
    /// End by itself on a terminal as well
    #[arg(long)]
    once: bool,
}

pub(crate) fn run(options: &Options) -> Result<bool, Failure> {
    let mut cast = Cast::gather(DOCUMENT)?;
    let mut screen = Screen::new();
    screen.introduce(cast.url(), &cast.document());

    screen.scene("10 % of the users have the mentor layer");
    watch(&mut cast, &mut screen, SCENE);
    roll_out(&mut cast, &mut screen)?;
    watch(&mut cast, &mut screen, SCENE);
    break_it(&mut cast, &mut screen)?;
    watch(&mut cast, &mut screen, SCENE / 2);
    mend_it(&mut cast, &mut screen)?;
    watch(&mut cast, &mut screen, SCENE);

    screen.scene("that was it: `flcm serve feature-flags.yaml` does this with flags of your own");
    if !options.once && std::io::stdout().is_terminal() {
        screen.note(&format!("it goes on until you interrupt it: edit {}", cast.document().display()));
        watch(&mut cast, &mut screen, Duration::MAX);
    }
    Ok(true)
}

/// An edit of the document reaches both hosts.
fn roll_out(cast: &mut Cast, screen: &mut Screen) -> Result<(), Failure> {
    screen.scene("the document is edited: 50 %");
    let before = cast.revision();
    let edited = cast.edit("percentage: 10", "percentage: 50")?;
    until(cast, screen, "the hosts have not followed the edit", |cast| cast.revision() > before)?;
    let took = cast.hosts().map(|host| host.adopted_at).max().unwrap_or(0).saturating_sub(edited);
    screen.fact(&format!("both hosts use the new revision {took} ms after the edit"));
    Ok(())
}

/// The new way begins to fail, and is rolled back.
fn break_it(cast: &mut Cast, screen: &mut Screen) -> Result<(), Failure> {
    screen.scene(&format!("the mentor layer breaks: {:.0} % of its calls fail", BROKEN * 100.0));
    let broken = cast.tell(&format!("fail {BROKEN}"))?;
    until(cast, screen, "nothing was rolled back", |cast| cast.hosts().all(|host| host.trip == "held off"))?;
    let took = cast.hosts().map(|host| host.tripped_at).max().unwrap_or(0).saturating_sub(broken);
    let failed: u64 = cast.hosts().map(|host| host.failures_since_break).sum();
    screen.fact(&format!(
        "rolled back on both hosts {:.1} s after the first call could fail; {failed} calls did",
        seconds(took)
    ));
    screen.fact(&cast.last_words(FLAG)?);
    Ok(())
}

/// The fault is mended; a person says that the flag may go on.
fn mend_it(cast: &mut Cast, screen: &mut Screen) -> Result<(), Failure> {
    screen.scene("the fault is mended, and a person acknowledges the rollback");
    cast.tell("fail 0")?;
    cast.acknowledge(FLAG)?;
    until(cast, screen, "the flag did not come back", |cast| cast.hosts().all(|host| host.trip == "clear"))?;
    screen.fact("both hosts serve it again");
    Ok(())
}

/// Shows what happens for a while.
fn watch(cast: &mut Cast, screen: &mut Screen, time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        cast.listen(Duration::from_millis(100));
        screen.show(cast);
    }
}

/// Shows what happens until something has.
fn until(
    cast: &mut Cast,
    screen: &mut Screen,
    otherwise: &str,
    has_happened: impl Fn(&Cast) -> bool,
) -> Result<(), Failure> {
    let begun = Instant::now();
    while !has_happened(cast) {
        if begun.elapsed() > PATIENCE {
            return Err(Failure::new(
                otherwise,
                "run it on a machine that has less to do; if that does not help, report it",
            ));
        }
        cast.listen(Duration::from_millis(20));
        screen.show(cast);
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a few seconds")]
fn seconds(milliseconds: u64) -> f64 {
    milliseconds as f64 / 1000.0
}
