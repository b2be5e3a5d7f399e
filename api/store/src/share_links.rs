//! Links by which a client sees a plan.

use chrono::{DateTime, Utc};
use milepost_domain::plan::share::Visibility;
use uuid::Uuid;

use crate::author::Author;
use crate::json_text::JsonText;
use crate::row::{self, Column as _, Condition};
use crate::{Conn, columns, table};

/// A link, without its token.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct ShareLinkRow {
    pub id: Uuid,
    pub plan_id: Uuid,
    pub name: Option<String>,
    pub secret_hash: Vec<u8>,
    pub visibility: JsonText<Visibility>,
    pub expires_at: DateTime<Utc>,
    pub revoked_at: Option<DateTime<Utc>>,
    pub author: Author,
    pub created_at: DateTime<Utc>,
}

columns!(ShareLinkRow { id, plan_id, name, secret_hash, visibility, expires_at, revoked_at, author, created_at });
table!(ShareLinkRow, "share_links");

/// Number of a plan's links that work at an instant.
pub async fn count_live(
    conn: &mut Conn,
    organization_id: Uuid,
    plan_id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<i64> {
    let conditions = [
        Condition::Equals("plan_id", plan_id.to_value()),
        Condition::IsPresent("revoked_at", false),
        Condition::AtLeast("expires_at", now.to_value()),
    ];
    row::count::<ShareLinkRow>(conn, organization_id, &conditions).await
}
