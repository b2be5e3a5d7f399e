//! Validations of milestones and impacts by people, and who was asked.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::plan::milestone::Evidence;
use milepost_domain::proof::validation::{Asked, Decision, Need, Score, ValidationKind, ValidationState};
use milepost_domain::values::text::{ExternalRef, Key, Name, Note};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::author::Author;
use crate::row::{self, Column as _, Condition};
use crate::{Conn, columns, table};

/// A validation as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct ValidationRow {
    pub id: Uuid,
    pub plan_id: Option<Uuid>,
    pub milestone_key: Option<Key>,
    pub impact_id: Option<Uuid>,
    pub needs: Vec<Need>,
    pub different_people: bool,
    pub note: Option<Note>,
    pub evidence: Vec<Evidence>,
    pub state: ValidationState,
    pub submitted_on: NaiveDate,
    pub closed_at: Option<DateTime<Utc>>,
    pub author: Author,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

columns!(ValidationRow {
    id,
    plan_id,
    milestone_key,
    impact_id,
    needs,
    different_people,
    note,
    evidence,
    state,
    submitted_on,
    closed_at,
    author,
    version,
    created_at,
    updated_at
});
table!(ValidationRow, "validations");

/// Somebody who was asked for a validation, with what they have decided.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "validation_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11",
    "plan_id": "0199f0a2-9999-7d52-b1a4-0c8a3e0f9d11", "impact_id": null, "kind": "peer_review", "person_id": "0199f0a2-7777-7d52-b1a4-0c8a3e0f9d11",
    "person_ref": "hr-3", "person_name": "Ben Ito", "decision": "approve", "comment": null, "scores": [{"criterion": "Clarity", "points": 4, "of": 5}],
    "decided_on": "2026-05-06", "decided_at": "2026-05-06T12:00:00Z", "asked_at": "2026-05-04T12:00:00Z", "outsider_name": null, "expires_at": null, "reminded_at": null
}))]
pub struct ValidationAsk {
    /// Identifier.
    pub id: Uuid,
    /// Identifier of the validation.
    pub validation_id: Uuid,
    /// Identifier of the plan; null for an impact.
    pub plan_id: Option<Uuid>,
    /// Identifier of the impact; null for a milestone.
    pub impact_id: Option<Uuid>,
    /// Kind of validation that the person was asked for.
    pub kind: ValidationKind,
    /// Identifier of the person; null once the person was erased.
    pub person_id: Option<Uuid>,
    /// External reference of the person.
    pub person_ref: Option<ExternalRef>,
    /// Name of the person.
    pub person_name: Option<Name>,
    /// Decision; null if there is none yet.
    pub decision: Option<Decision>,
    /// Comment on the decision.
    pub comment: Option<Note>,
    /// Scores by a rubric.
    #[schema(max_items = 50)]
    pub scores: Vec<Score>,
    /// Day of the decision.
    pub decided_on: Option<NaiveDate>,
    /// Time of the decision.
    pub decided_at: Option<DateTime<Utc>>,
    /// Time at which the person was asked.
    pub asked_at: DateTime<Utc>,
    /// Name of somebody outside the organization who was invited by a link; null for people of the organization.
    pub outsider_name: Option<Name>,
    /// Time until which the link of an invitation works; null for people of the organization.
    pub expires_at: Option<DateTime<Utc>>,
    /// Time of the last reminder; null if there was none.
    pub reminded_at: Option<DateTime<Utc>>,
    /// Hash of the secret in the link of an invitation.
    #[serde(skip)]
    pub secret_hash: Option<Vec<u8>>,
}

columns!(ValidationAsk {
    id, validation_id, plan_id, impact_id, kind, person_id, decision, comment, scores, decided_on, decided_at, asked_at, outsider_name, expires_at,
    reminded_at, secret_hash;
    person_ref: PERSON_REF, person_name: PERSON_NAME
});
table!(ValidationAsk, "validation_asks");

impl ValidationAsk {
    /// Returns a question that begins, to nobody yet.
    pub const fn begun(id: Uuid, of: &ValidationRow, kind: ValidationKind, asked_at: DateTime<Utc>) -> Self {
        Self {
            id,
            validation_id: of.id,
            plan_id: of.plan_id,
            impact_id: of.impact_id,
            kind,
            person_id: None,
            person_ref: None,
            person_name: None,
            decision: None,
            comment: None,
            scores: vec![],
            decided_on: None,
            decided_at: None,
            asked_at,
            outsider_name: None,
            expires_at: None,
            reminded_at: None,
            secret_hash: None,
        }
    }

    /// Returns what the rules need to know of it.
    pub fn asked(&self) -> Asked {
        Asked { kind: self.kind, person_id: self.person_id, decision: self.decision, decided_on: self.decided_on }
    }
}

/// The validations of some plans, in the order of their submission.
pub async fn of_plans(conn: &mut Conn, organization_id: Uuid, plan_ids: &[Uuid]) -> sqlx::Result<Vec<ValidationRow>> {
    row::of_plans(conn, organization_id, Some(plan_ids)).await
}

/// The validations of an impact, in the order of their submission.
pub async fn of_impact(conn: &mut Conn, organization_id: Uuid, impact_id: Uuid) -> sqlx::Result<Vec<ValidationRow>> {
    row::all(conn, organization_id, &[Condition::Equals("impact_id", impact_id.to_value())], "id").await
}

/// The people who were asked for some validations, by validation.
pub async fn asks_of(
    conn: &mut Conn,
    organization_id: Uuid,
    validation_ids: &[Uuid],
) -> sqlx::Result<HashMap<Uuid, Vec<ValidationAsk>>> {
    let mut asks: HashMap<Uuid, Vec<ValidationAsk>> = HashMap::new();
    let ids = validation_ids.iter().map(Uuid::to_value).collect();
    for ask in row::all::<ValidationAsk>(conn, organization_id, &[Condition::OneOf("validation_id", ids)], "id").await?
    {
        asks.entry(ask.validation_id).or_default().push(ask);
    }
    Ok(asks)
}

/// The asks that wait for a person's decision, the longest first.
pub async fn waiting_for(conn: &mut Conn, organization_id: Uuid, person_id: Uuid) -> sqlx::Result<Vec<ValidationAsk>> {
    let conditions = [Condition::Equals("person_id", person_id.to_value()), Condition::IsPresent("decision", false)];
    row::all(conn, organization_id, &conditions, "id").await
}

/// The open validations of an organization.
pub async fn open(conn: &mut Conn, organization_id: Uuid) -> sqlx::Result<Vec<ValidationRow>> {
    row::all(conn, organization_id, &[Condition::IsPresent("closed_at", false)], "id").await
}
