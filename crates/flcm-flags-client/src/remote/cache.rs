//! The last good snapshot across a restart. What is kept was accepted once, and is checked again when it is read.

use serde::{Deserialize, Serialize};

use crate::error::{Code, Error};
use crate::event::Events;
use crate::store::Store;

const NAME: &str = "snapshot";

/// The line ahead of the bytes: a mark is never there without the bytes that it speaks of.
#[derive(Debug, Deserialize, Serialize)]
struct Head {
    version: u32,
    /// Whose flags they are: those of another source are not ours.
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
}

/// A snapshot that was kept, and its mark.
#[derive(Debug)]
pub(crate) struct KeptSnapshot {
    pub(crate) bytes: Vec<u8>,
    pub(crate) etag: Option<String>,
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

    /// What was kept.
    pub(crate) fn get(&self) -> Option<KeptSnapshot> {
        self.read().unwrap_or_else(|message| {
            self.failed("flags that were kept cannot be read", &message);
            None
        })
    }

    /// Keeps a snapshot in place of the one before.
    pub(crate) fn set(&self, bytes: &[u8], etag: Option<&str>) {
        let head = Head { version: 1, source: self.source.clone(), etag: etag.map(str::to_owned) };
        let mut file = serde_json::to_vec(&head).unwrap_or_default();
        file.push(b'\n');
        file.extend_from_slice(bytes);
        let events = self.events.clone();
        self.store.run(move |folder| {
            if let Err(error) = folder.write(NAME, &file) {
                events.error(Error::new(Code::CacheFailed, format!("the flags in use cannot be kept: {error}")));
            }
        });
    }

    pub(crate) fn failed(&self, what: &str, message: &str) {
        self.events.error(Error::new(Code::CacheFailed, format!("{what}: {message}")));
    }

    fn read(&self) -> Result<Option<KeptSnapshot>, String> {
        let Some(file) = self.store.read(NAME).map_err(|error| error.to_string())? else { return Ok(None) };
        let end = file.iter().position(|byte| *byte == b'\n').ok_or("it has no first line")?;
        let (head, bytes) = file.split_at(end);
        let head: Head = serde_json::from_slice(head).map_err(|error| error.to_string())?;
        if head.version != 1 {
            return Err(format!("version {} is not known", head.version));
        }
        let bytes = bytes.get(1..).unwrap_or_default().to_vec();
        Ok((head.source == self.source).then_some(KeptSnapshot { bytes, etag: head.etag }))
    }
}
