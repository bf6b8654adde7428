//! Why a user gets what. `cargo run -p flcm-flags-config --example explain`

use std::error::Error;

use flcm_flags::{Context, Millis, Snapshot, Trips};
use flcm_flags_config::Explanation;

fn main() -> Result<(), Box<dyn Error>> {
    let text = include_str!("../feature-flags.yaml");
    let config = flcm_flags_config::check(text).0.ok_or("the document has errors")?;
    let snapshot = Snapshot::from_bytes(flcm_flags_config::compile(&config))?;
    let flag = snapshot.flag("v2_framework_library").ok_or("no such flag")?;
    let attributes = [("account_age_days", 45.into())];
    let alice = Context::new(Some("alice"), &attributes).bind(&snapshot);
    let explanation = Explanation::of(&snapshot, &Trips::NONE, flag, &alice, Millis(0));
    println!("{explanation}");
    assert!(explanation.to_string().contains("account_age_days"));
    Ok(())
}
