//! Explanations: why a flag was decided as it was, as a tree for people and as JSON for programs.
//!
//! ```
//! use flcm_flags::{Context, Millis, Snapshot, Trips};
//! use flcm_flags_config::Explanation;
//!
//! let (config, _) = flcm_flags_config::check("flags: { beta: { rollout: { percentage: 10 } } }");
//! let snapshot = Snapshot::from_bytes(flcm_flags_config::compile(&config.unwrap()))?;
//! let alice = Context::new(Some("alice"), &[]).bind(&snapshot);
//! let explanation =
//!     Explanation::of(&snapshot, &Trips::NONE, snapshot.flag("beta").unwrap(), &alice, Millis(0));
//! assert!(explanation.to_string().starts_with("beta → off (DEFAULT)\n├─ enabled: yes\n"));
//! # Ok::<(), flcm_flags::SnapshotError>(())
//! ```

use std::fmt;

use flcm_flags::{BoundContext, Decision, ErrorCode, FlagId, Millis, Snapshot, Trips};
use serde::Serialize;

pub mod cohorts;
mod collector;
mod lines;
pub mod text;
pub mod view;

pub use lines::Line;

use collector::Collector;

/// What the rule of a flag serves that nothing narrows.
const EVERYONE: &str = "everyone";

/// Why one flag was decided as it was for one context.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The flag key.
    pub flag: String,
    /// The targeting key.
    pub user: Option<String>,
    /// Whether the feature is on.
    pub enabled: bool,
    /// What is served; `None` for an error.
    pub value: Option<serde_json::Value>,
    /// Name of the variant that is served.
    pub variant: Option<String>,
    /// The reason of the decision.
    pub reason: &'static str,
    /// The error code, if the flag could not be decided.
    pub error_code: Option<&'static str>,
    /// Name of the rule that applied, if it has one.
    pub rule: Option<String>,
    /// The arm of the breaker's comparison: `treatment`, `control` or `outside`.
    pub arm: &'static str,
    /// The checks that led to the decision, in order.
    pub checks: Vec<Check>,
}

/// One check that was made.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "check", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Check {
    /// The kill switch.
    Enabled {
        /// Whether the flag is enabled.
        held: bool,
    },
    /// The breaker, unless it is closed.
    Breaker {
        /// `probing`, `off`, or `capped` with thousandths of a percent.
        state: String,
        /// The user's probe bucket in thousandths of a percent.
        bucket: Option<u32>,
        /// The probe share in thousandths of a percent.
        share: u32,
        /// Whether the user passes.
        held: bool,
    },
    /// A dependency, or a condition on another flag.
    Flag {
        /// The other flag.
        flag: String,
        /// The expected decision: `on`, `off` or `variant …`.
        expected: String,
        /// Whether it is a dependency, rather than a condition of a rule.
        dependency: bool,
        /// Whether the other flag decided so.
        held: bool,
        /// Why the other flag was decided as it was; only where it is named first.
        explanation: Option<Box<Explanation>>,
    },
    /// The user is listed in the flag's overrides.
    Override,
    /// A rule.
    Rule {
        /// Its number within the flag, from 1.
        number: usize,
        /// Its name.
        name: Option<String>,
        /// `on`; for a rule of a listed cohort `cohort on` or `cohort off`; `everyone` where nothing narrows the flag.
        serves: &'static str,
        /// Whether it applied.
        held: bool,
        /// Its conditions, its percentage and the variant it drew.
        checks: Vec<Check>,
    },
    /// Rules after the one that applied.
    Untried {
        /// How many.
        rules: usize,
    },
    /// A group of conditions.
    Group {
        /// `all`, `any` or `not`.
        of: &'static str,
        /// Whether the group holds.
        held: bool,
        /// Its members.
        checks: Vec<Check>,
    },
    /// A test of an attribute.
    Test {
        /// The attribute.
        attribute: String,
        /// The operator, as in the document.
        operator: &'static str,
        /// The operand, as JSON; absent for `exists` and `not_exists`.
        operand: Option<serde_json::Value>,
        /// The test as text.
        text: String,
        /// The value of the attribute; `None` when it is absent.
        actual: Option<serde_json::Value>,
        /// Whether it passes.
        held: bool,
    },
    /// A cohort.
    Cohort {
        /// Its name.
        cohort: String,
        /// Why the user is a member, or is not.
        because: String,
        /// Whether the user is a member.
        held: bool,
        /// The conditions of `when`.
        checks: Vec<Check>,
    },
    /// The rollout percentage of a rule.
    Rollout {
        /// What was hashed: `targeting key`, or the attribute that `by` names.
        by: String,
        /// The user's bucket, 0 to 99,999; `None` when there is nothing to hash.
        bucket: Option<u32>,
        /// Thousandths of a percent.
        percentage: u32,
        /// The smallest percentage, in thousandths of a percent, that lets this user in.
        needed: u32,
        /// When the schedule lets this user in, in milliseconds since 1970.
        from: Option<u64>,
        /// Whether the user is in.
        held: bool,
    },
    /// The draw of a variant.
    Split {
        /// The split point; `None` when there is nothing to hash.
        point: Option<u32>,
        /// Sum of the weights.
        total: u32,
        /// The variant.
        variant: String,
    },
}

impl Explanation {
    /// Decides a flag and records how. All conditions are evaluated, even after one has failed.
    #[must_use]
    pub fn of<B: AsRef<[u8]>, T: AsRef<[u8]>>(
        snapshot: &Snapshot<B>,
        trips: &Trips<T>,
        flag: FlagId,
        context: &BoundContext<'_>,
        now: Millis,
    ) -> Self {
        let mut collector = Collector::new(snapshot, context, now);
        let decision = flcm_flags::explain(snapshot, trips, flag, context, now, &mut collector);
        collector.finish(flag, decision)
    }

    /// The explanation for a flag that is not in the snapshot.
    #[must_use]
    pub fn flag_not_found(flag: &str, user: Option<&str>) -> Self {
        Self::new(flag.to_owned(), user.map(str::to_owned), Decision::flag_not_found(), Vec::new())
    }

    fn new(flag: String, user: Option<String>, decision: Decision<'_>, checks: Vec<Check>) -> Self {
        Self {
            flag,
            user,
            enabled: decision.enabled(),
            value: decision.value().map(text::json_of_value),
            variant: decision.variant().map(str::to_owned),
            reason: decision.reason().as_str(),
            error_code: decision.reason().error_code().map(ErrorCode::as_str),
            rule: decision.rule().map(str::to_owned),
            arm: decision.arm().as_str(),
            checks,
        }
    }

    /// The explanation as lines of text, drawn as a tree.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        lines::of(self)
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, line) in self.lines().iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(formatter, "{end}{}{}", line.branch, line.text)?;
        }
        Ok(())
    }
}
