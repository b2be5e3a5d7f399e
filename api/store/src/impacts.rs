//! Impacts of what people have achieved.

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::recognition::impact::{ImpactContent, ImpactState};
use milepost_domain::values::text::{Name, Reason};
use serde::Serialize;
use utoipa::ToSchema;

use crate::columns;
use crate::kept::{Content, Kept, Stamp};

/// An impact.
pub type Impact = Kept<ImpactContent, Claimed>;

columns!(ImpactContent {
    person_id, title, kind, unit, baseline, result, from_on, to_on, annualized_minor, currency, attribution_percent, customer_id, plan_id,
    milestone_key, evidence, note;
    person_ref: PERSON_REF, customer_ref: CUSTOMER_REF
});

impl Content for ImpactContent {
    const TABLE: &'static str = "impacts";
    const UNIQUE: Option<&'static str> = None;
}

/// State, version and times of an impact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({
    "state": "verified", "verified_on": "2026-05-06", "reason": null, "person_name": "Ana Petrova", "version": 3,
    "created_at": "2026-05-04T12:00:00Z", "updated_at": "2026-05-06T12:00:00Z"
}))]
pub struct Claimed {
    /// State.
    pub state: ImpactState,
    /// Day of the verification; null while there is none.
    pub verified_on: Option<NaiveDate>,
    /// Reason of the withdrawal; null if there was none.
    pub reason: Option<Reason>,
    /// Version. Increases by one with every change; the value of `ETag`.
    #[schema(minimum = 1)]
    pub version: i64,
    /// Time of creation.
    pub created_at: DateTime<Utc>,
    /// Time of the last change.
    pub updated_at: DateTime<Utc>,
    /// Name of the person.
    pub person_name: Option<Name>,
}

columns!(Claimed { state, verified_on, reason, version, created_at, updated_at; person_name: PERSON_NAME });

impl Stamp for Claimed {
    fn begin(now: DateTime<Utc>) -> Self {
        let (verified_on, reason, person_name) = (None, None, None);
        let state = ImpactState::Claimed;
        Self { state, verified_on, reason, version: 1, created_at: now, updated_at: now, person_name }
    }

    fn touch(&mut self, now: DateTime<Utc>) {
        self.version += 1;
        self.updated_at = now;
    }

    fn version(&self) -> i64 {
        self.version
    }
}
