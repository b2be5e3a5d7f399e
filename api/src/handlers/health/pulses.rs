//! What those who know a customer say of it.

use actix_web::web::Path;
use actix_web::{get, post};
use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::customer::health::score::on_grid;
use milepost_domain::rule::Rule as _;
use milepost_domain::values::dates::plus_days;
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::text::Note;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::customer;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::store::customer_records::{self, PulseRow};
use crate::unit::{Change, Entity};

/// How long a pulse counts unless it says otherwise, in days.
const USUAL_DAYS: i64 = 30;

/// How a customer is, as someone sees it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"score": 70, "note": "The sponsor is content, the users are not.", "expires_on": "2026-06-03"}))]
pub struct PulseDraft {
    /// From 0 to 100.
    #[schema(minimum = 0, maximum = 100)]
    score: f64,
    /// Why.
    note: Option<Note>,
    /// The last day on which it counts; 30 days from today if left out.
    expires_on: Option<NaiveDate>,
}

/// How a customer is, as someone sees it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "score": 70.0, "note": "The sponsor is content, the users are not.", "recorded_on": "2026-05-04",
    "expires_on": "2026-06-03", "author": "api_client:0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "recorded_at": "2026-05-04T12:00:00Z"
}))]
pub struct Pulse {
    /// Its id.
    id: Uuid,
    /// From 0 to 100.
    #[schema(minimum = 0, maximum = 100)]
    score: f64,
    /// Why.
    #[schema(value_type = Option<Note>)]
    note: Option<String>,
    /// The day it was said.
    recorded_on: NaiveDate,
    /// The last day on which it counts.
    expires_on: NaiveDate,
    /// Who said it.
    #[schema(max_length = 300)]
    author: String,
    /// When it was said.
    recorded_at: DateTime<Utc>,
}

/// What was said of a customer.
#[derive(Debug, Serialize, ToSchema)]
pub struct Pulses {
    /// The last first.
    #[schema(max_items = 100_000)]
    data: Vec<Pulse>,
}

impl From<PulseRow> for Pulse {
    fn from(row: PulseRow) -> Self {
        let PulseRow { id, score, note, recorded_on, expires_on, author, recorded_at, .. } = row;
        Self { id, score, note, recorded_on, expires_on, author, recorded_at }
    }
}

/// Records how someone sees a customer
///
/// It counts in models with a factor of the kind `pulse`, from today until it expires or another is recorded.
#[utoipa::path(tag = "health", security(("bearer" = ["health:write"])), request_body = PulseDraft,
    responses((status = 201, description = "As recorded.", body = Pulse)))]
#[post("/v1/customers/{id}/pulses")]
pub async fn record_pulse(cx: Context, id: Path<Uuid>, body: Body<PulseDraft>) -> Result<Answer, ApiError> {
    let draft = body.0;
    cx.write(async |unit| {
        customer(&mut unit.conn, unit.organization_id, *id).await?;
        let expires_on = draft.expires_on.unwrap_or_else(|| plus_days(unit.today, USUAL_DAYS));
        if expires_on < unit.today {
            return Err(ValueRule::InThePast { today: unit.today }.at("/expires_on").into());
        }
        let row = PulseRow {
            id: unit.new_id(),
            customer_id: *id,
            score: on_grid(draft.score),
            note: draft.note.as_ref().map(ToString::to_string),
            recorded_on: unit.today,
            expires_on,
            author: unit.author(),
            recorded_at: unit.now,
        };
        customer_records::insert_pulse(&mut unit.conn, unit.organization_id, &row).await?;
        let pulse = Pulse::from(row);
        let of = (Entity::Customer, *id);
        unit.record(Change { verb: "pulse_recorded", entity: of, root: of, before: None, after: Some(&pulse) }).await?;
        Answer::created(format!("/v1/customers/{}/pulses", *id), &pulse)
    })
    .await
}

/// Lists what was said of a customer, the last first
#[utoipa::path(tag = "health", security(("bearer" = ["health:read"])), responses((status = 200, description = "What was said.", body = Pulses)))]
#[get("/v1/customers/{id}/pulses")]
pub async fn list_pulses(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    customer(&mut conn, cx.organization_id(), *id).await?;
    let rows = customer_records::pulses(&mut conn, cx.organization_id(), Some(&[*id])).await?;
    Ok(Answer::ok(&Pulses { data: rows.into_iter().rev().map(Pulse::from).collect() })?.content_tag())
}
