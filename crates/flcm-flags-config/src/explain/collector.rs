//! The visitor that builds an explanation, step by step.

use flcm_flags::bucket::BUCKETS;
use flcm_flags::{
    AttributeValue, BoundContext, CohortId, Decision, Expected, FlagId, Group, Membership, Millis, PackedDecision,
    Rule, Serves, Snapshot, Step, Test, Visitor,
};

use super::{Check, EVERYONE, Explanation, text};

/// A step that has started and not ended; the innermost is the last.
enum Frame {
    Cohort(String),
    Flag(FlagId),
    Group(&'static str),
    Rule { number: usize, name: Option<String>, serves: &'static str, schedule: Vec<(u64, u32)>, linear: bool },
}

pub(super) struct Collector<'s, B> {
    snapshot: &'s Snapshot<B>,
    user: Option<String>,
    now: Millis,
    frames: Vec<(Frame, Vec<Check>)>,
    /// Every flag that was decided, prerequisites first.
    decided: Vec<(FlagId, Explanation)>,
}

impl<'s, B: AsRef<[u8]>> Collector<'s, B> {
    pub(super) fn new(snapshot: &'s Snapshot<B>, context: &BoundContext<'_>, now: Millis) -> Self {
        let user = context.targeting_key().map(str::to_owned);
        Self { snapshot, user, now, frames: Vec::new(), decided: Vec::new() }
    }

    /// Puts the explanation of every prerequisite where the flag's tree names it first.
    pub(super) fn finish(mut self, flag: FlagId, decision: Decision<'_>) -> Explanation {
        let position = self.decided.iter().position(|(id, _)| *id == flag);
        let Some(position) = position else { return self.explanation(flag, decision, Vec::new()) };
        let mut explanation = self.decided.swap_remove(position).1;
        self.nest(&mut explanation.checks);
        explanation
    }

    fn nest(&mut self, checks: &mut [Check]) {
        for check in checks {
            match check {
                Check::Flag { flag, explanation, .. } => {
                    let position = self.decided.iter().position(|(_, decided)| decided.flag == *flag);
                    let Some(position) = position else { continue };
                    let mut inner = self.decided.swap_remove(position).1;
                    self.nest(&mut inner.checks);
                    *explanation = Some(Box::new(inner));
                }
                Check::Cohort { checks, .. } | Check::Group { checks, .. } | Check::Rule { checks, .. } => {
                    self.nest(checks);
                }
                _ => {}
            }
        }
    }

    fn explanation(&self, flag: FlagId, decision: Decision<'_>, checks: Vec<Check>) -> Explanation {
        Explanation::new(self.key(flag), self.user.clone(), decision, checks)
    }

    fn key(&self, flag: FlagId) -> String {
        self.snapshot.describe(flag).map_or_else(String::new, |flag| flag.key().to_owned())
    }

    fn open(&mut self, frame: Frame) {
        self.frames.push((frame, Vec::new()));
    }

    fn add(&mut self, check: Check) {
        if let Some((_, checks)) = self.frames.last_mut() {
            checks.push(check);
        }
    }

    /// The flag that is being decided.
    fn flag(&self) -> Option<flcm_flags::Flag<'s>> {
        let flag = self.frames.iter().find_map(|(frame, _)| if let Frame::Flag(id) = frame { Some(*id) } else { None });
        self.snapshot.describe(flag?)
    }

    fn start_flag(&mut self, id: FlagId) {
        self.open(Frame::Flag(id));
        if let Some(flag) = self.snapshot.describe(id).filter(flcm_flags::Flag::is_readable) {
            self.add(Check::Enabled { held: flag.enabled() });
        }
    }

    fn start_rule(&mut self, rule: Rule<'_>) {
        let number = self.rules_so_far() + 1;
        let serves = match rule.serves() {
            Serves::Everyone => EVERYONE,
            other => text::serves(other),
        };
        let (schedule, linear) = (rule.schedule().collect(), rule.is_linear());
        self.open(Frame::Rule { number, name: rule.name().map(str::to_owned), serves, schedule, linear });
    }

    fn rules_so_far(&self) -> usize {
        let checks = self.frames.last().map_or(&[][..], |(_, checks)| checks);
        checks.iter().filter(|check| matches!(check, Check::Rule { .. })).count()
    }

    fn other_flag(&mut self, flag: FlagId, expected: Expected, dependency: bool, held: bool) {
        let expected = text::expectation(self.snapshot, flag, expected);
        self.add(Check::Flag { flag: self.key(flag), expected, dependency, held, explanation: None });
    }

    fn rollout(&mut self, bucket: Option<u32>, percentage: u32, held: bool) {
        let by = self.flag().and_then(|flag| flag.by()).unwrap_or("targeting key").to_owned();
        // Inside p % if and only if the bucket is below 1000 p; without a bucket, inside 100 % only.
        let needed = bucket.map_or(BUCKETS, |bucket| bucket + 1);
        let from = match self.frames.last() {
            Some((Frame::Rule { schedule, linear, .. }, _)) if !held => first_time(schedule, *linear, needed, self.now),
            _ => None,
        };
        self.add(Check::Rollout { by, bucket, percentage, needed, from, held });
    }

    fn split(&mut self, point: Option<u32>, total: u32, variant: u16) {
        let name = self.flag().and_then(|flag| flag.variant(variant)).map(|variant| variant.name().to_owned());
        self.add(Check::Split { point, total, variant: name.unwrap_or_default() });
    }

    fn because(&self, membership: Membership, has_conditions: bool) -> String {
        let user = self.user.as_deref().map_or_else(|| "a user without targeting key".to_owned(), text::shown);
        match membership {
            Membership::Excepted => format!("{user} is excepted"),
            Membership::Host => format!("the host names {user} as a member"),
            Membership::Listed => format!("{user} is listed"),
            Membership::None if has_conditions => {
                format!("{user} is not listed, not named by the host, and its conditions do not hold")
            }
            Membership::None => format!("{user} is not listed, not named by the host"),
            Membership::When => "its conditions hold".to_owned(),
        }
    }

    fn end(&mut self, step: &Step<'_, '_>) {
        let Some((frame, checks)) = self.frames.pop() else { return };
        match (frame, *step) {
            (Frame::Flag(id), Step::FlagEnd(outcome)) => self.end_flag(id, outcome, checks),
            (Frame::Rule { number, name, serves, .. }, Step::RuleEnd { applied: held }) => {
                let checks = if held { checks } else { without_shares(checks) };
                self.add(Check::Rule { number, name, serves, held, checks });
            }
            (Frame::Group(of), Step::GroupEnd { held }) => self.add(Check::Group { of, held, checks }),
            (Frame::Cohort(cohort), Step::CohortEnd(membership)) => {
                let because = self.because(membership, !checks.is_empty());
                self.add(Check::Cohort { cohort, because, held: membership.is_member(), checks });
            }
            _ => debug_assert!(false, "steps with a start and an end enclose what belongs to them"),
        }
    }

    fn end_flag(&mut self, id: FlagId, outcome: PackedDecision, mut checks: Vec<Check>) {
        let rules = self.untried(id, &checks);
        if rules > 0 {
            checks.push(Check::Untried { rules });
        }
        let explanation = self.explanation(id, Decision::new(self.snapshot, id, outcome), checks);
        self.decided.push((id, explanation));
    }

    /// The number of rules after the one that applied.
    fn untried(&self, id: FlagId, checks: &[Check]) -> usize {
        if !matches!(checks.last(), Some(Check::Rule { held: true, .. })) {
            return 0;
        }
        let tried = checks.iter().filter(|check| matches!(check, Check::Rule { .. })).count();
        self.snapshot.describe(id).map_or(0, |flag| flag.rules().count()).saturating_sub(tried)
    }

    fn test(&mut self, test: &Test<'_>, actual: Option<AttributeValue<'_>>, held: bool) {
        self.add(Check::Test {
            attribute: test.attribute().to_owned(),
            operator: test.operator().as_str(),
            operand: text::json_of_operands(test),
            text: text::test(test),
            actual: actual.map(text::json_of_attribute),
            held,
        });
    }

    fn cohort_condition(&mut self, cohort: CohortId, held: bool) {
        let because = if held { "a member" } else { "not a member" }.to_owned();
        let cohort = self.snapshot.cohort_name(cohort).to_owned();
        self.add(Check::Cohort { cohort, because, held, checks: Vec::new() });
    }
}

/// Leaves out the split and the rollout of a rule that did not apply.
fn without_shares(mut checks: Vec<Check>) -> Vec<Check> {
    checks.retain(|check| !matches!(check, Check::Split { .. } | Check::Rollout { percentage: BUCKETS, .. }));
    checks
}

const fn group_name(group: Group) -> &'static str {
    match group {
        Group::All => "all",
        Group::Any => "any",
        Group::Not => "not",
    }
}

impl<B: AsRef<[u8]>> Visitor for Collector<'_, B> {
    fn visit(&mut self, step: Step<'_, '_>) {
        match step {
            Step::FlagStart(id) => self.start_flag(id),
            Step::Breaker { state, bucket, share, passed: held } => {
                self.add(Check::Breaker { state: state.to_string(), bucket, share, held });
            }
            Step::Dependency { flag, expected, held } => self.other_flag(flag, expected, true, held),
            Step::FlagCondition { flag, expected, held } => self.other_flag(flag, expected, false, held),
            Step::Override => self.add(Check::Override),
            Step::RuleStart(rule) => self.start_rule(rule),
            Step::GroupStart(group) => self.open(Frame::Group(group_name(group))),
            Step::Test { test, actual, held } => self.test(&test, actual, held),
            Step::CohortStart(cohort) => self.open(Frame::Cohort(self.snapshot.cohort_name(cohort).to_owned())),
            Step::CohortCondition { cohort, held } => self.cohort_condition(cohort, held),
            Step::Rollout { bucket, percentage, inside } => self.rollout(bucket, percentage, inside),
            Step::Split { point, total, variant } => self.split(point, total, variant),
            Step::GroupEnd { .. } | Step::CohortEnd(_) | Step::RuleEnd { .. } | Step::FlagEnd(_) => self.end(&step),
        }
    }
}

/// When a schedule first reaches the percentage `needed`, after `now`.
///
/// With a linear ramp it is the smallest `t` with `p0 + floor((p1 - p0) * (t - t0) / (t1 - t0)) >= needed`.
fn first_time(schedule: &[(u64, u32)], linear: bool, needed: u32, now: Millis) -> Option<u64> {
    let mut previous = None;
    for (at, percentage) in schedule.iter().copied() {
        if at > now.0 {
            if let Some((from, start)) = previous.filter(|(_, start)| linear && *start < needed && percentage >= needed)
            {
                let rise = u128::from(percentage - start);
                let time = (u128::from(needed - start) * u128::from(at - from)).div_ceil(rise);
                return u64::try_from(time).ok().map(|time| from + time);
            }
            if percentage >= needed {
                return Some(at);
            }
        }
        previous = Some((at, percentage));
    }
    None
}

#[cfg(test)]
mod tests {
    use flcm_flags::Millis;

    use super::first_time;

    #[test]
    fn a_schedule_says_when_a_user_comes_in() {
        let schedule = [(1_000, 10_000), (2_000, 50_000), (3_000, 20_000), (4_000, 100_000)];
        let first = |linear, needed, now| first_time(&schedule, linear, needed, Millis(now));
        assert_eq!(first(false, 10_000, 0), Some(1_000));
        assert_eq!(first(false, 10_001, 0), Some(2_000));
        assert_eq!(first(false, 50_001, 0), Some(4_000));
        assert_eq!(first(false, 50_000, 2_000), Some(4_000));
        assert_eq!(first(true, 30_000, 0), Some(1_500));
        assert_eq!(first(true, 30_001, 0), Some(1_501));
        assert_eq!(first(true, 100_000, 0), Some(4_000));
        assert_eq!(first(true, 100_001, 0), None);
        assert_eq!(first_time(&[], true, 1, Millis(0)), None);
    }
}
