//! A database that both ways use fails for two minutes: the flag is rolled back, probed, and recovers.
//! `cargo run -p flcm-flags-config --example roll_back`

use std::error::Error;

use flcm_flags::breaker::{Breaker, Plan, Scope, State};
use flcm_flags::{Arm, Context, Counts, Millis, Sample, Snapshot, Trips, evaluate};

fn main() -> Result<(), Box<dyn Error>> {
    let text = "flags: { checkout: { rollout: { percentage: 10 }, error_threshold: { rate: 0.05, window: 30 } } }";
    let config = flcm_flags_config::check(text).0.ok_or("the document has errors")?;
    let snapshot = Snapshot::from_bytes(flcm_flags_config::compile(&config))?;
    let id = snapshot.flag("checkout").ok_or("no such flag")?;
    let flag = snapshot.describe(id).ok_or("no such flag")?;
    let plan = Plan::new(&flag.policy().ok_or("no threshold")?, Scope::Fleet);
    let (mut breaker, mut trips) = (Breaker::new(7, Millis(0)), Trips::new([0; Trips::bytes_for(1)]));
    let mut events = Vec::new();

    for now in (0..400_000).step_by(1_000).map(Millis) {
        breaker.stage(flag.percentage_at(now), now);
        let is_down = (60_000..180_000).contains(&now.0);
        let mut counts = Counts { generation: breaker.generation(), ..Counts::default() };
        // Five hundred users a second; while the database is down, every other one fails, old way or new.
        for user in 0..500 {
            let name = format!("user-{user}-{}", now.0);
            let context = Context::new(Some(&name), &[]).bind(&snapshot);
            let outcome = Sample { total: 1, errors: u32::from(is_down && user % 2 == 0), ..Sample::default() };
            match evaluate(&snapshot, &trips, id, &context, now).arm() {
                Arm::Treatment => counts.treatment.add(&outcome),
                Arm::Control => counts.control.add(&outcome),
                Arm::Outside => {}
            }
        }
        if let Some(transition) = breaker.record(&plan, &counts, now) {
            println!("{:>3} s  {}", now.0 / 1_000, transition.describe(flag.key()));
            events.push(transition.event.as_str());
        }
        trips.set(id, breaker.trip_state());
    }
    assert_eq!(events, ["tripped", "half_opened", "reopened", "half_opened", "recovered"]);
    assert_eq!(breaker.state(), State::Closed);
    Ok(())
}
