//! Colours, bars and numbers, the same in every command.

use std::fmt::Display;
use std::io::Write;

use anstyle::{AnsiColor, Style};

pub(crate) use flcm_flags_config::explain::text::{count, plural, shown};

/// What is on, gained or well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// What is off, lost or wrong.
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
/// What has changed, or deserves a look.
pub(crate) const NOTE: Style = AnsiColor::Yellow.on_default();
/// What names something.
pub(crate) const NAME: Style = Style::new().bold();
/// What may be skipped.
pub(crate) const DIM: Style = Style::new().dimmed();

/// Sets for the whole process when to colour.
pub(crate) fn choose(choice: clap::ColorChoice) {
    let choice = match choice {
        clap::ColorChoice::Auto => anstream::ColorChoice::Auto,
        clap::ColorChoice::Always => anstream::ColorChoice::Always,
        clap::ColorChoice::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
}

/// Whether the standard output is coloured.
pub(crate) fn is_coloured() -> bool {
    anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never
}

/// Whether the standard error is coloured.
pub(crate) fn is_error_coloured() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}

/// Reports a problem. Goes on if the standard error is closed.
pub(crate) fn error(what: &dyn Display) {
    const ERROR: Style = BAD.bold();
    let _ = writeln!(anstream::stderr(), "{ERROR}error{ERROR:#}: {what}");
}

/// Reports what is probably a mistake.
pub(crate) fn warning(what: &dyn Display) {
    const WARNING: Style = NOTE.bold();
    let _ = writeln!(anstream::stderr(), "{WARNING}warning{WARNING:#}: {what}");
}

/// Prints how to fix what was reported.
pub(crate) fn help(help: &dyn Display) {
    const HELP: Style = AnsiColor::Cyan.on_default().bold();
    let _ = writeln!(anstream::stderr(), "{HELP}help{HELP:#}: {help}");
}

/// Prints a note to the standard error.
pub(crate) fn note(text: &dyn Display) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// A share as text, right-aligned in seven columns: ` 12.3 %`. A share above 0 never shows as 0.0 %.
pub(crate) fn share(part: u128, whole: u128) -> String {
    let text = match (part * 1_000 + whole / 2).checked_div(whole) {
        None => "–".to_owned(),
        Some(0) if part > 0 => "<0.1 %".to_owned(),
        Some(1_000) if part < whole => ">99.9 %".to_owned(),
        Some(tenths) => format!("{}.{} %", tenths / 10, tenths % 10),
    };
    format!("{text:>7}")
}

/// Columns of a bar.
pub(crate) const BAR: u128 = 24;

/// A bar of [`BAR`] columns, to an eighth of a column. Anything above 0 shows.
pub(crate) fn bar(part: u128, whole: u128) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (part * BAR * 8 + whole / 2).checked_div(whole).unwrap_or(0).max(u128::from(part > 0)).min(BAR * 8);
    let full = usize::try_from(eighths / 8).unwrap_or(0);
    let rest = usize::try_from(eighths % 8).unwrap_or(0);
    let drawn = full + usize::from(rest > 0);
    let width = usize::try_from(BAR).unwrap_or(0);
    format!("{}{}{}", "█".repeat(full), EIGHTHS[rest], "·".repeat(width.saturating_sub(drawn)))
}

/// Pads text to a width in characters.
pub(crate) fn pad(text: &str, width: usize) -> String {
    format!("{text:width$}")
}

#[cfg(test)]
mod tests {
    use super::{bar, share};

    #[test]
    fn a_share_that_is_not_nothing_does_not_show_as_nothing() {
        assert_eq!(share(0, 10), "  0.0 %");
        assert_eq!(share(1, 100_000), " <0.1 %");
        assert_eq!(share(99_999, 100_000), ">99.9 %");
        assert_eq!(share(1, 3), " 33.3 %");
        assert_eq!(share(1, 0), "      –");
    }

    #[test]
    fn a_bar_has_one_width() {
        for part in 0..=1_000 {
            assert_eq!(bar(part, 1_000).chars().count(), 24, "{part}");
        }
        assert!(bar(1, 1_000_000).starts_with('▏'));
        assert!(bar(1_000, 1_000).chars().all(|column| column == '█'));
    }
}
