//! The users and flags of lib/workload.js, the same to the last bit.

pub const USERS: usize = 10_000;

#[derive(Clone, Debug)]
pub struct User {
    pub id: String,
    pub country: String,
    pub age: i64,
    pub plan: String,
}

/// Mulberry32: small, and the same in JavaScript.
fn random(seed: u32) -> impl FnMut() -> f64 {
    let mut a = seed;
    move || {
        a = a.wrapping_add(0x6d2b_79f5);
        let mut t = a;
        t = (t ^ (t >> 15)).wrapping_mul(t | 1);
        t ^= t.wrapping_add((t ^ (t >> 7)).wrapping_mul(t | 61));
        f64::from(t ^ (t >> 14)) / 4_294_967_296.0
    }
}

/// Users with deterministic attributes; about a third pass the conditions of W3.
pub fn mixed_users() -> Vec<User> {
    let mut next = random(42);
    let mut user = |i| {
        let (country, age, plan) = (next(), next(), next());
        User {
            id: format!("user-{i:05}"),
            country: pick(country, &[(0.6, "DE"), (0.75, "FR"), (0.9, "US"), (1.0, "GB")]),
            age: (age * 120.0).floor() as i64,
            plan: pick(plan, &[(0.25, "free"), (0.5, "pro"), (0.75, "team"), (1.0, "enterprise")]),
        }
    };
    (0..USERS).map(&mut user).collect()
}

fn pick(point: f64, choices: &[(f64, &str)]) -> String {
    choices.iter().find(|(below, _)| point < *below).expect("a choice below 1").1.to_owned()
}

/// The same users, all of whom pass the conditions of W3.
pub fn hit_users() -> Vec<User> {
    let hit = |User { id, age, plan, .. }: User| User {
        id,
        country: "DE".to_owned(),
        age: 31 + age % 80,
        plan: if plan == "free" { "pro".to_owned() } else { plan },
    };
    mixed_users().into_iter().map(hit).collect()
}

pub struct FlagKey {
    pub key: String,
    pub has_variants: bool,
}

/// The 100 flags of a request.
pub fn eval_keys() -> Vec<FlagKey> {
    let kinds = [("w1", 50), ("w2", 20), ("w3", 25), ("w4", 5)];
    let keys =
        |(kind, count)| (0..count).map(move |i| FlagKey { key: format!("{kind}_{i}"), has_variants: kind == "w3" });
    kinds.into_iter().flat_map(keys).collect()
}

/// The share of users that must get `true` or a variant.
pub fn expected_share(workload: &str, users: &[User]) -> f64 {
    let passes = |user: &&User| user.country == "DE" && user.age > 30 && user.plan != "free";
    let w3 = users.iter().filter(passes).count() as f64 / users.len() as f64 * 0.25;
    match workload {
        "W1" => 1.0,
        "W2" => 0.1,
        "W3" => w3,
        "W3h" => 0.25,
        "W4" => 0.28,
        _ => (25.0 + 20.0 * 0.1 + 25.0 * w3 + 5.0 * 0.28) / 100.0,
    }
}
