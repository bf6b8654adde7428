//! `flcm inspect`: shows what a snapshot contains.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

use flcm_flags::snapshot::wire;
use flcm_flags_config::explain::view::FlagView;
use serde::Serialize;

use crate::failure::Failure;
use crate::source::Source;
use crate::style::{BAD, DIM, GOOD, NAME, count, plural, shown};

/// Show what a snapshot contains: header, sections and flags
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// A snapshot; a document is compiled first
    #[arg(value_name = "SNAPSHOT|DOC")]
    source: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Inspection {
    file: String,
    version: u16,
    revision: u64,
    digest: String,
    length: usize,
    sections: Vec<Section>,
    attributes: Vec<String>,
    flags: Vec<FlagView>,
}

#[derive(Serialize)]
struct Section {
    name: &'static str,
    count: u32,
    bytes: usize,
}

pub(crate) fn run(options: &Options) -> Result<bool, Failure> {
    let inspection = inspect(Source::load(&options.source)?);
    if options.json {
        let text = serde_json::to_string(&inspection).map_err(std::io::Error::from)?;
        writeln!(std::io::stdout(), "{text}")?;
    } else {
        anstream::stdout().write_all(table(&inspection).as_bytes())?;
    }
    Ok(true)
}

fn inspect(source: Source) -> Inspection {
    let snapshot = &source.snapshot;
    let flags = snapshot.flags().filter_map(|id| snapshot.describe(id));
    Inspection {
        // The only version that loads.
        version: wire::VERSION,
        revision: snapshot.revision(),
        digest: format!("{:016x}", snapshot.digest()),
        length: snapshot.as_bytes().len(),
        sections: snapshot.sections().map(|(name, count, bytes)| Section { name, count, bytes }).collect(),
        attributes: snapshot.attributes().map(str::to_owned).collect(),
        flags: flags.map(|flag| FlagView::new(snapshot, flag)).collect(),
        file: source.name,
    }
}

// Writing to a string cannot fail: the errors of `writeln!` are dropped below.
fn table(inspection: &Inspection) -> String {
    let Inspection { file, version, revision, digest, length, sections, attributes, flags } = inspection;
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "{DIM}{name:<12}{DIM:#}{value}");
    };
    line("snapshot", file);
    line("version", &version.to_string());
    line("revision", &revision.to_string());
    line("digest", digest);
    line("length", &format!("{} bytes", count(*length as u64)));
    line("attributes", &shown(&attributes.join(", ")));
    let _ = writeln!(text, "\n{DIM}{:<16}{:>10}{:>12}{DIM:#}", "section", "count", "bytes");
    for Section { name, count: records, bytes } in sections {
        let _ = writeln!(text, "{name:<16}{:>10}{:>12}", count((*records).into()), count(*bytes as u64));
    }
    let _ = writeln!(text, "\n{}", plural(flags.len() as u64, "flag", "flags"));
    for flag in flags {
        describe(flag, &mut text);
    }
    text
}

fn describe(flag: &FlagView, text: &mut String) {
    let (state, style) = match (flag.readable, flag.enabled) {
        (false, _) => ("needs a newer version", BAD),
        (true, true) => ("enabled", GOOD),
        (true, false) => ("disabled", BAD),
    };
    let _ = writeln!(text, "\n{NAME}{}{NAME:#}  {style}{state}{style:#}", shown(&flag.key));
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "  {DIM}{name:<14}{DIM:#}{}", shown(value));
    };
    let json =
        |value: &Option<serde_json::Value>| value.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
    line("default", &format!("{}, on: {}", json(&flag.default), json(&flag.on)));
    line("drawn by", &format!("{}, salt {}", flag.by.as_deref().unwrap_or("targeting key"), flag.salt));
    for dependency in &flag.dependencies {
        line("needs", dependency);
    }
    if flag.overrides > 0 {
        line("overrides", &plural(flag.overrides.into(), "user", "users"));
    }
    for variant in &flag.variants {
        let value = variant.value.as_ref().map_or_else(String::new, |value| format!(": {value}"));
        line("variant", &format!("{}{value}", variant.name));
    }
    for (index, rule) in flag.rules.iter().enumerate() {
        let name = rule.name.as_ref().map_or_else(String::new, |name| format!("{name}: "));
        line(&format!("rule {}", index + 1), &format!("{name}{}", rule.describe()));
        if !rule.weights.is_empty() {
            line("", &format!("split {}", rule.split()));
        }
    }
    if let Some(threshold) = &flag.error_threshold {
        line("rolls back", &threshold.describe());
    }
}
