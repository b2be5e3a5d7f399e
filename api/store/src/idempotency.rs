//! Storage of responses to POST requests, so that a repeated request gets the same response.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::from_row::from_row;
use crate::{Conn, on};

/// Identity of a request: an idempotency key of a caller on a route.
#[derive(Debug, Clone)]
pub struct Slot {
    /// Identifier of the caller.
    pub caller_id: String,
    /// Method and path pattern.
    pub route: String,
    /// Idempotency key.
    pub key: String,
}

/// A stored response.
#[derive(Debug)]
pub struct Stored {
    /// Hash of the request.
    pub fingerprint: Vec<u8>,
    /// Status code.
    pub status: i64,
    /// Headers as JSON pairs.
    pub headers: String,
    /// Body.
    pub body: Vec<u8>,
}

from_row!(Stored { fingerprint, status, headers, body });

/// Finds a stored response, if it was stored after `oldest`.
pub async fn find(
    conn: &mut Conn,
    organization_id: Uuid,
    slot: &Slot,
    oldest: DateTime<Utc>,
) -> sqlx::Result<Option<Stored>> {
    const SQL: &str = "SELECT fingerprint, status, headers, body FROM idempotency_keys \
                       WHERE organization_id = $1 AND caller_id = $2 AND route = $3 AND key = $4 AND created_at > $5";
    on!(conn, db => sqlx::query_as(SQL)
        .bind(organization_id).bind(&slot.caller_id).bind(&slot.route).bind(&slot.key).bind(oldest)
        .fetch_optional(db).await)
}

/// Stores a response, replacing an outdated response.
pub async fn save(
    conn: &mut Conn,
    organization_id: Uuid,
    slot: &Slot,
    answer: &Stored,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    const SQL: &str = "INSERT INTO idempotency_keys \
                       (organization_id, caller_id, route, key, fingerprint, status, headers, body, created_at) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
                       ON CONFLICT (organization_id, caller_id, route, key) DO UPDATE SET \
                       fingerprint = excluded.fingerprint, status = excluded.status, headers = excluded.headers, \
                       body = excluded.body, created_at = excluded.created_at";
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(&slot.caller_id).bind(&slot.route).bind(&slot.key)
        .bind(&answer.fingerprint).bind(answer.status).bind(&answer.headers).bind(&answer.body).bind(now)
        .execute(db).await.map(|_| ()))
}

/// Deletes responses that are too old to be replayed; returns their number.
pub async fn delete_before(conn: &mut Conn, organization_id: Uuid, oldest: DateTime<Utc>) -> sqlx::Result<u64> {
    const SQL: &str = "DELETE FROM idempotency_keys WHERE organization_id = $1 AND created_at <= $2";
    on!(conn, db => sqlx::query(SQL).bind(organization_id).bind(oldest).execute(db).await.map(|done| done.rows_affected()))
}
