//! The number of this host, which spreads its polling and distinguishes its counts from those of others.

use flcm_flags_host::schedule::number_of;

use crate::error::Error;
use crate::options::{Options, invalid};
use crate::store::Store;

/// The number of this host: as given, as it was stored, or drawn.
pub(crate) fn instance_of(options: &Options, store: Option<&Store>) -> Result<u64, Error> {
    if let Some(instance) = options.instance {
        return if instance < 1 << 53 {
            Ok(instance)
        } else {
            Err(invalid(format!("`instance` must be below 2^53, not {instance}")))
        };
    }
    let drawn = number_of(options.clock.random());
    let Some(store) = store else { return Ok(drawn) };
    // A store that fails is reported when flags, breakers or counts are read from it.
    let stored = store.read("instance").ok().flatten().and_then(|bytes| String::from_utf8(bytes).ok());
    if let Some(stored) = stored.and_then(|text| text.parse().ok()).filter(|stored| *stored < 1 << 53) {
        return Ok(stored);
    }
    store.run(move |folder| {
        let _ = folder.write("instance", drawn.to_string().as_bytes());
    });
    Ok(drawn)
}
