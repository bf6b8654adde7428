//! The header `flcm-signature` of each answer with a snapshot.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use axum::http::HeaderValue;
use flcm_flags::Millis;

use crate::published::Published;
use crate::signing::SnapshotSigner;

/// The statements that are sent with a snapshot.
#[derive(Debug)]
struct Current {
    /// The snapshot that they are about.
    digest: u64,
    header: HeaderValue,
    /// When this server has signed them.
    signed: Millis,
}

/// Signs what is published, or sends what was signed elsewhere.
#[derive(Debug, Default)]
pub(crate) struct Signatures {
    signer: Option<SnapshotSigner>,
    current: ArcSwapOption<Current>,
}

impl Signatures {
    pub(crate) fn new(signer: Option<SnapshotSigner>) -> Self {
        Self { signer, current: ArcSwapOption::empty() }
    }

    /// The header for a revision. It is signed when it is first asked for, and again in time before it expires; digest
    /// and `ETag` stay the same.
    pub(crate) fn header(&self, published: &Published, now: Millis) -> Option<HeaderValue> {
        let digest = published.snapshot.digest();
        let current = self.current.load();
        // Whoever has signed elsewhere may be trusted where this server is not.
        let signer = self.signer.as_ref().filter(|_| published.statements.is_none());
        let holds = |current: &Current| signer.is_none_or(|signer| !signer.is_due(current.signed, now));
        if let Some(current) = current.as_ref().filter(|current| current.digest == digest && holds(current)) {
            return Some(current.header.clone());
        }
        let Some(signer) = signer else { return published.statements.clone() };
        let text = signer.sign(published.snapshot.as_bytes(), published.number, now);
        let header = HeaderValue::try_from(text).ok()?;
        self.current.store(Some(Arc::new(Current { digest, header: header.clone(), signed: now })));
        Some(header)
    }

    /// The snapshot in use was signed again elsewhere.
    pub(crate) fn renew(&self, published: &Published) {
        let Some(header) = published.statements.clone() else { return };
        let digest = published.snapshot.digest();
        self.current.store(Some(Arc::new(Current { digest, header, signed: Millis(0) })));
    }
}
