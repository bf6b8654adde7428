//! Raising a percentage keeps everyone who is in, and adds the rest. `cargo run -p flcm-flags-config --example roll_out`

use std::collections::BTreeSet;
use std::error::Error;

use flcm_flags::{Context, Millis, Snapshot, Trips, evaluate};

fn main() -> Result<(), Box<dyn Error>> {
    let mut before = BTreeSet::new();
    for percentage in [1.0, 10.0, 25.0, 50.0, 100.0] {
        let now = users_inside(percentage)?;
        println!("{percentage:>3} %: {:>5} of 10,000 users are in", now.len());
        assert!(before.is_subset(&now), "raising a percentage never evicts");
        before = now;
    }
    Ok(())
}

fn users_inside(percentage: f64) -> Result<BTreeSet<String>, Box<dyn Error>> {
    let text = format!("flags: {{ checkout: {{ rollout: {{ percentage: {percentage} }} }} }}");
    let config = flcm_flags_config::check(&text).0.ok_or("the document has errors")?;
    let snapshot = Snapshot::from_bytes(flcm_flags_config::compile(&config))?;
    let flag = snapshot.flag("checkout").ok_or("no such flag")?;
    let users = (0..10_000).map(|index| format!("user-{index}"));
    let is_in = |user: &String| {
        let context = Context::new(Some(user), &[]).bind(&snapshot);
        evaluate(&snapshot, &Trips::NONE, flag, &context, Millis(0)).enabled()
    };
    Ok(users.filter(is_in).collect())
}
