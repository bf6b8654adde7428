//! Flags that pages look at: what is counted of them each second is sent to these pages alone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;

/// Flags by key, each with its last second and how many look at it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watched(Arc<Mutex<Watching>>);

type Watching = HashMap<String, (usize, watch::Sender<Bytes>)>;

/// Somebody who looks at a flag, until it is dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    flag: String,
    watched: Watched,
    events: watch::Receiver<Bytes>,
}

impl Watched {
    pub(crate) fn watch(&self, flag: String) -> Watch {
        let mut flags = self.lock();
        let (count, sender) = flags.entry(flag.clone()).or_default();
        *count += 1;
        let events = sender.subscribe();
        drop(flags);
        Watch { flag, watched: self.clone(), events }
    }

    pub(crate) fn has(&self, flag: &str) -> bool {
        self.lock().contains_key(flag)
    }

    /// Sends the event of a second to whoever looks at the flag.
    pub(crate) fn send(&self, flag: &str, event: Bytes) {
        if let Some((_, sender)) = self.lock().get(flag) {
            sender.send_replace(event);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Watching> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    /// The last second, if it was not taken before.
    pub(crate) fn latest(&mut self) -> Option<Bytes> {
        let is_new = self.events.has_changed().unwrap_or_default();
        is_new.then(|| self.events.borrow_and_update().clone())
    }

    /// Done when there is another second; never, where nobody looks.
    pub(crate) async fn changed(watch: Option<&mut Self>) {
        let Some(watch) = watch else { return std::future::pending().await };
        if watch.events.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        watch.events.mark_changed();
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut flags = self.watched.lock();
        if let Some((count, _)) = flags.get_mut(&self.flag) {
            *count -= 1;
            if *count == 0 {
                flags.remove(&self.flag);
            }
        }
    }
}
