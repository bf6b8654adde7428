//! The state that all request handlers share.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use flcm_flags::metrics::Histogram;
use tokio::sync::Semaphore;

use crate::document_file::DocumentFile;
use crate::fleet::FleetHandle;
use crate::ingest::Bodies;
use crate::keys::{Keys, Limit};
use crate::notification::RefusedDocument;
use crate::options::{Dashboard, Edits};
use crate::peer::Turns;
use crate::proxies::ProxyNetwork;
use crate::published::Body;
use crate::serving::Shared;
use crate::sessions::{Failures, Sessions};
use crate::signatures::Signatures;

/// The state of request handlers.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) shared: Arc<Shared>,
    pub(crate) fleet: FleetHandle,
    /// Replaced as a whole when their file is read again.
    pub(crate) keys: ArcSwap<Keys>,
    pub(crate) sessions: Sessions,
    pub(crate) failures: Failures,
    /// Whether connections have TLS.
    pub(crate) is_tls: bool,
    pub(crate) signatures: Signatures,
    pub(crate) database: PathBuf,
    /// Where edits over HTTP go.
    pub(crate) edits: Edits,
    /// The file that is watched.
    pub(crate) document: Option<DocumentFile>,
    pub(crate) origins: Vec<String>,
    pub(crate) proxies: Vec<ProxyNetwork>,
    pub(crate) batch_bytes: usize,
    pub(crate) bodies: Bodies,
    /// The event streams of pages.
    pub(crate) streams_of_pages: Arc<Turns>,
    /// How often pages of a network may have flags evaluated.
    pub(crate) evaluations_of_pages: Limit,
    /// Large batches are checked one at a time, so that commands find a free processor.
    pub(crate) checks: Semaphore,
    pub(crate) requests: Requests,
    /// The body of `GET /overview`, and its revision.
    pub(crate) overview: tokio::sync::Mutex<Option<(u64, Arc<Body>)>>,
    /// Where people edit the document.
    pub(crate) edit_url: Option<String>,
    /// What `/ui/` serves.
    pub(crate) dashboard: Dashboard,
    /// Streams of events that may still begin.
    pub(crate) listeners: Arc<Semaphore>,
    /// Whether `/readyz` asks load balancers to choose another server.
    pub(crate) is_draining: AtomicBool,
    /// Whether the server only finishes what it has begun.
    pub(crate) is_closing: AtomicBool,
}

impl App {
    /// Counts a document that was refused, and has webhooks receive it.
    pub(crate) fn refuse_document(&self, document: RefusedDocument) {
        self.shared.counters.refused_documents.add(1);
        self.fleet.refused(document);
    }

    /// The same for an edit of the document's file.
    pub(crate) fn refuse_edit(&self, code: &'static str, detail: String) {
        let (author, reason) = ("file".to_owned(), String::new());
        self.refuse_document(RefusedDocument { author, reason, code, detail, address: None });
    }

    /// Has `/readyz` report that the server is shutting down.
    pub(crate) fn drain(&self) {
        self.is_draining.store(true, Ordering::Relaxed);
    }

    /// Ends all streams, and refuses requests.
    pub(crate) fn close(&self) {
        self.drain();
        self.is_closing.store(true, Ordering::Relaxed);
        self.shared.stream.send_modify(|stream| stream.closing = true);
    }
}

/// Counts of requests by path.
#[derive(Debug, Default)]
pub(crate) struct Requests(Mutex<BTreeMap<String, Answers>>);

/// The responses of one path.
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    /// Their number by method and status.
    pub(crate) counts: BTreeMap<(&'static str, u16), u64>,
    /// Their durations in milliseconds.
    pub(crate) durations: Histogram,
}

impl Requests {
    pub(crate) fn count(&self, path: &str, answer: (&'static str, u16), milliseconds: f64) {
        let mut paths = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !paths.contains_key(path) {
            let answers = Answers { counts: BTreeMap::new(), durations: Histogram::new() };
            paths.insert(path.to_owned(), answers);
        }
        if let Some(answers) = paths.get_mut(path) {
            *answers.counts.entry(answer).or_default() += 1;
            answers.durations.record(milliseconds);
        }
    }

    pub(crate) fn all(&self) -> BTreeMap<String, Answers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
