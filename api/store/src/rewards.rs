//! Rewards, and what people were granted of them.

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::recognition::reward::{GrantStep, RewardContent};
use milepost_domain::values::text::{ExternalRef, Key, Name, Note, folded};
use serde::Serialize;
use uuid::Uuid;

use crate::author::Author;
use crate::kept::{Archivable, Content, Kept};
use crate::row::Value;
use crate::{Conn, columns, on, table};

/// A reward.
pub type Reward = Kept<RewardContent, Archivable>;

columns!(RewardContent {
    key, name, description, kind, cost_minor, currency, stock, valid_days, is_immediate, is_repeatable, for_badges .. archived: false
});

impl Content for RewardContent {
    const TABLE: &'static str = "rewards";
    const UNIQUE: Option<&'static str> = Some("key");

    fn derived(&self) -> Vec<(&'static str, Value)> {
        vec![("name_folded", Value::Text(Some(folded(&self.name))))]
    }

    fn archived(&mut self) -> Option<&mut bool> {
        Some(&mut self.archived)
    }
}

/// An entitlement as it is kept: a reward that somebody was granted.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct EntitlementRow {
    pub id: Uuid,
    pub reward_id: Uuid,
    pub person_id: Uuid,
    pub step: GrantStep,
    pub award_id: Option<Uuid>,
    pub granted_on: NaiveDate,
    pub expires_on: Option<NaiveDate>,
    pub note: Option<Note>,
    pub author: Author,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub person_ref: Option<ExternalRef>,
    pub person_name: Option<Name>,
    pub reward_key: Option<Key>,
    pub reward_name: Option<Name>,
}

columns!(EntitlementRow {
    id, reward_id, person_id, step, award_id, granted_on, expires_on, note, author, version, created_at, updated_at;
    person_ref: PERSON_REF, person_name: PERSON_NAME, reward_key: REWARD_KEY, reward_name: REWARD_NAME
});
table!(EntitlementRow, "entitlements");

/// Returns the number of grants of a reward that were claimed, and not canceled.
pub async fn taken(conn: &mut Conn, organization_id: Uuid, reward_id: Uuid) -> sqlx::Result<i64> {
    const SQL: &str = "SELECT COUNT(*) FROM entitlements \
                       WHERE organization_id = $1 AND reward_id = $2 AND step IN ('claimed', 'approved', 'fulfilled')";
    on!(conn, db => sqlx::query_scalar(SQL).bind(organization_id).bind(reward_id).fetch_one(db).await)
}
