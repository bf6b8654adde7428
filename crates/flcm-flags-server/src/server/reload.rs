//! Keys, certificates and signing keys are read again while the server runs. What cannot be read changes nothing.

use std::path::PathBuf;
use std::sync::Arc;

use crate::clock::wall;
use crate::error::StartError;
use crate::keys::Keys;
use crate::signing::{SignerOptions, SnapshotSigner};
use crate::state::App;
use crate::tls::Tls;

/// Reads keys, certificates and signing keys again.
#[derive(Clone, Debug)]
pub struct Reloader {
    pub(super) app: Arc<App>,
    pub(super) keys: Option<PathBuf>,
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) signer: Option<SignerOptions>,
}

impl Reloader {
    /// Reads the files again, and logs what has changed or is wrong. Streams of keys that are gone end.
    pub fn reload(&self) {
        if self.keys.is_none() && self.tls.is_none() && self.signer.is_none() {
            tracing::info!("there is nothing to read again: none of --keys, --signing-key and --tls-cert is given");
        }
        if let Err(error) = self.reload_keys() {
            tracing::error!("the keys in use stay: {error}");
        }
        match self.tls.as_ref().map(|tls| tls.reload()) {
            Some(Ok(())) => tracing::info!("the certificate was read again"),
            Some(Err(error)) => tracing::error!("the certificate in use stays: {error}"),
            None => {}
        }
        match self.signer.as_ref().map(SignerOptions::read) {
            Some(Ok(signer)) => self.sign_with(signer),
            Some(Err(error)) => tracing::error!("the signing key in use stays: {error}"),
            None => {}
        }
    }

    fn sign_with(&self, signer: SnapshotSigner) {
        let pins = signer.pins().map(|pin| pin.to_string()).collect::<Vec<_>>().join(", ");
        self.app.signatures.sign_with(signer);
        tracing::info!(pins, "the signing key was read again");
    }

    fn reload_keys(&self) -> Result<(), StartError> {
        let Some(path) = &self.keys else { return Ok(()) };
        let keys = Keys::read(path)?;
        warn_of_expired(&keys);
        let changes = self.app.keys.load().changes(&keys);
        let list = |names: Vec<String>| names.join(", ");
        let (added, changed, removed) = (list(changes.added), list(changes.changed), list(changes.removed));
        let keys = keys.with_usage_of(&self.app.keys.load());
        self.app.keys.store(Arc::new(keys));
        end_sessions(&self.app);
        // Wakes all streams, which check their keys.
        self.app.shared.stream.send_modify(|_| {});
        tracing::info!(added, changed, removed, "the keys were read again");
        Ok(())
    }
}

/// Ends the sign-ins that are over, and those of keys that are gone.
pub(super) fn end_sessions(app: &App) {
    let keys = app.keys.load();
    let ended = app.sessions.end_all_but(|key| keys.has(key), wall());
    if !ended.is_empty() {
        app.fleet.end_sessions(ended);
    }
}

/// Logs the keys that are no longer valid.
pub(super) fn warn_of_expired(keys: &Keys) {
    for name in keys.expired(wall()) {
        tracing::warn!(name, "this key has expired: make another with `flcm key`, and remove its line");
    }
}
