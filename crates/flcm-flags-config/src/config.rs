//! The configuration: a document that has been checked. Inheritance is resolved, the short form is turned into rules,
//! and all names are known. It always compiles.

use std::collections::{BTreeMap, BTreeSet};

use flcm_flags::Serves;

pub use flcm_flags::{Operator, Policy};

pub use crate::parse::document::Literal as Value;
pub use crate::parse::document::{Client, Clients, Kind};
mod clients;
pub(crate) mod graph;
pub(crate) mod pattern;

pub use pattern::Pattern;

/// A checked document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// The document's revision; 0 when it has none.
    pub revision: u64,
    /// Which flags a client key gets, unless a flag says otherwise.
    pub clients: Clients,
    /// Keys of flags that the document says were removed; they are not compiled.
    pub removed: BTreeSet<String>,
    /// Cohorts by name. A cohort that flags use and the document does not define is here as well, and empty.
    pub cohorts: BTreeMap<String, Cohort>,
    /// Flags by key.
    pub flags: BTreeMap<String, Flag>,
    /// The regular expressions of all conditions, as tables, by their text.
    pub patterns: BTreeMap<String, Pattern>,
}

impl Config {
    /// The cohorts that a flag uses, directly or indirectly.
    #[must_use]
    pub fn cohorts_of(&self, flag: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let rules = self.flags.get(flag).map_or(&[][..], |flag| &flag.rules);
        let mut open: Vec<&Condition> = rules.iter().flat_map(|rule| &rule.conditions).collect();
        while let Some(condition) = open.pop() {
            match condition {
                Condition::All(members) | Condition::Any(members) => open.extend(members),
                Condition::Not(member) => open.push(member),
                Condition::Cohort(name) => {
                    if found.insert(name.clone()) {
                        let when = self.cohorts.get(name).and_then(|cohort| cohort.when.as_ref());
                        open.extend(when.into_iter().flatten());
                    }
                }
                Condition::Flag(_) | Condition::Test(_) => {}
            }
        }
        found
    }
}

/// A group of users.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cohort {
    /// User ids that belong.
    pub users: Vec<String>,
    /// User ids that never belong.
    pub except: Vec<String>,
    /// Conditions, all of which must hold; `None` when the document has no `when`.
    pub when: Option<Vec<Condition>>,
}

/// A flag.
#[derive(Clone, Debug, PartialEq)]
pub struct Flag {
    /// What it is for.
    pub description: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// What kind of flag it is.
    pub kind: Option<Kind>,
    /// Until when it is needed, in milliseconds since 1970.
    pub until: Option<u64>,
    /// What a client key gets of it.
    pub client: Client,
    /// The kill switch.
    pub enabled: bool,
    /// Served when off.
    pub default: Value,
    /// Served when on, by a variant without a value or without variants; `None` when that cannot happen.
    pub on: Option<Value>,
    /// The salt of users' buckets.
    pub salt: String,
    /// The attribute that is hashed; `None` for the targeting key.
    pub by: Option<String>,
    /// The decisions that other flags must have made.
    pub dependencies: Vec<Dependency>,
    /// Targeting keys and what they are served.
    pub overrides: BTreeMap<String, Override>,
    /// Rules in the order in which they are tried, including those of the short form.
    pub rules: Vec<Rule>,
    /// Variants in the document's order.
    pub variants: Vec<Variant>,
    /// When the flag rolls back.
    pub error_threshold: Option<Policy>,
}

/// The decision that another flag must have made.
#[derive(Clone, Debug, PartialEq)]
pub struct Dependency {
    /// The other flag.
    pub flag: String,
    /// The decision that it must have made.
    pub expected: Expected,
}

/// What is expected of another flag.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Expected {
    /// On or off.
    Enabled(bool),
    /// A variant, by name.
    Variant(String),
}

/// What an override serves.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Override {
    /// Off.
    Off,
    /// On, with the flag's own split.
    On,
    /// On, with a variant.
    Variant(String),
}

/// A rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name; `None` for the short form and for unnamed rules.
    pub name: Option<String>,
    /// What it serves.
    pub serves: Serves,
    /// Conditions, all of which must hold.
    pub conditions: Vec<Condition>,
    /// Thousandths of a percent, before the schedule begins.
    pub percentage: u32,
    /// Milliseconds since 1970 and thousandths of a percent; times ascend.
    pub schedule: Vec<(u64, u32)>,
    /// Whether the percentage rises linearly between entries of the schedule.
    pub linear: bool,
    /// The rule's own split: variant names and weights. `None` for the flag's split.
    pub split: Option<Vec<(String, u32)>>,
}

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// Every member must hold.
    All(Vec<Self>),
    /// Some member must hold.
    Any(Vec<Self>),
    /// The user must be a member of a cohort.
    Cohort(String),
    /// Another flag must have made this decision.
    Flag(Dependency),
    /// The member must not hold.
    Not(Box<Self>),
    /// An attribute must pass a test.
    Test(Test),
}

/// A comparison of an attribute with an operand.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// The attribute that is read.
    pub attribute: String,
    /// The operator.
    pub operator: Operator,
    /// The operand.
    pub operand: Operand,
}

/// The operand of a test. Its type fits the operator.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// A boolean.
    Bool(bool),
    /// Nothing.
    None,
    /// A number.
    Number(f64),
    /// Numbers, at least one.
    Numbers(Vec<f64>),
    /// Text, a pattern or a version.
    Text(String),
    /// Texts, at least one.
    Texts(Vec<String>),
    /// Milliseconds since 1970.
    Time(i64),
}

/// A variant.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// Its name.
    pub name: String,
    /// Its share, relative to the sum of all weights.
    pub weight: u32,
    /// What it serves; `None` for the flag's `on`.
    pub value: Option<Value>,
}
