//! The database: `SQLite` in WAL mode, with one writer.
//!
//! A batch is stored before it is counted, so that counting can be repeated: a start recovers the last checkpoint, and
//! counts the batches after it again.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use crate::error::StartError;

mod audit;
mod batches;
mod counts;
mod ledgers;
mod outbox;
mod revisions;
mod series;
mod sessions;

pub use audit::{AuditCheck, verify_audit};
pub(crate) use audit::{AuditFilter, Record, audit_of};
pub(crate) use batches::StoredBatch;
pub(crate) use counts::{Changes, Checkpoint, CommandInForce, RecoveredState, StoredBreaker};
pub(crate) use ledgers::{StoredLedger, StoredLedgerName};
pub(crate) use outbox::{DeliveryResult, WebhookDelivery};
pub(crate) use revisions::{Changed, Revision, Summary};
pub(crate) use series::{CountedSeries, StoredIncident};
pub(crate) use sessions::SessionChange;

/// The version of the tables, in the database's `user_version`.
const VERSION: i64 = 3;

const TABLES: &str = include_str!("store/tables.sql");

/// The size of a page, and the size at which the write-ahead log is copied into the database, in bytes.
const PAGE: u32 = 16 << 10;
const LOG_BYTES: u32 = 64 << 20;

/// How long another program may lock the database before that is an error.
const PATIENCE: Duration = Duration::from_secs(2);

/// The database, opened for writing.
#[derive(Debug)]
pub(crate) struct Store {
    connection: Connection,
    /// How many bytes of series are kept.
    history: u64,
    /// Held while the server runs; the system releases it, however the server ends.
    _lock: File,
}

/// Why something could not be read or written, and how to fix it.
#[derive(Debug)]
pub(crate) struct StoreError {
    what: String,
    help: &'static str,
}

impl StoreError {
    /// Adds the name of the file.
    fn of(self, path: &Path) -> Self {
        Self { what: format!("{}: {}", path.display(), self.what), ..self }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.what, self.help)
    }
}

impl std::error::Error for StoreError {}

impl From<StoreError> for StartError {
    fn from(StoreError { what, help }: StoreError) -> Self {
        Self::other(what, help)
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let help = match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => "the disk is full: free some space",
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                "another program holds the database: close it, such as a `sqlite3` shell"
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                "the database is damaged: restore a backup, or move the file away and start with a new one"
            }
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                "check the folder and its permissions"
            }
            Some(ErrorCode::SystemIoFailure) => "check the disk, and that it has free space",
            _ => "check the disk and the database",
        };
        Self { what: format!("database: {error}"), help }
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self { what: format!("database: {error}"), help: "restore a backup of the database" }
    }
}

pub(crate) type Stored<T> = Result<T, StoreError>;

impl Store {
    /// Opens the database, and creates its tables if there are none.
    pub(crate) fn open(path: &Path, history: u64) -> Stored<Self> {
        let lock = lock(path)?;
        let connection = create(path).and_then(|()| prepare(path)).map_err(|error| error.of(path))?;
        restrict(path);
        Ok(Self { connection, history, _lock: lock })
    }

    /// Runs `act` in a transaction.
    fn write<T>(&mut self, act: impl FnOnce(&Connection) -> Stored<T>) -> Stored<T> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = act(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }
}

/// Creates the file, so that only this user can read it from the beginning. The database makes its other files alike.
fn create(path: &Path) -> Stored<()> {
    match private().create_new(true).open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(unwritable(path, &error)),
        _ => Ok(()),
    }
}

/// Opens files for this user only.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Takes the files of an existing database from other users: it contains documents, and who did what from where.
fn restrict(path: &Path) {
    #[cfg(unix)]
    for ending in ["", "-wal", "-shm", ".lock"] {
        use std::os::unix::fs::PermissionsExt;
        let file = beside(path, ending);
        let is_open = std::fs::metadata(&file).is_ok_and(|file| file.permissions().mode() & 0o077 != 0);
        if let Err(error) =
            if is_open { std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)) } else { Ok(()) }
        {
            tracing::warn!(%error, "other users may read {}", file.display());
        }
    }
}

/// Why a file cannot be made here.
fn unwritable(path: &Path, error: &io::Error) -> StoreError {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let elsewhere = "choose a folder that this user may write to, with --database FILE";
    let (why, help) = match error.kind() {
        ErrorKind::NotFound => ("does not exist".to_owned(), "create it, or choose another one with --database FILE"),
        ErrorKind::PermissionDenied => {
            ("may not be written to by this user: check its permissions".to_owned(), elsewhere)
        }
        ErrorKind::ReadOnlyFilesystem => ("is on a file system that is read-only".to_owned(), elsewhere),
        _ => (format!("cannot be written to: {error}"), elsewhere),
    };
    StoreError { what: format!("cannot create {}: the folder `{}` {why}", path.display(), folder.display()), help }
}

/// Opens a database of this version, and changes no other.
fn prepare(path: &Path) -> Stored<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    // A damaged database must not be written to, not even when it is closed.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let health: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if health != "ok" {
        let help = "restore a backup, or move the file away and start with a new one";
        return Err(StoreError { what: format!("the database is damaged: {health}"), help });
    }
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if !(version == VERSION || version == 0 && tables == 0) {
        return Err(other_version(version));
    }
    // A batch has about ten kilobytes, which would be many writes with small pages.
    connection.pragma_update(None, "page_size", PAGE)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Batches are deleted soon, so most are never copied from the log.
    connection.pragma_update(None, "wal_autocheckpoint", LOG_BYTES / PAGE)?;
    // A commit is on the disk before it is acknowledged. Many batches share one.
    connection.pragma_update(None, "synchronous", "FULL")?;
    if version == 0 {
        connection.execute_batch(&format!("BEGIN; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;"))?;
    }
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(connection)
}

/// Why a database of another version is refused. There is no way from one to the other yet.
fn other_version(version: i64) -> StoreError {
    let what = format!("the database has version {version}, and this server needs version {VERSION}");
    match version {
        0 => StoreError {
            what: "it is the database of another program".to_owned(),
            help: "choose another file with --database",
        },
        ..VERSION => StoreError {
            what,
            help: "save its newest document with `sqlite3 FILE \"SELECT document FROM revisions ORDER BY number DESC \
                   LIMIT 1\"`, move the file away with those that end in -wal and -shm, and start again with that \
                   document; or use the release that wrote it",
        },
        _ => StoreError { what, help: "use the release that wrote it, or restore a backup" },
    }
}

/// Reads the database without waiting for the writer.
#[derive(Debug)]
pub(crate) struct Reader(Connection);

impl Reader {
    pub(crate) fn open(path: &Path) -> Stored<Self> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.busy_timeout(PATIENCE)?;
        Ok(Self(connection))
    }
}

/// Takes the lock file: two servers on one database would each count for themselves.
fn lock(path: &Path) -> Stored<File> {
    let opened = private().create(true).truncate(false).open(beside(path, ".lock"));
    let file = opened.map_err(|error| unwritable(path, &error))?;
    file.try_lock().map_err(|_| StoreError {
        what: format!("another server uses the database {}", path.display()),
        help: "stop it, or choose another database with --database",
    })?;
    Ok(file)
}

/// A file whose name is that of the database and an ending.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// `SQLite` has signed numbers only: the same 64 bits.
const fn to_bits(number: u64) -> i64 {
    number.cast_signed()
}

const fn from_bits(bits: i64) -> u64 {
    bits.cast_unsigned()
}
