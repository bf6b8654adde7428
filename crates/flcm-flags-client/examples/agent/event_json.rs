//! Events, with the names and words that they have in TypeScript.

use flcm_flags_client::{Error, Event, State};
use serde_json::{Value, json};

use crate::options::millis;

/// An event by each of its names.
pub(crate) fn event_json(event: &Event) -> Vec<(&'static str, Value)> {
    match event {
        Event::Breaker { flag, transition } => {
            let names = [
                ("breaker", Some(flag.as_str())),
                ("rollback", event.rollback()),
                ("probe", event.probe()),
                ("recovered", event.recovered()),
            ];
            let of = json!({ "flag": flag, "event": transition.event.to_string() });
            names.into_iter().filter(|(_, flag)| flag.is_some()).map(|(name, _)| (name, of.clone())).collect()
        }
        Event::Change { flags, removed, from, to, revision } => {
            vec![(
                "change",
                json!({ "flags": flags, "removed": removed, "from": from, "to": to, "revision": revision }),
            )]
        }
        Event::Error(error) => vec![("error", error_of(error))],
        Event::Fleet(trips) => vec![("fleet", json!({ "trips": trips }))],
        Event::Flush { bytes, sequence } => vec![("flush", json!({ "bytes": bytes, "sequence": sequence }))],
        Event::State { from, to, age } => {
            let of = json!({ "from": from.as_str(), "to": to.as_str(), "ageMs": age.map(millis) });
            let stale = (*to == State::Stale).then(|| ("stale", of.clone()));
            [("state", of)].into_iter().chain(stale).collect()
        }
        Event::Sync { changed, revision } => vec![("sync", json!({ "changed": changed, "revision": revision }))],
        // An event that is not listed here fails the test that waits for it.
        _ => Vec::new(),
    }
}

pub(crate) fn error_of(error: &Error) -> Value {
    json!({ "code": error.code.as_str(), "message": error.message, "retryAfterMs": error.retry_after.map(millis) })
}
