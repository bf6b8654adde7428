//! What pages can read of a document.

use std::borrow::Cow;
use std::fmt::Write as _;

use flcm_flags::Snapshot;
use flcm_flags_config::config::{Client, Clients};
use flcm_flags_config::{Config, compile};

use crate::style::{DIM, plural, shown};

/// Every text of the snapshot that a client key gets, a line each, and the flags that are evaluated for it.
pub(super) fn texts(config: &Config) -> String {
    let part = config.for_clients().map_or(Cow::Borrowed(config), Cow::Owned);
    let snapshot = Snapshot::from_bytes(compile(&part)).expect("what the compiler writes is a snapshot");
    let mut texts: Vec<&str> = snapshot.texts().filter(|text| !text.is_empty()).collect();
    texts.sort_unstable();
    let mut out = String::new();
    let clients = if config.clients == Clients::All { "all" } else { "listed" };
    let decided = plural(part.flags.len() as u64, "flag", "flags");
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{DIM}clients: {clients}{DIM:#}  pages get {decided}, and can read");
    for text in texts {
        let _ = writeln!(out, "  {}", shown(text));
    }
    let evaluated: Vec<&str> =
        config.flags.iter().filter(|(_, flag)| flag.client == Client::Evaluated).map(|(key, _)| &**key).collect();
    if !evaluated.is_empty() {
        let _ = writeln!(out, "{DIM}evaluated{DIM:#}  by the server, for pages: {}", shown(&evaluated.join(", ")));
    }
    out.push('\n');
    out
}
