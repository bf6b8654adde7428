//! The command line of FLCM Flags: checks, compiles, decides, compares and serves feature flags.

mod audit;
mod check;
mod compile;
mod decide;
mod demo;
mod diff;
mod failure;
mod init;
mod inspect;
mod key;
mod operate;
mod publish;
mod remote;
mod replace;
mod revert;
mod serve;
mod set;
mod sign;
mod simulate;
mod source;
mod style;
mod types;
mod usage;

use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use flcm_flags::Millis;
use flcm_flags_config::limits;

use failure::Failure;

/// Checks, compiles, decides, compares and serves feature flags.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Exit codes: 0 done; 1 the input has errors; 2 wrong usage.\n\nInstead of an input file, `-` means \
                  the standard input. DOC is a document in YAML or JSON. SNAPSHOT is a file that `flcm compile` wrote; \
                  its first bytes distinguish it from a document.",
    max_term_width = 100
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// When to colour the output; `auto` colours it on a terminal, unless `NO_COLOR` is set
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: clap::ColorChoice,
}

#[expect(clippy::large_enum_variant, reason = "one exists, and is taken apart at once")]
#[derive(Debug, Subcommand)]
enum Command {
    Acknowledge(operate::AcknowledgeOptions),
    Audit(audit::Options),
    Check(check::Options),
    Compile(compile::Options),
    /// Print a script that completes commands and options in a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    Decide(decide::Options),
    Demo(demo::Options),
    /// Run a host of the demo
    #[command(hide = true)]
    DemoHost(demo::HostOptions),
    Diff(diff::Options),
    Hold(operate::HoldOptions),
    Init(init::Options),
    Inspect(inspect::Options),
    Key(key::Options),
    /// Print the `OpenAPI` description of the server
    Openapi,
    Publish(publish::Options),
    Release(operate::ReleaseOptions),
    Revert(revert::Options),
    /// Print the JSON Schema of documents, for editors
    Schema,
    Serve(flcm_flags_server::command_line::ServeArgs),
    Set(set::Options),
    Sign(sign::Options),
    Simulate(simulate::Options),
    Types(types::Options),
}

fn main() -> ExitCode {
    let arguments = Arguments::try_parse().unwrap_or_else(|error| usage::explained(error).exit());
    style::choose(arguments.color);
    match run(arguments.command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => failure.report(),
    }
}

/// Whether the input was without errors.
fn run(command: Command) -> Result<bool, Failure> {
    match command {
        Command::Acknowledge(options) => operate::acknowledge(&options),
        Command::Audit(options) => audit::run(&options),
        Command::Check(options) => check::run(&options),
        Command::Compile(options) => compile::run(&options),
        Command::Completions { shell } => completions(shell),
        Command::Decide(options) => decide::run(&options),
        Command::Demo(options) => demo::run(&options),
        Command::DemoHost(options) => demo::run_host(&options),
        Command::Diff(options) => diff::run(&options),
        Command::Hold(options) => operate::hold(&options),
        Command::Init(options) => init::run(&options),
        Command::Inspect(options) => inspect::run(&options),
        Command::Key(options) => key::run(&options),
        Command::Openapi => print(&flcm_flags_server::openapi()),
        Command::Publish(options) => publish::run(&options),
        Command::Release(options) => operate::release(&options),
        Command::Revert(options) => revert::run(&options),
        Command::Schema => print(&flcm_flags_config::schema()),
        Command::Serve(options) => serve::run(options),
        Command::Set(options) => set::run(&options),
        Command::Sign(options) => sign::run(&options),
        Command::Simulate(options) => simulate::run(&options),
        Command::Types(options) => types::run(&options),
    }
}

fn completions(shell: clap_complete::Shell) -> Result<bool, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "flcm", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(true)
}

fn print(text: &str) -> Result<bool, Failure> {
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(true)
}

/// Reads `--now`: an RFC 3339 time, or milliseconds since 1970.
fn parse_now(text: &str) -> Result<Millis, String> {
    let parsed = text.parse::<u64>().ok().or_else(|| {
        let time = flcm_flags::time::parse_rfc3339(text)?;
        u64::try_from(time).ok()
    });
    let millis = parsed.filter(|millis| *millis <= limits::TIME);
    millis.map(Millis).ok_or_else(|| {
        let like = usage::time(text).map_or_else(String::new, |time| format!("; did you mean {time}?"));
        format!("not a time since 1970: write it like 2026-12-01T00:00:00Z, or as milliseconds since 1970{like}")
    })
}

/// The time of `--now`, or of the system clock.
fn now_or(given: Option<Millis>) -> Millis {
    given.unwrap_or_else(|| {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Millis(u64::try_from(since.as_millis()).unwrap_or(limits::TIME).min(limits::TIME))
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use flcm_flags::Millis;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Arguments::command().debug_assert();
    }

    #[test]
    fn now_is_a_time_or_milliseconds() {
        assert_eq!(super::parse_now("2026-12-01T00:00:00Z"), Ok(Millis(1_796_083_200_000)));
        assert_eq!(super::parse_now("0"), Ok(Millis(0)));
        assert_eq!(super::parse_now("9007199254740992"), Ok(Millis(1 << 53)));
        for wrong in ["9007199254740993", "-1", "1969-12-31T23:59:59Z", "tomorrow", ""] {
            assert!(super::parse_now(wrong).is_err(), "{wrong}");
        }
    }
}
