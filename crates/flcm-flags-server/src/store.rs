//! What outlives the process: one `SQLite` database in WAL mode, with one writer.
//!
//! A batch is written before it is added up, so adding up may be repeated: a start takes up the state of the last checkpoint and
//! adds the batches behind it again.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use crate::error::StartError;

mod audit;
mod counts;
mod outbox;
mod revisions;

pub(crate) use audit::{Record, audit_of, detail_of};
pub(crate) use counts::{Checkpoint, Happened, Kept, KeptBreaker};
pub(crate) use outbox::{DeliveryResult, WebhookDelivery};
pub(crate) use revisions::{Revision, Summary};

/// The version of the tables, in the database's `user_version`.
const VERSION: i64 = 1;

const TABLES: &str = include_str!("store/tables.sql");

/// The size of pages, and up to which the log grows before it is copied into the database, in bytes.
const PAGE: u32 = 16 << 10;
const LOG_BYTES: u32 = 64 << 20;

/// How long another program may hold the database before that is an error.
const PATIENCE: Duration = Duration::from_secs(2);

/// The database, opened to write.
#[derive(Debug)]
pub(crate) struct Store {
    connection: Connection,
    /// Held as long as the server runs; the system lets it go however the server ends.
    _lock: File,
}

/// Why something could not be read or written: what, and how to fix it.
#[derive(Debug)]
pub(crate) struct StoreError {
    what: String,
    help: &'static str,
}

impl StoreError {
    /// Says of which file it is.
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
                "another program holds the database: end it, such as a `sqlite3` shell"
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                "the database is damaged: bring a copy back, or move it away and start with a new one"
            }
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                "check the folder and its permissions"
            }
            Some(ErrorCode::SystemIoFailure) => "check the disk, and that it has room",
            _ => "check the disk and the database",
        };
        Self { what: format!("database: {error}"), help }
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self { what: format!("database: {error}"), help: "bring a copy of the database back" }
    }
}

pub(crate) type Stored<T> = Result<T, StoreError>;

impl Store {
    /// Opens the database, and makes its tables where there are none.
    pub(crate) fn open(path: &Path) -> Stored<Self> {
        let lock = lock(path)?;
        let connection = prepare(path).map_err(|error| error.of(path))?;
        Ok(Self { connection, _lock: lock })
    }

    /// Does all of it, or nothing.
    fn write<T>(&mut self, act: impl FnOnce(&Connection) -> Stored<T>) -> Stored<T> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = act(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }
}

/// Opens a database that this server may use, and leaves any other as it is.
fn prepare(path: &Path) -> Stored<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    // One that is damaged is not to be written to, not even when it is closed.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let health: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if health != "ok" {
        let help = "bring a copy of the database back, or move it away and start with a new one";
        return Err(StoreError { what: format!("the database is damaged: {health}"), help });
    }
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if !(version == VERSION || version == 0 && tables == 0) {
        let what = format!("the database has {tables} tables of version {version}, this server knows {VERSION}");
        return Err(StoreError { what, help: "use the program that wrote it, or name another with --database" });
    }
    // A batch is some ten kilobytes: with small pages it is many writes.
    connection.pragma_update(None, "page_size", PAGE)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Batches are forgotten soon: most are never copied from the log.
    connection.pragma_update(None, "wal_autocheckpoint", LOG_BYTES / PAGE)?;
    // A commit is on the disk when it is acknowledged. Many batches share one.
    connection.pragma_update(None, "synchronous", "FULL")?;
    if version == 0 {
        connection.execute_batch(&format!("BEGIN; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;"))?;
    }
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(connection)
}

/// Reads beside the writer, without waiting for it.
#[derive(Debug)]
pub(crate) struct Reader(Connection);

impl Reader {
    pub(crate) fn open(path: &Path) -> Stored<Self> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.busy_timeout(PATIENCE)?;
        Ok(Self(connection))
    }
}

/// Two servers on one database would each count for themselves.
fn lock(path: &Path) -> Stored<File> {
    let beside = beside(path);
    let opened = OpenOptions::new().create(true).truncate(false).write(true).open(&beside);
    let file = opened.map_err(|error| StoreError {
        what: format!("cannot open {}: {error}", beside.display()),
        help: "check the folder and its permissions",
    })?;
    file.try_lock().map_err(|_| StoreError {
        what: format!("another server uses the database {}", path.display()),
        help: "end it, or name another database with --database",
    })?;
    Ok(file)
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

/// Numbers of 64 bits as `SQLite` has them: the same bits.
const fn to_bits(number: u64) -> i64 {
    number.cast_signed()
}

const fn from_bits(bits: i64) -> u64 {
    bits.cast_unsigned()
}
