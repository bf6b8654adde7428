//! `flcm decide`: decides flags for contexts, and explains the decisions.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use flcm_flags::{BoundContext, Context, FlagId, Millis, PackedDecision, Snapshot, Trips, evaluate_all};
use flcm_flags_config::{Explanation, did_you_mean};

use crate::failure::Failure;
use crate::source::{self, Source};
use crate::style;

mod attribute;
mod contexts;
mod output;
mod summary;

pub(crate) use contexts::Contexts;
use output::{Form, Row};

/// Decide flags for one user, or for a file of contexts
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A context is a flat JSON object, one per line: {\"targetingKey\": \"alice\", \"country\": \"DE\"}. Attributes are \
strings, numbers, booleans or lists of strings; null is the same as absent. A line that is not a context is reported \
and skipped, and the exit code is then 1.

With --json the output has one line per context and flag, sorted by flag key: {\"flag\", \"user\", \"enabled\", \
\"value\", \"variant\", \"reason\", \"errorCode\", \"rule\", \"arm\"}. An absent field is null.

Examples:
  flcm decide feature-flags.yaml --user alice --attr country=DE --explain
  flcm decide feature-flags.yaml --contexts users.jsonl --summary")]
pub(crate) struct Options {
    /// A document or a snapshot
    #[arg(value_name = "DOC|SNAPSHOT")]
    source: PathBuf,
    /// Decide this flag; may be repeated. Default: all flags
    #[arg(long = "flag", value_name = "KEY")]
    flags: Vec<String>,
    /// The targeting key: the id of the user
    #[arg(long, value_name = "ID", conflicts_with = "contexts")]
    user: Option<String>,
    /// An attribute; may be repeated. VALUE is read as JSON when it is a number, a boolean, a string in
    /// double quotes or a list of strings, otherwise as text
    #[arg(long = "attr", value_name = "NAME=VALUE", value_parser = attribute::parse, conflicts_with = "contexts")]
    attributes: Vec<attribute::Attribute>,
    /// A file with one context per line; `-` is the standard input
    #[arg(long, value_name = "FILE.jsonl")]
    contexts: Option<PathBuf>,
    /// The time of the decisions, as RFC 3339 or milliseconds since 1970. Default: the system clock
    #[arg(long, value_name = "TIME", value_parser = crate::parse_now)]
    now: Option<Millis>,
    /// Print JSON, one object per line
    #[arg(long)]
    json: bool,
    /// Print why each flag was decided as it was
    #[arg(long, conflicts_with = "summary")]
    explain: bool,
    /// Print how many users get what, instead of every decision
    #[arg(long)]
    summary: bool,
}

/// A flag that is to be decided.
pub(crate) struct Picked {
    key: String,
    id: Option<FlagId>,
}

pub(crate) fn run(options: &Options) -> Result<bool, Failure> {
    if options.contexts.as_deref().is_some_and(source::is_stdin) && source::is_stdin(&options.source) {
        return Err(Failure::new(
            "the flags and the contexts cannot both be the standard input",
            "name a file for one",
        ));
    }
    let source = Source::load(&options.source)?;
    let picked = pick(&source.snapshot, &options.flags);
    let now = crate::now_or(options.now);
    let known = picked.iter().all(|flag| flag.id.is_some());
    let form = match (options.explain || options.summary, options.json) {
        (true, _) => Form::Silent,
        (false, true) => Form::Json,
        (false, false) => Form::Text { coloured: style::is_coloured(), users: options.contexts.is_some() },
    };
    let rows = output::rows(&source.snapshot, picked, form);
    let snapshot = &source.snapshot;
    let mut run = DecideRun { options, snapshot, now, rows, decisions: Vec::new(), out: Vec::new(), users: 0 };
    let all_read = if let Some(path) = &options.contexts {
        contexts::each(path, &source.snapshot, run.shows_progress(), |context| run.decide(context))?
    } else {
        if let Some(name) = attribute::repeated(&options.attributes) {
            return Err(Failure::new(format!("attribute `{name}` is given twice"), "keep one of them"));
        }
        let attributes = attribute::by_name(&options.attributes);
        let borrowed: Vec<_> = attributes.iter().map(|(name, value)| (*name, value.borrow())).collect();
        run.decide(&Context::new(options.user.as_deref(), &borrowed).bind(&source.snapshot))?;
        true
    };
    run.finish()?;
    Ok(all_read && known)
}

/// The wanted flags, or all of them, sorted by key.
fn pick(snapshot: &Snapshot<Vec<u8>>, wanted: &[String]) -> Vec<Picked> {
    let keys = || snapshot.flags().filter_map(|id| snapshot.describe(id)).map(|flag| flag.key());
    let mut names: Vec<&str> = wanted.iter().map(String::as_str).collect();
    if wanted.is_empty() {
        names.extend(keys());
    }
    names.sort_unstable();
    names.dedup();
    let picked = names.into_iter().map(|key| Picked { key: key.to_owned(), id: snapshot.flag(key) });
    picked
        .inspect(|picked| {
            if picked.id.is_none() {
                style::warning(&format!("no flag `{}`", style::shown(&picked.key)));
                let guess = did_you_mean(&picked.key, keys());
                style::help(&guess.unwrap_or_else(|| "`flcm inspect` lists the flags".to_owned()));
            }
        })
        .collect()
}

/// A run of `flcm decide`: contexts come in, and decisions go out.
struct DecideRun<'s> {
    options: &'s Options,
    snapshot: &'s Snapshot<Vec<u8>>,
    now: Millis,
    rows: Vec<Row>,
    decisions: Vec<PackedDecision>,
    out: Vec<u8>,
    users: u64,
}

/// Output is collected up to this many bytes before it is written.
const CHUNK: usize = 1 << 16;

impl DecideRun<'_> {
    /// Whether to show a progress bar: not if the decisions are written to a terminal.
    fn shows_progress(&self) -> bool {
        self.options.summary || !io::stdout().is_terminal()
    }

    fn decide(&mut self, context: &BoundContext<'_>) -> Result<(), Failure> {
        self.users += 1;
        if self.options.explain {
            return self.explain(context);
        }
        let user = output::User::new(context.targeting_key());
        let all = self.options.flags.is_empty();
        if all {
            let nothing = flcm_flags::Decision::flag_not_found().packed();
            self.decisions.resize(self.rows.len(), nothing);
            evaluate_all(self.snapshot, &Trips::NONE, context, self.now, &mut self.decisions);
        }
        for (index, row) in self.rows.iter_mut().enumerate() {
            let decision = if all { self.decisions[index] } else { row.ask(self.snapshot, context, self.now) };
            row.write(self.snapshot, decision, &user, &mut self.out);
        }
        if self.out.len() >= CHUNK { self.flush() } else { Ok(()) }
    }

    fn explain(&mut self, context: &BoundContext<'_>) -> Result<(), Failure> {
        for row in &self.rows {
            let Some(flag) = row.id() else {
                self.out.extend_from_slice(&row.not_found(context.targeting_key(), self.options.json));
                continue;
            };
            let explanation = Explanation::of(self.snapshot, &Trips::NONE, flag, context, self.now);
            if self.options.json {
                serde_json::to_writer(&mut self.out, &explanation).map_err(io::Error::from)?;
                self.out.push(b'\n');
            } else {
                output::write_explanation(&explanation, self.options.contexts.is_some(), &mut self.out);
            }
        }
        if self.out.len() >= CHUNK { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(&self.out)?;
        self.out.clear();
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Failure> {
        if self.options.summary {
            let text = summary::of(self.snapshot, &self.rows, self.users, self.now, self.options.json);
            self.out.extend_from_slice(text.as_bytes());
        }
        self.flush()?;
        io::stdout().flush()?;
        Ok(())
    }
}
