//! What the fuzz targets do. Each must return, whatever the bytes are.
//!
//! The files of the corpora `breaker`, `batch` and `statement` are named by whether their bytes are accepted, and a
//! test holds them to it. The example `corpus` makes them: run it when a format changes, before its release.
#![expect(clippy::missing_panics_doc, reason = "a panic is how a fuzz target says what is wrong")]

use std::sync::OnceLock;

use flcm_flags::snapshot::{index, wire};
use flcm_flags::{
    AttributeValue, Context, Entries, EntriesBound, ErrorCode, Millis, PackedDecision, Slots, Snapshot, TripState,
    Trips, Visitor, evaluate_all, explain,
};
use flcm_flags_config::{check, compile};

mod batch;
mod breaker;
mod edit;
mod entries;
mod inputs;
mod pages;
mod statement;

pub use batch::batch;
pub use breaker::breaker;
pub use edit::edit;
pub use pages::pages;
pub use statement::statement;

/// Bytes are no snapshot, or they are one that decides. The checksum is mended first, so that the fuzzer gets past it.
pub fn snapshot(bytes: &[u8]) {
    decide(bytes);
    let mut mended = bytes.to_vec();
    if mended.len() >= 40 {
        let length = u32::try_from(mended.len()).unwrap_or(u32::MAX);
        mended[..8].copy_from_slice(&wire::MAGIC);
        mended[16..18].copy_from_slice(&wire::VERSION.to_le_bytes());
        mended[20..24].copy_from_slice(&length.to_le_bytes());
        let checksum = index::checksum(&mended[wire::UNCHECKED..]);
        mended[8..16].copy_from_slice(&checksum.to_le_bytes());
        decide(&mended);
    }
}

/// A document is refused with a diagnostic that says where, or compiles to a snapshot that loads and decides.
pub fn document(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (config, diagnostics) = check(text);
    assert_eq!(config.is_none(), diagnostics.has_errors());
    for diagnostic in &diagnostics {
        assert!(diagnostic.line > 0 && diagnostic.column > 0 && diagnostic.help.is_some(), "{diagnostic}");
    }
    let _ = diagnostics.render("document", text, false);
    if let Some(config) = config {
        let bytes = compile(&config);
        assert!(Snapshot::from_bytes(&bytes).is_ok(), "a snapshot of our own must load");
        decide(&bytes);
    }
}

/// A context of any texts decides the same way by all four doors of the core.
pub fn contexts(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.split('\u{1f}');
    let key = parts.next();
    let attributes: Vec<(&str, AttributeValue<'_>)> = NAMES.into_iter().zip(parts.map(value)).collect();
    decide_for(SHOP.get_or_init(shop), key, &attributes);
}

static SHOP: OnceLock<Snapshot<Vec<u8>>> = OnceLock::new();

fn shop() -> Snapshot<Vec<u8>> {
    let config = check(include_str!("../../../examples/shop.yaml")).0.expect("a valid example");
    Snapshot::from_bytes(compile(&config)).expect("a snapshot of our own")
}

const NAMES: [&str; 8] =
    ["country", "email", "plan", "app_version", "account_age_days", "last_order", "tags", "user_id"];

fn value(text: &str) -> AttributeValue<'_> {
    match text.parse::<f64>() {
        Ok(number) => AttributeValue::Number(number),
        Err(_) if text == "true" => AttributeValue::Bool(true),
        Err(_) => AttributeValue::Text(text),
    }
}

fn decide(bytes: &[u8]) {
    let Ok(snapshot) = Snapshot::from_bytes(bytes) else { return };
    let list = ["beta_testers", "vip"];
    let attributes = [
        ("country", "DE".into()),
        ("email", "alice@example.com".into()),
        ("account_age_days", 45.into()),
        ("last_order", "2026-11-01T00:00:00Z".into()),
        ("app_version", "2.4.0-rc.1".into()),
        ("cohorts", AttributeValue::List(&list)),
    ];
    decide_for(&snapshot, Some("alice"), &attributes);
    decide_for(&snapshot, None, &[]);
}

/// One by one, explained, all at once, and as pages decide, for a context that is bytes: they must agree.
///
/// With the feature `compact` all of them read as the module of pages does, and check no more of the bytes.
fn decide_for<B: AsRef<[u8]>>(snapshot: &Snapshot<B>, key: Option<&str>, attributes: &[(&str, AttributeValue<'_>)]) {
    let bound = Context::new(key, attributes).bind(snapshot);
    let bytes = entries::bytes(snapshot, key, attributes);
    let (entries, mut slots) = (Entries::new(&bytes), Slots::UNBOUND);
    entries.bind(snapshot, &mut slots);
    let by_bytes = EntriesBound { entries, slots: &slots };
    // A hostile snapshot may claim many flags; each is decided, some are compared.
    let count = snapshot.flags().len().min(1_000);
    for state in [TripState::Clear, TripState::Probing, TripState::HeldOff, TripState::Capped(30_000)] {
        let mut trips = Trips::new(vec![0; Trips::bytes_for(count)]);
        snapshot.flags().take(count).for_each(|flag| trips.set(flag, state));
        let mut out = vec![PackedDecision::error(ErrorCode::FlagNotFound); snapshot.flags().len()];
        let mut of_bytes = out.clone();
        evaluate_all(snapshot, &trips, &bound, Millis(1), &mut out);
        by_bytes.evaluate(snapshot, &trips, None, Millis(1), &mut of_bytes);
        for ((flag, outcome), of_bytes) in snapshot.flags().zip(&out).zip(&of_bytes).take(count) {
            let decision = explain(snapshot, &trips, flag, &bound, Millis(1), &mut Watcher);
            let _ = (decision.value(), decision.variant(), decision.rule());
            // Closures that a compiler wrote are whole; in hostile ones what is missing counts as not holding.
            if decision.packed() != *outcome || of_bytes != outcome {
                assert!(snapshot.describe(flag).is_some_and(|flag| !flag.closure().is_empty()));
            }
        }
    }
}

struct Watcher;

impl Visitor for Watcher {
    fn visit(&mut self, step: flcm_flags::Step<'_, '_>) {
        let _ = std::hint::black_box(step);
    }
}
