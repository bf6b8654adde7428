//! Transitions as text, the same in every host: a line for people, and an identity for deliveries.
//!
//! Both are written piece by piece, without `core::fmt`: formatting would be a tenth of the wasm module. What writes
//! numbers and evidence is `#[cold]`, so that it is not inlined: that saves another 1.5 KB.

use core::fmt;

use super::transition::{Cause, Event, Next, Report, Statistics, Transition};
use super::window::Arms;
use crate::bucket::BUCKETS;
use crate::counts::Sample;

impl Transition {
    /// One line for people, such as a chat: what happened to a flag, by what evidence, and what comes next.
    #[must_use]
    pub const fn describe<'t>(&'t self, flag: &'t str) -> Description<'t> {
        Description { flag, transition: self }
    }

    /// The identity of this transition of a flag, as text: the same for each attempt to deliver it, so that receivers can
    /// recognise repetitions. See [`TransitionId`].
    #[must_use]
    pub const fn id<'t>(&'t self, flag: &'t str) -> TransitionId<'t> {
        TransitionId { flag, transition: self }
    }
}

/// The identity of a transition as text: `flag-generation-sequence-time`, for the header `webhook-id` and for events in
/// JSON.
///
/// Each byte of the flag key that is not alphanumeric in ASCII, `-` or `_` stands as `%` and two hexadecimal digits. So
/// no two keys give the same text, a header can carry it, and it has no dot, by which Standard Webhooks divides what is
/// signed. The time distinguishes transitions whose numbers are the same, because a host or a server has lost what it
/// had stored.
#[derive(Clone, Copy, Debug)]
pub struct TransitionId<'t> {
    flag: &'t str,
    transition: &'t Transition,
}

impl TransitionId<'_> {
    /// Writes the text, piece by piece.
    pub fn write(&self, out: Out<'_>) {
        for byte in self.flag.bytes() {
            let bytes = if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' {
                &[byte][..]
            } else {
                &[b'%', hex_digit(byte >> 4), hex_digit(byte & 15)][..]
            };
            out(core::str::from_utf8(bytes).unwrap_or_default());
        }
        let Transition { generation, sequence, at, .. } = self.transition;
        for number in [u64::from(*generation), u64::from(*sequence), at.0] {
            out("-");
            decimal(number, out);
        }
    }
}

impl fmt::Display for TransitionId<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(formatter, |out| self.write(out))
    }
}

fn display(formatter: &mut fmt::Formatter<'_>, write: impl FnOnce(Out<'_>)) -> fmt::Result {
    let mut result = Ok(());
    write(&mut |piece| result = result.and_then(|()| formatter.write_str(piece)));
    result
}

const fn hex_digit(value: u8) -> u8 {
    value.wrapping_add(if value < 10 { b'0' } else { b'A'.wrapping_sub(10) })
}

/// A transition as a line of text.
///
/// ```text
/// `checkout` rolled back 50 % → 0 %: 12 of 40 failed (30 %) against 1 % of 38; relative evidence 61, limit 20 (relative)
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Description<'t> {
    flag: &'t str,
    transition: &'t Transition,
}

/// Where the pieces of a line go.
type Out<'o> = &'o mut dyn FnMut(&str);

impl Description<'_> {
    /// Writes the line, piece by piece.
    pub fn write(&self, out: Out<'_>) {
        let Transition { event, cause, percent_before, percent_after, mode, report, .. } = self.transition;
        for piece in ["`", self.flag, "` ", happened(*event)] {
            out(piece);
        }
        if *event == Event::ModeChanged {
            out(" ");
            out(mode.as_str());
        }
        if percent_before != percent_after {
            out(" ");
            percent(*percent_before, out);
            out(" → ");
            percent(*percent_after, out);
        }
        let explained = matches!(event, Event::Tripped | Event::WouldTrip | Event::StageHeld);
        if let Some(cause) = cause.filter(|_| explained) {
            explain(report, cause, out);
        }
        self.write_next(out);
    }

    fn write_next(&self, out: Out<'_>) {
        match self.transition.next {
            Next::Nothing => {}
            Next::Probe(probe) => {
                out("; probed in ");
                decimal(probe.0.saturating_sub(self.transition.at.0).div_ceil(1000), out);
                out(" s");
            }
            Next::Acknowledge => out("; waits for an acknowledgement"),
            Next::Release => out("; waits to be released"),
        }
    }
}

impl fmt::Display for Description<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(formatter, |out| self.write(out))
    }
}

const fn happened(event: Event) -> &'static str {
    match event {
        Event::Tripped => "rolled back",
        Event::WouldTrip => "would have been rolled back",
        Event::HalfOpened => "is probed",
        Event::Reopened => "failed its probe",
        Event::Recovered => "recovered",
        Event::ProbeInconclusive => "had too few probes to tell",
        Event::Acknowledged => "was acknowledged",
        Event::ModeChanged => "was set by a person to",
        Event::Configured => "has another threshold",
        Event::StageHeld => "is held at its percentage",
        Event::StageReleased => "may rise again",
        Event::NoData => "has no data: held at its percentage",
        Event::Reminder => "is still rolled back",
    }
}

/// The evidence of a rollback.
#[cold]
fn explain(report: &Report, cause: Cause, out: Out<'_>) {
    let largest = |Statistics { absolute, relative }: Statistics| absolute.max(relative);
    let is_slow = cause.is_slow() || cause == Cause::Pages && largest(report.slow) > largest(report.errors);
    let (failures, verb): (fn(&Sample) -> u32, _) =
        if is_slow { (|sample| sample.slow, " were slow (") } else { (Sample::failures, " failed (") };
    let Arms { treatment, control } = &report.window;
    out(": ");
    decimal(failures(treatment).into(), out);
    out(" of ");
    decimal(treatment.total.into(), out);
    out(verb);
    percent(thousandths(failures(treatment), treatment.total), out);
    out(")");
    if control.total > 0 {
        out(" against ");
        percent(thousandths(failures(control), control.total), out);
        out(" of ");
        decimal(control.total.into(), out);
    }
    let Statistics { absolute, relative } = if is_slow { report.slow } else { report.errors };
    let (kind, statistic) = match cause {
        Cause::Rate | Cause::SlowRate => return,
        Cause::Relative | Cause::SlowRelative => ("; relative evidence ", relative),
        Cause::Pages if relative > absolute => ("; relative evidence ", relative),
        _ => ("; absolute evidence ", absolute),
    };
    out(kind);
    decimal(rounded(statistic), out);
    out(", limit ");
    decimal(rounded(report.limit), out);
    out(" (");
    out(cause.as_str());
    out(")");
}

/// A part of a whole in thousandths of a percent, rounded down.
fn thousandths(part: u32, whole: u32) -> u32 {
    let share = u64::from(part).wrapping_mul(BUCKETS.into()).checked_div(whole.into());
    share.and_then(|share| u32::try_from(share).ok()).unwrap_or(0)
}

/// Thousandths of a percent as people write them.
#[cold]
fn percent(thousandths: u32, out: Out<'_>) {
    let (whole, mut rest) = (thousandths / 1000, thousandths % 1000);
    decimal(whole.into(), out);
    if rest > 0 {
        out(".");
        if rest % 100 == 0 {
            rest /= 100;
        } else {
            // The digits that a number would leave out.
            out(if rest < 10 {
                "00"
            } else if rest < 100 {
                "0"
            } else {
                ""
            });
        }
        decimal(rest.into(), out);
    }
    out(" %");
}

/// Decimal digits.
#[cold]
fn decimal(number: u64, out: Out<'_>) {
    // A number has 20 of them at most.
    let mut digits = [0; 20];
    let mut rest = number;
    let mut first = digits.len();
    for digit in digits.iter_mut().rev() {
        *digit = b'0'.wrapping_add((rest % 10).to_le_bytes()[0]);
        rest /= 10;
        first = first.saturating_sub(1);
        if rest == 0 {
            break;
        }
    }
    out(digits.get(first..).and_then(|digits| core::str::from_utf8(digits).ok()).unwrap_or_default());
}

/// The nearest whole number; a statistic is not negative.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, as it should"
)]
fn rounded(statistic: f64) -> u64 {
    libm::round(statistic) as u64
}
