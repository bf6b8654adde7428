//! Variants by weight, with payloads. `cargo run -p flcm-flags-config --example split`

use std::collections::BTreeMap;
use std::error::Error;

use flcm_flags::{Context, Millis, Snapshot, Trips, evaluate};

const DOCUMENT: &str = r##"
flags:
  button:
    rollout: { percentage: 50 }
    variants:
      - { name: blue, weight: 3, value: { colour: "#0057b7" } }
      - { name: green, weight: 1, value: { colour: "#2e7d32" } }
"##;

fn main() -> Result<(), Box<dyn Error>> {
    let config = flcm_flags_config::check(DOCUMENT).0.ok_or("the document has errors")?;
    let snapshot = Snapshot::from_bytes(flcm_flags_config::compile(&config))?;
    let flag = snapshot.flag("button").ok_or("no such flag")?;
    let mut shares: BTreeMap<String, u32> = BTreeMap::new();
    for index in 0..100_000 {
        let user = format!("user-{index}");
        let context = Context::new(Some(&user), &[]).bind(&snapshot);
        let decision = evaluate(&snapshot, &Trips::NONE, flag, &context, Millis(0));
        let payload = decision.value().and_then(flcm_flags::Value::as_json).unwrap_or("off");
        *shares.entry(format!("{:>5} {payload}", decision.variant().unwrap_or("–"))).or_default() += 1;
    }
    for (served, count) in &shares {
        println!("{served:<30} {count:>6} of 100,000");
    }
    assert_eq!(shares.len(), 3, "off, blue and green");
    Ok(())
}
