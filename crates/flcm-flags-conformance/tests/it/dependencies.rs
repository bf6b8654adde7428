//! Shares of flags that depend on others, against a count over many users.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use flcm_flags::{AttributeValue, Context, Decision, ErrorCode, Millis, PackedDecision, Snapshot, Trips, evaluate_all};
use flcm_flags_config::diff::{FlagDifference, Move, Served, Share, Shares, Version, compare_all};
use flcm_flags_config::{check, compile};
use serde_json::{Value, json};

const FLAGS: usize = 5;
const ATTRIBUTES: [&str; 3] = ["a0", "a1", "a2"];
const USERS: u32 = 3_000;

/// How many users of a hundred gain, lose, switch, and get another value.
type Found = [f64; 4];

fn condition(rng: &mut Rng, index: usize) -> Value {
    let test = json!({ "attribute": ATTRIBUTES[rng.usize(..ATTRIBUTES.len())], "operator": "exists" });
    let flag = |rng: &mut Rng| json!({ "flag": format!("f{}", rng.usize(..index)), "enabled": rng.bool() });
    match rng.u32(0..8) {
        0..=3 => test,
        _ if index == 0 => test,
        4 => flag(rng),
        5 => json!({ "not": flag(rng) }),
        6 => json!({ "any": [flag(rng), test] }),
        _ => json!({ "all": [flag(rng), flag(rng)] }),
    }
}

fn rule(rng: &mut Rng, index: usize) -> Value {
    let percentage = [5.0, 10.0, 33.333, 50.0, 100.0][rng.usize(..5)];
    let mut rule = json!({ "percentage": percentage });
    if rng.bool() {
        let count = rng.usize(1..3);
        rule["conditions"] = (0..count).map(|_| condition(rng, index)).collect();
    }
    rule
}

fn flag(rng: &mut Rng, index: usize) -> Value {
    let mut flag = json!({});
    if rng.u32(0..12) == 0 {
        flag["enabled"] = json!(false);
        return flag;
    }
    if rng.u32(0..12) == 0 {
        flag["default"] = json!(true);
    }
    if rng.u32(0..6) == 0 {
        flag["salt"] = json!("pepper");
    }
    flag["rules"] = (0..rng.usize(1..3)).map(|_| rule(rng, index)).collect();
    flag["rollout"] = json!({ "percentage": 0 });
    if rng.u32(0..3) == 0 {
        flag["variants"] = json!([
            { "name": "x", "weight": rng.u32(1..4) },
            { "name": "y", "weight": 1, "value": rng.bool() },
        ]);
    }
    let mut needed = BTreeSet::new();
    for _ in 0..rng.usize(0..3).min(index) {
        needed.insert(rng.usize(..index));
    }
    let needs = needed.into_iter().map(|other| match rng.u32(0..4) {
        0 => json!({ "flag": format!("f{other}"), "enabled": false }),
        1 => json!({ "flag": format!("f{other}"), "variant": "x" }),
        _ => json!(format!("f{other}")),
    });
    flag["dependencies"] = needs.collect();
    flag
}

fn snapshot(flags: &BTreeMap<String, Value>) -> Option<Snapshot<Vec<u8>>> {
    let config = check(&json!({ "flags": flags }).to_string()).0?;
    Some(Snapshot::from_bytes(compile(&config)).expect("a snapshot of our own"))
}

/// Two versions of a document that is valid in both.
fn versions(rng: &mut Rng) -> [(BTreeMap<String, Value>, Snapshot<Vec<u8>>); 2] {
    loop {
        let old: BTreeMap<String, Value> = (0..FLAGS).map(|index| (format!("f{index}"), flag(rng, index))).collect();
        let mut new = old.clone();
        for _ in 0..2 {
            let index = rng.usize(..FLAGS);
            new.insert(format!("f{index}"), flag(rng, index));
        }
        if let (Some(before), Some(after)) = (snapshot(&old), snapshot(&new)) {
            return [(old, before), (new, after)];
        }
    }
}

/// What every flag serves to a user.
fn served(snapshot: &Snapshot<Vec<u8>>, context: &Context<'_>) -> Vec<Served> {
    let mut out = vec![PackedDecision::error(ErrorCode::FlagNotFound); snapshot.flags().len()];
    let packed = evaluate_all(snapshot, &Trips::NONE, &context.bind(snapshot), Millis(0), &mut out);
    let decisions = snapshot.flags().zip(packed).map(|(flag, packed)| Decision::new(snapshot, flag, *packed));
    decisions
        .map(|decision| Served {
            enabled: decision.enabled(),
            variant: decision.variant().map(str::to_owned),
            value: decision.value().map(|value| format!("{value:?}")),
        })
        .collect()
}

/// What changes for users who have these attributes, by flag.
fn counted(snapshots: [&Snapshot<Vec<u8>>; 2], held: &BTreeSet<&str>) -> Vec<Found> {
    let attributes: Vec<(&str, AttributeValue<'_>)> = held.iter().map(|name| (*name, true.into())).collect();
    let mut found = vec![[0.0; 4]; FLAGS];
    for user in 0..USERS {
        let key = format!("user {user}");
        let context = Context::new(Some(&key), &attributes);
        let [old, new] = snapshots.map(|snapshot| served(snapshot, &context));
        for (found, (old, new)) in found.iter_mut().zip(old.iter().zip(&new)) {
            let kind = match Move::of(old, new) {
                Move::Gain => 0,
                Move::Lose => 1,
                Move::Switch => 2,
                Move::Value => 3,
                Move::Same => continue,
            };
            found[kind] += 100.0 / f64::from(USERS);
        }
    }
    found
}

/// The names that some key has anywhere in a value.
fn named<'v>(value: &'v Value, wanted: &str, found: &mut BTreeSet<&'v str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| named(item, wanted, found)),
        Value::Object(map) => {
            found.extend(map.get(wanted).and_then(Value::as_str));
            map.values().for_each(|inner| named(inner, wanted, found));
        }
        _ => {}
    }
}

/// What a flag asks of users: the attributes of each condition. Those of one rule are one condition.
type Atoms<'v> = BTreeSet<Vec<&'v str>>;

fn atoms<'v>(flags: &'v BTreeMap<String, Value>, key: &str) -> Atoms<'v> {
    let mut atoms = BTreeSet::new();
    for rule in flags.get(key).and_then(|flag| flag["rules"].as_array()).into_iter().flatten() {
        let mut together = Vec::new();
        for condition in rule["conditions"].as_array().into_iter().flatten() {
            if let Some(name) = condition["attribute"].as_str() {
                together.push(name);
                continue;
            }
            let mut inner = BTreeSet::new();
            named(condition, "attribute", &mut inner);
            atoms.extend(inner.into_iter().map(|name| vec![name]));
        }
        if !together.is_empty() {
            atoms.insert(together);
        }
    }
    atoms
}

/// The flag and all that it depends on.
fn closure(flags: &BTreeMap<String, Value>, key: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::from([key.to_owned()]);
    let mut named_flags = BTreeSet::new();
    if let Some(flag) = flags.get(key) {
        named(flag, "flag", &mut named_flags);
        named_flags.extend(flag["dependencies"].as_array().into_iter().flatten().filter_map(Value::as_str));
    }
    named_flags.into_iter().for_each(|other| all.extend(closure(flags, other)));
    all
}

/// Everything that may hold of a user: all combinations of the attributes.
fn combinations() -> Vec<BTreeSet<&'static str>> {
    let of = |bits: usize| ATTRIBUTES.into_iter().enumerate().filter(move |(bit, _)| bits >> bit & 1 == 1);
    (0..1 << ATTRIBUTES.len()).map(|bits| of(bits).map(|(_, name)| name).collect()).collect()
}

fn shares(row: Option<&Shares>) -> Found {
    let of = |share: &Share| share.percent;
    row.map_or([0.0; 4], |row| [of(&row.gain), of(&row.lose), of(&row.switch), of(&row.value)])
}

/// Whether a count is as far from a share as chance allows: five standard deviations.
fn is_near(share: f64, count: f64) -> bool {
    let share = share / 100.0;
    (share - count / 100.0).abs() <= 5.0 * (share * (1.0 - share) / f64::from(USERS)).sqrt() + 0.004
}

/// Compares the shares of a flag with counts, by combination of attributes; how many were exact, and how many bounds. A
/// bound is not tight where some combinations of conditions are impossible.
fn compare(
    what: &str,
    flag: &FlagDifference,
    own: &Atoms<'_>,
    all: &[(BTreeSet<&str>, Found)],
    is_tight: bool,
) -> (u32, u32) {
    let (mut exact, mut bounds) = (0, 0);
    for class in own.iter().map(Some).chain([None]) {
        let holds = |atom: &Vec<&str>, held: &BTreeSet<&str>| atom.iter().all(|name| held.contains(name));
        let is_in = |held: &BTreeSet<&str>| own.iter().filter(|atom| holds(atom, held)).eq(class);
        let counts: Vec<Found> = all.iter().filter(|(held, _)| is_in(held)).map(|(_, found)| *found).collect();
        if counts.is_empty() {
            continue;
        }
        let text =
            |atom: &Vec<&str>| atom.iter().map(|name| format!("{name} exists")).collect::<Vec<_>>().join(" and ");
        let row = flag.shares.iter().find(|row| row.conditions == class.map(text));
        let at_most = row.is_some_and(|row| row.at_most);
        for (kind, share) in shares(row).into_iter().enumerate() {
            let found: Vec<f64> = counts.iter().map(|counts| counts[kind]).collect();
            let largest = found.iter().copied().fold(0.0, f64::max);
            let all_near = at_most || found.iter().all(|found| is_near(share, *found));
            let is_bound = is_near(share, largest) || (at_most && !is_tight && share > largest);
            assert!(
                is_bound && all_near,
                "{what}: {} where {class:?}, kind {kind}: {share} %, at most: {at_most}; counted {found:?}",
                flag.flag
            );
        }
        exact += u32::from(row.is_some() && !at_most);
        bounds += u32::from(at_most);
    }
    (exact, bounds)
}

#[test]
fn shares_are_those_of_many_users() {
    let (mut exact, mut bounds) = (0, 0);
    for seed in 0..60 {
        let [(old, before), (new, after)] = versions(&mut Rng::with_seed(seed));
        let version = |snapshot| Version { name: "", snapshot, config: None };
        let difference = compare_all(&version(&before), &version(&after), Millis(0));
        let counts: Vec<_> = combinations().into_iter().map(|held| (counted([&before, &after], &held), held)).collect();
        for (index, flag) in difference.flags.iter().enumerate() {
            let key = flag.flag.as_str();
            let [near_old, near_new] = [&old, &new].map(|flags| closure(flags, key));
            if near_old.len() + near_new.len() == 2 {
                continue;
            }
            let around = near_old.iter().flat_map(|key| atoms(&old, key));
            let around: Atoms<'_> = around.chain(near_new.iter().flat_map(|key| atoms(&new, key))).collect();
            let is_tight = around.iter().all(|atom| atom.len() == 1);
            let own: Atoms<'_> = atoms(&old, key).union(&atoms(&new, key)).cloned().collect();
            let own = if around.len() == 1 { around } else { own };
            let found: Vec<_> = counts.iter().map(|(found, held)| (held.clone(), found[index])).collect();
            let what = format!("seed {seed}: {} → {}", json!(old), json!(new));
            let (more, further) = compare(&what, flag, &own, &found, is_tight);
            (exact, bounds) = (exact + more, bounds + further);
        }
    }
    println!("{exact} exact shares, {bounds} bounds");
    assert!(exact > 60 && bounds > 30, "{exact} shares are exact, {bounds} are bounds");
}
