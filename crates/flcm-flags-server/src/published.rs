//! A revision in use: the document, its snapshot, and each body of `GET /flags`, made once.

use axum::http::HeaderValue;
use bytes::Bytes;
use flate2::Compression;
use flcm_flags::Snapshot;
use flcm_flags_config::{Config, Diagnostics, check, compile};

use crate::clock::revision_after;
use crate::gzip::gzip;

/// The media type of a snapshot.
pub(crate) const SNAPSHOT: &str = "application/vnd.flcm.snapshot";

/// A published revision.
#[derive(Debug)]
pub(crate) struct Published {
    /// Higher than that of every earlier revision: hosts refuse a revision that is older than theirs.
    pub(crate) number: u64,
    pub(crate) text: String,
    pub(crate) config: Config,
    pub(crate) snapshot: Snapshot<Bytes>,
    pub(crate) as_snapshot: Body,
    pub(crate) as_document: Body,
}

/// The body of one media type.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) media_type: HeaderValue,
    pub(crate) plain: Encoded,
    pub(crate) gzip: Encoded,
}

/// One encoding, with the strong `ETag` of exactly these bytes.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub(crate) etag: HeaderValue,
    pub(crate) bytes: Bytes,
}

impl Published {
    /// Checks a document, and compiles it as the revision after `last`. The document's own number is used if it is
    /// higher.
    pub(crate) fn new(text: String, last: u64) -> Result<(Self, Diagnostics), Diagnostics> {
        let (config, diagnostics) = check(&text);
        let Some(mut config) = config else { return Err(diagnostics) };
        config.revision = config.revision.max(revision_after(last));
        Ok((Self::compiled(text, config), diagnostics))
    }

    /// Restores a revision that was published before, under its number.
    pub(crate) fn republished(text: String, number: u64) -> Result<Self, Diagnostics> {
        let (config, diagnostics) = check(&text);
        let Some(mut config) = config else { return Err(diagnostics) };
        config.revision = number;
        Ok(Self::compiled(text, config))
    }

    fn compiled(text: String, config: Config) -> Self {
        let bytes = Bytes::from(compile(&config));
        let snapshot = Snapshot::from_bytes(bytes.clone()).expect("what the compiler writes is a snapshot");
        let digest = snapshot.digest();
        let document = Bytes::from(text.clone().into_bytes());
        Self {
            number: config.revision,
            as_snapshot: Body::new(SNAPSHOT, bytes, &format!("{digest:016x}")),
            as_document: Body::new("application/yaml", document, &format!("{digest:016x}-document")),
            text,
            config,
            snapshot,
        }
    }

    /// The digest in 16 hexadecimal digits, as it is written everywhere.
    pub(crate) fn digest(&self) -> String {
        format!("{:016x}", self.snapshot.digest())
    }

    /// Whether an `If-Match` header matches this revision, in any media type and encoding.
    pub(crate) fn if_match(&self, etags: &str) -> bool {
        let bodies = [&self.as_snapshot, &self.as_document];
        let mut own = bodies.into_iter().flat_map(|body| [&body.plain.etag, &body.gzip.etag]);
        etags.trim() == "*" || own.any(|etag| etag_matches(etags, etag))
    }
}

impl Body {
    fn new(media_type: &'static str, bytes: Bytes, tag: &str) -> Self {
        let zipped = Bytes::from(gzip(&bytes, Compression::default()));
        Self {
            media_type: HeaderValue::from_static(media_type),
            plain: Encoded { etag: quoted(tag), bytes },
            gzip: Encoded { etag: quoted(&format!("{tag}-gzip")), bytes: zipped },
        }
    }
}

/// The flags that a revision takes away from the one before, in the order of their keys.
pub(crate) fn removed_flags(before: &Snapshot<Bytes>, after: &Snapshot<Bytes>) -> Vec<String> {
    let keys = before.flags().filter_map(|id| before.describe(id)).map(|flag| flag.key());
    let mut removed: Vec<String> = keys.filter(|key| after.flag(key).is_none()).map(str::to_owned).collect();
    removed.sort_unstable();
    removed
}

/// Whether a list of `ETags` contains this one. `If-None-Match` compares weakly, and a proxy may have made one weak.
pub(crate) fn etag_matches(etags: &str, etag: &HeaderValue) -> bool {
    let is_it = |tag: &str| tag.trim().trim_start_matches("W/").as_bytes() == etag.as_bytes();
    etags.split(',').any(is_it)
}

fn quoted(tag: &str) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{tag}\"")).expect("alphanumeric characters and hyphens")
}
