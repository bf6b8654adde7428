//! `flcm diff`: which flags change, and for whom.

use std::io::Write;
use std::path::PathBuf;

use flcm_flags::Millis;
use flcm_flags_config::diff::{Version, compare_all};

use crate::failure::Failure;
use crate::source::Source;

mod contexts;
mod output;

/// Compare two documents or snapshots: which flags change, and for whom
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Shares are exact: they are counted over all 100,000 buckets and 2^32 split points, for users whose conditions hold for \
that rule and for no other rule with conditions; rules without conditions count for everyone. Overrides and dependencies \
are left aside. With --contexts real users are counted instead, all of it taken in.

Exit code 0 whether or not there is a difference; with --exit-code it is 1 when there is one.")]
pub(crate) struct Options {
    /// The document or snapshot before
    old: PathBuf,
    /// The document or snapshot after
    new: PathBuf,
    /// Count over the contexts of this file, one flat JSON object per line; `-` is the standard input
    #[arg(long, value_name = "FILE.jsonl")]
    contexts: Option<PathBuf>,
    /// The time of the comparison, as RFC 3339 or milliseconds since 1970; it matters to schedules. Default: the system
    /// clock
    #[arg(long, value_name = "TIME", value_parser = crate::parse_now)]
    now: Option<Millis>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Exit with 1 when there is a difference
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
    let mut well = true;
    if let Some(path) = &options.contexts {
        let keys: Vec<String> = difference.flags.iter().map(|flag| flag.flag.clone()).collect();
        let counted = contexts::count(path, [&old.snapshot, &new.snapshot], &keys, now)?;
        well = counted.well;
        difference.contexts = Some(counted.contexts);
        for (flag, moves) in difference.flags.iter_mut().zip(counted.moves) {
            flag.contexts = Some(moves);
        }
    }
    difference.drop_same();
    if options.json {
        let text = serde_json::to_string(&difference).map_err(std::io::Error::from)?;
        writeln!(std::io::stdout(), "{text}")?;
    } else {
        anstream::stdout().write_all(output::of(&difference).as_bytes())?;
    }
    Ok(well && (!options.exit_code || difference.is_empty()))
}

impl Source {
    fn version(&self) -> Version<'_, Vec<u8>> {
        Version { name: &self.name, snapshot: &self.snapshot, config: self.config.as_ref() }
    }
}
