//! Counts of decisions: by on and off, by variant, and by reason.

use std::collections::BTreeMap;
use std::fmt::Write;

use anstyle::Style;
use flcm_flags::{Millis, Snapshot};
use flcm_flags_config::explain::text;
use serde::Serialize;

use super::output::Row;
use crate::style::{self, BAD, DIM, GOOD, NAME, shown};

/// The counts of one flag.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Counts<'s> {
    flag: &'s str,
    contexts: u64,
    on: u64,
    variants: BTreeMap<&'s str, u64>,
    reasons: BTreeMap<&'static str, u64>,
    errors: BTreeMap<&'static str, u64>,
}

/// One table, or with `json` one object per flag and line.
pub(super) fn of(snapshot: &Snapshot<Vec<u8>>, rows: &[Row], contexts: u64, now: Millis, json: bool) -> String {
    let all: Vec<Counts<'_>> = rows.iter().map(|row| count(snapshot, row, contexts)).collect();
    if json {
        let lines = all.iter().filter_map(|counts| serde_json::to_string(counts).ok());
        return lines.flat_map(|line| [line, "\n".to_owned()]).collect();
    }
    let paint = Paint { coloured: style::is_coloured() };
    let names = all.iter().flat_map(|counts| {
        counts.variants.keys().map(|name| format!("variant {}", shown(name))).chain([shown(counts.flag)])
    });
    // Wide enough for the longest reason.
    let width = names.map(|name| name.chars().count()).max().unwrap_or(0).max("PREREQUISITE_FAILED".len()) + 2;
    let (contexts, flags) =
        (style::plural(contexts, "user", "users"), style::plural(rows.len() as u64, "flag", "flags"));
    let mut text = paint.with(DIM, &format!("{contexts}, {flags}, at {}\n", text::rfc3339(now.0)));
    for counts in &all {
        text.push('\n');
        table(counts, width, &paint, &mut text);
    }
    text
}

fn count<'s>(snapshot: &'s Snapshot<Vec<u8>>, row: &'s Row, contexts: u64) -> Counts<'s> {
    let flag = row.id().and_then(|id| snapshot.describe(id));
    let variants = flag.iter().flat_map(flcm_flags::Flag::variants).map(|variant| (variant.name(), 0)).collect();
    let mut counts =
        Counts { flag: &row.key, contexts, on: 0, variants, reasons: BTreeMap::new(), errors: BTreeMap::new() };
    for counted in &row.counts {
        let decision = row.decision(snapshot, counted.packed);
        counts.on += if decision.enabled() { counted.count } else { 0 };
        *counts.reasons.entry(decision.reason().as_str()).or_default() += counted.count;
        if let Some(variant) = decision.variant() {
            *counts.variants.entry(variant).or_default() += counted.count;
        }
        if let Some(code) = decision.reason().error_code() {
            *counts.errors.entry(code.as_str()).or_default() += counted.count;
        }
    }
    counts
}

struct Paint {
    coloured: bool,
}

impl Paint {
    fn with(&self, style: Style, text: &str) -> String {
        if self.coloured { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

fn table(counts: &Counts<'_>, width: usize, paint: &Paint, text: &mut String) {
    let whole = counts.contexts;
    let mut row = |name: &str, name_style, number: u64, bar_style| {
        let (share, bar) = (style::share(number.into(), whole.into()), style::bar(number.into(), whole.into()));
        let name = paint.with(name_style, &style::pad(name, width));
        let bar = paint.with(bar_style, &bar);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name} {share}  {bar}  {:>10}", style::count(number));
    };
    row(&shown(counts.flag), NAME, counts.on, GOOD);
    for (variant, number) in &counts.variants {
        row(&format!("  variant {}", shown(variant)), Style::new(), *number, GOOD);
    }
    let mut reasons: Vec<_> = counts.reasons.iter().collect();
    reasons.sort_by_key(|(reason, number)| (u64::MAX - **number, **reason));
    for (reason, number) in reasons {
        let style = if *reason == "ERROR" { BAD } else { DIM };
        row(&format!("  {reason}"), DIM, *number, style);
    }
}
