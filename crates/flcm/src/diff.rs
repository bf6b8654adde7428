//! `flcm diff`: compares two versions of the flags.

use std::io::Write;
use std::path::{Path, PathBuf};

use flcm_flags::{Millis, Snapshot};
use flcm_flags_config::context::ContextParser;
use flcm_flags_config::diff::{ContextCounter, Difference, Version, compare_all};

use crate::decide::Contexts;
use crate::failure::Failure;
use crate::source::Source;

mod output;

/// Compare two documents or snapshots: which flags change, and for whom
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Shares are exact: they are counted over all 100,000 buckets and 2^32 split points. They are shares of the users who \
match the conditions of that rule and of no other; rules without conditions match everyone. A flag that depends on \
others has the share of users whom the others let pass; where that depends on conditions of theirs, the share is a \
bound. Overrides are ignored. With --contexts the users of a file are counted instead, and everything is taken into \
account.

The exit code is 0 whether or not there is a difference; with --exit-code it is 1 when there is one.")]
pub(crate) struct Options {
    /// The old document or snapshot
    old: PathBuf,
    /// The new document or snapshot
    new: PathBuf,
    /// Count the contexts of this file, one flat JSON object per line; `-` is the standard input
    #[arg(long, value_name = "FILE.jsonl")]
    contexts: Option<PathBuf>,
    /// The time of the comparison, as RFC 3339 or milliseconds since 1970; schedules depend on it. Default: the system
    /// clock
    #[arg(long, value_name = "TIME", value_parser = crate::parse_now)]
    now: Option<Millis>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Exit with code 1 when there is a difference
    #[arg(long)]
    exit_code: bool,
}

pub(crate) fn run(options: &Options) -> Result<bool, Failure> {
    let stdin = [Some(&options.old), Some(&options.new), options.contexts.as_ref()];
    if stdin.into_iter().flatten().filter(|path| crate::source::is_stdin(path)).count() > 1 {
        return Err(Failure::new("only one of the files can be the standard input", "name files for the others"));
    }
    let (old, new) = (Source::load(&options.old)?, Source::load(&options.new)?);
    let now = crate::now_or(options.now);
    let mut difference = compare_all(&old.version(), &new.version(), now);
    let mut all_read = true;
    if let Some(path) = &options.contexts {
        all_read = count(path, [&old.snapshot, &new.snapshot], &mut difference, now)?;
    }
    difference.drop_same();
    if options.json {
        let text = serde_json::to_string(&difference).map_err(std::io::Error::from)?;
        writeln!(std::io::stdout(), "{text}")?;
    } else {
        anstream::stdout().write_all(output::of(&difference).as_bytes())?;
    }
    Ok(all_read && (!options.exit_code || difference.is_empty()))
}

/// Counts the contexts of a file; whether every line could be read.
fn count(
    path: &Path,
    snapshots: [&Snapshot<Vec<u8>>; 2],
    difference: &mut Difference,
    now: Millis,
) -> Result<bool, Failure> {
    let mut counter = ContextCounter::new(difference, snapshots, now);
    let mut parser = ContextParser::new(snapshots.into_iter().flat_map(Snapshot::attributes));
    let mut contexts = Contexts::open(path, true)?;
    while contexts.advance()? {
        contexts.parse(&mut parser, |context| {
            counter.add(context);
            Ok(())
        })?;
    }
    counter.write_to(difference);
    Ok(contexts.finish())
}

impl Source {
    fn version(&self) -> Version<'_, Vec<u8>> {
        Version { name: &self.name, snapshot: &self.snapshot, config: self.config.as_ref() }
    }
}
