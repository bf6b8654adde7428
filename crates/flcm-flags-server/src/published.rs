//! A revision in use: the document, its snapshot, and each body of `GET /flags`, made once.

use std::path::Path;

use axum::http::HeaderValue;
use bytes::Bytes;
use flate2::Compression;
use flcm_flags::{FlagId, Snapshot};
use flcm_flags_config::config::Client;
use flcm_flags_config::{CheckOptions, Config, Diagnostics, check, check_with, compile};

use crate::clock::revision_after;
use crate::gzip::gzip;
use crate::keys::Role;
use crate::signed_file::SignedSnapshot;

mod changes;
mod earlier;
mod variants;

pub(crate) use changes::changed_flags;
use earlier::Earlier;
use variants::VariantNames;

/// The media type of a snapshot.
pub(crate) const SNAPSHOT: &str = "application/vnd.flcm.snapshot";

/// A published revision.
#[derive(Debug)]
pub(crate) struct Published {
    /// Higher than that of every earlier revision: hosts refuse a revision that is older than theirs.
    pub(crate) number: u64,
    pub(crate) text: String,
    /// The checked document; a snapshot that was signed elsewhere has none.
    pub(crate) config: Option<Config>,
    pub(crate) snapshot: Snapshot<Bytes>,
    /// The statements of whoever has signed the snapshot elsewhere.
    pub(crate) statements: Option<HeaderValue>,
    pub(crate) as_snapshot: Body,
    pub(crate) as_document: Option<Body>,
    /// What pages get, where that is less than the whole snapshot.
    of_clients: Option<View>,
    /// What a client key gets of each flag, by its id; empty if that is all of them.
    access: Box<[Client]>,
    variants: VariantNames,
    earlier: Earlier,
}

/// A snapshot as an audience gets it.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) snapshot: Snapshot<Bytes>,
    pub(crate) body: Body,
}

/// How what was read from the file goes with the revision in use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Succession {
    /// It is the next revision.
    Next,
    /// It was signed elsewhere under a number that does not follow.
    Older,
    /// The same snapshot was signed again.
    SignedAgain,
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
    pub(crate) fn new(text: String, last: u64, options: CheckOptions) -> Result<(Self, Diagnostics), Diagnostics> {
        let (config, diagnostics) = check_with(&text, options);
        let Some(mut config) = config else { return Err(diagnostics) };
        config.revision = config.revision.max(revision_after(last));
        Ok((Self::compiled(text, config), diagnostics))
    }

    /// Takes what was read from a file: a document, or a signed snapshot, which keeps its number.
    pub(crate) fn of_file(path: &Path, text: String, last: u64) -> Result<(Self, Diagnostics), Diagnostics> {
        match Self::signed(&text) {
            Some(published) => Ok((published, Diagnostics::default())),
            None => Self::new(text, last, CheckOptions::of_file(path)),
        }
    }

    /// Restores a revision that was published before, under its number.
    pub(crate) fn republished(text: String, number: u64) -> Result<Self, Diagnostics> {
        if let Some(published) = Self::signed(&text) {
            return Ok(published);
        }
        let (config, diagnostics) = check(&text);
        let Some(mut config) = config else { return Err(diagnostics) };
        config.revision = number;
        Ok(Self::compiled(text, config))
    }

    fn compiled(text: String, config: Config) -> Self {
        let (bytes, snapshot) = compiled(&config);
        let of_clients = config.for_clients().map(|part| {
            let (bytes, snapshot) = compiled(&part);
            View { body: Body::of_snapshot(bytes, &snapshot), snapshot }
        });
        let document = Bytes::from(text.clone().into_bytes());
        let tag = format!("{:016x}-document", snapshot.digest());
        // A flag's id is its place in the order of keys.
        let access = config.flags.values().map(|flag| flag.client).collect();
        let as_document = Some(Body::new("application/yaml", document, &tag));
        Self { config: Some(config), as_document, of_clients, access, ..Self::of_snapshot(text, bytes, snapshot) }
    }

    /// A snapshot that was signed elsewhere, by its text.
    fn signed(text: &str) -> Option<Self> {
        let SignedSnapshot { bytes, statements } = SignedSnapshot::from_text(text)?;
        let bytes = Bytes::from(bytes);
        let snapshot = Snapshot::from_bytes(bytes.clone()).ok()?;
        let statements = HeaderValue::try_from(statements).ok();
        Some(Self { statements, ..Self::of_snapshot(text.to_owned(), bytes, snapshot) })
    }

    fn of_snapshot(text: String, bytes: Bytes, snapshot: Snapshot<Bytes>) -> Self {
        Self {
            variants: VariantNames::new(&snapshot),
            number: snapshot.revision(),
            text,
            config: None,
            statements: None,
            as_snapshot: Body::of_snapshot(bytes, &snapshot),
            as_document: None,
            of_clients: None,
            access: Box::default(),
            snapshot,
            earlier: Earlier::default(),
        }
    }

    /// Remembers the snapshot that it replaces, and those before it.
    pub(crate) fn behind(self, before: &Self) -> Self {
        Self { earlier: Earlier::behind(before), ..self }
    }

    /// The snapshot of a digest: one in use, or one of the last before it.
    pub(crate) fn snapshot_of(&self, digest: u64) -> Option<&Snapshot<Bytes>> {
        self.snapshots().find(|snapshot| snapshot.digest() == digest)
    }

    /// The snapshots in use, then those before them.
    fn snapshots(&self) -> impl Iterator<Item = &Snapshot<Bytes>> {
        let of_clients = self.of_clients.as_ref().map(|view| &view.snapshot);
        std::iter::once(&self.snapshot).chain(of_clients).chain(self.earlier.snapshots())
    }

    /// Whether a flag has a variant of this name.
    pub(crate) fn has_variant(&self, flag: FlagId, name: &str) -> bool {
        self.variants.contains(&self.snapshot, flag, name)
    }

    /// The digest in 16 hexadecimal digits, as it is written everywhere.
    pub(crate) fn digest(&self) -> String {
        digest(&self.snapshot)
    }

    /// The snapshot that a key of this role gets.
    pub(crate) fn snapshot_for(&self, role: Role) -> &Snapshot<Bytes> {
        self.view_for(role).map_or(&self.snapshot, |view| &view.snapshot)
    }

    /// The same, as the body of `GET /flags`.
    pub(crate) fn body_for(&self, role: Role) -> &Body {
        self.view_for(role).map_or(&self.as_snapshot, |view| &view.body)
    }

    /// What pages get, where that is less than the whole snapshot.
    fn view_for(&self, role: Role) -> Option<&View> {
        self.of_clients.as_ref().filter(|_| role.is_public())
    }

    /// Whether pages get the whole snapshot.
    pub(crate) const fn is_whole_for_clients(&self) -> bool {
        self.of_clients.is_none()
    }

    /// Whether a key of this role gets a flag with its rules.
    pub(crate) fn is_for(&self, role: Role, flag: &str) -> bool {
        self.view_for(role).is_none_or(|view| view.snapshot.flag(flag).is_some())
    }

    /// Whether a key of this role may have a flag evaluated.
    pub(crate) fn may_evaluate(&self, role: Role, flag: FlagId) -> bool {
        !role.is_public() || self.access.get(flag.0 as usize).is_none_or(|access| *access != Client::Never)
    }

    /// How this goes with the revision in use. A document is always the next one, because it gets a number here.
    pub(crate) fn succession(&self, in_use: &Self) -> Succession {
        if self.statements.is_none() {
            Succession::Next
        } else if self.snapshot.digest() == in_use.snapshot.digest() {
            Succession::SignedAgain
        } else if self.number > in_use.number {
            Succession::Next
        } else {
            Succession::Older
        }
    }

    /// Each body of `GET /flags`, the snapshot first.
    pub(crate) fn bodies(&self) -> impl Iterator<Item = &Body> {
        std::iter::once(&self.as_snapshot).chain(&self.as_document)
    }

    /// Whether an `If-Match` header matches this revision, in any media type and encoding.
    pub(crate) fn if_match(&self, etags: &str) -> bool {
        let mut own = self.bodies().flat_map(|body| [&body.plain.etag, &body.gzip.etag]);
        etags.trim() == "*" || own.any(|etag| etag_matches(etags, etag))
    }
}

fn compiled(config: &Config) -> (Bytes, Snapshot<Bytes>) {
    let bytes = Bytes::from(compile(config));
    let snapshot = Snapshot::from_bytes(bytes.clone()).expect("what the compiler writes is a snapshot");
    (bytes, snapshot)
}

/// The digest of a snapshot, as it is written everywhere.
pub(crate) fn digest(snapshot: &Snapshot<Bytes>) -> String {
    format!("{:016x}", snapshot.digest())
}

impl Body {
    fn of_snapshot(bytes: Bytes, snapshot: &Snapshot<Bytes>) -> Self {
        Self::new(SNAPSHOT, bytes, &digest(snapshot))
    }

    pub(crate) fn new(media_type: &'static str, bytes: Bytes, tag: &str) -> Self {
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
