//! Puts the parts together, and sets them to work.

use std::sync::Arc;

use flcm_flags_host::schedule::phase_of;
use flcm_flags_host::{Deadline, Delivery, DeliveryOptions, POLL_AFTER_OUTCOME};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::active_flags::ActiveFlags;
use crate::clock::millis_at_least;
use crate::collector::{Collector, FlushRequest};
use crate::error::Error;
use crate::event::Events;
use crate::instance::instance_of;
use crate::options::{Endpoints, Options};
use crate::remote::cache::SnapshotCache;
use crate::remote::file_watch::FileWatch;
use crate::remote::source::{Source, compile};
use crate::remote::source_link::SourceLink;
use crate::remote::stream::Stream;
use crate::remote::{Remote, Signed};
use crate::state_file::StateFile;
use crate::store::Store;

/// The running parts.
pub(crate) struct Started {
    pub(crate) link: Arc<SourceLink>,
    pub(crate) flushes: Option<mpsc::UnboundedSender<FlushRequest>>,
    /// They are to end in this order: what follows the source, and then what counts.
    pub(crate) closing: [CancellationToken; 2],
    pub(crate) tasks: [JoinSet<()>; 2],
}

/// Begins to follow the source, and to count.
pub(crate) fn start(options: &Options, events: &Events) -> Result<Started, Error> {
    let Endpoints { source, stream, metrics } = options.endpoints()?;
    let store = options.cache.clone().map(Store::new);
    let instance = instance_of(options, store.as_ref())?;
    let file = StateFile::new(store.clone(), events.clone());
    let active = Arc::new(ActiveFlags::new(Arc::clone(&options.clock), events.clone(), file));
    let (requests, requested) = mpsc::unbounded_channel();
    let link = Arc::new(SourceLink::new(Arc::clone(&active), requests));

    let source = source.map(Arc::new);
    let cache = store.clone().zip(source.as_ref());
    let cache = cache.map(|(store, source)| SnapshotCache::new(store, source.name().to_owned(), events.clone()));
    let trust = options.snapshot_trust()?;
    let statements = source.as_ref().filter(|_| trust.is_some()).and_then(|source| source.beside()).map(Arc::new);
    if trust.is_some() {
        active.only_stricter();
    }
    let delivery = Delivery::new(delivery_options(options, instance, source.is_some()), source.is_some());
    let signed = Signed { trust, statements: statements.clone() };
    let stream = stream.map(|(url, http)| Arc::new(Stream::new(url, http, options.stream_silence, Arc::clone(&link))));
    let (kept, polled) = if options.stream { (stream, None) } else { (None, stream) };
    let mut remote = Remote::new(Arc::clone(&link), source.clone(), cache, delivery, signed, polled);
    remote.open(bootstrap(options)?)?;
    let mut tasks = [JoinSet::new(), JoinSet::new()];
    tasks[0].spawn(remote.run(requested));
    tasks[0].spawn(poll_breakers(Arc::clone(&link)));
    for source in [&source, &statements] {
        if let Some(Source::File(file)) = source.as_deref() {
            tasks[0].spawn(FileWatch { path: file.path.clone(), link: Arc::clone(&link) }.run());
        }
    }
    if let Some(stream) = kept {
        tasks[0].spawn(async move { stream.run().await });
    }
    let closing = [link.closing.clone(), CancellationToken::new()];
    let flushes = metrics.map(|endpoint| {
        let (flushes, requested) = mpsc::unbounded_channel();
        let collector = Collector::new(active, endpoint, store, instance, options.flush_interval);
        tasks[1].spawn(collector.run(requested, closing[1].clone()));
        flushes
    });
    Ok(Started { link, flushes, closing, tasks })
}

fn delivery_options(options: &Options, instance: u64, has_source: bool) -> DeliveryOptions {
    DeliveryOptions {
        poll_interval: millis_at_least(options.poll_interval),
        stale_after: options.stale_after(has_source).map(millis_at_least),
        stream_spread: millis_at_least(options.stream_spread),
        phase: phase_of(instance),
    }
}

/// Polls the breakers when their time has come, and soon after an outcome.
async fn poll_breakers(link: Arc<SourceLink>) {
    let SourceLink { active, closing, .. } = &*link;
    let clock = &active.clock;
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
