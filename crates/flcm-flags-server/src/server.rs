//! The server: puts everything together, starts it, runs it and shuts it down.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};

use crate::document_watcher;
use crate::error::StartError;
use crate::fleet;
use crate::http;
use crate::ingest::Bodies;
use crate::metrics::otlp;
use crate::options::{Options, Webhook};
use crate::state::{App, Requests};
use crate::store::Store;
use crate::tls;
use crate::webhooks;

mod connections;

use connections::Connections;

/// How long responses that have begun may take during the shutdown, in seconds.
const DRAIN: u64 = 10;

/// A server that listens, ready to run.
#[derive(Debug)]
pub struct Server {
    app: Arc<App>,
    listener: TcpListener,
    connections: Connections,
    fleet: JoinHandle<bool>,
    /// Done when the thread of the fleet has ended. Before the shutdown, that is a failure.
    gone: oneshot::Receiver<()>,
    /// The file that is watched, and its content at the start.
    document: Option<(PathBuf, String)>,
    dispatcher: webhooks::WebhookDispatcher,
    pusher: Option<otlp::Pusher>,
}

impl Server {
    /// Opens the database, reads the document, and starts to listen. Requests are handled once it [runs](Self::run).
    ///
    /// # Errors
    /// Describes what is missing or wrong, and how to fix it.
    pub async fn bind(options: Options) -> Result<Self, StartError> {
        check(&options)?;
        let tls = options.tls.as_ref().map(|(chain, key)| tls::acceptor(chain, key)).transpose()?;
        let text = options.document.as_deref().map(read).transpose()?;
        let document = options.document.zip(text.clone());
        let listener = TcpListener::bind(options.address).await.map_err(|error| {
            let help = "stop the program that listens there, or choose another address with --listen";
            StartError::other(format!("cannot listen on {}: {error}", options.address), help)
        })?;
        let store = Store::open(&options.database)?;
        let webhooks = options.webhooks.iter().map(Webhook::name).collect();
        let started = fleet::start(store, text, webhooks)?;
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
            keys: options.keys,
            database: options.database,
            origins: options.origins,
            batch_bytes: options.batch_bytes,
            bodies: Bodies::default(),
            checks: Semaphore::new(1),
            requests: Requests::default(),
            is_closing: AtomicBool::new(false),
        });
        let pusher = options.otlp.map(|otlp| otlp::Pusher::new(otlp, Arc::clone(&app), started.began)).transpose()?;
        let connections = Connections::new(options.connections, tls);
        Ok(Self { app, listener, connections, fleet, gone, document, dispatcher, pusher })
    }

    /// The address on which it listens.
    ///
    /// # Errors
    /// The system does not know the address.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` is done; then lets responses that have begun end, and stores everything. Whether that
    /// succeeded. It also ends when the thread of the fleet has failed; it must be started again then.
    pub async fn run(self, stop: impl Future<Output = ()>) -> bool {
        let Self { app, listener, connections, fleet, gone, document, dispatcher, pusher } = self;
        let follower =
            document.map(|(path, text)| tokio::spawn(document_watcher::follow(path, text, Arc::clone(&app))));
        let dispatcher = tokio::spawn(dispatcher.run());
        let (last, stopped) = oneshot::channel();
        let pusher = pusher.map(|pusher| tokio::spawn(pusher.run(stopped)));
        let router = http::router(&app);
        let stop = async {
            tokio::select! {
                () = stop => {}
                _ = gone => tracing::error!("the thread of the fleet has failed; shutting down"),
            }
        };
        connections.serve(&listener, router, &app, stop, DRAIN).await;
        if let Some(follower) = follower {
            follower.abort();
        }
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
fn check(options: &Options) -> Result<(), StartError> {
    let is_address = |url: &str| url.starts_with("http://") || url.starts_with("https://");
    if options.otlp.as_ref().is_some_and(|otlp| !is_address(&otlp.endpoint)) {
        return Err(StartError::other("the collector's address is not a URL", "write it like http://localhost:4318"));
    }
    if options.webhooks.iter().any(|hook| !is_address(&hook.url)) {
        return Err(StartError::other(
            "a webhook's address is not a URL",
            "write it like https://hooks.example.com/flags",
        ));
    }
    if options.keys.is_empty() && !options.address.ip().is_loopback() {
        let what = format!("without keys the server listens only on this machine, not on {}", options.address);
        return Err(StartError::other(what, "make keys with `flcm key` and name their file with --keys"));
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, StartError> {
    fs::read_to_string(path).map_err(|error| {
        StartError::other(format!("cannot read {}: {error}", path.display()), "check the path, and that it is UTF-8")
    })
}
