//! The document as it is written: all keys are optional, and all values have their position. The JSON Schema is
//! generated from the same types.

use std::borrow::Cow;
use std::collections::BTreeMap;

use flcm_flags::{Action, Detector, Policy, Recovery, Shared, Source};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use crate::diagnostics::Span;
use crate::parse::keyword::{Keyword, OPERATORS, OneOf};

/// A value and its position in the text.
#[derive(Clone, Copy, Debug)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Its position.
    pub span: Span,
}

/// Named entries in the order of the document. Names are unique.
#[derive(Clone, Debug)]
pub struct Entries<T>(pub Vec<(At<String>, T)>);

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// A feature-flag document.
#[derive(Clone, Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields, title = "FLCM feature flags")]
pub struct Document {
    /// The number of this version of the document, at most 4294967296. It must increase: hosts refuse older revisions.
    #[schemars(range(min = 0, max = 4_294_967_296_u64))]
    pub revision: Option<At<u64>>,
    /// What a client key, which every visitor of a page can read, gets: `all` flags, or those that are `listed` by
    /// `client: true` of the flag.
    #[schemars(with = "Option<OneOf<Clients>>", extend("default" = "all"))]
    pub clients: Option<At<Clients>>,
    /// Named groups of users.
    #[schemars(default)]
    pub cohorts: Entries<Cohort>,
    /// Templates, which flags may extend. A template is not a flag.
    #[schemars(default)]
    pub templates: Entries<Flag>,
    /// The flags, by key; `{}` if there are none on purpose.
    pub flags: Entries<Flag>,
    /// Keys of flags that were removed on purpose. A server refuses a document that lacks flags in use, unless it names
    /// them here.
    pub removed: Option<At<Vec<At<String>>>>,
    /// The parts of the text that aliases repeat.
    #[schemars(skip)]
    pub shared: Vec<Span>,
}

/// A group of users. A user is a member if `users` lists the user, the host names the user, or `when` holds, and
/// `except` does not list the user.
#[derive(Clone, Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Cohort")]
pub struct Cohort {
    /// User ids.
    pub users: Option<Vec<At<String>>>,
    /// Conditions, all of which must hold; they may name other cohorts.
    pub when: Option<At<Vec<At<Condition>>>>,
    /// User ids that never belong.
    pub except: Option<Vec<At<String>>>,
}

/// A flag or a template.
#[derive(Clone, Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Flag")]
pub struct Flag {
    /// What the flag is for. Never inherited.
    pub description: Option<At<String>>,
    /// The template or flag that this one inherits from.
    pub extends: Option<At<String>>,
    /// Who answers for the flag: a team or a person.
    #[schemars(with = "Option<String>", length(min = 1, max = 256))]
    pub owner: Option<At<String>>,
    /// Words to find the flag by.
    #[schemars(with = "Option<Vec<String>>", length(max = 64), extend("uniqueItems" = true))]
    pub tags: Option<At<Vec<At<String>>>>,
    /// What kind of flag it is, which says how long it is meant to live.
    #[schemars(with = "Option<OneOf<Kind>>")]
    pub kind: Option<At<Kind>>,
    /// RFC 3339 time until which the flag is needed. Never inherited.
    #[schemars(extend("format" = "date-time"))]
    pub until: Option<At<String>>,
    /// Whether pages get the flag: `true`, with its rules; `evaluated`, only what the server decides for a user;
    /// `false`, not at all. Default: `true` with `clients: all`, `false` with `clients: listed`.
    #[schemars(with = "Option<Client>")]
    pub client: Option<At<Client>>,
    /// The kill switch.
    #[schemars(extend("default" = true))]
    pub enabled: Option<At<bool>>,
    /// Served when off; its type is the flag's type.
    #[schemars(extend("default" = false))]
    pub default: Option<At<Literal>>,
    /// Served when on, by a variant without a value or without variants.
    #[schemars(extend("default" = true))]
    pub on: Option<At<Literal>>,
    /// The salt of users' buckets; default the flag key. Changing it reassigns every user. Never inherited.
    pub salt: Option<At<String>>,
    /// Other flags, and the decisions that they must make for the same context before this flag can be on.
    pub dependencies: Option<At<Vec<At<Dependency>>>>,
    /// Targeting key to on, off or the name of a variant.
    // A targeting key may be empty and of any length, unlike a name.
    #[schemars(with = "Option<BTreeMap<String, Override>>")]
    pub overrides: Option<Entries<At<Override>>>,
    /// Who gets the flag, by percentage, cohort and time.
    pub rollout: Option<At<Rollout>>,
    /// Conditions of the short form, all of which must hold.
    pub conditions: Option<At<Vec<At<Condition>>>>,
    /// The variants among which users are split when the flag is on.
    pub variants: Option<At<Vec<At<Variant>>>>,
    /// Rules, tried in order, before the short form.
    pub rules: Option<At<Vec<At<Rule>>>>,
    /// When the flag rolls back.
    pub error_threshold: Option<Box<At<ErrorThreshold>>>,
    /// The flag's position.
    #[schemars(skip)]
    pub span: Span,
}

/// What kind of flag it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Compares variants for a while.
    Experiment,
    /// A switch for those who run the system.
    Ops,
    /// Meant to stay, such as a permission.
    Permanent,
    /// Brings a change to everyone, and then goes.
    Release,
}

/// Which flags a client key gets, unless a flag says otherwise.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Clients {
    /// All of them.
    #[default]
    All,
    /// Those with `client: true`.
    Listed,
}

/// What a client key gets of a flag.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Client {
    /// What the server decides for a user.
    Evaluated,
    /// Nothing.
    Never,
    /// The flag with its rules.
    Snapshot,
}

/// `key`, `{flag: key, enabled: …}` or `{flag: key, variant: …}`.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged, rename = "Dependency")]
pub enum Dependency {
    /// The flag must be on.
    Key(String),
    /// The flag must make this decision.
    Expects(FlagCondition),
}

/// The decision that another flag must make.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "FlagCondition")]
pub struct FlagCondition {
    /// The other flag.
    pub flag: At<String>,
    /// Whether it must be on.
    #[schemars(extend("default" = true))]
    pub enabled: Option<At<bool>>,
    /// The variant that it must serve.
    pub variant: Option<At<String>>,
}

/// What an override serves: on, off or a variant.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged, rename = "Override")]
pub enum Override {
    /// On or off.
    Switch(bool),
    /// A variant, by name.
    Variant(String),
}

/// Who gets the flag, by percentage, cohort and time.
#[derive(Clone, Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Rollout")]
pub struct Rollout {
    /// 0 to 100, at most three decimals. Default: 0 when `cohorts` or `schedule` is given, else 100.
    #[schemars(range(min = 0, max = 100))]
    pub percentage: Option<At<f64>>,
    /// The attribute that is hashed; default the targeting key.
    #[schemars(with = "Option<String>", length(min = 1, max = 256))]
    pub by: Option<At<String>>,
    /// Cohorts that get the flag (`true`) or do not (`false`), regardless of conditions and percentage.
    #[schemars(with = "Option<CohortSwitches>")]
    pub cohorts: Option<At<Switches>>,
    /// Percentages that apply from given times on.
    pub schedule: Option<At<Vec<At<Stage>>>>,
    /// How the percentage changes between entries of the schedule.
    #[schemars(extend("default" = "step"))]
    pub ramp: Option<At<Ramp>>,
}

/// Cohorts and whether they get the flag, in the order of the document.
pub type Switches = Vec<(At<String>, At<bool>)>;

/// One map, or a list of one-key maps.
#[derive(JsonSchema)]
#[schemars(untagged, rename = "CohortSwitches")]
#[allow(dead_code, reason = "describes the two ways to write `rollout.cohorts` to the schema")]
enum CohortSwitches {
    Map(BTreeMap<String, bool>),
    List(Vec<BTreeMap<String, bool>>),
}

/// An entry of a schedule.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Stage")]
pub struct Stage {
    /// RFC 3339 time from which the percentage applies.
    #[schemars(extend("format" = "date-time"))]
    pub at: At<String>,
    /// 0 to 100, at most three decimals.
    #[schemars(range(min = 0, max = 100))]
    pub percentage: At<f64>,
}

/// How the percentage changes between entries of a schedule.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(rename_all = "lowercase", rename = "Ramp")]
pub enum Ramp {
    /// Linearly, from entry to entry.
    Linear,
    /// In steps, at the time of an entry.
    Step,
}

/// A condition.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged, rename = "Condition")]
pub enum Condition {
    /// Every member must hold.
    All(AllOf),
    /// Some member must hold.
    Any(AnyOf),
    /// The user must be a member of a cohort.
    Cohort(InCohort),
    /// Another flag must make this decision.
    Flag(FlagCondition),
    /// The member must not hold.
    Not(NotOf),
    /// An attribute must pass a test.
    Test(Test),
}

/// Every member must hold.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct AllOf {
    /// The members.
    pub all: Vec<At<Condition>>,
}

/// Some member must hold.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct AnyOf {
    /// The members, at least one.
    #[schemars(length(min = 1))]
    pub any: Vec<At<Condition>>,
}

/// The member must not hold.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct NotOf {
    /// The member.
    pub not: Box<At<Condition>>,
}

/// The user must be a member of a cohort.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct InCohort {
    /// Its name.
    pub cohort: At<String>,
}

/// An attribute must pass a test.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Test {
    /// The attribute that is read.
    pub attribute: At<String>,
    /// How the attribute is compared.
    #[schemars(with = "OperatorName")]
    pub operator: At<String>,
    /// The value to compare with; left out for `exists` and `not_exists`.
    #[schemars(with = "Option<serde_json::Value>")]
    pub value: Option<At<Operand>>,
}

/// The value that a condition compares with.
#[derive(Clone, Debug)]
pub enum Operand {
    /// A list.
    Many(Vec<At<Literal>>),
    /// A single value.
    One(Literal),
}

/// A variant.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Variant")]
pub struct Variant {
    /// Its name, unique within the flag.
    pub name: At<String>,
    /// Its share: an integer, relative to the sum of all weights.
    #[schemars(with = "u32", range(min = 0, max = 1_048_576))]
    pub weight: At<u32>,
    /// What it serves; default what the flag serves when on.
    pub value: Option<At<Literal>>,
}

/// A rule.
#[derive(Clone, Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Rule")]
pub struct Rule {
    /// Its name, which explanations and decisions show.
    pub name: Option<At<String>>,
    /// Conditions, all of which must hold.
    pub conditions: Option<At<Vec<At<Condition>>>>,
    /// 0 to 100, at most three decimals.
    #[schemars(range(min = 0, max = 100), extend("default" = 100))]
    pub percentage: Option<At<f64>>,
    /// The variant that is served; default the flag's own split.
    pub variant: Option<At<String>>,
    /// The rule's own split over the flag's variants.
    pub variants: Option<At<Vec<At<Share>>>>,
}

/// A share of a rule's own split.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Share")]
pub struct Share {
    /// A variant of the flag.
    pub name: At<String>,
    /// An integer, relative to the sum of all weights.
    #[schemars(range(min = 0, max = 1_048_576))]
    pub weight: At<u32>,
}

/// When and how the flag rolls back: on evidence that it fails too often, or more often than its control, the users
/// whom only a percentage leaves out.
#[derive(Clone, Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "ErrorThreshold")]
pub struct ErrorThreshold {
    /// Error rate above which the flag is rolled back, between 0 and 1.
    #[schemars(range(min = 0, max = 1))]
    pub rate: Option<At<f64>>,
    /// The window in seconds. Events contain its counts; `detector: rate` takes the error rate over it.
    #[schemars(range(min = 1, max = 86_400), extend("default" = Policy::DEFAULT.window))]
    pub window: Option<At<u32>>,
    /// `evidence` tests the errors against the threshold and against the control, and limits false rollbacks; `rate`
    /// compares the error rate within the window.
    #[schemars(with = "Option<OneOf<Detector>>", extend("default" = Policy::DEFAULT.detector.as_str()))]
    pub detector: Option<At<Detector>>,
    /// How many times the control's error rate is tolerated.
    #[schemars(range(min = 1, max = 100), extend("default" = Policy::DEFAULT.ratio))]
    pub ratio: Option<At<f64>>,
    /// Error rate that is tolerated on top of that.
    #[schemars(range(min = 0, max = 1), extend("default" = Policy::DEFAULT.margin))]
    pub margin: Option<At<f64>>,
    /// How many false rollbacks per flag and day are acceptable, on average.
    #[schemars(extend("default" = Policy::DEFAULT.budget))]
    pub budget: Option<At<Budget>>,
    /// How many outcomes `detector: rate` needs before it compares the rate.
    #[schemars(extend("default" = Policy::DEFAULT.min_samples))]
    pub min_samples: Option<At<u32>>,
    /// Milliseconds above which a call is slow; by default no call is slow.
    #[schemars(range(min = 1))]
    pub slow_ms: Option<At<u32>>,
    /// Share of slow calls above which the flag is rolled back, between 0 and 1.
    #[schemars(range(min = 0, max = 1), extend("default" = Policy::DEFAULT.slow_rate))]
    pub slow_rate: Option<At<f64>>,
    /// `disable` turns the flag off for errors, and returns it to its last good percentage for slow calls; `step_back`
    /// returns it to that percentage for errors, too; `notify` only reports.
    #[schemars(with = "Option<OneOf<Action>>", extend("default" = Policy::DEFAULT.action.as_str()))]
    pub action: Option<At<Action>>,
    /// When the control fails as well: `roll_back` all the same, or `hold` the current percentage.
    #[schemars(with = "Option<OneOf<Shared>>", extend("default" = Policy::DEFAULT.shared.as_str()))]
    pub shared: Option<At<Shared>>,
    /// Whose outcomes count. `servers`: hosts with a key that only they know. `pages`: pages, whose key is public; they
    /// have a breaker of their own, and the flag is on when both are well.
    #[schemars(with = "Option<Vec<OneOf<Source>>>", length(min = 1), extend("default" = ["servers"], "uniqueItems" = true))]
    pub evidence: Option<At<Vec<At<Source>>>>,
    /// `auto` probes the flag after `cooldown`; `sticky` waits for an operator; `by_cause` waits for an operator if the
    /// flag did worse than its control.
    #[schemars(with = "Option<OneOf<Recovery>>", extend("default" = Policy::DEFAULT.recovery.as_str()))]
    pub recovery: Option<At<Recovery>>,
    /// Seconds from the rollback to the first probe.
    #[schemars(extend("default" = Policy::DEFAULT.cooldown))]
    pub cooldown: Option<At<u32>>,
    /// Percentage of users who get the flag while it is probed.
    #[schemars(range(min = 0, max = 100), extend("default" = f64::from(Policy::DEFAULT.probe) / 1_000.0))]
    pub probe: Option<At<f64>>,
}

/// False rollbacks per flag and day; some have a keyword.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget(pub f64);

/// A value: boolean, number, text, or an object or array as canonical JSON.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `true` or `false`.
    Bool(bool),
    /// An object or array: sorted keys, no white space.
    Json(String),
    /// A finite number.
    Number(f64),
    /// Text.
    String(String),
}

impl Literal {
    /// The type, for messages.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Bool(_) => "boolean",
            Self::Json(_) => "object",
            Self::Number(_) => "number",
            Self::String(_) => "string",
        }
    }
}

/// The operators, as the schema lists them.
struct OperatorName;

impl JsonSchema for OperatorName {
    fn schema_name() -> Cow<'static, str> {
        "Operator".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = OPERATORS.iter().map(|(name, _)| *name).collect();
        json_schema!({ "type": "string", "enum": names })
    }
}

impl Keyword for Budget {
    const KEY: &'static str = "budget";

    fn keywords() -> impl Iterator<Item = (&'static str, Self)> {
        [("fast", Self(0.01)), ("strict", Self(0.0001))].into_iter()
    }
}

impl Keyword for Clients {
    const KEY: &'static str = "clients";

    fn keywords() -> impl Iterator<Item = (&'static str, Self)> {
        [("all", Self::All), ("listed", Self::Listed)].into_iter()
    }
}

impl Keyword for Client {
    const KEY: &'static str = "client";

    fn keywords() -> impl Iterator<Item = (&'static str, Self)> {
        std::iter::once(("evaluated", Self::Evaluated))
    }
}

impl Keyword for Kind {
    const KEY: &'static str = "kind";

    fn keywords() -> impl Iterator<Item = (&'static str, Self)> {
        let all = [
            ("release", Self::Release),
            ("experiment", Self::Experiment),
            ("ops", Self::Ops),
            ("permanent", Self::Permanent),
        ];
        all.into_iter()
    }
}

impl Keyword for Ramp {
    const KEY: &'static str = "ramp";
    const UNKNOWN: &'static str = "unknown-ramp";

    fn keywords() -> impl Iterator<Item = (&'static str, Self)> {
        [("step", Self::Step), ("linear", Self::Linear)].into_iter()
    }
}

impl JsonSchema for Budget {
    fn schema_name() -> Cow<'static, str> {
        "Budget".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let keyword = |(keyword, Self(budget))| json_schema!({ "const": keyword, "description": format!("{budget}") });
        let mut choices = vec![json_schema!({ "type": "number", "minimum": 1e-9, "maximum": 0.5 })];
        choices.extend(Self::keywords().map(keyword));
        json_schema!({ "oneOf": choices })
    }
}

impl JsonSchema for Client {
    fn schema_name() -> Cow<'static, str> {
        "Client".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "enum": [true, false, "evaluated"] })
    }
}

impl JsonSchema for Literal {
    fn schema_name() -> Cow<'static, str> {
        "Literal".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["boolean", "number", "string", "object", "array"] })
    }
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}

impl<T: JsonSchema> JsonSchema for Entries<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("MapOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<T>();
        json_schema!({
            "type": "object",
            "propertyNames": { "minLength": 1, "maxLength": 256 },
            "additionalProperties": value,
        })
    }
}
