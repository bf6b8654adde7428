//! Breakers, holds and the fleet's trips across a restart. Hosts that share a folder add to it: a host writes only what has
//! happened to it, over what is there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use crate::error::{Code, Error};
use crate::event::Events;
use crate::store::{Folder, Store};

const NAME: &str = "breakers";

/// What is written: everything by flag key.
#[derive(Debug, Deserialize, Serialize)]
struct Written {
    version: u32,
    breakers: BTreeMap<String, String>,
    held: BTreeSet<String>,
    fleet: BTreeMap<String, String>,
}

impl Default for Written {
    fn default() -> Self {
        Self { version: 1, breakers: BTreeMap::new(), held: BTreeSet::new(), fleet: BTreeMap::new() }
    }
}

/// What was kept, as it is used.
#[derive(Debug, Default)]
pub(crate) struct Restored {
    pub(crate) breakers: BTreeMap<String, Vec<u8>>,
    pub(crate) held: BTreeSet<String>,
    pub(crate) fleet: BTreeMap<String, String>,
}

/// What has happened here since it was written last.
#[derive(Debug, Default)]
struct News {
    breakers: BTreeMap<String, Vec<u8>>,
    held: BTreeMap<String, bool>,
    /// What the fleet said last, if it was heard here: before, another host knows better.
    fleet: Option<BTreeMap<String, String>>,
    is_waiting: bool,
}

/// Where it is kept, if anywhere.
#[derive(Debug)]
pub(crate) struct Kept {
    store: Option<Store>,
    news: Arc<Mutex<News>>,
    events: Events,
}

impl Kept {
    pub(crate) fn new(store: Option<Store>, events: Events) -> Self {
        Self { store, news: Arc::default(), events }
    }

    pub(crate) fn read(&self) -> Restored {
        let Some(store) = &self.store else { return Restored::default() };
        let written = store.read(NAME).map_err(|error| error.to_string()).and_then(parsed);
        written.and_then(restored).unwrap_or_else(|message| {
            self.events.error(failed("breakers that were kept cannot be read", &message));
            Restored::default()
        })
    }

    pub(crate) fn keep_breaker(&self, flag: &str, bytes: Vec<u8>) {
        self.keep(|news| {
            news.breakers.insert(flag.to_owned(), bytes);
        });
    }

    pub(crate) fn keep_held(&self, flag: &str, held: bool) {
        self.keep(|news| {
            news.held.insert(flag.to_owned(), held);
        });
    }

    pub(crate) fn keep_fleet(&self, fleet: BTreeMap<String, String>) {
        self.keep(|news| news.fleet = Some(fleet));
    }

    pub(crate) async fn written(&self) {
        if let Some(store) = &self.store {
            store.written().await;
        }
    }

    /// One writing at a time; what happens meanwhile is written with the next.
    fn keep(&self, add: impl FnOnce(&mut News)) {
        let Some(store) = &self.store else { return };
        let mut news = locked(&self.news);
        add(&mut news);
        if std::mem::replace(&mut news.is_waiting, true) {
            return;
        }
        let (all, events) = (Arc::clone(&self.news), self.events.clone());
        store.run(move |folder| {
            let news = std::mem::take(&mut *locked(&all));
            if let Err(message) = write(folder, &news) {
                locked(&all).put_back(news);
                events.error(failed("breakers cannot be kept", &message));
            }
        });
    }
}

impl News {
    /// Is to be written with what comes next; what is newer stays.
    fn put_back(&mut self, older: Self) {
        for (flag, bytes) in older.breakers {
            self.breakers.entry(flag).or_insert(bytes);
        }
        for (flag, held) in older.held {
            self.held.entry(flag).or_insert(held);
        }
        self.fleet = self.fleet.take().or(older.fleet);
    }
}

fn locked(news: &Mutex<News>) -> MutexGuard<'_, News> {
    news.lock().unwrap_or_else(PoisonError::into_inner)
}

fn parsed(file: Option<Vec<u8>>) -> Result<Written, String> {
    let Some(bytes) = file else { return Ok(Written::default()) };
    let written: Written = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    if written.version == 1 { Ok(written) } else { Err(format!("version {} is not known", written.version)) }
}

fn restored(written: Written) -> Result<Restored, String> {
    let decoded = |(flag, text): (String, String)| Ok((flag, BASE64.decode(text).map_err(|error| error.to_string())?));
    let breakers = written.breakers.into_iter().map(decoded).collect::<Result<_, String>>()?;
    Ok(Restored { breakers, held: written.held, fleet: written.fleet })
}

fn write(folder: &Folder, news: &News) -> Result<(), String> {
    // What cannot be read may be there, and is another host's as well; what is damaged is nobody's.
    let there = folder.read(NAME).map_err(|error| error.to_string())?;
    let mut written = parsed(there).unwrap_or_default();
    written.breakers.extend(news.breakers.iter().map(|(flag, bytes)| (flag.clone(), BASE64.encode(bytes))));
    for (flag, held) in &news.held {
        if *held {
            written.held.insert(flag.clone());
        } else {
            written.held.remove(flag);
        }
    }
    if let Some(fleet) = &news.fleet {
        written.fleet.clone_from(fleet);
    }
    let bytes = serde_json::to_vec(&written).map_err(|error| error.to_string())?;
    folder.write(NAME, &bytes).map_err(|error| error.to_string())
}

fn failed(what: &str, message: &str) -> Error {
    Error::new(Code::CacheFailed, format!("{what}: {message}"))
}
