//! The last good snapshot across a restart. It was accepted once, and is checked again when it is read.

use flcm_flags::Millis;
use serde::{Deserialize, Serialize};

use crate::error::{Code, Error};
use crate::event::Events;
use crate::store::Store;

const NAME: &str = "snapshot";

/// The line ahead of the bytes, so that the `ETag` is never stored without the bytes that it names.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    version: u32,
    /// Where the flags came from: those of another source are not used.
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    /// Since when the source has answered with older revisions alone, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    older_since: Option<u64>,
    /// What was signed of the snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    statements: Option<String>,
}

/// A snapshot of the cache, and its `ETag`.
#[derive(Debug)]
pub(crate) struct CachedSnapshot {
    pub(crate) bytes: Vec<u8>,
    pub(crate) etag: Option<String>,
    pub(crate) older_since: Option<Millis>,
    pub(crate) statements: Option<String>,
}

#[derive(Debug)]
pub(crate) struct SnapshotCache {
    store: Store,
    source: String,
    events: Events,
}

impl SnapshotCache {
    pub(crate) fn new(store: Store, source: String, events: Events) -> Self {
        Self { store, source, events }
    }

    /// The snapshot that is stored, if it came from the same source.
    pub(crate) fn get(&self) -> Option<CachedSnapshot> {
        self.read().unwrap_or_else(|message| {
            self.failed("stored flags cannot be read", &message);
            None
        })
    }

    /// Stores a snapshot in place of the one before.
    pub(crate) fn set(&self, bytes: &[u8], etag: Option<&str>, older_since: Option<Millis>, statements: Option<&str>) {
        let head = Head {
            version: 1,
            source: self.source.clone(),
            etag: etag.map(str::to_owned),
            older_since: older_since.map(|since| since.0),
            statements: statements.map(str::to_owned),
        };
        let mut file = serde_json::to_vec(&head).unwrap_or_default();
        file.push(b'\n');
        file.extend_from_slice(bytes);
        let events = self.events.clone();
        self.store.run(move |folder| {
            if let Err(error) = folder.write(NAME, &file) {
                events.error(Error::new(Code::CacheFailed, format!("the flags in use cannot be stored: {error}")));
            }
        });
    }

    pub(crate) fn failed(&self, what: &str, message: &str) {
        self.events.error(Error::new(Code::CacheFailed, format!("{what}: {message}")));
    }

    fn read(&self) -> Result<Option<CachedSnapshot>, String> {
        let Some(file) = self.store.read(NAME).map_err(|error| error.to_string())? else { return Ok(None) };
        let end = file.iter().position(|byte| *byte == b'\n').ok_or("it has no first line")?;
        let (head, bytes) = file.split_at(end);
        let head: Head = serde_json::from_slice(head).map_err(|error| error.to_string())?;
        if head.version != 1 {
            return Err(format!("version {} is not known", head.version));
        }
        let bytes = bytes.get(1..).unwrap_or_default().to_vec();
        let Head { source, etag, older_since, statements, .. } = head;
        let older_since = older_since.map(Millis);
        Ok((source == self.source).then_some(CachedSnapshot { bytes, etag, older_since, statements }))
    }
}
