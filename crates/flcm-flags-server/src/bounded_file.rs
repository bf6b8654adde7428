//! Reads files whose length has a limit: one that is too long is refused before it is read.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

/// The largest file of keys, certificates or statements: thousands of lines.
pub(crate) const SMALL_BYTES: u64 = 4 << 20;

/// The bytes of a file.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let too_long = |length: &str| {
        let what = format!("it has {length} bytes, more than the limit of {limit}");
        Error::new(ErrorKind::FileTooLarge, what)
    };
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    if length > limit {
        return Err(too_long(&length.to_string()));
    }
    let mut bytes = Vec::new();
    // It may grow meanwhile, and a device has no length.
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { Err(too_long("too many")) } else { Ok(bytes) }
}

/// The text of a file.
pub(crate) fn read_text(path: &Path, limit: u64) -> Result<String> {
    let text = String::from_utf8(read(path, limit)?);
    text.map_err(|error| Error::new(ErrorKind::InvalidData, format!("it is not UTF-8: {}", error.utf8_error())))
}
