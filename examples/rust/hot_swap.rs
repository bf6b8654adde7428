//! A new snapshot takes over while others go on deciding; a bad document changes nothing.
//! `cargo run -p flcm-flags-config --example hot_swap`

use std::error::Error;
use std::sync::{Arc, RwLock};

use flcm_flags::{Context, Millis, Snapshot, Trips, evaluate};

/// What a host keeps: the last snapshot that was accepted.
struct Flags(RwLock<Arc<Snapshot<Vec<u8>>>>);

impl Flags {
    fn new(text: &str) -> Result<Self, String> {
        Ok(Self(RwLock::new(Arc::new(load(text)?))))
    }

    /// Takes a document over, or says why not and keeps what it has.
    fn update(&self, text: &str) -> Result<(), String> {
        let snapshot = Arc::new(load(text)?);
        *self.0.write().map_err(|error| error.to_string())? = snapshot;
        Ok(())
    }

    fn is_enabled(&self, key: &str, user: &str) -> bool {
        let Ok(snapshot) = self.0.read().map(|current| Arc::clone(&current)) else { return false };
        let Some(flag) = snapshot.flag(key) else { return false };
        let context = Context::new(Some(user), &[]).bind(&snapshot);
        evaluate(&snapshot, &Trips::NONE, flag, &context, Millis(0)).enabled()
    }
}

fn load(text: &str) -> Result<Snapshot<Vec<u8>>, String> {
    let (config, diagnostics) = flcm_flags_config::check(text);
    let config = config.ok_or_else(|| diagnostics.render("document", text, false))?;
    Snapshot::from_bytes(flcm_flags_config::compile(&config)).map_err(|error| error.to_string())
}

fn main() -> Result<(), Box<dyn Error>> {
    let flags = Flags::new("flags: { search: { enabled: false } }")?;
    println!("before the swap: {}", flags.is_enabled("search", "alice"));
    assert!(!flags.is_enabled("search", "alice"));

    flags.update("flags: { search: { rollout: { percentage: 0 }, overrides: { alice: true } } }")?;
    println!("after the swap:  {}", flags.is_enabled("search", "alice"));
    assert!(flags.is_enabled("search", "alice"));

    let refused = flags.update("flags: { search: { overides: { alice: false } } }").err().ok_or("it has a typo")?;
    println!("a bad document:  {}\n\n{refused}", flags.is_enabled("search", "alice"));
    assert!(flags.is_enabled("search", "alice"), "last known good stays");
    Ok(())
}
