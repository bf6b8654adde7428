//! smoke
use flcm_flags::*;
#[test]
fn smoke() {
    let text = std::fs::read_to_string("../../examples/feature-flags.yaml").unwrap();
    let (config, diagnostics) = flcm_flags_config::check(&text);
    println!("{}", diagnostics.render("examples/feature-flags.yaml", &text, false));
    let bytes = flcm_flags_config::compile(&config.unwrap());
    std::fs::write("../flcm-flags/tests/first.snapshot", &bytes).unwrap();
    let snapshot = Snapshot::from_bytes(bytes).unwrap();
    let mut on = 0;
    let mut lib = [0; 3];
    for i in 0..10000 {
        let id = format!("user-{i}");
        let attributes = [("account_age_days", 45.into())];
        let c = Context::new(Some(&id), &attributes).bind(&snapshot);
        let d = evaluate(&snapshot, &Trips::NONE, snapshot.flag("v2_mentor_layer").unwrap(), &c, Millis(0));
        on += u32::from(d.enabled());
        let d = evaluate(&snapshot, &Trips::NONE, snapshot.flag("v2_framework_library").unwrap(), &c, Millis(0));
        lib[match d.variant() {
            None => 0,
            Some("full_library") => 1,
            _ => 2,
        }] += 1;
    }
    println!("{on} {lib:?}");
    let bad = "flags:\n  a:\n    enabled: yes\n    rollout: { percentag: 10, percentage: 101 }\n    dependencies: [b, c]\n  b: { dependencies: [a], extends: x }\n";
    let (_, d) = flcm_flags_config::check(bad);
    println!("{}", d.render("bad.yaml", bad, false));
    println!("{}", serde_json::to_string(&d).unwrap());
}
