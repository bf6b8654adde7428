//! The dashboard of FLCM Flags: the files that `just dashboard` makes, inside the program.
//!
//! `build.rs` embeds `dist/` where it is, and where it was made for this version of the interface. It needs neither
//! Node nor a network, so a build without `dist/` works, and has no dashboard: [`asset`] has no files then.
//!
//! ```
//! assert!(flcm_dashboard::asset("../Cargo.toml").is_none());
//! ```

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// A file of the dashboard.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Asset {
    /// Its media type.
    pub media_type: &'static str,
    /// A strong `ETag`: the hash of the file.
    pub etag: &'static str,
    /// The file, compressed by gzip.
    pub gzip: &'static [u8],
    /// The file, compressed by brotli.
    pub brotli: &'static [u8],
}

/// The file with this path, such as `index.html`.
#[must_use]
pub fn asset(path: &str) -> Option<Asset> {
    let found = ASSETS.binary_search_by(|(own, _)| own.cmp(&path)).ok()?;
    ASSETS.get(found).map(|(_, asset)| *asset)
}

#[cfg(test)]
mod tests {
    use super::{ASSETS, asset};

    #[test]
    fn each_file_is_found_by_its_path() {
        for (path, own) in ASSETS {
            assert_eq!(asset(path), Some(*own), "{path}");
            assert!(own.gzip.starts_with(&[0x1f, 0x8b]), "{path}");
        }
        assert_eq!(asset("nothing"), None);
    }
}
