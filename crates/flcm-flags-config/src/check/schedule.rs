//! Schedules that are over.

use super::Checker;
use crate::diagnostics::Path;
use crate::parse::document::{At, Stage};

impl Checker<'_> {
    /// Warns about a schedule whose last entry is past, if the check knows the time.
    pub(super) fn past_schedule(&mut self, stages: &At<Vec<At<Stage>>>, last: Option<(u64, u32)>, path: Path<'_>) {
        let (Some(now), Some((time, share)), Some(stage)) = (self.options.now, last, stages.value.last()) else {
            return;
        };
        if time > now.0 {
            return;
        }
        let share = f64::from(share) / 1_000.0;
        let message = format!("the schedule is over: since {} it stays at {share} %", stage.value.at.value);
        let problem = self.diagnostics.warn(stages.span, path, "past-schedule", message);
        problem.help(format!("write `percentage: {share}` in its place, and remove `ramp`"));
    }
}
