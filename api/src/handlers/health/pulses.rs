//! Pulses: what people who know a customer say of it.

use actix_web::web::Path;
use actix_web::{get, post};
use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::customer::health::score::on_grid;
use milepost_domain::rule::Rule as _;
use milepost_domain::values::dates::plus_days;
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::text::Note;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{customer, customer_to_change};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::paging::{Page, Paging};
use crate::record::{self, Record, Withdrawable, Withdrawal};
use crate::store::customer_records::Pulse;
use crate::unit::Entity;

/// Number of days for which a pulse counts by default.
const USUAL_DAYS: i64 = 30;

impl Record for Pulse {
    const OF: &'static str = "customer_id";
    const ENTITY: Entity = Entity::Customer;
    const VERB: &'static str = "pulse_recorded";

    fn of(&self) -> Uuid {
        self.customer_id
    }
}

impl Withdrawable for Pulse {
    const WITHDRAWN: &'static str = "pulse_withdrawn";

    fn withdrawal(&mut self) -> (&mut Option<DateTime<Utc>>, &mut Option<Note>) {
        (&mut self.withdrawn_at, &mut self.withdrawal_reason)
    }
}

/// Pulse to record.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"score": 70, "note": "The sponsor is content, the users are not.", "expires_on": "2026-06-03"}))]
pub struct PulseDraft {
    /// Score, from 0 to 100.
    #[schema(minimum = 0, maximum = 100)]
    score: f64,
    /// Reason for the score.
    note: Option<Note>,
    /// Last day on which the pulse counts. Defaults to 30 days from today.
    expires_on: Option<NaiveDate>,
}

/// Record a pulse
///
/// Records somebody's view of a customer. It counts in health models with a factor of the kind `pulse`, from today until it
/// expires or a newer pulse is recorded.
#[utoipa::path(tag = "health", security(("bearer" = ["health:write"])), request_body = PulseDraft,
    responses((status = 201, description = "The recorded pulse.", body = Pulse)))]
#[post("/v1/customers/{id}/pulses")]
pub async fn record_pulse(cx: Context, id: Path<Uuid>, body: Body<PulseDraft>) -> Result<Answer, ApiError> {
    let draft = body.0;
    cx.write(async |unit| {
        let customer = customer_to_change(unit, *id).await?;
        let expires_on = draft.expires_on.unwrap_or_else(|| plus_days(unit.today, USUAL_DAYS));
        if expires_on < unit.today {
            return Err(ValueRule::InThePast { today: unit.today }.at("/expires_on").into());
        }
        let pulse = Pulse {
            id: unit.new_id(),
            customer_id: *id,
            customer_ref: customer.content.external_ref,
            score: on_grid(draft.score),
            note: draft.note.clone(),
            recorded_on: unit.today,
            expires_on,
            author: unit.author(),
            recorded_at: unit.now,
            withdrawn_at: None,
            withdrawal_reason: None,
        };
        record::append(unit, &pulse).await?;
        record::recorded(unit, &format!("/v1/customers/{id}/pulses"), &pulse).await
    })
    .await
}

/// List a customer's pulses
///
/// Returns a page of the pulses, the newest first. Expired pulses are included.
#[utoipa::path(tag = "health", security(("bearer" = ["health:read"])), params(Paging),
    responses((status = 200, description = "A page of pulses.", body = Page<Pulse>)))]
#[get("/v1/customers/{id}/pulses")]
pub async fn list_pulses(cx: Context, id: Path<Uuid>, paging: Paging) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    customer(&mut conn, cx.organization_id(), *id).await?;
    record::list::<Pulse>(&cx, &mut conn, *id, &paging).await
}

/// Get a pulse
///
/// Returns expired pulses too.
#[utoipa::path(tag = "health", security(("bearer" = ["health:read"])),
    responses((status = 200, description = "The pulse.", body = Pulse)))]
#[get("/v1/customers/{id}/pulses/{record_id}")]
pub async fn read_pulse(cx: Context, path: Path<(Uuid, Uuid)>) -> Result<Answer, ApiError> {
    record::read::<Pulse>(&cx, path.0, path.1).await
}

/// Withdraw a pulse
///
/// Takes a pulse that was recorded by mistake out of all figures, also those of earlier days. It stays visible, and figures with an earlier
/// `known_at` still include it. To correct it, record another one.
#[utoipa::path(tag = "health", security(("bearer" = ["health:write"])), request_body = Withdrawal,
    responses((status = 200, description = "The withdrawn pulse.", body = Pulse)))]
#[post("/v1/customers/{id}/pulses/{record_id}/withdraw")]
pub async fn withdraw_pulse(cx: Context, path: Path<(Uuid, Uuid)>, body: Body<Withdrawal>) -> Result<Answer, ApiError> {
    record::withdraw::<Pulse>(&cx, path.0, path.1, &body.0).await
}
