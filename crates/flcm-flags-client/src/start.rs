//! Puts the parts together, and sets them to work.

use std::path::PathBuf;
use std::sync::Arc;

use flcm_flags_host::schedule::{number_of, phase_of};
use flcm_flags_host::{Deadline, DeliveryOptions, POLL_AFTER_OUTCOME};
use reqwest::Url;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::active_flags::ActiveFlags;
use crate::clock::millis_at_least;
use crate::collector::{self, Collector};
use crate::error::Error;
use crate::event::Events;
use crate::http::Http;
use crate::options::{Endpoints, Options, invalid};
use crate::remote::cache::SnapshotCache;
use crate::remote::file_watch::FileWatch;
use crate::remote::source::{Source, compile};
use crate::remote::stream::Stream;
use crate::remote::sync_request::SyncRequest;
use crate::remote::{self, Remote, Status};
use crate::state_file::StateFile;
use crate::store::Store;

/// The running parts.
pub(crate) struct Started {
    pub(crate) active: Arc<ActiveFlags>,
    pub(crate) status: Arc<Status>,
    pub(crate) requests: mpsc::UnboundedSender<SyncRequest>,
    pub(crate) flushes: Option<mpsc::UnboundedSender<oneshot::Sender<()>>>,
    /// They are to end in this order: what follows the source, and then what counts.
    pub(crate) closing: [CancellationToken; 2],
    pub(crate) tasks: [JoinSet<()>; 2],
}

/// What the parts have in common.
struct Builder<'o> {
    options: &'o Options,
    store: Option<Store>,
    instance: u64,
    active: Arc<ActiveFlags>,
    status: Arc<Status>,
    requests: mpsc::UnboundedSender<SyncRequest>,
    answered: Arc<Notify>,
    closing: [CancellationToken; 2],
}

/// Begins to follow the source, and to count.
pub(crate) fn start(options: &Options, events: &Events) -> Result<Started, Error> {
    let Endpoints { source, stream, metrics } = options.endpoints()?;
    let store = options.cache.clone().map(Store::new);
    let instance = instance_of(options, store.as_ref())?;
    let file = StateFile::new(store.clone(), events.clone());
    let active = Arc::new(ActiveFlags::new(Arc::clone(&options.clock), events.clone(), file));
    let (requests, requested) = mpsc::unbounded_channel();
    let (status, answered) = (Arc::default(), Arc::default());
    let closing = [CancellationToken::new(), CancellationToken::new()];
    let builder = Builder { options, store, instance, active, status, requests, answered, closing };

    let source = source.map(Arc::new);
    let mut remote = builder.remote(source.clone(), requested);
    remote.open(bootstrap(options)?)?;
    let mut tasks = [JoinSet::new(), JoinSet::new()];
    tasks[0].spawn(remote.run());
    tasks[0].spawn(poll_breakers(Arc::clone(&builder.active), builder.closing[0].clone()));
    if let Some(Source::File(file)) = source.as_deref() {
        tasks[0].spawn(builder.file_watch(file.path.clone()).run());
    }
    if let Some((url, http)) = stream {
        tasks[0].spawn(builder.stream(url, http).run());
    }
    let flushes = metrics.map(|(url, http)| {
        let (flushes, requested) = mpsc::unbounded_channel();
        tasks[1].spawn(builder.collector(url, http).run(requested));
        flushes
    });
    let Builder { active, status, requests, closing, .. } = builder;
    Ok(Started { active, status, requests, flushes, closing, tasks })
}

impl Builder<'_> {
    fn remote(&self, source: Option<Arc<Source>>, requests: mpsc::UnboundedReceiver<SyncRequest>) -> Remote {
        let options = DeliveryOptions {
            poll_interval: millis_at_least(self.options.poll_interval),
            stale_after: self.options.stale_after(source.is_some()).map(millis_at_least),
            stream_spread: millis_at_least(self.options.stream_spread),
            phase: phase_of(self.instance),
        };
        let cache = self.store.clone().zip(source.as_ref());
        let parts = remote::Parts {
            active: Arc::clone(&self.active),
            cache: cache
                .map(|(store, source)| SnapshotCache::new(store, source.name().to_owned(), self.active.events.clone())),
            source,
            status: Arc::clone(&self.status),
            requests,
            answered: Arc::clone(&self.answered),
            closing: self.closing[0].clone(),
        };
        Remote::new(parts, options)
    }

    fn file_watch(&self, path: PathBuf) -> FileWatch {
        FileWatch {
            path,
            clock: Arc::clone(&self.active.clock),
            events: self.active.events.clone(),
            requests: self.requests.clone(),
            closing: self.closing[0].clone(),
        }
    }

    fn stream(&self, url: Url, http: Http) -> Stream {
        Stream {
            url,
            http,
            silence: self.options.stream_silence,
            active: Arc::clone(&self.active),
            requests: self.requests.clone(),
            answered: Arc::clone(&self.answered),
            closing: self.closing[0].clone(),
        }
    }

    fn collector(&self, url: Url, http: Http) -> Collector {
        Collector::new(collector::Parts {
            active: Arc::clone(&self.active),
            http,
            url,
            interval: self.options.flush_interval,
            instance: self.instance,
            store: self.store.clone(),
            closing: self.closing[1].clone(),
        })
    }
}

/// Polls the breakers when their time has come, and soon after an outcome.
async fn poll_breakers(active: Arc<ActiveFlags>, closing: CancellationToken) {
    let clock = Arc::clone(&active.clock);
    let mut poll = Deadline::default();
    loop {
        tokio::select! {
            () = closing.cancelled() => break,
            () = active.wake.notified() => poll.no_later_than(clock.moment(), POLL_AFTER_OUTCOME),
            () = clock.sleep_until(poll.at()) => {
                if poll.is_due(clock.moment()) && let Some(after) = active.poll() {
                    poll.no_later_than(clock.moment(), after);
                }
            }
        }
    }
}

fn bootstrap(options: &Options) -> Result<Option<Vec<u8>>, Error> {
    let document = options.document.as_deref().map(|text| compile("the document", text)).transpose()?;
    Ok(options.snapshot.clone().or(document))
}

/// The number of this host: as given, as it was kept, or drawn.
fn instance_of(options: &Options, store: Option<&Store>) -> Result<u64, Error> {
    if let Some(instance) = options.instance {
        return if instance < 1 << 53 {
            Ok(instance)
        } else {
            Err(invalid(format!("`instance` must be below 2^53, not {instance}")))
        };
    }
    let drawn = number_of(options.clock.random());
    let Some(store) = store else { return Ok(drawn) };
    // The cache says what is wrong with it when it is used for what matters.
    let kept = store.read("instance").ok().flatten().and_then(|bytes| String::from_utf8(bytes).ok());
    if let Some(kept) = kept.and_then(|text| text.parse().ok()).filter(|kept| *kept < 1 << 53) {
        return Ok(kept);
    }
    store.run(move |folder| {
        let _ = folder.write("instance", drawn.to_string().as_bytes());
    });
    Ok(drawn)
}
