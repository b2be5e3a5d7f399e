//! What became of customers: what scores and risks are measured against.

use actix_web::web::Path;
use actix_web::{get, post};
use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::Rule as _;
use milepost_domain::customer::outcome::{OutcomeKind, check_day, existed_from};
use milepost_domain::values::text::Note;
use serde::{Deserialize, Serialize};
use sqlx::types::Text;
use utoipa::ToSchema;
use uuid::Uuid;

use super::customer;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::store::customer_records::{self, OutcomeRow};
use crate::store::customers::Customer;
use crate::store::{metrics, plans};
use crate::unit::{Change, Entity, Unit};

/// What became of a customer.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "renewed", "occurred_on": "2026-05-01", "amount_minor": 2_400_000}))]
pub struct OutcomeDraft {
    /// What it is.
    kind: OutcomeKind,
    /// The day of it.
    occurred_on: NaiveDate,
    /// What it is about, in the smallest unit of the organization's money.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000_i64)]
    amount_minor: Option<i64>,
    /// What is to be said of it.
    note: Option<Note>,
}

/// What became of a customer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "kind": "renewed", "occurred_on": "2026-05-01", "amount_minor": 2_400_000, "note": null,
    "author": "api_client:0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "recorded_at": "2026-05-04T12:00:00Z"
}))]
pub struct CustomerOutcome {
    /// Its id.
    id: Uuid,
    /// What it is.
    kind: OutcomeKind,
    /// The day of it.
    occurred_on: NaiveDate,
    /// What it is about, in the smallest unit of the organization's money.
    #[schema(minimum = 0)]
    amount_minor: Option<i64>,
    /// What is to be said of it.
    #[schema(value_type = Option<Note>)]
    note: Option<String>,
    /// Who recorded it.
    #[schema(max_length = 300)]
    author: String,
    /// When it was recorded.
    recorded_at: DateTime<Utc>,
}

/// What became of a customer, all of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CustomerOutcomes {
    /// In the order in which it was recorded.
    #[schema(max_items = 100_000)]
    data: Vec<CustomerOutcome>,
}

impl From<OutcomeRow> for CustomerOutcome {
    fn from(row: OutcomeRow) -> Self {
        let OutcomeRow { id, kind, occurred_on, amount_minor, note, author, recorded_at, .. } = row;
        Self { id, kind: kind.0, occurred_on, amount_minor, note, author, recorded_at }
    }
}

/// Records what became of a customer
///
/// Not in the future, and not before it was a customer: since when it says it is, or else since the earliest trace of it.
#[utoipa::path(tag = "health", security(("bearer" = ["health:write"])), request_body = OutcomeDraft,
    responses((status = 201, description = "As recorded.", body = CustomerOutcome)))]
#[post("/v1/customers/{id}/outcomes")]
pub async fn record_outcome(cx: Context, id: Path<Uuid>, body: Body<OutcomeDraft>) -> Result<Answer, ApiError> {
    let draft = body.0;
    cx.write(async |unit| {
        let customer = customer(&mut unit.conn, unit.organization_id, *id).await?;
        let from = first_known(&cx, unit, &customer).await?;
        check_day(draft.occurred_on, unit.today, from).map_err(|rule| vec![rule.at("/occurred_on")])?;
        let row = OutcomeRow {
            id: unit.new_id(),
            customer_id: *id,
            kind: Text(draft.kind),
            occurred_on: draft.occurred_on,
            amount_minor: draft.amount_minor,
            note: draft.note.as_ref().map(ToString::to_string),
            author: unit.author(),
            recorded_at: unit.now,
        };
        customer_records::insert_outcome(&mut unit.conn, unit.organization_id, &row).await?;
        let outcome = CustomerOutcome::from(row);
        let of = (Entity::Customer, *id);
        unit.record(Change { verb: "outcome_recorded", entity: of, root: of, before: None, after: Some(&outcome) })
            .await?;
        Answer::created(format!("/v1/customers/{}/outcomes", *id), &outcome)
    })
    .await
}

/// Lists what became of a customer
#[utoipa::path(tag = "health", security(("bearer" = ["health:read"])),
    responses((status = 200, description = "What became of it.", body = CustomerOutcomes)))]
#[get("/v1/customers/{id}/outcomes")]
pub async fn list_outcomes(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    customer(&mut conn, cx.organization_id(), *id).await?;
    let rows = customer_records::outcomes(&mut conn, cx.organization_id(), Some(&[*id])).await?;
    Ok(Answer::ok(&CustomerOutcomes { data: rows.into_iter().map(CustomerOutcome::from).collect() })?.content_tag())
}

/// From when a customer is known: from what it says, its first event, the start of its first plan, or its creation here.
async fn first_known(cx: &Context, unit: &mut Unit, customer: &Customer) -> Result<NaiveDate, ApiError> {
    let mut traces = vec![cx.date_of(customer.created_at)];
    if let Some(reference) = &customer.external_ref {
        let earlier = metrics::earlier(&mut unit.conn, unit.organization_id, reference, unit.now, None).await?;
        traces.extend(earlier.iter().map(|row| cx.date_of(row.first_at)));
    }
    traces.extend(plans::first_start(&mut unit.conn, unit.organization_id, customer.id).await?);
    Ok(existed_from(customer.since_on, traces).unwrap_or(unit.today))
}
