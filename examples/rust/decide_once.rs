//! The smallest whole: a document, a snapshot, a decision. `cargo run -p flcm-flags-config --example decide_once`

use std::error::Error;

use flcm_flags::{Context, Millis, Snapshot, Trips, evaluate};

fn main() -> Result<(), Box<dyn Error>> {
    let text = "flags: { greeting: { conditions: [{ attribute: country, operator: \"==\", value: DE }] } }";
    let (config, diagnostics) = flcm_flags_config::check(text);
    let config = config.ok_or_else(|| diagnostics.render("inline", text, false))?;
    let snapshot = Snapshot::from_bytes(flcm_flags_config::compile(&config))?;

    let flag = snapshot.flag("greeting").ok_or("no such flag")?;
    let attributes = [("country", "DE".into())];
    let alice = Context::new(Some("alice"), &attributes).bind(&snapshot);
    let decision = evaluate(&snapshot, &Trips::NONE, flag, &alice, Millis(0));

    println!("greeting for alice: {} because {}", decision.enabled(), decision.reason());
    assert!(decision.enabled());
    Ok(())
}
