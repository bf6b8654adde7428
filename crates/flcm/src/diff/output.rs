//! Differences for a person.

use std::fmt::Write;

use anstyle::Style;
use flcm_flags_config::diff::{Change, Difference, FlagDifference, Moves, Shares, Status};

use crate::style::{self, BAD, DIM, GOOD, NAME, NOTE, shown};

// Writing to a string cannot fail: the errors of `writeln!` are dropped below.
pub(super) fn of(difference: &Difference) -> String {
    let Difference { now, old, new, flags, notes, contexts } = difference;
    let mut text = String::new();
    let _ = writeln!(text, "{DIM}old  {}  revision {}  digest {}{DIM:#}", old.file, old.revision, old.digest);
    let _ = writeln!(text, "{DIM}new  {}  revision {}  digest {}{DIM:#}", new.file, new.revision, new.digest);
    let _ = writeln!(text, "{DIM}at   {now}{DIM:#}");
    for flag in flags {
        flag_difference(flag, *contexts, &mut text);
    }
    let any = |is: fn(&Shares) -> bool| flags.iter().any(|flag| flag.shares.iter().any(is));
    if any(|shares| shares.flag_has_conditions) {
        let _ = writeln!(
            text,
            "\n{DIM}Shares are of users whose conditions hold for that rule and for no other rule with conditions;\n\
             overrides are left aside. Use --contexts to count real users.{DIM:#}"
        );
    }
    if any(|shares| shares.at_most) {
        let _ = writeln!(
            text,
            "\n{DIM}At most (≤): how many users these are depends on conditions of the flags that a flag depends on.{DIM:#}"
        );
    }
    if flags.is_empty() && notes.is_empty() {
        let _ = writeln!(text, "\n{GOOD}no flag changes{GOOD:#}");
    }
    for note in notes {
        let _ = writeln!(text, "\n{NOTE}note{NOTE:#}: {note}");
    }
    text
}

fn flag_difference(flag: &FlagDifference, contexts: Option<u64>, text: &mut String) {
    let (status, style) = match flag.status {
        Status::Added => ("added", GOOD),
        Status::Affected => ("affected", NOTE),
        Status::Changed => ("changed", NOTE),
        Status::Removed => ("removed", BAD),
        Status::Same => ("same", DIM),
    };
    let through = match flag.through.len() {
        0 => String::new(),
        _ => format!(" through {}", shown(&flag.through.join(", "))),
    };
    let _ = writeln!(text, "\n{NAME}{}{NAME:#}  {style}{status}{style:#}{through}", shown(&flag.flag));
    let width = flag.changes.iter().map(|change| shown(&change.what).chars().count()).max().unwrap_or(0);
    for change in &flag.changes {
        change_line(change, width, text);
    }
    for shares in &flag.shares {
        share_lines(shares, text);
    }
    if let (Some(moves), Some(contexts)) = (&flag.contexts, contexts) {
        move_lines(moves, contexts, text);
    }
}

fn change_line(Change { what, from, to, note }: &Change, width: usize, text: &mut String) {
    let what = style::pad(&shown(what), width);
    let change = match (from.as_deref().map(shown), to.as_deref().map(shown)) {
        (Some(from), Some(to)) => format!("{BAD}{from}{BAD:#} → {GOOD}{to}{GOOD:#}"),
        (Some(from), None) => format!("{BAD}{from}{BAD:#}  removed"),
        (None, Some(to)) => format!("{GOOD}{to}{GOOD:#}"),
        (None, None) => String::new(),
    };
    let note = note.map_or_else(String::new, |note| format!("  {NOTE}{note}{NOTE:#}"));
    let _ = writeln!(text, "  {what}  {change}{note}");
}

fn share_lines(shares: &Shares, text: &mut String) {
    let who = match (&shares.conditions, shares.flag_has_conditions) {
        (Some(conditions), _) => format!("where {}", shown(conditions)),
        (None, true) => "where no conditions hold".to_owned(),
        (None, false) => "everyone".to_owned(),
    };
    let _ = writeln!(text, "  {DIM}{who}{DIM:#}");
    for (name, style, share) in [
        ("gain", GOOD, shares.gain),
        ("lose", BAD, shares.lose),
        ("switch", NOTE, shares.switch),
        ("value", NOTE, shares.value),
    ] {
        if share.part > 0 {
            let bar = style::bar(share.part, share.whole);
            let number = exact(share.part, share.whole);
            let number = if shares.at_most { format!("≤ {number}") } else { number };
            let _ = writeln!(text, "    {name:<6} {number:>12}  {style}{bar}{style:#}");
        }
    }
}

/// A share in percent, with as many decimals as it has, up to six. A percentage that a split of 2^32 points misses by
/// a hair counts as exact.
fn exact(part: u128, whole: u128) -> String {
    const MILLIONTHS: u128 = 100_000_000;
    let scaled = part * MILLIONTHS;
    let digits = (scaled + whole / 2) / whole;
    let is_percentage = digits.is_multiple_of(1_000) && (1..MILLIONTHS).contains(&digits);
    let is_exact = scaled.is_multiple_of(whole) || is_percentage;
    let text = format!("{}.{:06}", digits / 1_000_000, digits % 1_000_000);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{}{text} %", if is_exact { "" } else { "≈" })
}

fn move_lines(moves: &Moves, contexts: u64, text: &mut String) {
    let _ = writeln!(text, "  {DIM}of {}{DIM:#}", style::plural(contexts, "user", "users"));
    let mut line = |name: &str, style: Style, number: u64| {
        let (share, bar) = (style::share(number.into(), contexts.into()), style::bar(number.into(), contexts.into()));
        let _ = writeln!(text, "    {name:<6} {share:>12}  {style}{bar}{style:#}  {:>10}", style::count(number));
    };
    for (name, style, number) in [
        ("gain", GOOD, moves.gain),
        ("lose", BAD, moves.lose),
        ("switch", NOTE, moves.switch),
        ("value", NOTE, moves.value),
    ] {
        if number > 0 {
            line(name, style, number);
        }
    }
    line("same", DIM, moves.same);
}

#[cfg(test)]
mod tests {
    use super::exact;

    #[test]
    fn exact_shares_show_their_decimals() {
        assert_eq!(exact(3, 20), "15 %");
        assert_eq!(exact(1, 100_000), "0.001 %");
        assert_eq!(exact(1, 3), "≈33.333333 %");
        assert_eq!(exact(2, 3), "≈66.666667 %");
        // Splits of 2^32 points miss a percentage by a hair, which is not worth a sign.
        assert_eq!(exact(171_798_691, 1 << 32), "4 %");
        assert_eq!(exact(171_798_692, 1 << 32), "4 %");
        assert_eq!(exact(1, 1 << 64), "≈0 %");
        assert_eq!(exact((1 << 64) - 1, 1 << 64), "≈100 %");
        // The largest that salts bring about: (100,000 * 2^32)^2.
        assert_eq!(exact(184_467_440_737_095_516_160_000_000_000, 184_467_440_737_095_516_160_000_000_000), "100 %");
    }
}
