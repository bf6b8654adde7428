//! The server: puts everything together, starts it, runs it and shuts it down.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};

use crate::admission::{public_of, share};
use crate::document_file::{self, DocumentFile, hash_of};
use crate::document_watcher;
use crate::error::StartError;
use crate::fleet;
use crate::http;
use crate::ingest::Bodies;
use crate::keys::{Keys, Limit};
use crate::metrics::otlp;
use crate::options::{Edits, Options, Webhook};
use crate::peer::Turns;
use crate::sessions::{Failures, Sessions};
use crate::signatures::Signatures;
use crate::signed_file::SignedSnapshot;
use crate::signing::SignerOptions;
use crate::state::{App, Requests};
use crate::store::Store;
use crate::tls::Tls;
use crate::webhooks;

mod connections;
mod reload;

use connections::Connections;
pub use reload::Reloader;

/// How long responses that have begun may take during the shutdown.
const DRAIN: Duration = Duration::from_secs(10);

/// At most so many streams of events for people.
const LISTENERS: usize = 500;

/// How many requests for decisions a second the pages of a network may make: many people share an office's address.
const EVALUATIONS_OF_PAGES: NonZeroU32 = NonZeroU32::new(50).unwrap();

/// A server that listens, ready to run.
#[derive(Debug)]
pub struct Server {
    reloader: Reloader,
    listener: TcpListener,
    connections: Connections,
    fleet: JoinHandle<bool>,
    /// Done when the thread of the fleet has ended. Before the shutdown, that is a failure.
    gone: oneshot::Receiver<()>,
    dispatcher: webhooks::WebhookDispatcher,
    pusher: Option<otlp::Pusher>,
    /// For so long it goes on serving before it shuts down.
    delay: Duration,
}

impl Server {
    /// Opens the database, reads the document, and starts to listen. Requests are handled once it [runs](Self::run).
    ///
    /// # Errors
    /// Describes what is missing or wrong, and how to fix it.
    pub async fn bind(options: Options) -> Result<Self, StartError> {
        let keys = options.keys.as_deref().map(Keys::read).transpose()?.unwrap_or_default();
        check(&options, &keys)?;
        let tls = options.tls.clone().map(|(chain, key)| Tls::read(chain, key).map(Arc::new)).transpose()?;
        let signer = options.signer.as_ref().map(SignerOptions::read).transpose()?;
        let text = options.document.as_deref().map(document_file::read).transpose();
        // Before the database is made: the path may be misspelt.
        if let Err(error) = &text
            && !options.database.exists()
        {
            return Err(unreadable(&options, error));
        }
        let is_signed = text.as_ref().is_ok_and(|text| text.as_deref().is_some_and(SignedSnapshot::is_text));
        let edits = if is_signed { Edits::None } else { place_of_edits(&options)? };
        let listener =
            TcpListener::bind(options.address).await.map_err(|error| cannot_listen(options.address, &error))?;
        let store = Store::open(&options.database, options.history)?;
        let webhooks = options.webhooks.iter().map(Webhook::subscription).collect();
        let started = match text {
            Ok(text) => fleet::start(store, options.document.as_deref().zip(text), webhooks)?,
            // The look below reports it.
            Err(error) => fleet::start(store, None, webhooks).map_err(|_| unreadable(&options, &error))?,
        };
        let (fleet, requests) = (started.fleet, started.requests);
        let (alive, gone) = oneshot::channel();
        let thread = std::thread::Builder::new().name("fleet".to_owned()).spawn(move || {
            // Dropped when the thread ends, also by a panic.
            let _alive: oneshot::Sender<()> = alive;
            fleet.run(&requests)
        });
        let fleet =
            thread.map_err(|error| StartError::other(format!("cannot start a thread: {error}"), "free some memory"))?;
        let dispatcher = webhooks::WebhookDispatcher::new(
            options.webhooks,
            options.database.clone(),
            started.handle.clone(),
            Arc::clone(&started.shared),
        )?;
        let app = Arc::new(App {
            shared: started.shared,
            fleet: started.handle,
            keys: ArcSwap::from_pointee(keys),
            sessions: Sessions::new(started.sessions),
            failures: Failures::default(),
            is_tls: tls.is_some(),
            signatures: Signatures::new(signer),
            database: options.database,
            edits,
            document: options.document.map(|path| {
                let synced = started.of_file.map(|of| (of.summary.number, hash_of(&of.document)));
                DocumentFile::new(path, edits, synced)
            }),
            origins: options.origins,
            proxies: options.proxies,
            batch_bytes: options.batch_bytes,
            bodies: Bodies::default(),
            evaluations_of_pages: Limit::of_networks(EVALUATIONS_OF_PAGES),
            streams_of_pages: Turns::new(share(options.connections), public_of(options.connections)),
            checks: Semaphore::new(1),
            requests: Requests::default(),
            overview: tokio::sync::Mutex::default(),
            edit_url: options.edit_url,
            dashboard: options.dashboard,
            listeners: Arc::new(Semaphore::new(LISTENERS)),
            is_draining: AtomicBool::new(false),
            is_closing: AtomicBool::new(false),
        });
        reload::end_sessions(&app);
        document_watcher::look_at_start(&app).await;
        let pusher = options.otlp.map(|otlp| otlp::Pusher::new(otlp, Arc::clone(&app), started.began)).transpose()?;
        let connections = Connections::new(options.connections, tls.clone(), http::router(&app), Arc::clone(&app));
        let reloader = Reloader { app, keys: options.keys, tls, signer: options.signer };
        let delay = options.drain_delay;
        Ok(Self { reloader, listener, connections, fleet, gone, dispatcher, pusher, delay })
    }

    /// The address on which it listens.
    ///
    /// # Errors
    /// The system does not know the address.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Reads keys, certificates and signing keys again, while the server runs.
    #[must_use]
    pub fn reloader(&self) -> Reloader {
        self.reloader.clone()
    }

    /// Serves until `stop` is done; then lets responses that have begun end, and stores everything. Whether that
    /// succeeded. It also ends when the thread of the fleet has failed; it must be started again then.
    pub async fn run(self, stop: impl Future<Output = ()>) -> bool {
        let Self { reloader, listener, connections, fleet, gone, dispatcher, pusher, delay } = self;
        let app = reloader.app;
        let follower = tokio::spawn(document_watcher::follow(Arc::clone(&app)));
        let dispatcher = tokio::spawn(dispatcher.run());
        let (last, stopped) = oneshot::channel();
        let pusher = pusher.map(|pusher| tokio::spawn(pusher.run(stopped)));
        let stop = async {
            tokio::select! {
                () = stop => {}
                _ = gone => tracing::error!("the thread of the fleet has failed; shutting down"),
            }
        };
        connections.serve(&listener, stop, [delay, DRAIN]).await;
        follower.abort();
        dispatcher.abort();
        drop(last);
        if let Some(pusher) = pusher {
            let _ = pusher.await;
        }
        let handle = app.fleet.clone();
        let ended = tokio::task::spawn_blocking(move || {
            handle.stop();
            fleet.join()
        });
        matches!(ended.await, Ok(Ok(true)))
    }
}

/// Refuses a server that would be open to everyone, and addresses that cannot work.
fn check(options: &Options, keys: &Keys) -> Result<(), StartError> {
    let is_address = |url: &str| url.starts_with("http://") || url.starts_with("https://");
    if options.otlp.as_ref().is_some_and(|otlp| !is_address(&otlp.endpoint)) {
        return Err(StartError::other("the collector's address is not a URL", "write it like http://localhost:4318"));
    }
    if options.edit_url.as_deref().is_some_and(|url| !is_address(url)) {
        return Err(StartError::other("--edit-url is not a URL", "write it like https://git.example.com/edit/{path}"));
    }
    if options.webhooks.iter().any(|hook| !is_address(&hook.url)) {
        return Err(StartError::other(
            "a webhook's address is not a URL",
            "write it like https://hooks.example.com/flags",
        ));
    }
    reload::warn_of_expired(keys);
    if options.address.ip().is_loopback() {
        return Ok(());
    }
    if keys.is_empty() {
        let what = format!("without keys the server listens only on this machine, not on {}", options.address);
        return Err(StartError::other(what, "make keys with `flcm key` and name their file with --keys"));
    }
    if options.tls.is_none() {
        tracing::warn!(
            "without TLS, keys cross the network in plain text: name a certificate with --tls-cert, or listen on \
             127.0.0.1 behind a proxy that has one"
        );
    }
    Ok(())
}

fn cannot_listen(address: SocketAddr, error: &io::Error) -> StartError {
    let other = "choose another address with --listen, such as 127.0.0.1:8787";
    let (what, help) = match error.kind() {
        ErrorKind::AddrInUse => {
            let help = "stop it, or choose another port with --listen";
            return StartError::other(format!("another program listens on {address}"), help);
        }
        ErrorKind::AddrNotAvailable => ("no network interface of this machine has that address", other),
        ErrorKind::PermissionDenied => ("this user may not listen there", "choose a port from 1024 with --listen"),
        _ => return StartError::other(format!("cannot listen on {address}: {error}"), other),
    };
    StartError::other(format!("cannot listen on {address}: {what}"), help)
}

/// Where edits over HTTP go: as asked for, or by what the file allows.
fn place_of_edits(options: &Options) -> Result<Edits, StartError> {
    let Some(path) = &options.document else {
        return match options.edits {
            Some(Edits::File) => Err(StartError::other("`--edits file` needs a document", "name one, or leave it out")),
            edits => Ok(edits.unwrap_or(Edits::Database)),
        };
    };
    match (options.edits, DocumentFile::check_writable(path)) {
        (Some(Edits::File), Err(error)) => {
            let what = format!("`--edits file`, but {} cannot be written: {error}", path.display());
            Err(StartError::other(what, "set the permissions of the file and its folder, or leave `--edits` out"))
        }
        (Some(edits), _) => Ok(edits),
        (None, Ok(())) => Ok(Edits::File),
        (None, Err(error)) => {
            tracing::info!(%error, "{} cannot be written, so only edits of the file are published", path.display());
            Ok(Edits::None)
        }
    }
}

fn unreadable(options: &Options, error: &std::io::Error) -> StartError {
    let path = options.document.as_deref().unwrap_or_else(|| Path::new("")).display();
    StartError::other(
        format!("cannot read {path}: {error}"),
        "check the path, and that it is a document in UTF-8, or what `flcm sign` has written",
    )
}
