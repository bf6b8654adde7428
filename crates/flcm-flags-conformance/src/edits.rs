//! Edits of random texts: what the config crate gives is compared with the same edit of the value, and each comment and
//! each line must be where it was.

use std::collections::BTreeMap;
use std::fmt;

use fastrand::Rng;
use flcm_flags_config::edit::{Edit, Step, edit};
use flcm_flags_config::parse::json;
use serde_json::{Value, json};

use crate::generate::layout::{Comment, Place, Written, written};
use crate::generate::{Document, chance, pick};

mod bytes;
mod lines;
mod oracle;

/// How many edits each text gets, each of the text as it was generated.
const EDITS: u64 = 40;

/// What was tried.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Texts.
    pub texts: u64,
    /// Edits.
    pub edits: u64,
    /// Edits that were applied, by kind.
    pub applied: BTreeMap<String, u64>,
    /// Edits that were declined, by kind and reason.
    pub declined: BTreeMap<String, u64>,
}

/// An edit that did something else.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Makes the text again.
    pub seed: u64,
    /// The text.
    pub text: String,
    /// What was to be done.
    pub edit: Edit,
    /// The text that came of it.
    pub edited: String,
    /// What is wrong with it.
    pub what: String,
}

/// Tries at least so many edits. Text *n* is made from `seed + n`.
///
/// # Errors
/// The first edit that went wrong.
pub fn compare(seed: u64, edits: u64) -> Result<Tally, Box<Fault>> {
    let mut tally = Tally::default();
    while tally.edits < edits {
        compare_text(seed.wrapping_add(tally.texts), &mut tally)?;
    }
    Ok(tally)
}

fn compare_text(seed: u64, tally: &mut Tally) -> Result<(), Box<Fault>> {
    let mut rng = Rng::with_seed(seed);
    let value = if chance(&mut rng, 60) { Document::random(&mut rng).value } else { anything(&mut rng) };
    let written = written(&mut rng, &value);
    let read = json::value(&written.text).unwrap_or_else(|| panic!("seed {seed}: unreadable:\n{}", written.text));
    assert_eq!(read, normal(&value), "seed {seed}: the generator wrote something else:\n{}", written.text);
    tally.texts += 1;
    for _ in 0..EDITS {
        let edit = random(&mut rng, &value);
        compare_edit(&value, &written, &edit, tally)
            .map_err(|(edited, what)| Box::new(Fault { seed, text: written.text.clone(), edit, edited, what }))?;
    }
    Ok(())
}

/// The value as it is read back: one number has several texts.
fn normal(value: &Value) -> Value {
    json::value(&value.to_string()).expect("JSON is YAML")
}

fn compare_edit(value: &Value, written: &Written, change: &Edit, tally: &mut Tally) -> Result<(), (String, String)> {
    tally.edits += 1;
    let kind = format!("{change:?}").split(' ').next().unwrap_or_default().to_lowercase();
    let edited = match edit(&written.text, std::slice::from_ref(change)) {
        Ok(edited) => edited,
        Err(declined) => {
            *tally.declined.entry(format!("{kind} {}", declined.reason.as_str())).or_default() += 1;
            return Ok(());
        }
    };
    *tally.applied.entry(kind).or_default() += 1;
    let wrong = |what: String| Err((edited.text.clone(), what));
    let Some(wanted) = oracle::applied(value, change) else {
        return wrong("there is nothing there to be changed".to_owned());
    };
    let read = json::value(&edited.text);
    if read.as_ref() != Some(&normal(&wanted)) {
        return wrong(format!("it reads as {read:?} and not as {wanted}"));
    }
    oracle::comments(written, change, &edited.text)
        .and_then(|()| lines::compare(written, change, &edited))
        .and_then(|()| bytes::compare(value, written, change, &edited.text))
        .or_else(wrong)
}

/// A value of any shape.
fn anything(rng: &mut Rng) -> Value {
    let mut map = serde_json::Map::new();
    for _ in 0..rng.usize(1..5) {
        map.insert(name(rng), nested(rng, 3));
    }
    Value::Object(map)
}

fn nested(rng: &mut Rng, depth: u32) -> Value {
    match rng.u32(0..10) {
        0..=2 if depth > 0 => (0..rng.usize(0..5)).map(|_| nested(rng, depth - 1)).collect(),
        3..=5 if depth > 0 => (0..rng.usize(0..5)).map(|_| (name(rng), nested(rng, depth - 1))).collect(),
        _ => scalar(rng),
    }
}

fn scalar(rng: &mut Rng) -> Value {
    match rng.u32(0..6) {
        0 => json!(rng.bool()),
        1 => json!(rng.u32(0..100)),
        2 => json!(f64::from(rng.u32(0..100_000)) / 1_000.0),
        3 => Value::Null,
        _ => json!(pick(rng, &TEXTS)),
    }
}

/// Texts that are easily read as something else.
const TEXTS: [&str; 34] = [
    "",
    "plain",
    "two words",
    "true",
    "no",
    "null",
    "~",
    "5",
    "-1.5",
    "1e3",
    "0x1f",
    ".inf",
    "# no comment",
    "a # b",
    "a: b",
    "a:b",
    "- a",
    "-",
    "?",
    "[a]",
    "{a}",
    "a, b",
    "&a",
    "*a",
    "!a",
    "it's",
    "a \"b\" \\c",
    " a",
    "a ",
    "one\ntwo",
    "one\n\n# two\n",
    "größe 🏳",
    "a\tb",
    "2026-12-01T00:00:00Z",
];

fn name(rng: &mut Rng) -> String {
    match rng.u32(0..8) {
        0 => (*pick(rng, &TEXTS)).replace('\n', " "),
        1 => (*pick(rng, &["enabled", "rollout", "percentage", "flags", "on", "extends"])).to_owned(),
        _ => format!("k{}", rng.u32(0..30)),
    }
}

/// An edit of something that is there, mostly.
fn random(rng: &mut Rng, value: &Value) -> Edit {
    let path = place(rng, value, 20);
    let fresh = |rng: &mut Rng| if chance(rng, 60) { scalar(rng) } else { nested(rng, 2) };
    match rng.u32(0..12) {
        0..=3 => Edit::Set { path, value: fresh(rng) },
        4 => {
            let mut new = oracle::at(value, &path).cloned().unwrap_or_default();
            mutate(rng, &mut new);
            Edit::Set { path, value: new }
        }
        5..=7 => {
            let path = place(rng, value, 50);
            let is_list = oracle::at(value, &path).is_some_and(Value::is_array);
            let index = (is_list && rng.bool()).then(|| rng.usize(0..4));
            Edit::Insert { path, key: (!is_list).then(|| name(rng)), index, value: fresh(rng) }
        }
        8 | 9 => Edit::Remove { path },
        10 => Edit::Rename { path, key: name(rng) },
        _ => Edit::Move { path, index: rng.usize(0..4) },
    }
}

/// Changes a value here and there.
fn mutate(rng: &mut Rng, value: &mut Value) {
    match value {
        Value::Array(items) => {
            for item in items.iter_mut() {
                mutate_some(rng, item);
            }
            if chance(rng, 30) && !items.is_empty() {
                items.remove(rng.usize(0..items.len()));
            }
            if chance(rng, 30) {
                items.insert(rng.usize(0..=items.len()), nested(rng, 1));
            }
        }
        Value::Object(map) => {
            for (_, inner) in map.iter_mut() {
                mutate_some(rng, inner);
            }
            if let Some(key) = map.keys().next().cloned().filter(|_| chance(rng, 30)) {
                map.remove(&key);
            }
            if chance(rng, 30) {
                map.insert(name(rng), nested(rng, 1));
            }
        }
        _ => *value = scalar(rng),
    }
}

fn mutate_some(rng: &mut Rng, value: &mut Value) {
    if chance(rng, 30) {
        mutate(rng, value);
    }
}

/// A path to a value, or now and then to one that is not there.
fn place(rng: &mut Rng, value: &Value, stop: u32) -> Vec<Step> {
    let (mut node, mut path) = (value, Vec::new());
    loop {
        if !path.is_empty() && chance(rng, stop) {
            return path;
        }
        match node {
            Value::Array(items) if !items.is_empty() => {
                let index = rng.usize(0..items.len());
                path.push(Step::Index(index));
                node = &items[index];
            }
            Value::Object(map) if !map.is_empty() => {
                let (key, inner) = map.iter().nth(rng.usize(0..map.len())).expect("an entry");
                path.push(Step::Key(key.clone()));
                node = inner;
            }
            _ => {
                if chance(rng, 10) {
                    path.push(Step::Key(name(rng)));
                }
                return path;
            }
        }
    }
}

/// A path as comments name their owners.
fn steps(path: &[Step]) -> Vec<String> {
    let text = |step: &Step| match step {
        Step::Index(index) => index.to_string(),
        Step::Key(key) => key.clone(),
    };
    path.iter().map(text).collect()
}

/// Whether a comment belongs to a value or to one inside it.
fn belongs(comment: &Comment, path: &[String]) -> bool {
    comment.owner.starts_with(path) && (comment.owner.len() > path.len() || comment.place != Place::Free)
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sum = |counts: &BTreeMap<String, u64>| counts.values().sum::<u64>();
        let (applied, declined) = (sum(&self.applied), sum(&self.declined));
        writeln!(formatter, "{} texts, {} edits: {applied} applied, {declined} declined", self.texts, self.edits)?;
        let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
        for (name, count) in &self.declined {
            let reason = name.rsplit(' ').next().unwrap_or_default();
            *reasons.entry(format!("all {reason}")).or_default() += count;
        }
        for (title, counts) in [("applied", &self.applied), ("declined", &self.declined), ("declined", &reasons)] {
            for (name, count) in counts {
                writeln!(formatter, "{title:<8} {name:<24} {count:>10}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, text, edit, edited, what } = self;
        writeln!(formatter, "{text}\n----- {edit:?}\n{edited}\n-----\nseed {seed}: {what}")
    }
}
