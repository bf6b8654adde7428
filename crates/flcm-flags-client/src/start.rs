//! Puts the parts together, and sets them to work.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::{Alarm, draw, first};
use crate::collector::{self, Collector};
use crate::error::Error;
use crate::event::Events;
use crate::kept::Kept;
use crate::options::{Http, Options, Places, invalid};
use crate::remote::cache::SnapshotCache;
use crate::remote::source::{Source, compile};
use crate::remote::stream::Stream;
use crate::remote::{self, Ask, Remote, RemoteOptions, Status};
use crate::store::Store;
use crate::watched::Watched;

/// Breakers settle their seconds within so long of an outcome.
const SECOND: Duration = Duration::from_secs(1);

/// What works now.
pub(crate) struct Started {
    pub(crate) watched: Arc<Watched>,
    pub(crate) status: Arc<Status>,
    pub(crate) asks: mpsc::UnboundedSender<Ask>,
    pub(crate) flushes: Option<mpsc::UnboundedSender<oneshot::Sender<()>>>,
    /// In this order they are to end: what follows the source, and then what counts.
    pub(crate) closing: [CancellationToken; 2],
    pub(crate) tasks: [JoinSet<()>; 2],
}

/// What parts are made of.
struct Making<'o> {
    options: &'o Options,
    store: Option<Store>,
    instance: u64,
    watched: Arc<Watched>,
    status: Arc<Status>,
    asks: mpsc::UnboundedSender<Ask>,
    answered: Arc<Notify>,
    closing: [CancellationToken; 2],
}

/// Begins to follow the source, and to count.
pub(crate) fn start(options: &Options, events: &Events) -> Result<Started, Error> {
    let Places { source, stream, metrics } = options.places()?;
    let store = options.cache.clone().map(Store::new);
    let instance = instance_of(options, store.as_ref())?;
    let kept = Kept::new(store.clone(), events.clone());
    let watched = Arc::new(Watched::new(Arc::clone(&options.clock), events.clone(), kept));
    let (asks, asked) = mpsc::unbounded_channel();
    let (status, answered) = (Arc::default(), Arc::default());
    let closing = [CancellationToken::new(), CancellationToken::new()];
    let making = Making { options, store, instance, watched, status, asks, answered, closing };

    let mut remote = making.remote(source, asked, events);
    remote.open(bootstrap(options)?)?;
    let mut tasks = [JoinSet::new(), JoinSet::new()];
    tasks[0].spawn(remote.run(making.asks.downgrade()));
    tasks[0].spawn(watch_breakers(Arc::clone(&making.watched), making.closing[0].clone()));
    if let Some((url, http)) = stream {
        tasks[0].spawn(making.stream(url, http).run());
    }
    let flushes = metrics.map(|(url, http)| {
        let (flushes, asked) = mpsc::unbounded_channel();
        tasks[1].spawn(making.collector(url, http).run(asked));
        flushes
    });
    let Making { watched, status, asks, closing, .. } = making;
    Ok(Started { watched, status, asks, flushes, closing, tasks })
}

impl Making<'_> {
    fn remote(&self, source: Option<Source>, asks: mpsc::UnboundedReceiver<Ask>, events: &Events) -> Remote {
        let Options { poll_interval, stream_spread, .. } = *self.options;
        let stale_after = self.options.stale_after(source.is_some());
        let options = RemoteOptions { poll_interval, stale_after, stream_spread, phase: phase_of(self.instance) };
        let named = source.as_ref().map(|source| source.name().to_owned());
        let kept = self.store.clone().zip(named);
        let parts = remote::Parts {
            watched: Arc::clone(&self.watched),
            source,
            cache: kept.map(|(store, name)| SnapshotCache::new(store, name, events.clone())),
            status: Arc::clone(&self.status),
            asks,
            answered: Arc::clone(&self.answered),
            closing: self.closing[0].clone(),
        };
        Remote::new(parts, options)
    }

    fn stream(&self, url: Url, http: Http) -> Stream {
        Stream {
            url,
            http,
            silence: self.options.stream_silence,
            watched: Arc::clone(&self.watched),
            asks: self.asks.clone(),
            answered: Arc::clone(&self.answered),
            closing: self.closing[0].clone(),
        }
    }

    fn collector(&self, url: Url, http: Http) -> Collector {
        Collector::new(collector::Parts {
            watched: Arc::clone(&self.watched),
            http,
            url,
            interval: self.options.flush_interval,
            instance: self.instance,
            store: self.store.clone(),
            closing: self.closing[1].clone(),
        })
    }
}

/// Looks at the breakers when their time has come, and within a second of an outcome.
async fn watch_breakers(watched: Arc<Watched>, closing: CancellationToken) {
    let clock = Arc::clone(&watched.clock);
    let mut alarm = Alarm::default();
    loop {
        tokio::select! {
            () = closing.cancelled() => break,
            () = watched.stir.notified() => alarm.hasten(&*clock, SECOND),
            () = first(&*clock, [alarm]) => {
                alarm.clear();
                if let Some(after) = watched.poll() {
                    alarm.hasten(&*clock, after);
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
    let drawn = draw(&*options.clock);
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

/// Its multiples lie as evenly between 0 and 1, without the whole, as any number's can.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

/// A host's place in the poll interval, from 0 to below 1: far apart for numbers that were drawn, and for those that count hosts.
#[expect(clippy::cast_precision_loss, reason = "below 2^53")]
fn phase_of(instance: u64) -> f64 {
    let drawn = instance as f64 / (1_u64 << 53) as f64;
    (drawn + (instance % (1 << 20)) as f64 * GOLDEN) % 1.0
}
