//! The header `flcm-signature` of each answer with a snapshot.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use axum::http::HeaderValue;
use flcm_flags::Millis;

use crate::keys::Role;
use crate::published::Published;
use crate::signing::SnapshotSigner;

/// The statements that are sent with a snapshot.
#[derive(Debug)]
struct Current {
    /// The snapshot that they are about.
    digest: u64,
    header: HeaderValue,
    /// Who has signed them here, and when; `None` for what was signed elsewhere.
    signed: Option<(Arc<SnapshotSigner>, Millis)>,
}

/// Signs what is published, or sends what was signed elsewhere.
#[derive(Debug, Default)]
pub(crate) struct Signatures {
    /// Replaced when the files of its keys are read again.
    signer: ArcSwapOption<SnapshotSigner>,
    current: ArcSwapOption<Current>,
    /// Those about the part that pages get.
    of_clients: ArcSwapOption<Current>,
}

impl Signatures {
    pub(crate) fn new(signer: Option<SnapshotSigner>) -> Self {
        Self { signer: ArcSwapOption::new(signer.map(Arc::new)), ..Self::default() }
    }

    /// Signs with other keys from now on.
    pub(crate) fn sign_with(&self, signer: SnapshotSigner) {
        self.signer.store(Some(Arc::new(signer)));
    }

    /// The header for a revision. It is signed when it is first asked for, and again in time before it expires; digest
    /// and `ETag` stay the same.
    pub(crate) fn header(&self, published: &Published, role: Role, now: Millis) -> Option<HeaderValue> {
        let snapshot = published.snapshot_for(role);
        let digest = snapshot.digest();
        let slot = if role.is_public() { &self.of_clients } else { &self.current };
        let current = slot.load();
        // Whoever has signed elsewhere may be trusted where this server is not.
        let signer = self.signer.load_full().filter(|_| published.statements.is_none());
        let holds = |current: &Current| match (&signer, &current.signed) {
            (Some(signer), Some((by, at))) => Arc::ptr_eq(signer, by) && !signer.is_due(*at, now),
            (signer, _) => signer.is_none(),
        };
        if let Some(current) = current.as_ref().filter(|current| current.digest == digest && holds(current)) {
            return Some(current.header.clone());
        }
        let Some(signer) = signer else { return published.statements.clone() };
        let text = signer.sign(snapshot.as_bytes(), published.number, now);
        let header = HeaderValue::try_from(text).ok()?;
        slot.store(Some(Arc::new(Current { digest, header: header.clone(), signed: Some((signer, now)) })));
        Some(header)
    }

    /// The snapshot in use was signed again elsewhere.
    pub(crate) fn renew(&self, published: &Published) {
        let Some(header) = published.statements.clone() else { return };
        let current = Arc::new(Current { digest: published.snapshot.digest(), header, signed: None });
        self.current.store(Some(Arc::clone(&current)));
        // What was signed elsewhere has no document, so pages get it whole.
        self.of_clients.store(Some(current));
    }
}
