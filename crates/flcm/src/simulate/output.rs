//! The results of a simulation, as text and as JSON.

use std::fmt::Write;

use flcm_flags::{Detector, Policy};
use flcm_flags_config::simulate::{Delays, PolicyResult, Report, Traffic, interval};

use super::Simulation;
use crate::failure::Failure;
use crate::style::{self, BAD, DIM, GOOD, NAME, NOTE, shown};

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// The delays for which the chart has a bar.
const MARKS: [u64; 11] = [1, 2, 5, 10, 30, 60, 300, 900, HOUR, 6 * HOUR, DAY];

pub(super) fn text(simulation: &Simulation<'_>) -> String {
    let mut text = String::new();
    let own = &simulation.results[0];
    // Writing to a string cannot fail.
    let _ = write_head(simulation, &mut text);
    for (title, delays) in
        [("fault from the first request", &own.from_start), ("fault after an hour of health", &own.after_an_hour)]
    {
        let _ = writeln!(text, "\n{}", paint(NAME, title));
        chart(delays, &mut text);
    }
    let _ = write_table(simulation, &mut text);
    text
}

fn write_head(simulation: &Simulation<'_>, text: &mut String) -> std::fmt::Result {
    let (flag, traffic) = (simulation.flag, simulation.comparison.traffic);
    let Traffic { requests: rps, treatment: error_rate, control: baseline, .. } = traffic;
    let (share, policy) = (simulation.share, &simulation.comparison.policy);
    writeln!(text, "{}", paint(NAME, &shown(flag)))?;
    writeln!(text, "  traffic   {rps} requests/s, {share} % of them treated")?;
    writeln!(text, "  failing   {} of the treated, {} of the others", of_hundred(error_rate), of_hundred(baseline))?;
    writeln!(text, "  policy    {}", describe(policy))?;
    if simulation.share <= 0.0 {
        writeln!(text, "  {}", paint(NOTE, "nobody is treated: give `--share`"))?;
    } else if simulation.share >= 100.0 {
        writeln!(text, "  {}", paint(NOTE, "nobody is left out, so there is no control: hold back 1 to 5 %"))?;
    }
    Ok(())
}

fn describe(policy: &Policy) -> String {
    let Policy { rate, window, min_samples, budget, ratio, margin, .. } = policy;
    match policy.detector {
        Detector::Rate => format!("more than {} in {window} s, from {min_samples} calls", of_hundred(*rate)),
        Detector::Evidence => format!(
            "evidence of more than {} or of {ratio} times the others plus {}; false rollbacks: at most {} of days",
            of_hundred(*rate),
            of_hundred(*margin),
            of_hundred(*budget)
        ),
    }
}

/// A bar for each delay: the share of runs in which the fault was detected by then.
fn chart(delays: &Delays, text: &mut String) {
    let runs = delays.found.len() as u64 + delays.never;
    let last = delays.quantile(0.99).unwrap_or(DAY);
    for mark in MARKS.iter().take_while(|mark| **mark < last.saturating_mul(10)) {
        let found = delays.found.partition_point(|delay| delay <= mark) as u64;
        let bar = style::bar(found.into(), runs.into());
        let _ = writeln!(text, "  within {:>6}  {bar} {}", brief(*mark), style::share(found.into(), runs.into()));
        if found == runs {
            break;
        }
    }
}

fn write_table(simulation: &Simulation<'_>, text: &mut String) -> std::fmt::Result {
    let days = simulation.comparison.days;
    writeln!(
        text,
        "\n{}",
        paint(
            NAME,
            &format!(
                "{:<28}{:>18}{:>18}  {}",
                "median / 90 %", "from the first", "after an hour", "false rollbacks a day (95 %)"
            )
        )
    )?;
    for PolicyResult { name, from_start, after_an_hour, false_days } in &simulation.results {
        let (low, high) = interval(*false_days, days);
        let colour = if low > simulation.comparison.policy.budget { BAD } else { GOOD };
        let falsely = format!("{false_days} of {days} ({} to {})", of_hundred(low), of_hundred(high));
        writeln!(text, "{name:<28}{:>18}{:>18}  {}", both(from_start), both(after_an_hour), paint(colour, &falsely))?;
    }
    let false_before = simulation.results.iter().filter(|rule| rule.after_an_hour.falsely > 0);
    for PolicyResult { name, after_an_hour, .. } in false_before {
        let note = format!(
            "{name}: {} of {} runs were rolled back within the healthy hour",
            after_an_hour.falsely, simulation.comparison.runs
        );
        writeln!(text, "{}", paint(DIM, &note))?;
    }
    Ok(())
}

/// The median delay, and the delay of nine runs out of ten.
fn both(delays: &Delays) -> String {
    let one = |share| delays.quantile(share).map_or_else(|| "–".to_owned(), brief);
    match delays.share_found() {
        0.0 => "never".to_owned(),
        all if all >= 0.9 => format!("{} / {}", one(0.5), one(0.9)),
        some => format!("{} ({})", one(0.5), of_hundred(some)),
    }
}

pub(super) fn json(simulation: &Simulation<'_>) -> Result<String, Failure> {
    let Simulation { flag, comparison, share, results } = simulation;
    let text = serde_json::to_string(&Report::new(flag, *share, comparison, results)).map_err(std::io::Error::from)?;
    Ok(text + "\n")
}

/// `85 s`, `2.7 m`, `23.1 h`.
pub(super) fn brief(seconds: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "at most a day")]
    let number = seconds as f64;
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{:.1} m", number / 60.0),
        _ => format!("{:.1} h", number / 3_600.0),
    }
}

/// A share as a percentage of at most four digits.
fn of_hundred(share: f64) -> String {
    let percent = share * 100.0;
    let text = if percent < 1.0 { format!("{percent:.3}") } else { format!("{percent:.2}") };
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

pub(super) fn paint(style: anstyle::Style, text: &str) -> String {
    if style::is_coloured() { format!("{style}{text}{style:#}") } else { text.to_owned() }
}
