//! The file in which breakers, holds and the fleet's state survive a restart. `Persistence` decides what is in it.

use std::sync::{Arc, Mutex, PoisonError};

use flcm_flags_host::persistence::{self, PersistedState, Persistence};

use crate::error::{Code, Error};
use crate::event::Events;
use crate::store::Store;

/// The file in the store, if there is a store.
#[derive(Debug)]
pub(crate) struct StateFile {
    store: Option<Store>,
    events: Events,
}

impl StateFile {
    pub(crate) const fn new(store: Option<Store>, events: Events) -> Self {
        Self { store, events }
    }

    /// What is in the file; nothing when it cannot be read.
    pub(crate) fn read(&self) -> PersistedState {
        let read = self.store.as_ref().map_or(Ok(None), |store| store.read(persistence::FILE));
        let state = read.map_err(|error| error.to_string()).and_then(|bytes| match bytes {
            Some(bytes) => PersistedState::from_bytes(&bytes).map_err(|error| error.to_string()),
            None => Ok(PersistedState::default()),
        });
        state.unwrap_or_else(|message| {
            self.events.error(failed("stored breakers cannot be read", &message));
            PersistedState::default()
        })
    }

    /// Writes what has changed, once all that was to be written before it is.
    pub(crate) fn write<T: Send + 'static>(&self, owner: &Arc<Mutex<T>>, of: fn(&mut T) -> &mut Persistence) {
        let Some(store) = &self.store else { return };
        let (owner, events) = (Arc::clone(owner), self.events.clone());
        store.run(move |folder| {
            let lock = || owner.lock().unwrap_or_else(PoisonError::into_inner);
            // The lock is not held during access to the disk. A file that cannot be read is left as it is, because it
            // may be another host's as well.
            let result = folder.read(persistence::FILE).and_then(|existing| {
                let begin = |persistence: &mut Persistence| {
                    persistence.is_due().then(|| persistence.begin_write(existing.as_deref()))
                };
                let Some(bytes) = begin(of(&mut lock())) else { return Ok(()) };
                let written = folder.write(persistence::FILE, &bytes);
                of(&mut lock()).written(written.is_ok());
                written
            });
            if let Err(error) = result {
                events.error(failed("breakers cannot be stored", &error.to_string()));
            }
        });
    }

    /// Waits until all is written.
    pub(crate) async fn written(&self) {
        if let Some(store) = &self.store {
            store.written().await;
        }
    }
}

fn failed(what: &str, message: &str) -> Error {
    Error::new(Code::CacheFailed, format!("{what}: {message}"))
}
