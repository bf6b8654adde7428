//! Batches that have arrived: checked once, and with their origin.

use std::sync::Arc;

use flcm_flags::metrics::batch::{BatchError, CheckedBatch, Header};
use flcm_flags_host::Page;

use super::Content;
use crate::inventory::AppVersion;
use crate::keys::Role;
use crate::peer::AddressPrefix;

/// Where a batch comes from. Who has the key of a page can write any batch, so counts are trusted by their origin.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Origin {
    /// The role of the key. Without keys, everyone on this machine is an admin.
    pub(crate) role: Role,
    /// The network that the connection comes from: that of the proxy, if there is one.
    pub(crate) prefix: AddressPrefix,
    /// The name of the key.
    pub(crate) key: Arc<str>,
}

impl Origin {
    /// The page that sends a batch. All other senders have a key that is not public, or are on this machine.
    pub(crate) fn page(&self, header: Header) -> Option<Page> {
        let Header { instance, epoch, .. } = header;
        self.role.is_public().then(|| Page { instance, epoch, network: self.prefix.network() })
    }
}

/// A batch whose bytes were checked, on a thread that answers requests. It holds the memory of its body.
#[derive(Debug)]
pub(crate) struct ReceivedBatch {
    pub(crate) checked: CheckedBatch<Content>,
    pub(crate) origin: Origin,
    /// What its host says of its application.
    pub(crate) app: AppVersion,
}

impl ReceivedBatch {
    /// A batch of so many flags with 259 bytes each.
    #[cfg(test)]
    pub(crate) fn of_flags(count: usize) -> Self {
        use flcm_flags::metrics::FlagMetrics;
        use flcm_flags::metrics::batch::{Header, Writer};
        let mut metrics = FlagMetrics::new([0; FlagMetrics::counters_for(0)]);
        metrics.tally(0, 1);
        let mut bytes = Vec::new();
        let mut writer = Writer::new(Header::default(), |part: &[u8]| bytes.extend_from_slice(part));
        for flag in 0..count {
            writer.flag(&format!("{flag:0250}"), |_| None, &metrics);
        }
        writer.finish();
        let checked = CheckedBatch::from_bytes(Content::of(bytes.into())).expect("a batch");
        let origin = Origin { role: Role::Server, prefix: AddressPrefix::default(), key: "key".into() };
        Self { checked, origin, app: AppVersion::default() }
    }

    pub(crate) fn check(content: Content, origin: Origin, app: AppVersion) -> Result<Self, BatchError> {
        Ok(Self { checked: CheckedBatch::from_bytes(content)?, origin, app })
    }
}

impl AsRef<[u8]> for Content {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
