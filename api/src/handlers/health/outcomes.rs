//! Outcomes of customers: the truth that scores and risks are measured against.

use actix_web::web::Path;
use actix_web::{get, post};
use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::customer::outcome::{OutcomeKind, check_day, existed_from};
use milepost_domain::customer::rule::CustomerRule;
use milepost_domain::rule::Rule as _;
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
use crate::store::customer_records::CustomerOutcome;
use crate::store::customers::Customer;
use crate::store::measured_events::{self, Span};
use crate::store::row::{self, Condition, Value};
use crate::store::{plans, reference_periods};
use crate::unit::{Entity, Unit};

impl Record for CustomerOutcome {
    const OF: &'static str = "customer_id";
    const ENTITY: Entity = Entity::Customer;
    const VERB: &'static str = "outcome_recorded";

    fn of(&self) -> Uuid {
        self.customer_id
    }
}

impl Withdrawable for CustomerOutcome {
    const WITHDRAWN: &'static str = "outcome_withdrawn";

    fn withdrawal(&mut self) -> (&mut Option<DateTime<Utc>>, &mut Option<Note>) {
        (&mut self.withdrawn_at, &mut self.withdrawal_reason)
    }
}

/// Outcome to record.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "renewed", "occurred_on": "2026-05-01", "amount_minor": 2_400_000}))]
pub struct OutcomeDraft {
    /// Kind of outcome.
    kind: OutcomeKind,
    /// Day of the outcome. Not in the future, and not before the customer was one.
    occurred_on: NaiveDate,
    /// Amount at stake, in the smallest unit of the organization's currency.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000_i64)]
    amount_minor: Option<i64>,
    /// Note.
    note: Option<Note>,
}

/// Record an outcome of a customer
///
/// The day must not be before the customer was one: the day it says, or else the earliest trace of it. The same kind of outcome on the same
/// day is recorded once.
#[utoipa::path(tag = "health", security(("bearer" = ["health:write"])), request_body = OutcomeDraft,
    responses((status = 201, description = "The recorded outcome.", body = CustomerOutcome)))]
#[post("/v1/customers/{id}/outcomes")]
pub async fn record_outcome(cx: Context, id: Path<Uuid>, body: Body<OutcomeDraft>) -> Result<Answer, ApiError> {
    let draft = body.0;
    cx.write(async |unit| {
        let customer = customer_to_change(unit, *id).await?;
        let from = first_known(&cx, unit, &customer).await?;
        let same = [
            Condition::Equals("customer_id", Value::Uuid(Some(*id))),
            Condition::Equals("kind", Value::Text(Some(draft.kind.to_string()))),
            Condition::Equals("occurred_on", Value::Date(Some(draft.occurred_on))),
            Condition::IsPresent("withdrawn_at", false),
        ];
        if row::count::<CustomerOutcome>(&mut unit.conn, unit.organization_id, &same).await? > 0 {
            return Err(CustomerRule::AlreadyRecorded.at("/occurred_on").into());
        }
        check_day(draft.occurred_on, unit.today, from).map_err(|rule| rule.at("/occurred_on"))?;
        let outcome = CustomerOutcome {
            id: unit.new_id(),
            customer_id: *id,
            customer_ref: customer.content.external_ref,
            kind: draft.kind,
            occurred_on: draft.occurred_on,
            amount_minor: draft.amount_minor,
            note: draft.note.clone(),
            author: unit.author(),
            recorded_at: unit.now,
            withdrawn_at: None,
            withdrawal_reason: None,
        };
        record::append(unit, &outcome).await?;
        record::recorded(unit, &format!("/v1/customers/{id}/outcomes"), &outcome).await
    })
    .await
}

/// List a customer's outcomes
///
/// Returns a page of the outcomes, the most recently recorded first.
#[utoipa::path(tag = "health", security(("bearer" = ["health:read"])), params(Paging),
    responses((status = 200, description = "A page of outcomes.", body = Page<CustomerOutcome>)))]
#[get("/v1/customers/{id}/outcomes")]
pub async fn list_outcomes(cx: Context, id: Path<Uuid>, paging: Paging) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    customer(&mut conn, cx.organization_id(), *id).await?;
    record::list::<CustomerOutcome>(&cx, &mut conn, *id, &paging).await
}

/// Get an outcome of a customer
///
/// Returns one recorded outcome.
#[utoipa::path(tag = "health", security(("bearer" = ["health:read"])),
    responses((status = 200, description = "The outcome.", body = CustomerOutcome)))]
#[get("/v1/customers/{id}/outcomes/{record_id}")]
pub async fn read_outcome(cx: Context, path: Path<(Uuid, Uuid)>) -> Result<Answer, ApiError> {
    record::read::<CustomerOutcome>(&cx, path.0, path.1).await
}

/// From when a customer is known: from what it says, its first event, the start of its first plan, or its creation here.
async fn first_known(cx: &Context, unit: &mut Unit, customer: &Customer) -> Result<NaiveDate, ApiError> {
    let mut traces = vec![cx.date_of(customer.stamp.created_at)];
    let references = reference_periods::of_holder(&mut unit.conn, unit.organization_id, customer.id).await?;
    for span in references.iter().map(Span::from) {
        let first = measured_events::first_at(&mut unit.conn, unit.organization_id, &span).await?;
        traces.extend(first.map(|at| cx.date_of(at)));
    }
    traces.extend(plans::first_start(&mut unit.conn, unit.organization_id, customer.id).await?);
    Ok(existed_from(customer.since_on, traces).unwrap_or(unit.today))
}

/// Withdraw an outcome
///
/// Takes an outcome that was recorded by mistake out of all figures, also those of earlier days. It stays visible, and
/// figures with an earlier `known_at` still include it. To correct it, record another one.
#[utoipa::path(tag = "health", security(("bearer" = ["health:write"])), request_body = Withdrawal,
    responses((status = 200, description = "The withdrawn outcome.", body = CustomerOutcome)))]
#[post("/v1/customers/{id}/outcomes/{record_id}/withdraw")]
pub async fn withdraw_outcome(
    cx: Context,
    path: Path<(Uuid, Uuid)>,
    body: Body<Withdrawal>,
) -> Result<Answer, ApiError> {
    record::withdraw::<CustomerOutcome>(&cx, path.0, path.1, &body.0).await
}
