//! Asks the collector for a flush before its interval is over.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// Nobody asks.
const NEVER: u64 = u64::MAX;

/// The shortest time, in milliseconds, within which somebody asks for a flush. Asking never waits.
#[derive(Debug)]
pub(crate) struct FlushSoon {
    within: AtomicU64,
    notify: Notify,
}

impl Default for FlushSoon {
    fn default() -> Self {
        Self { within: AtomicU64::new(NEVER), notify: Notify::new() }
    }
}

impl FlushSoon {
    pub(crate) fn within(&self, millis: u64) {
        if self.within.fetch_min(millis, Ordering::Relaxed) > millis {
            self.notify.notify_one();
        }
    }

    /// Waits until somebody asks; answers within how many milliseconds.
    pub(crate) async fn requested(&self) -> u64 {
        loop {
            match self.within.swap(NEVER, Ordering::Relaxed) {
                NEVER => self.notify.notified().await,
                within => return within,
            }
        }
    }
}
