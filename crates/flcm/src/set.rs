//! `flcm set`: changes one value in the text of a document.

use std::io::Write;
use std::path::{Path, PathBuf};

use flcm_flags_config::did_you_mean;
use flcm_flags_config::edit::{self, Declined, Edit, Step};
use serde_json::Value;

use crate::failure::Failure;
use crate::style::{self, BAD, GOOD};
use crate::{replace, source};

/// Change a value in a document; comments and layout stay
#[derive(Debug, clap::Args)]
#[command(after_help = "\
PATH is a key after the other with dots between them, and places of lists in brackets: \
`flags.checkout_v2.rules[0].percentage`. A key with a dot stands in double quotes: `'flags.\"shop.search\".enabled'`. Keys \
that are not there are added; a flag is added only as a whole: `flags.checkout_v3 '{}'`.

VALUE is JSON: a number, `true`, `false`, a list or an object. All else is text, so `on` and `anna` need no quotes; text \
that would read as something else does: '\"5\"'. Of lists and objects only what differs is written.

The file is replaced at once, by a new file beside it that is renamed. It stays as it is if the new document would have \
errors, or if the text is written in a way that cannot be changed safely; the reason is reported with its place.")]
pub(crate) struct Options {
    /// The document, YAML or JSON
    #[arg(value_name = "DOC")]
    document: PathBuf,
    /// What to change, such as `flags.checkout_v2.rollout.percentage`
    #[arg(value_name = "PATH")]
    path: String,
    /// Its new value
    #[arg(value_name = "VALUE", allow_hyphen_values = true)]
    value: String,
    /// Show the difference, and write nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(options: &Options) -> Result<bool, Failure> {
    let file = &options.document;
    if source::is_stdin(file) {
        return Err(Failure::new("the standard input cannot be changed", "name a file"));
    }
    let path = edit::path(&options.path)
        .map_err(|wrong| Failure::new(wrong, "write a path like `flags.checkout_v2.rollout.percentage`"))?;
    let name = source::display(file);
    let old = source::read_document(file)?;
    expect_flag(&path, &old)?;
    let set = Edit::Set { path, value: value(&options.value) };
    let edited = edit::edit(&old, &[set]).map_err(|declined| failure(&name, &declined))?;
    source::accept(file, &edited.text, |diagnostics| {
        style::note(&source::render(diagnostics, &name, &edited.text, style::is_error_coloured()));
    })?;
    let mut out = anstream::stdout().lock();
    if edited.text == old {
        writeln!(out, "{name} says so already")?;
        return Ok(true);
    }
    difference(&mut out, &name, &old, &edited.text)?;
    if !options.dry_run {
        write(file, &name, &old, &edited.text)?;
        writeln!(out, "{GOOD}{name} is written{GOOD:#}")?;
    }
    Ok(true)
}

/// Refuses to change something in a flag that is not there. A key with a typing error would become a flag that nobody
/// asks for, and the one that was meant would stay as it is.
fn expect_flag(path: &[Step], text: &str) -> Result<(), Failure> {
    let [Step::Key(flags), Step::Key(flag), _, ..] = path else { return Ok(()) };
    let Some(config) = flcm_flags_config::check(text).0.filter(|_| flags == "flags") else { return Ok(()) };
    if config.flags.contains_key(flag) {
        return Ok(());
    }
    let near = did_you_mean(flag, config.flags.keys().map(String::as_str));
    let help = near.unwrap_or_else(|| "a new flag is added as a whole: `flags.KEY '{}'`".to_owned());
    Err(Failure::new(format!("there is no flag `{flag}`"), help))
}

/// JSON, or else text.
fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

fn failure(name: &str, declined: &Declined) -> Failure {
    let Declined { message, help, at, .. } = declined;
    let (line, column) = (at.start.line + 1, at.start.character + 1);
    Failure::new(format!("{name}:{line}:{column}: {message}"), help)
}

fn write(file: &Path, name: &str, old: &str, new: &str) -> Result<(), Failure> {
    // What someone saved in between must not be lost.
    if source::read_document(file)? != old {
        return Err(Failure::new(format!("{name} changed meanwhile"), "run the command again"));
    }
    replace::document(file, name, new)
}

/// The difference in the unified format, in one part.
fn difference(out: &mut impl Write, name: &str, old: &str, new: &str) -> Result<(), Failure> {
    const CONTEXT: usize = 3;
    let [old, new] = [old, new].map(|text| text.split_inclusive('\n').collect::<Vec<_>>());
    let same = |(old, new): &(&&str, &&str)| old == new;
    let first = old.iter().zip(&new).take_while(same).count();
    let most = old.len().min(new.len()) - first;
    let last = old.iter().rev().zip(new.iter().rev()).take_while(same).count().min(most);
    let (old_end, new_end) = (old.len() - last, new.len() - last);
    let (before, after) = (first.saturating_sub(CONTEXT), last.min(CONTEXT));
    let range =
        |end: usize| format!("{},{}", if end + after > before { before + 1 } else { before }, end + after - before);
    writeln!(out, "--- {name}\n+++ {name}\n@@ -{} +{} @@", range(old_end), range(new_end))?;
    let mut lines = |sign: &str, lines: &[&str]| {
        for line in lines {
            let end = if line.ends_with('\n') { "" } else { "\n\\ No newline at end of file\n" };
            match sign {
                "-" => write!(out, "{BAD}{sign}{line}{BAD:#}{end}")?,
                "+" => write!(out, "{GOOD}{sign}{line}{GOOD:#}{end}")?,
                _ => write!(out, "{sign}{line}{end}")?,
            }
        }
        Ok::<(), std::io::Error>(())
    };
    lines(" ", &old[before..first])?;
    lines("-", &old[first..old_end])?;
    lines("+", &new[first..new_end])?;
    lines(" ", &old[old_end..old_end + after])?;
    Ok(())
}
