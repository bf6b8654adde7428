//! The state from which requests and streams are served: replaced as a whole, and read without waiting.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use bytes::Bytes;
use flcm_flags::{TripState, Trips};
use serde::Serialize;
use tokio::sync::watch;
use utoipa::ToSchema;

use crate::ahead::AheadHosts;
use crate::counters::Counters;
use crate::inventory::Inventory;
use crate::keys::Role;
use crate::published::{Published, digest};
use crate::watched::Watched;

/// The revision in use, and the trips of its flags.
#[derive(Debug)]
pub(crate) struct ServingState {
    pub(crate) published: Arc<Published>,
    pub(crate) trips: Trips<Vec<u8>>,
}

/// What streams send: the full state each time, so that a slow stream needs only the latest one.
#[derive(Clone, Debug, Default)]
pub(crate) struct StreamState {
    pub(crate) all: Events,
    /// Those for pages.
    pub(crate) of_clients: Events,
    /// Whether the server is shutting down.
    pub(crate) closing: bool,
}

/// The latest event of each kind, as bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Events {
    pub(crate) snapshot: Bytes,
    pub(crate) trips: Bytes,
}

impl StreamState {
    /// The events for a key of this role.
    pub(crate) const fn events_for(&self, role: Role) -> &Events {
        if role.is_public() { &self.of_clients } else { &self.all }
    }
}

/// The fleet's state of one flag, as hosts receive it.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct FleetFlag {
    #[serde(serialize_with = "as_text")]
    pub(crate) trip: TripState,
    /// The generation whose outcomes are evidence; 0 for a flag without a breaker.
    pub(crate) generation: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn as_text<S: serde::Serializer>(trip: &TripState, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(trip)
}

/// The edit of the document's file that was refused last, as long as the file has it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RefusedEdit {
    /// When, in milliseconds since 1970.
    pub(crate) at: u64,
    /// `INVALID_DOCUMENT`, `REMOVES_FLAGS`, `FILE_BEHIND` or `FILE_UNREADABLE`.
    pub(crate) code: &'static str,
    /// What is wrong, and how to fix it.
    pub(crate) detail: String,
}

/// What the fleet and the requests share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) serving: ArcSwap<ServingState>,
    pub(crate) stream: watch::Sender<StreamState>,
    pub(crate) counters: Counters,
    pub(crate) ahead: AheadHosts,
    /// The event with what has changed in the last second; empty at first.
    pub(crate) live: watch::Sender<Bytes>,
    /// The event with how many hosts there are; empty at first.
    pub(crate) hosts: watch::Sender<Bytes>,
    pub(crate) inventory: Inventory,
    /// Flags that pages look at.
    pub(crate) watched: Watched,
    /// The number of the newest record of the audit.
    pub(crate) audited: watch::Sender<i64>,
    refused_edit: ArcSwapOption<RefusedEdit>,
}

impl Shared {
    pub(crate) fn new(serving: ServingState, stream: StreamState) -> Self {
        Self {
            serving: ArcSwap::from_pointee(serving),
            stream: watch::Sender::new(stream),
            counters: Counters::default(),
            ahead: AheadHosts::default(),
            live: watch::Sender::default(),
            hosts: watch::Sender::default(),
            inventory: Inventory::default(),
            watched: Watched::default(),
            audited: watch::Sender::new(0),
            refused_edit: ArcSwapOption::empty(),
        }
    }

    /// The edit that the file has and that is not published, if there is one.
    pub(crate) fn refused_edit(&self) -> Option<Arc<RefusedEdit>> {
        self.refused_edit.load_full()
    }

    pub(crate) fn refuse_edit(&self, edit: Option<RefusedEdit>) {
        self.refused_edit.store(edit.map(Arc::new));
    }

    pub(crate) fn published(&self) -> Arc<Published> {
        Arc::clone(&self.serving.load().published)
    }
}

/// The event that announces a revision to keys of a role.
pub(crate) fn snapshot_event(published: &Published, role: Role) -> Bytes {
    let data = serde_json::json!({ "digest": digest(published.snapshot_for(role)), "revision": published.number });
    event("snapshot", &data.to_string())
}

/// The event with the state of all flags that have a breaker or are held back.
pub(crate) fn trips_event(epoch: u64, sequence: u64, flags: &BTreeMap<&str, FleetFlag>) -> Bytes {
    let data = serde_json::json!({ "epoch": epoch, "sequence": sequence, "flags": flags });
    event("trips", &data.to_string())
}

pub(crate) fn event(name: &str, data: &str) -> Bytes {
    let mut text = String::with_capacity(name.len() + data.len() + 20);
    let _ = write!(text, "event: {name}\ndata: {data}\n\n");
    Bytes::from(text)
}
