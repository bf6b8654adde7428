//! `flcm simulate`: shows how soon a flag would be rolled back, and how often by mistake.

use std::io::Write;
use std::panic::resume_unwind;
use std::path::PathBuf;

use flcm_flags::{Flag, Policy};
use flcm_flags_config::did_you_mean;
use flcm_flags_config::simulate::{Comparison, PolicyResult, Traffic};

use crate::failure::Failure;
use crate::source::Source;
use crate::style;

mod attack;
mod output;

use attack::Attack;

/// Show how soon a flag would be rolled back, and how often by mistake
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Requests arrive independently of each other. Treated requests, for which the flag is on, fail at --error-rate; all \
others at --baseline. The breaker is the one that runs in production, and is checked every second. The fault is there \
from the first request, or begins after a healthy hour. Healthy days, on which all requests fail at --baseline, show \
how often the flag is rolled back by mistake. The flag's own policy is compared with a plain error rate over its \
window, from 11 and from 100 calls.

With --attack, it shows what strangers with the public key of a page can do, and what they cannot: hide a failing \
feature, switch off a healthy one, end a probe. That is shown for each flag with an `error_threshold`, or for --flag, \
by the breakers and limits of the server. Pages send as many requests as servers.

Examples:
  flcm simulate feature-flags.yaml --flag v2_mentor_layer --error-rate 0.2 --rps 100
  flcm simulate feature-flags.yaml --flag v2_mentor_layer --error-rate 0.05 --rps 1000 --share 1 --json
  flcm simulate feature-flags.yaml --attack")]
pub(crate) struct Options {
    /// A document or a snapshot
    #[arg(value_name = "DOC|SNAPSHOT")]
    source: PathBuf,
    /// The flag, which must have an `error_threshold`
    #[arg(long, value_name = "KEY", required_unless_present = "attack")]
    flag: Option<String>,
    /// Share of the treated requests that fail, from 0 to 1
    #[arg(long, value_name = "RATE", value_parser = share, required_unless_present = "attack")]
    error_rate: Option<f64>,
    /// Requests per second of eligible users
    #[arg(long, value_name = "NUMBER", value_parser = requests, required_unless_present = "attack")]
    rps: Option<f64>,
    /// Show what strangers with the public key of a page can do. Defaults: 100 requests per second, half of which fail
    #[arg(long)]
    attack: bool,
    /// How many networks honest pages are in
    #[arg(long, value_name = "NUMBER", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000), requires = "attack")]
    networks: u32,
    /// Percentage of requests that are treated. Default: the flag's current percentage
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    share: Option<f64>,
    /// Share of all other requests that fail, from 0 to 1
    #[arg(long, value_name = "RATE", default_value = "0.01", value_parser = share)]
    baseline: f64,
    /// Simulated runs per row. Default: 1000, or 5 with --attack
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    runs: Option<u64>,
    /// Simulated healthy days. Default: a tenth of the runs
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    days: Option<u64>,
    /// The seed of the random numbers
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What was simulated.
pub(crate) struct Simulation<'o> {
    flag: &'o str,
    comparison: Comparison,
    /// Percentage of requests that are treated.
    share: f64,
    results: Vec<PolicyResult>,
}

pub(crate) fn run(options: &Options) -> Result<bool, Failure> {
    let source = Source::load(&options.source)?;
    let text = if options.attack { attacks(options, &source)? } else { comparison(options, &source)? };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(true)
}

fn comparison(options: &Options, source: &Source) -> Result<String, Failure> {
    let key = options.flag.as_deref().unwrap_or_default();
    let flag = find(source, key)?;
    let (policy, share) = (policy(&flag)?, share_of(options, &flag));
    let runs = options.runs.unwrap_or(1_000);
    let days = options.days.unwrap_or_else(|| Comparison::days_for(runs));
    let comparison =
        Comparison { policy, traffic: traffic(options, share), runs, days, seed: options.seed, with_plain: true };
    let simulation = Simulation { flag: key, comparison, share, results: on_all_processors(comparison) };
    if options.json { output::json(&simulation) } else { Ok(output::text(&simulation)) }
}

/// What strangers achieve with each flag that has a threshold, or with the one that is named.
fn attacks(options: &Options, source: &Source) -> Result<String, Failure> {
    let snapshot = &source.snapshot;
    let flags = match &options.flag {
        Some(key) => vec![find(source, key)?],
        None => {
            snapshot.flags().filter_map(|id| snapshot.describe(id)).filter(|flag| flag.policy().is_some()).collect()
        }
    };
    if flags.is_empty() {
        let what = format!("{}: no flag has an `error_threshold`", source.name);
        return Err(Failure::new(what, "add `error_threshold: { rate: 0.05 }` to one"));
    }
    let mut texts = Vec::new();
    for flag in flags {
        let Some(id) = snapshot.flag(flag.key()) else { continue };
        let (policy, share) = (policy(&flag)?, share_of(options, &flag));
        let attack = Attack {
            snapshot,
            flag: id,
            policy,
            // Of a flag that nobody has yet, half.
            traffic: traffic(options, if share > 0.0 { share } else { 50.0 }),
            networks: options.networks,
            runs: options.runs.unwrap_or(5),
            seed: options.seed,
            start: crate::now_or(None),
        };
        let results = attack.run();
        texts.push(if options.json {
            attack::output::json(flag.key(), &attack, &results).to_string() + "\n"
        } else {
            attack::output::text(flag.key(), &attack, &results)
        });
    }
    Ok(texts.join(if options.json { "" } else { "\n" }))
}

fn policy(flag: &Flag<'_>) -> Result<Policy, Failure> {
    flag.policy().ok_or_else(|| {
        let what = format!("flag `{}` has no `error_threshold`", style::shown(flag.key()));
        Failure::new(what, "add `error_threshold: { rate: 0.05 }` to it")
    })
}

/// The percentage of requests that are treated.
fn share_of(options: &Options, flag: &Flag<'_>) -> f64 {
    options.share.unwrap_or_else(|| f64::from(flag.percentage_at(crate::now_or(None))) / 1000.0)
}

fn find<'s>(source: &'s Source, key: &str) -> Result<Flag<'s>, Failure> {
    let snapshot = &source.snapshot;
    let found = snapshot.flag(key).and_then(|id| snapshot.describe(id));
    found.ok_or_else(|| {
        let keys = snapshot.flags().filter_map(|id| snapshot.describe(id)).map(|flag| flag.key());
        let help = did_you_mean(key, keys).unwrap_or_else(|| "`flcm inspect` lists the flags".to_owned());
        Failure::new(format!("{}: no flag `{}`", source.name, style::shown(key)), help)
    })
}

fn traffic(options: &Options, share: f64) -> Traffic {
    let (requests, treatment) = (options.rps.unwrap_or(100.0), options.error_rate.unwrap_or(0.5));
    Traffic { requests, share: share / 100.0, treatment, control: options.baseline }
}

/// Splits the runs over the processors, and puts the results together.
fn on_all_processors(comparison: Comparison) -> Vec<PolicyResult> {
    let parts = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64;
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..parts).map(|part| scope.spawn(move || comparison.part(part, parts))).collect();
        let finished = workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)));
        Comparison::merge(finished)
    })
}

/// A number from 0 to `most`.
fn number(text: &str, most: f64) -> Option<f64> {
    text.parse::<f64>().ok().filter(|number| (0.0..=most).contains(number))
}

/// The number of a percentage, with or without its sign.
fn of_percent(text: &str) -> Option<f64> {
    number(text.trim_end_matches('%').trim_end(), 100.0)
}

fn meant(number: Option<f64>) -> String {
    number.map_or_else(String::new, |number| format!("; did you mean {number}?"))
}

fn share(text: &str) -> Result<f64, String> {
    let near = || of_percent(text).map(|percent| percent / 100.0);
    number(text, 1.0).ok_or_else(|| format!("not a share from 0 to 1: write 5 % as 0.05{}", meant(near())))
}

fn percent(text: &str) -> Result<f64, String> {
    number(text, 100.0).ok_or_else(|| format!("not a percentage from 0 to 100{}", meant(of_percent(text))))
}

fn requests(text: &str) -> Result<f64, String> {
    let number = number(text, Traffic::REQUESTS).filter(|number| *number > 0.0);
    number.ok_or_else(|| "not a number of requests a second above 0, up to a million".to_owned())
}
