//! When what Segment's libraries said last was said.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::reference_periods::Holder;
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

impl Said {
    const fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Membership => "membership",
            Self::Customer => "customer",
        }
    }
}

/// Forgets when something was said of a customer or a person.
pub async fn forget(conn: &mut Conn, organization_id: Uuid, kind: Holder, reference: &str) -> sqlx::Result<()> {
    const SQL: &str = "DELETE FROM segment_marks WHERE organization_id = $1 AND kind = $2 AND reference = $3";
    let said: &[Said] = match kind {
        Holder::Customer => &[Said::Customer],
        Holder::Person => &[Said::Person, Said::Membership],
    };
    for one in said {
        on!(&mut *conn, db => sqlx::query(SQL).bind(organization_id).bind(one.name()).bind(reference).execute(db).await.map(|_| ()))?;
    }
    Ok(())
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
    let kind = said.name();
    on!(conn, db => sqlx::query(SQL).bind(organization_id).bind(kind).bind(reference).bind(stated_at)
        .execute(db).await.map(|done| done.rows_affected() == 1))
}
