//! When what Segment's libraries said last was said.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{Conn, on};

/// Statement of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// Traits of a person.
    Person,
    /// Customer that a person belongs to.
    Membership,
    /// Traits of a customer.
    Customer,
}

/// Notes that something was said at a time; `false` if something later is noted already.
pub async fn advance(
    conn: &mut Conn,
    organization_id: Uuid,
    said: Said,
    reference: &str,
    stated_at: DateTime<Utc>,
) -> sqlx::Result<bool> {
    const SQL: &str = "INSERT INTO segment_marks (organization_id, kind, reference, stated_at) VALUES ($1, $2, $3, $4) \
                       ON CONFLICT (organization_id, kind, reference) DO UPDATE SET stated_at = excluded.stated_at \
                       WHERE segment_marks.stated_at <= excluded.stated_at";
    let kind = match said {
        Said::Person => "person",
        Said::Membership => "membership",
        Said::Customer => "customer",
    };
    on!(conn, db => sqlx::query(SQL).bind(organization_id).bind(kind).bind(reference).bind(stated_at)
        .execute(db).await.map(|done| done.rows_affected() == 1))
}
