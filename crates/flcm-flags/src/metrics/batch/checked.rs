//! A batch together with its bytes, so that one thread can check it and another one can add it up.

use super::wire::Cursor;
use super::{Batch, BatchError, Header};

/// A batch that has its bytes, which were checked once: see [`Batch::from_bytes`].
///
/// ```
/// use flcm_flags::metrics::batch::{CheckedBatch, Header, Writer};
///
/// let mut bytes = Vec::new();
/// Writer::new(Header { sequence: 1, ..Header::default() }, |part: &[u8]| bytes.extend_from_slice(part)).finish();
/// let checked = CheckedBatch::from_bytes(bytes)?;
/// let sequence = std::thread::spawn(move || checked.header().sequence);
/// assert_eq!(sequence.join().unwrap(), 1);
/// # Ok::<(), flcm_flags::metrics::batch::BatchError>(())
/// ```
#[derive(Clone, Debug)]
pub struct CheckedBatch<B> {
    bytes: B,
    header: Header,
    has_others: bool,
}

impl<B: AsRef<[u8]>> CheckedBatch<B> {
    /// Checks all of the bytes. They must not change afterwards: what cannot be read any more would be left out.
    ///
    /// # Errors
    /// Like [`Batch::from_bytes`].
    pub fn from_bytes(bytes: B) -> Result<Self, BatchError> {
        let Batch { header, has_others, .. } = Batch::from_bytes(bytes.as_ref())?;
        Ok(Self { bytes, header, has_others })
    }

    /// Like [`Batch::header`].
    #[must_use]
    pub const fn header(&self) -> Header {
        self.header
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.as_ref()
    }

    /// The batch, which is not checked again.
    pub fn batch(&self) -> Batch<'_> {
        Batch { header: self.header, entries: Cursor::of_entries(self.bytes.as_ref()), has_others: self.has_others }
    }
}
