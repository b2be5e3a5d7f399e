//! Awards of badges to people, and their bits in status lists.

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::proof::validation::Score;
use milepost_domain::recognition::award::{AwardEvidence, Life, Publication};
use milepost_domain::recognition::badge::BadgeContent;
use milepost_domain::recognition::status_list::StatusPurpose;
use milepost_domain::values::text::{ExternalRef, Name, Note, Reason};
use serde::Serialize;
use uuid::Uuid;

use crate::author::Author;
use crate::{Conn, columns, on, table};

/// An award as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct AwardRow {
    pub id: Uuid,
    pub badge_id: Uuid,
    pub person_id: Uuid,
    pub badge: BadgeContent,
    pub badge_version: i64,
    pub results: Vec<Score>,
    pub awarded_on: NaiveDate,
    pub issued_on: NaiveDate,
    pub expires_on: Option<NaiveDate>,
    pub note: Option<Note>,
    pub evidence: Vec<AwardEvidence>,
    pub suspended_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    pub reason: Option<Reason>,
    pub renews_id: Option<Uuid>,
    pub renewed_by_id: Option<Uuid>,
    pub published: Option<Publication>,
    #[serde(skip)]
    pub salt: String,
    pub status_list: i64,
    pub status_index: i64,
    pub author: Author,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub person_ref: Option<ExternalRef>,
    pub person_name: Option<Name>,
}

columns!(AwardRow {
    id, badge_id, person_id, badge, badge_version, results, awarded_on, issued_on, expires_on, note, evidence, suspended_at, revoked_at, reason, renews_id,
    renewed_by_id, published, salt, status_list, status_index, author, version, created_at, updated_at;
    person_ref: PERSON_REF, person_name: PERSON_NAME
});
table!(AwardRow, "awards");

impl AwardRow {
    /// Returns its dates, and what was done to it.
    pub const fn life(&self) -> Life {
        Life {
            awarded_on: self.issued_on,
            expires_on: self.expires_on,
            is_suspended: self.suspended_at.is_some(),
            is_revoked: self.revoked_at.is_some(),
        }
    }
}

/// Returns the number of the last list; the first one exists without entries.
pub async fn last_list(conn: &mut Conn, organization_id: Uuid) -> sqlx::Result<i64> {
    const SQL: &str = "SELECT COALESCE(MAX(status_list), 1) FROM status_bits WHERE organization_id = $1";
    on!(conn, db => sqlx::query_scalar(SQL).bind(organization_id).fetch_one(db).await)
}

/// Takes a bit of a list for good; `false` if it was given before.
pub async fn take_bit(conn: &mut Conn, organization_id: Uuid, list: i64, index: i64) -> sqlx::Result<bool> {
    const SQL: &str = "INSERT INTO status_bits (organization_id, status_list, status_index) VALUES ($1, $2, $3) \
                       ON CONFLICT (organization_id, status_list, status_index) DO NOTHING";
    on!(conn, db => sqlx::query(SQL).bind(organization_id).bind(list).bind(index).execute(db).await.map(|done| done.rows_affected() == 1))
}

/// Returns the published awards that were revoked, a million at most.
pub async fn revoked(conn: &mut Conn, organization_id: Uuid) -> sqlx::Result<Vec<Uuid>> {
    const SQL: &str = "SELECT id FROM awards WHERE organization_id = $1 AND status_list > 0 AND revoked_at IS NOT NULL AND published IS NOT NULL ORDER BY id LIMIT 1000000";
    on!(conn, db => sqlx::query_scalar(SQL).bind(organization_id).fetch_all(db).await)
}

/// Returns the bits of a list that are set.
pub async fn set_bits(
    conn: &mut Conn,
    organization_id: Uuid,
    list: i64,
    purpose: StatusPurpose,
) -> sqlx::Result<Vec<i64>> {
    const REVOKED: &str =
        "SELECT status_index FROM awards WHERE organization_id = $1 AND status_list = $2 AND revoked_at IS NOT NULL";
    const SUSPENDED: &str =
        "SELECT status_index FROM awards WHERE organization_id = $1 AND status_list = $2 AND suspended_at IS NOT NULL";
    let sql = match purpose {
        StatusPurpose::Revocation => REVOKED,
        StatusPurpose::Suspension => SUSPENDED,
    };
    on!(conn, db => sqlx::query_scalar(sql).bind(organization_id).bind(list).fetch_all(db).await)
}
