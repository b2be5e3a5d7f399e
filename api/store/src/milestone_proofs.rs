//! Standings of milestones that prove themselves.

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::recognition::badge::BadgeTier;
use milepost_domain::values::text::{Key, Reason};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::row::{self, Column as _, Condition};
use crate::{Conn, columns, table};

/// Standing of a milestone that proves itself, as it was last looked at.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "plan_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "key": "t4",
    "proved_on": "2026-05-04", "tier": null, "achieved_on": "2026-05-04", "was_achieved": true, "contested_at": null, "upheld_at": null,
    "reason": null, "version": 1, "created_at": "2026-05-04T12:00:00Z", "updated_at": "2026-05-04T12:00:00Z"
}))]
pub struct MilestoneStanding {
    /// Identifier.
    pub id: Uuid,
    /// Identifier of the plan.
    pub plan_id: Uuid,
    /// Key of the milestone.
    pub key: Key,
    /// Day on which the milestone was proved; null if it was not.
    pub proved_on: Option<NaiveDate>,
    /// Highest tier whose badge the proof has earned; null if the milestone has no tiers, or none was reached.
    pub tier: Option<BadgeTier>,
    /// Day of the achievement that the proof has brought; null if it has brought none.
    pub achieved_on: Option<NaiveDate>,
    /// Whether the milestone was seen achieved, by whomever. What a person reopens then stays open.
    pub was_achieved: bool,
    /// Time at which the proof of an achieved milestone fell away, because events were erased or corrected, or an award was taken back;
    /// null if nobody has to look.
    pub contested_at: Option<DateTime<Utc>>,
    /// Time at which somebody decided that the achievement stays although its proof fell away.
    pub upheld_at: Option<DateTime<Utc>>,
    /// Reason of that decision.
    pub reason: Option<Reason>,
    /// Version. Increases by one with every change; the value of `ETag`.
    #[schema(minimum = 1)]
    pub version: i64,
    /// Time of creation.
    pub created_at: DateTime<Utc>,
    /// Time of the last change.
    pub updated_at: DateTime<Utc>,
}

columns!(MilestoneStanding {
    id,
    plan_id,
    key,
    proved_on,
    tier,
    achieved_on,
    was_achieved,
    contested_at,
    upheld_at,
    reason,
    version,
    created_at,
    updated_at
});
table!(MilestoneStanding, "milestone_proofs");

impl MilestoneStanding {
    /// Returns the standing of a milestone that a person has reopened and that is to be proved anew.
    #[must_use]
    pub fn begun_anew(self, now: DateTime<Utc>) -> Self {
        let (achieved_on, contested_at, upheld_at) = (None, None, None);
        let version = self.version + 1;
        Self { was_achieved: false, achieved_on, contested_at, upheld_at, version, updated_at: now, ..self }
    }
}

/// The standing of a milestone of a plan.
pub async fn find(
    conn: &mut Conn,
    organization_id: Uuid,
    plan_id: Uuid,
    key: &str,
) -> sqlx::Result<Option<MilestoneStanding>> {
    let conditions =
        [Condition::Equals("plan_id", plan_id.to_value()), Condition::Equals("key", key.to_owned().to_value())];
    Ok(row::all(conn, organization_id, &conditions, "id").await?.pop())
}

/// The standings that somebody has to look at.
pub async fn contested(conn: &mut Conn, organization_id: Uuid) -> sqlx::Result<Vec<MilestoneStanding>> {
    row::all(conn, organization_id, &[Condition::IsPresent("contested_at", true)], "id").await
}
