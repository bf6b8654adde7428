//! Random documents that pass the check.
//!
//! What keeps them valid: everything names only what was made before it, so there are no cycles; flags and templates of
//! one `Family` share a type and variant names, so whatever they inherit from each other fits.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::condition::{conditions, expectation};
use super::{chance, pick, pools, text};

/// Names of cohorts. The last one is never defined: the host feeds it.
pub const COHORTS: [&str; 5] = ["beta_testers", "internal users", "Kohorte ü", "队列", "host_fed"];

/// The flag of a document of many attributes that reads all of them.
const MANY: &str = "many";

/// A random document.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its text.
    pub value: Value,
    /// How it is written, in YAML or JSON.
    pub text: String,
    /// Its flag keys, in the order in which they were made.
    pub flags: Vec<String>,
    /// Whether it reads more attributes than a bound context has slots.
    pub many: bool,
}

/// What flags that may inherit from each other have in common.
#[derive(Clone, Debug)]
pub(super) struct Family {
    kind: usize,
    /// Names of variants; may be empty.
    pub(super) variants: Vec<String>,
}

/// What can be named so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) cohorts: Vec<&'static str>,
    pub(super) flags: Vec<(String, Family)>,
    pub(super) many: bool,
}

/// A flag or a template that can be extended: name, family, and how long its own chain is.
struct Parent(String, usize, usize);

impl Document {
    /// Draws a document.
    pub fn random(rng: &mut Rng) -> Self {
        let mut known = Known { many: chance(rng, 20), ..Known::default() };
        let cohorts = cohorts(rng, &mut known);
        let families: Vec<Family> = (0..3).map(|_| family(rng)).collect();
        let mut flags = Map::new();
        let mut templates = Map::new();
        let mut parents: Vec<Parent> = Vec::new();
        for index in 0..rng.usize(3..14) {
            // Templates name the first flag at most, so whoever comes later may extend them.
            if index == 1 {
                for (number, family) in families.iter().enumerate() {
                    if rng.bool() {
                        continue;
                    }
                    let name = format!("Vorlage {number}");
                    templates.insert(name.clone(), flag(rng, family, &known, None));
                    parents.push(Parent(name, number, 0));
                }
            }
            let key = format!("{}{index}", pick(rng, &["flag-", "Fahne ü", "旗🏳", "a.b c", "x"]));
            let number = rng.usize(0..families.len());
            let fitting: Vec<&Parent> = parents.iter().filter(|parent| parent.1 == number && parent.2 < 16).collect();
            let parent = if fitting.is_empty() || chance(rng, 50) { None } else { Some(*pick(rng, &fitting)) };
            let length = parent.map_or(0, |parent| parent.2 + 1);
            flags.insert(key.clone(), flag(rng, &families[number], &known, parent.map(|parent| parent.0.as_str())));
            parents.push(Parent(key.clone(), number, length));
            known.flags.push((key, families[number].clone()));
        }
        if known.many {
            flags.insert(MANY.to_owned(), many(rng));
            known.flags.push((MANY.to_owned(), Family { kind: 0, variants: Vec::new() }));
        }
        let mut value = json!({ "cohorts": cohorts, "templates": templates, "flags": flags });
        if rng.bool() {
            value["revision"] = json!(rng.u32(..));
        }
        let text = if chance(rng, 30) { text::json(rng, &value) } else { text::yaml(rng, &value) };
        let flags = known.flags.into_iter().map(|(key, _)| key).collect();
        Self { value, text, flags, many: known.many }
    }
}

fn cohorts(rng: &mut Rng, known: &mut Known) -> Value {
    let mut cohorts = Map::new();
    for name in &COHORTS[..COHORTS.len() - 1] {
        if chance(rng, 25) {
            continue;
        }
        let mut cohort = Map::new();
        for (list, percent) in [("users", 70), ("except", 40)] {
            if chance(rng, percent) {
                let count = rng.usize(0..4);
                cohort.insert(list.to_owned(), (0..count).map(|_| json!(pick(rng, &pools::USERS))).collect());
            }
        }
        if chance(rng, 50) {
            cohort.insert("when".to_owned(), conditions(rng, known, 2));
        }
        cohorts.insert((*name).to_owned(), Value::Object(cohort));
        known.cohorts.push(name);
    }
    known.cohorts.push(COHORTS[COHORTS.len() - 1]);
    Value::Object(cohorts)
}

fn family(rng: &mut Rng) -> Family {
    let names = ["blue", "größe", "变体", "d", "🅴"];
    let count = if rng.bool() { rng.usize(1..=names.len()) } else { 0 };
    // Booleans are half of all flags, as in life.
    let kind = rng.usize(0..6).min(3);
    Family { kind: (kind + 1) % 4, variants: names[..count].iter().map(|name| (*name).to_owned()).collect() }
}

impl Family {
    fn is_boolean(&self) -> bool {
        self.kind == 0
    }

    /// A value of the family's type.
    fn value(&self, rng: &mut Rng) -> Value {
        match self.kind {
            0 => json!(chance(rng, 30)),
            1 => json!(pick(rng, &["", "text", "größer 🦀"])),
            2 => json!(pick(rng, &pools::NUMBERS)),
            _ => pick(
                rng,
                &[json!({ "shelves": 12, "b": [null, 0.5, "ü"], "a": {} }), json!([1, -0.0, true]), json!({})],
            )
            .clone(),
        }
    }

    /// A variant's value: a boolean flag's may have any type.
    fn payload(&self, rng: &mut Rng) -> Value {
        let kind = if self.is_boolean() { rng.usize(0..4) } else { self.kind };
        Self { kind, variants: Vec::new() }.value(rng)
    }
}

/// A flag or template. Whatever has no parent has all that its family needs.
fn flag(rng: &mut Rng, family: &Family, known: &Known, parent: Option<&str>) -> Value {
    let mut flag = Map::new();
    let mut set = |key: &str, value: Value| drop(flag.insert(key.to_owned(), value));
    let root = parent.is_none();
    if let Some(parent) = parent {
        set("extends", json!(parent));
    }
    if (root && !family.is_boolean()) || chance(rng, 30) {
        set("default", family.value(rng));
    }
    if (root && !family.is_boolean()) || chance(rng, 20) {
        set("on", family.value(rng));
    }
    if !family.variants.is_empty() && (root || chance(rng, 40)) {
        set("variants", variants(rng, family));
    }
    if chance(rng, 8) {
        set("enabled", json!(chance(rng, 30)));
    }
    if chance(rng, 20) {
        set("salt", json!(pools::salt(rng)));
    }
    if chance(rng, 10) {
        set("description", json!("what it is for: # not a comment"));
    }
    if !known.flags.is_empty() && chance(rng, 30) {
        let count = rng.usize(0..3);
        set("dependencies", (0..count).map(|_| dependency(rng, known)).collect());
    }
    if chance(rng, 35) {
        set("overrides", overrides(rng, family));
    }
    if chance(rng, 60) {
        set("rollout", rollout(rng, known));
    }
    if chance(rng, 40) {
        set("conditions", conditions(rng, known, 2));
    }
    if chance(rng, 40) {
        let count = rng.usize(1..4);
        set("rules", (0..count).map(|_| rule(rng, family, known)).collect());
    }
    if chance(rng, 30) {
        set("error_threshold", error_threshold(rng));
    }
    Value::Object(flag)
}

/// Mostly what the story has; now and then each further key.
fn error_threshold(rng: &mut Rng) -> Value {
    let mut threshold = json!({ "rate": 0.05, "window": 300, "probe": percentage(rng) });
    let further = [
        ("detector", json!(pick(rng, &["evidence", "rate"]))),
        ("ratio", json!(pick(rng, &[1.0, 1.5, 100.0]))),
        ("margin", json!(pick(rng, &[0.0, 0.01, 1.0]))),
        ("budget", pick(rng, &[json!("fast"), json!("strict"), json!(1e-9), json!(0.5)]).clone()),
        ("min_samples", json!(rng.u32(..))),
        ("slow_ms", json!(rng.u32(1..))),
        ("slow_rate", json!(0.25)),
        ("action", json!(pick(rng, &["disable", "step_back", "notify"]))),
        ("shared", json!(pick(rng, &["roll_back", "hold"]))),
        ("recovery", json!(pick(rng, &["by_cause", "sticky", "auto"]))),
        ("cooldown", json!(rng.u32(..))),
    ];
    for (key, value) in further {
        if chance(rng, 15) {
            threshold[key] = value;
        }
    }
    threshold
}

/// A flag with a rule for each further attribute, drawn by one that no bound context has a slot for.
fn many(rng: &mut Rng) -> Value {
    let rule = |index: usize| {
        let operator = *pick(rng, &["==", "starts_with", "exists"]);
        let mut condition = json!({ "attribute": pools::extra(index), "operator": operator });
        if operator != "exists" {
            condition["value"] = json!(pick(rng, &pools::TEXTS));
        }
        json!({ "name": pools::extra(index), "conditions": [condition], "percentage": rng.u32(1..30) })
    };
    let rules: Vec<Value> = (0..pools::EXTRA).map(rule).collect();
    json!({ "rules": rules, "rollout": { "percentage": 50, "by": pools::extra(pools::EXTRA - 1) } })
}

fn dependency(rng: &mut Rng, known: &Known) -> Value {
    if rng.bool() { json!(pick(rng, &known.flags).0) } else { expectation(rng, known) }
}

/// All variants of the family, in any order, so that what names them always finds them.
fn variants(rng: &mut Rng, family: &Family) -> Value {
    let mut names = family.variants.clone();
    rng.shuffle(&mut names);
    let sure = rng.usize(0..names.len());
    let variant = |(index, name): (usize, &String)| {
        let mut variant = json!({ "name": name, "weight": weight(rng, index == sure) });
        if chance(rng, 50) {
            variant["value"] = family.payload(rng);
        }
        variant
    };
    names.iter().enumerate().map(variant).collect()
}

fn weight(rng: &mut Rng, positive: bool) -> u32 {
    let weight = *pick(rng, &[0, 0, 1, 50, 33, 1 << 20]);
    if positive { weight.max(1) } else { weight }
}

fn overrides(rng: &mut Rng, family: &Family) -> Value {
    let mut overrides = Map::new();
    for user in pools::USERS {
        if chance(rng, 25) {
            let named = !family.variants.is_empty() && rng.bool();
            let served = if named { json!(pick(rng, &family.variants)) } else { json!(rng.bool()) };
            overrides.insert(user.to_owned(), served);
        }
    }
    Value::Object(overrides)
}

fn rollout(rng: &mut Rng, known: &Known) -> Value {
    let mut rollout = Map::new();
    let mut set = |key: &str, value: Value| drop(rollout.insert(key.to_owned(), value));
    if chance(rng, 75) {
        set("percentage", percentage(rng));
    }
    if chance(rng, 30) {
        let (name, _) = *pick(rng, &pools::ATTRIBUTES);
        set(
            "by",
            json!(if known.many && rng.bool() { pools::extra(rng.usize(0..pools::EXTRA)) } else { name.to_owned() }),
        );
    }
    if chance(rng, 35) {
        let count = rng.usize(0..3);
        let switches = (0..count).map(|_| ((*pick(rng, &known.cohorts)).to_owned(), json!(chance(rng, 70))));
        let map: Map<String, Value> = switches.collect();
        let list = || map.clone().into_iter().rev().map(|(name, on)| json!({ name: on })).collect();
        let written = if rng.bool() { Value::Object(map.clone()) } else { list() };
        set("cohorts", written);
    }
    if chance(rng, 35) {
        set("schedule", schedule(rng));
        if chance(rng, 60) {
            set("ramp", json!(pick(rng, &["step", "linear", "linear"])));
        }
    }
    Value::Object(rollout)
}

fn schedule(rng: &mut Rng) -> Value {
    let mut days: Vec<u64> = (0..24).collect();
    rng.shuffle(&mut days);
    days.truncate(rng.usize(0..5));
    days.sort_unstable();
    let entry =
        |day| json!({ "at": pools::write_time(rng, pools::BASE + day * pools::DAY), "percentage": percentage(rng) });
    days.into_iter().map(entry).collect()
}

/// A percentage with at most three decimals; the bounds are frequent.
fn percentage(rng: &mut Rng) -> Value {
    match rng.u32(0..8) {
        0 => json!(0),
        1 => json!(100),
        2 => json!(f64::from(rng.u32(0..=100_000)) / 1_000.0),
        _ => json!(rng.u32(1..100)),
    }
}

fn rule(rng: &mut Rng, family: &Family, known: &Known) -> Value {
    let mut rule = Map::new();
    let mut set = |key: &str, value: Value| drop(rule.insert(key.to_owned(), value));
    if chance(rng, 60) {
        set("name", json!(format!("rule {}", rng.u8(0..10))));
    }
    if chance(rng, 80) {
        set("conditions", conditions(rng, known, 3));
    }
    if chance(rng, 60) {
        set("percentage", percentage(rng));
    }
    match rng.u32(0..3) {
        0 if !family.variants.is_empty() => set("variant", json!(pick(rng, &family.variants))),
        1 if !family.variants.is_empty() => {
            let mut names = family.variants.clone();
            rng.shuffle(&mut names);
            names.truncate(rng.usize(1..=names.len()));
            let shares = names.iter().enumerate();
            set("variants", shares.map(|(i, name)| json!({ "name": name, "weight": weight(rng, i == 0) })).collect());
        }
        _ => {}
    }
    Value::Object(rule)
}
