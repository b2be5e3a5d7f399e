//! Validations: milestones and impacts that are shown to people with evidence, and their decisions.

pub mod decide;
pub mod files;
pub mod invitation;
pub mod invite;
pub mod read;
pub mod submit;

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::plan::milestone::Evidence;
use milepost_domain::proof::rule::ProofRule;
use milepost_domain::proof::validation::{
    Asked, Candidate, Decision, Need, ValidationKind, ValidationState, approvals, count, state,
};
use milepost_domain::rule::Rule as _;
use milepost_domain::values::text::{Key, Name, Note};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::error::ApiError;
use crate::matters::Matter;
use crate::store::author::Author;
use crate::store::people::Person;
use crate::store::validations::{self, ValidationAsk, ValidationRow};
use crate::store::{Conn, reporting_lines, row};
use crate::unit::{Change, Entity, Unit};

/// Validation of a milestone or an impact by people.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "plan_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "plan_name": "AI coaching program: Ana Petrova",
    "milestone_key": "b2", "impact_id": null, "impact_title": null, "person_id": "0199f0a2-9999-7d52-b1a4-0c8a3e0f9d11", "person_name": "Ana Petrova", "state": "pending",
    "needs": [{"kind": "peer_review", "quorum": 2}], "different_people": false, "approvals": 1, "approvals_needed": 2, "note": null,
    "evidence": [{"title": "The process", "url": "https://example.com/process", "note": null}], "asks": [], "submitted_on": "2026-05-04",
    "closed_at": null, "author": {"type": "person", "id": "0199f0a2-9999-7d52-b1a4-0c8a3e0f9d11"}, "version": 2,
    "created_at": "2026-05-04T12:00:00Z", "updated_at": "2026-05-05T12:00:00Z"
}))]
pub struct Validation {
    /// Identifier.
    id: Uuid,
    /// Identifier of the plan; null for an impact.
    plan_id: Option<Uuid>,
    /// Name of the plan; null for an impact.
    #[schema(value_type = Option<Name>)]
    plan_name: Option<String>,
    /// Key of the milestone; null for an impact.
    milestone_key: Option<Key>,
    /// Identifier of the impact; null for a milestone.
    impact_id: Option<Uuid>,
    /// Title of the impact; null for a milestone.
    impact_title: Option<Name>,
    /// Identifier of the person whose achievement it is; null if the plan serves nobody.
    person_id: Option<Uuid>,
    /// Name of that person.
    #[schema(value_type = Option<Name>)]
    person_name: Option<String>,
    /// State.
    state: ValidationState,
    /// Policy: the kinds of validation that are needed.
    #[schema(max_items = 8)]
    needs: Vec<Need>,
    /// Whether nobody may validate in two ways.
    different_people: bool,
    /// Number of approvals that count.
    #[schema(maximum = 200)]
    approvals: u32,
    /// Number of approvals that are needed.
    #[schema(maximum = 200)]
    approvals_needed: u32,
    /// Note of whoever submitted it.
    note: Option<Note>,
    /// Evidence.
    #[schema(max_items = 100)]
    evidence: Vec<Evidence>,
    /// People who were asked, in the order of the asking, with their decisions.
    #[schema(max_items = 100)]
    asks: Vec<ValidationAsk>,
    /// Day of the submission.
    submitted_on: NaiveDate,
    /// Time at which it was approved, rejected or withdrawn; null while it is open.
    closed_at: Option<DateTime<Utc>>,
    /// Author of the submission.
    author: Author,
    /// Version. Increases by one with every change; the value of `ETag`.
    #[schema(minimum = 1)]
    version: i64,
    /// Time of creation.
    created_at: DateTime<Utc>,
    /// Time of the last change.
    updated_at: DateTime<Utc>,
}

impl Validation {
    fn of(row: ValidationRow, asks: Vec<ValidationAsk>, matter: &Matter) -> Self {
        let (plan_name, impact_title) = match matter {
            Matter::Milestone(plan) => (Some(plan.row.name.clone()), None),
            Matter::Impact(impact) => (None, Some(impact.title.clone())),
        };
        let asked: Vec<_> = asks.iter().map(ValidationAsk::asked).collect();
        let (given, needed) = count(&row.needs, &approvals(&asked));
        Self {
            id: row.id,
            plan_id: row.plan_id,
            plan_name,
            milestone_key: row.milestone_key,
            impact_id: row.impact_id,
            impact_title,
            person_id: matter.person_id(),
            person_name: matter.person_name(),
            state: row.state,
            needs: row.needs,
            different_people: row.different_people,
            approvals: given,
            approvals_needed: needed,
            note: row.note,
            evidence: row.evidence,
            asks,
            submitted_on: row.submitted_on,
            closed_at: row.closed_at,
            author: row.author,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A validation with who was asked, inside a unit.
struct Loaded {
    row: ValidationRow,
    asks: Vec<ValidationAsk>,
    /// People who were asked as of the last entry in the ledger.
    known: Vec<RecordedAsk>,
}

/// A validation as the ledger records it.
#[derive(Debug, Serialize)]
struct Recorded<'a> {
    #[serde(flatten)]
    row: &'a ValidationRow,
    asks: Vec<RecordedAsk>,
}

/// Somebody who was asked, without their words.
#[derive(Debug, Clone, Serialize)]
struct RecordedAsk {
    kind: ValidationKind,
    person_id: Option<Uuid>,
    /// Whether somebody outside was invited.
    is_outside: bool,
    decision: Option<Decision>,
    decided_at: Option<DateTime<Utc>>,
}

impl RecordedAsk {
    const fn of(ask: &ValidationAsk) -> Self {
        let ValidationAsk { kind, person_id, decision, decided_at, .. } = *ask;
        Self { kind, person_id, is_outside: ask.secret_hash.is_some(), decision, decided_at }
    }
}

impl Loaded {
    async fn find(conn: &mut Conn, organization_id: Uuid, id: Uuid) -> Result<Self, ApiError> {
        let found: Option<ValidationRow> = row::find(conn, organization_id, id).await?;
        let row = found.ok_or_else(ApiError::not_found)?;
        let asks = validations::asks_of(conn, organization_id, &[id]).await?.remove(&id).unwrap_or_default();
        let known = asks.iter().map(RecordedAsk::of).collect();
        Ok(Self { row, asks, known })
    }

    fn asked(&self) -> Vec<Asked> {
        self.asks.iter().map(ValidationAsk::asked).collect()
    }

    /// Refuses changes of a validation that is over.
    fn check_open(&self) -> Result<(), ApiError> {
        if self.row.state.is_open() { Ok(()) } else { Err(ProofRule::ValidationOver.at("").into()) }
    }

    fn answer(self, matter: &Matter) -> Result<Answer, ApiError> {
        let version = self.row.version;
        Ok(Answer::ok(&Validation::of(self.row, self.asks, matter))?.version(version))
    }

    /// Saves the state that follows from the decisions.
    async fn settle(&mut self, unit: &mut Unit, matter: &mut Matter, verb: &str) -> Result<(), ApiError> {
        let state = state(&self.row.needs, &self.asked());
        self.save(unit, matter, verb, state).await
    }

    async fn save(
        &mut self,
        unit: &mut Unit,
        matter: &mut Matter,
        verb: &str,
        state: ValidationState,
    ) -> Result<(), ApiError> {
        let before = self.row.clone();
        self.row.state = state;
        self.row.closed_at = (!state.is_open()).then_some(unit.now);
        self.row.version += 1;
        self.row.updated_at = unit.now;
        row::update(&mut unit.conn, unit.organization_id, &self.row).await?;
        let asks: Vec<RecordedAsk> = self.asks.iter().map(RecordedAsk::of).collect();
        let before = Recorded { row: &before, asks: self.known.clone() };
        record(unit, matter, verb, Some(&before), &Recorded { row: &self.row, asks: asks.clone() }).await?;
        self.known = asks;
        matter.follow(unit, self.row.milestone_key.as_ref(), state).await
    }
}

async fn record(
    unit: &mut Unit,
    matter: &Matter,
    verb: &str,
    before: Option<&Recorded<'_>>,
    after: &Recorded<'_>,
) -> Result<(), ApiError> {
    let (entity, root) = ((Entity::Validation, after.row.id), matter.root());
    unit.record(Change { verb, entity, root, before, after: Some(after) }).await
}

/// The manager, today, of the person whose achievement a matter is.
async fn manager_of(unit: &mut Unit, matter: &Matter) -> Result<Option<Uuid>, ApiError> {
    let Some(id) = matter.person_id() else { return Ok(None) };
    let chart = reporting_lines::above(&mut unit.conn, unit.organization_id, &[id]).await?;
    Ok(chart.manager_on(id, unit.today))
}

/// Facts of somebody who is asked or decides, as the rules need them.
fn candidate(unit: &Unit, person: &Person, manager_id: Option<Uuid>, matter: &Matter) -> Candidate {
    let has_left = !person.is_active(unit.today);
    Candidate { person_id: person.id, subject_id: matter.person_id(), manager_id, has_left }
}
