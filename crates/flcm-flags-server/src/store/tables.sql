CREATE TABLE revisions (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    author TEXT NOT NULL,
    reason TEXT NOT NULL,
    origin TEXT NOT NULL,
    digest TEXT NOT NULL,
    document TEXT NOT NULL
) STRICT;

-- The flags that a revision has changed, added or removed.
CREATE TABLE revision_flags (flag TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (flag, number)) STRICT, WITHOUT ROWID;
CREATE INDEX flags_of_revision ON revision_flags (number);

CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    flag TEXT,
    revision INTEGER,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    address TEXT,
    -- The hash of the row before, and that of this one, which covers it.
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;
CREATE INDEX audit_of_flag ON audit (flag, id);
CREATE INDEX audit_of_actor ON audit (actor, id);
CREATE INDEX audit_by_time ON audit (at);
CREATE TRIGGER audit_keeps BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_grows BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;

-- Batches that were acknowledged and are not in a checkpoint yet, and where they come from: the role and the name of the key, and the prefix of the peer's address.
CREATE TABLE batches (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    role TEXT NOT NULL,
    key TEXT NOT NULL,
    prefix INTEGER NOT NULL,
    bytes BLOB NOT NULL
) STRICT;

-- Those of client keys are apart from the others: `is_page` is 1.
CREATE TABLE ledgers (
    instance INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    is_page INTEGER NOT NULL,
    prefix INTEGER NOT NULL,
    last INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    PRIMARY KEY (instance, epoch, is_page)
) STRICT, WITHOUT ROWID;

CREATE TABLE totals (flag TEXT PRIMARY KEY, counts TEXT NOT NULL, sketches BLOB NOT NULL) STRICT, WITHOUT ROWID;

-- The breakers of a flag: that of servers, that of pages, or both. They contain the batches up to `upto`; `event` is the
-- last transition as JSON.
CREATE TABLE breakers (
    flag TEXT PRIMARY KEY,
    servers BLOB,
    pages BLOB,
    upto INTEGER NOT NULL,
    event TEXT
) STRICT, WITHOUT ROWID;

-- Trips of flags without a breaker: set by an operator, or left by a breaker whose flag has lost its threshold.
CREATE TABLE holds (flag TEXT PRIMARY KEY, trip TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- What operators have set flags to, as long as it is in force: who, why, and when.
CREATE TABLE commands (flag TEXT PRIMARY KEY, actor TEXT NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL)
STRICT, WITHOUT ROWID;

-- Events that webhooks are still to be sent; `flag` is null for those of documents.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook TEXT NOT NULL,
    flag TEXT,
    event TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due INTEGER NOT NULL
) STRICT;

CREATE TABLE facts (name TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- Sign-ins of people: the hash of a cookie, and that of the key that it stands for.
CREATE TABLE sessions (hash BLOB PRIMARY KEY, key BLOB NOT NULL, expires INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- What hosts have counted of a flag in steps of time: see `series`. In the order of time, so that a checkpoint writes in one place, and what is old is dropped from the front.
CREATE TABLE series_flags (id INTEGER PRIMARY KEY, flag TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE series (
    tier INTEGER NOT NULL,
    step INTEGER NOT NULL,
    flag INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (tier, step, flag)
) STRICT, WITHOUT ROWID;

-- Who was counted on a day, as a batch of one flag with its sketches.
CREATE TABLE users (day INTEGER NOT NULL, flag INTEGER NOT NULL, sketch BLOB NOT NULL, PRIMARY KEY (day, flag)) STRICT, WITHOUT ROWID;

-- When a breaker has changed its state: the transition as JSON, and the seconds around it.
CREATE TABLE incidents (
    id TEXT PRIMARY KEY,
    flag TEXT NOT NULL,
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    points BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX incidents_of_flag ON incidents (flag, at);
