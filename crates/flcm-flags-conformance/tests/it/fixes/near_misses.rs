//! Near misses with a fix: what a document says, and how people write it.

use serde_json::{Value, json};

/// A part of a valid document, and a wrong way to write it that leaves no doubt about what was meant.
pub(super) struct NearMiss {
    pub(super) kind: &'static str,
    /// A JSON pointer.
    pointer: String,
    is_key: bool,
    right: String,
    wrong: String,
}

/// A document before and behind the part that was written wrongly.
pub(super) struct Written {
    pub(super) before: String,
    pub(super) wrong: String,
    pub(super) after: String,
}

/// Stands in the place of the part until the document is text.
const PLACE: &str = "near-miss";

/// Their values may be any JSON.
const PAYLOADS: [&str; 3] = ["default", "on", "value"];

const LISTS: [&str; 9] = ["all", "any", "conditions", "dependencies", "except", "rules", "schedule", "users", "when"];

const KEYS: [(&str, &[&str]); 17] = [
    ("attribute", &["attr", "atribute"]),
    ("conditions", &["condition", "when"]),
    ("dependencies", &["depends_on", "prerequisites"]),
    ("description", &["descripton"]),
    ("enabled", &["enabeld"]),
    ("error_threshold", &["error_treshold"]),
    ("except", &["exclude"]),
    ("operator", &["op"]),
    ("overrides", &["override"]),
    ("percentage", &["percent", "pct", "percantage"]),
    ("rollout", &["rolout"]),
    ("rules", &["rule"]),
    ("schedule", &["shedule"]),
    ("users", &["user"]),
    ("variants", &["varients"]),
    ("weight", &["wieght"]),
    ("window", &["windw"]),
];

const OPERATORS: [(&str, &[&str]); 9] = [
    ("==", &["=", "===", "eq", "equals"]),
    ("!=", &["<>", "neq"]),
    (">", &["gt"]),
    (">=", &["=>", "gte"]),
    ("<=", &["=<"]),
    ("in", &["IN", "one_of"]),
    ("not_in", &["notIn", "NOT IN"]),
    ("starts_with", &["startsWith", "starts-with", "start_with"]),
    ("matches", &["=~", "regex"]),
];

impl NearMiss {
    /// All of a document.
    pub(super) fn all(document: &Value) -> Vec<Self> {
        let mut found = Vec::new();
        walk(document, "", &mut found);
        found
    }

    /// Writes the document, and the part wrongly.
    pub(super) fn write(&self, document: &Value, write: impl FnOnce(&Value) -> String) -> Written {
        let mut document = document.clone();
        self.mark(&mut document);
        let text = write(&document);
        let quoted = format!("\"{PLACE}\"");
        let (place, quote) = if text.contains(&quoted) { (quoted.as_str(), "\"") } else { (PLACE, "") };
        let (before, after) = text.split_once(place).expect("the part is written");
        let wrong = if self.is_key { format!("{quote}{}{quote}", self.wrong) } else { self.wrong.clone() };
        Written { before: before.to_owned(), wrong, after: after.to_owned() }
    }

    fn mark(&self, document: &mut Value) {
        let (parent, key) = self.pointer.rsplit_once('/').expect("a part");
        if self.is_key {
            let map = document.pointer_mut(parent).and_then(Value::as_object_mut).expect("a map");
            let value = map.remove(key).expect("a value");
            map.insert(PLACE.to_owned(), value);
        } else {
            *document.pointer_mut(&self.pointer).expect("a value") = json!(PLACE);
        }
    }
}

impl std::fmt::Display for NearMiss {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} at {}: `{}` as `{}`", self.kind, self.pointer, self.right, self.wrong)
    }
}

fn walk(value: &Value, pointer: &str, found: &mut Vec<NearMiss>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let pointer = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                of_key(key, &pointer, found);
                of_value(key, inner, &pointer, found);
                if !PAYLOADS.contains(&key.as_str()) {
                    walk(inner, &pointer, found);
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let pointer = format!("{pointer}/{index}");
                of_item(item, &pointer, found);
                walk(item, &pointer, found);
            }
        }
        _ => {}
    }
}

fn of_key(key: &str, pointer: &str, found: &mut Vec<NearMiss>) {
    let known = KEYS.iter().find(|(right, _)| *right == key);
    for wrong in known.into_iter().flat_map(|(_, wrong)| *wrong) {
        let (pointer, right, wrong) = (pointer.to_owned(), key.to_owned(), (*wrong).to_owned());
        found.push(NearMiss { kind: "key", pointer, is_key: true, right, wrong });
    }
}

fn of_value(key: &str, value: &Value, pointer: &str, found: &mut Vec<NearMiss>) {
    let mut add = |kind, wrong: Vec<String>| add(kind, value, pointer, wrong, found);
    match value {
        Value::Number(number) if PAYLOADS.contains(&key) => add("precision", precise(number.as_f64())),
        _ if PAYLOADS.contains(&key) => {}
        Value::Number(number) if ["percentage", "probe"].contains(&key) => add("percentage", percentages(number)),
        Value::Number(number) if ["margin", "rate", "slow_rate"].contains(&key) => add("share", shares(number)),
        Value::Bool(true) => add("switch", vec!["yes".to_owned(), "\"On\"".to_owned()]),
        Value::Bool(false) => add("switch", vec!["No".to_owned(), "'off'".to_owned()]),
        Value::String(text) if key == "operator" => add("operator", operators(text)),
        Value::String(text) => add("text", unquoted(text)),
        Value::Array(items) if LISTS.contains(&key) && items.len() == 1 => add("list", vec![items[0].to_string()]),
        Value::Array(items) if key == "variants" => add("weights", tenths(items)),
        Value::Object(map) if key == "rollout" && map.len() == 1 => {
            add("rollout", map.get("percentage").and_then(Value::as_number).map(percentages).unwrap_or_default());
            add("rollout", map.get("percentage").map(Value::to_string).into_iter().collect());
        }
        Value::Object(map) if key == "error_threshold" && map.len() == 1 => {
            add("threshold", map.get("rate").and_then(Value::as_number).map(shares).unwrap_or_default());
            add("threshold", map.get("rate").map(Value::to_string).into_iter().collect());
        }
        Value::Object(_) if pointer.ends_with("/rollout/cohorts") => add("cohort", name_of_switch(value)),
        _ => {}
    }
}

fn of_item(item: &Value, pointer: &str, found: &mut Vec<NearMiss>) {
    match item {
        Value::String(text) => add("text", item, pointer, unquoted(text), found),
        Value::Object(_) if pointer.contains("/rollout/cohorts/") => {
            add("cohort", item, pointer, name_of_switch(item), found);
        }
        _ => {}
    }
}

fn add(kind: &'static str, right: &Value, pointer: &str, wrong: Vec<String>, found: &mut Vec<NearMiss>) {
    let (pointer, right) = (pointer.to_owned(), right.to_string());
    let misses = wrong.into_iter().map(|wrong| {
        let (pointer, right) = (pointer.clone(), right.clone());
        NearMiss { kind, pointer, is_key: false, right, wrong }
    });
    found.extend(misses);
}

fn percentages(number: &serde_json::Number) -> Vec<String> {
    vec![format!("{number}%"), format!("\"{number}\""), format!("'{number} %'")]
}

fn shares(number: &serde_json::Number) -> Vec<String> {
    let percent = (number.as_f64().expect("a float") * 100.0).round();
    vec![format!("{percent}%"), format!("\"{number}\"")]
}

/// More digits than a float keeps.
fn precise(number: Option<f64>) -> Vec<String> {
    let fraction = number.filter(|number| number.fract() != 0.0);
    fraction.map(|fraction| format!("{fraction}00000000000000000001")).into_iter().collect()
}

fn operators(operator: &str) -> Vec<String> {
    let known = OPERATORS.iter().find(|(right, _)| *right == operator);
    known.into_iter().flat_map(|(_, wrong)| *wrong).map(|wrong| format!("\"{wrong}\"")).collect()
}

/// Text that is a number or a boolean without its quotes.
fn unquoted(text: &str) -> Vec<String> {
    let is_other = text == "true" || text.parse::<f64>().is_ok();
    is_other.then(|| text.to_owned()).into_iter().collect()
}

/// The same shares, as fractions.
fn tenths(items: &[Value]) -> Vec<String> {
    let mut items = items.to_vec();
    let weights: Vec<f64> = items.iter().filter_map(|item| item["weight"].as_f64()).collect();
    if weights.iter().all(|weight| weight % 10.0 == 0.0) {
        return Vec::new();
    }
    for (item, weight) in items.iter_mut().zip(weights) {
        item["weight"] = json!(weight / 10.0);
    }
    vec![Value::Array(items).to_string()]
}

/// The name alone of a cohort that is on.
fn name_of_switch(switch: &Value) -> Vec<String> {
    let mut entries = switch.as_object().into_iter().flatten();
    match (entries.next(), entries.next()) {
        (Some((name, Value::Bool(true))), None) => vec![json!(name).to_string()],
        _ => Vec::new(),
    }
}
