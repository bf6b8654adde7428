//! `flcm diff`: which flags change, and for whom.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

use flcm_flags::Millis;
use flcm_flags_config::explanation::words;
use serde::Serialize;

use crate::failure::Failure;
use crate::source::Source;
use crate::view::FlagView;

mod changes;
mod contexts;
mod intervals;
mod output;

use changes::Change;
use contexts::Moves;
use intervals::Shares;

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

/// All differences.
#[derive(Serialize)]
struct Difference {
    now: String,
    old: Side,
    new: Side,
    flags: Vec<FlagDifference>,
    /// What could not be compared.
    notes: Vec<String>,
    /// How many contexts were counted.
    contexts: Option<u64>,
}

#[derive(Serialize)]
struct Side {
    file: String,
    revision: u64,
    digest: String,
}

/// What is different in one flag.
#[derive(Serialize)]
struct FlagDifference {
    flag: String,
    status: Status,
    changes: Vec<Change>,
    /// Changed flags that this one depends on.
    through: Vec<String>,
    shares: Vec<Shares>,
    contexts: Option<Moves>,
}

#[derive(Clone, Copy, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Added,
    /// Not changed itself, but a flag that it depends on is.
    Affected,
    Changed,
    Removed,
    Same,
}

pub(crate) fn run(options: &Options) -> Result<bool, Failure> {
    let stdin = [Some(&options.old), Some(&options.new), options.contexts.as_ref()];
    if stdin.into_iter().flatten().filter(|path| crate::source::is_stdin(path)).count() > 1 {
        return Err(Failure::new("only one of the files can be the standard input", "name files for the others"));
    }
    let (old, new) = (Source::load(&options.old)?, Source::load(&options.new)?);
    let now = crate::now_or(options.now);
    let mut difference = compare(&old, &new, now);
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
    difference.flags.retain(FlagDifference::is_worth_showing);
    let different = !difference.flags.is_empty() || !difference.notes.is_empty();
    if options.json {
        let text = serde_json::to_string(&difference).map_err(std::io::Error::from)?;
        writeln!(std::io::stdout(), "{text}")?;
    } else {
        anstream::stdout().write_all(output::of(&difference).as_bytes())?;
    }
    Ok(well && !(options.exit_code && different))
}

impl FlagDifference {
    fn is_worth_showing(&self) -> bool {
        self.status != Status::Same || self.contexts.as_ref().is_some_and(Moves::moved)
    }
}

/// Every flag of both, in the order of their keys, the unchanged ones included.
fn compare(old: &Source, new: &Source, now: Millis) -> Difference {
    let keys: BTreeSet<String> = [old, new].into_iter().flat_map(Source::keys).collect();
    let mut flags: Vec<FlagDifference> = keys.into_iter().map(|key| compare_flag(old, new, key, now)).collect();
    let changed: BTreeSet<String> =
        flags.iter().filter(|flag| flag.status != Status::Same).map(|flag| flag.flag.clone()).collect();
    for flag in &mut flags {
        let prerequisites: BTreeSet<String> =
            [old, new].into_iter().flat_map(|side| side.prerequisites(&flag.flag)).collect();
        flag.through = prerequisites.intersection(&changed).cloned().collect();
        if flag.status == Status::Same && !flag.through.is_empty() {
            flag.status = Status::Affected;
        }
    }
    let any = flags.iter().any(|flag| flag.status != Status::Same);
    let notes = changes::notes(old, new, any);
    Difference { now: words::rfc3339(now.0), old: Side::of(old), new: Side::of(new), flags, notes, contexts: None }
}

impl Side {
    fn of(source: &Source) -> Self {
        let digest = format!("{:016x}", source.snapshot.digest());
        Self { file: source.name.clone(), revision: source.snapshot.revision(), digest }
    }
}

fn compare_flag(old: &Source, new: &Source, key: String, now: Millis) -> FlagDifference {
    let (before, after) = (old.flag(&key), new.flag(&key));
    let views =
        (before.map(|flag| FlagView::new(&old.snapshot, flag)), after.map(|flag| FlagView::new(&new.snapshot, flag)));
    let mut changes = Vec::new();
    let mut shares = Vec::new();
    let status = match &views {
        (None, _) => Status::Added,
        (_, None) => Status::Removed,
        (Some(from), Some(to)) => {
            changes = changes::of(from, to);
            changes.extend(changes::of_documents(old, new, &key));
            if changes.is_empty() { Status::Same } else { Status::Changed }
        }
    };
    if status != Status::Same {
        let side = |source: &Source, flag, view| intervals::Side::new(&source.snapshot, flag, view, now);
        let before = before.zip(views.0.as_ref()).map(|(flag, view)| side(old, flag, view));
        let after = after.zip(views.1.as_ref()).map(|(flag, view)| side(new, flag, view));
        shares = intervals::shares(&before.unwrap_or_default(), &after.unwrap_or_default());
    }
    FlagDifference { flag: key, status, changes, through: Vec::new(), shares, contexts: None }
}

impl Source {
    fn flag(&self, key: &str) -> Option<flcm_flags::Flag<'_>> {
        self.snapshot.describe(self.snapshot.flag(key)?)
    }

    fn keys(&self) -> Vec<String> {
        let flags = self.snapshot.flags().filter_map(|id| self.snapshot.describe(id));
        flags.map(|flag| flag.key().to_owned()).collect()
    }

    /// The flags that decide ahead of this one, directly or not.
    fn prerequisites(&self, key: &str) -> Vec<String> {
        let closure = self.flag(key).map_or(&[][..], |flag| flag.closure());
        let flags = closure.iter().filter_map(|id| self.snapshot.describe(flcm_flags::FlagId(id.get())));
        flags.map(|flag| flag.key().to_owned()).collect()
    }
}
