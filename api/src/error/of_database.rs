//! Failures of the database as answers: full, away, too slow, or our mistake.

use actix_web::http::header::{HeaderValue, RETRY_AFTER};

use super::{ApiError, Code};
use crate::store::{is_retryable, is_storage_full};

impl ApiError {
    /// The database did not do it, and may do it later: full, away or too slow. `detail` is for the caller.
    pub fn of_storage(error: &sqlx::Error, detail: &str) -> Self {
        let refused = if is_storage_full(error) {
            Self::new(Code::StorageFull, detail).with_header(RETRY_AFTER, HeaderValue::from_static("30"))
        } else {
            Self::try_again(detail)
        };
        Self { cause: Some(error.to_string()), ..refused }
    }
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        let is_retryable = is_retryable(&error);
        if is_storage_full(&error) {
            Self::of_storage(&error, "Storage is full: nothing was changed. Reading goes on. Try again later.")
        } else if is_outage(&error) {
            let detail = if is_retryable || is_lock_timeout(&error) {
                "Other changes took too long to finish. Try again shortly."
            } else {
                "The database cannot be reached. Try again shortly."
            };
            Self { is_retryable, ..Self::of_storage(&error, detail) }
        } else {
            Self { is_retryable, ..Self::internal(error) }
        }
    }
}

/// Whether a lock of another transaction was waited for too long (PostgreSQL).
fn is_lock_timeout(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.as_deref() == Some("55P03")
}

/// Whether the database is away, overloaded or too slow, as opposed to a query being wrong.
fn is_outage(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(database) => database.code().is_some_and(|code| {
            // PostgreSQL: connection exceptions, insufficient resources, operator intervention, serialization. SQLite: busy.
            ["08", "53", "57", "40"].iter().any(|class| code.len() == 5 && code.starts_with(class))
                // A lock or an idle transaction that was waited for too long.
                || matches!(code.as_ref(), "55P03" | "25P03" | "5" | "517")
        }),
        _ => false,
    }
}
