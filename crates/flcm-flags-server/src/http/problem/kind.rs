//! The kinds of problems: their codes, statuses and titles.

use axum::http::StatusCode;

macro_rules! kinds {
    ($($kind:ident = $status:ident, $code:literal, $title:literal;)*) => {
        /// A kind of problem. Its code, status and title stay the same in later releases.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub(crate) enum Kind { $($kind,)* }

        impl Kind {
            /// All of them.
            #[cfg(test)]
            pub(super) const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// The code that programs compare.
            pub(super) const fn code(self) -> &'static str {
                match self { $(Self::$kind => $code,)* }
            }

            pub(super) const fn status(self) -> StatusCode {
                match self { $(Self::$kind => StatusCode::$status,)* }
            }

            /// What it is about, as a short text that is the same each time.
            pub(super) const fn title(self) -> &'static str {
                match self { $(Self::$kind => $title,)* }
            }
        }
    };
}

kinds! {
    BatchGap = CONFLICT, "BATCH_GAP", "An earlier batch is missing";
    BatchTooOld = UNPROCESSABLE_ENTITY, "BATCH_TOO_OLD", "The batch is too old";
    Busy = SERVICE_UNAVAILABLE, "BUSY", "The server is busy";
    Closing = SERVICE_UNAVAILABLE, "CLOSING", "The server is shutting down";
    Conflict = PRECONDITION_FAILED, "CONFLICT", "Another revision is in use";
    CrossOrigin = FORBIDDEN, "CROSS_ORIGIN", "Only pages of this server may use a sign-in";
    FileChanged = CONFLICT, "FILE_CHANGED", "The file has an edit that is not published";
    FileNotWritten = SERVICE_UNAVAILABLE, "FILE_NOT_WRITTEN", "The file could not be written";
    FlagNotFound = NOT_FOUND, "FLAG_NOT_FOUND", "The flag does not exist";
    Forbidden = FORBIDDEN, "FORBIDDEN", "The role of the key does not allow this";
    HostNotAllowed = FORBIDDEN, "HOST_NOT_ALLOWED", "The server may not be called under this host name";
    Internal = INTERNAL_SERVER_ERROR, "INTERNAL", "The server has failed";
    InvalidBatch = BAD_REQUEST, "INVALID_BATCH", "The batch is invalid";
    InvalidDocument = UNPROCESSABLE_ENTITY, "INVALID_DOCUMENT", "The document has errors";
    InvalidRequest = BAD_REQUEST, "INVALID_REQUEST", "The request is invalid";
    InvalidState = CONFLICT, "INVALID_STATE", "The state of the flag does not allow this";
    Managed = FORBIDDEN, "MANAGED", "Documents are published by the file alone";
    MetricNotFound = NOT_FOUND, "METRIC_NOT_FOUND", "The metric does not exist";
    MethodNotAllowed = METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "The method is not allowed here";
    NotAcceptable = NOT_ACCEPTABLE, "NOT_ACCEPTABLE", "No acceptable media type";
    NotYetStored = SERVICE_UNAVAILABLE, "NOT_YET_STORED", "The change is in force, but not stored yet";
    PathNotFound = NOT_FOUND, "PATH_NOT_FOUND", "The path does not exist";
    PreconditionRequired = PRECONDITION_REQUIRED, "PRECONDITION_REQUIRED", "`If-Match` is required";
    ProxyNotAllowed = FORBIDDEN, "PROXY_NOT_ALLOWED", "Without keys the server may not be called through a proxy";
    RateLimited = TOO_MANY_REQUESTS, "RATE_LIMITED", "Too many requests";
    RemovesFlags = CONFLICT, "REMOVES_FLAGS", "The document removes flags that are in use";
    RevisionNotFound = NOT_FOUND, "REVISION_NOT_FOUND", "The revision does not exist";
    StoreFailed = SERVICE_UNAVAILABLE, "STORE_FAILED", "The database has failed";
    Timeout = SERVICE_UNAVAILABLE, "TIMEOUT", "The server did not answer in time";
    TooLarge = PAYLOAD_TOO_LARGE, "TOO_LARGE", "The body is too large";
    TooManyConnections = SERVICE_UNAVAILABLE, "TOO_MANY_CONNECTIONS", "Too many connections";
    TooManyHosts = SERVICE_UNAVAILABLE, "TOO_MANY_HOSTS", "Too many hosts send batches";
    TooSlow = REQUEST_TIMEOUT, "TOO_SLOW", "The body did not arrive in time";
    Unauthorized = UNAUTHORIZED, "UNAUTHORIZED", "A valid key is required";
    WrongType = UNSUPPORTED_MEDIA_TYPE, "WRONG_TYPE", "The media type is not supported";
}
