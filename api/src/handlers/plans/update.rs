//! Updating the fields of a plan.

use actix_web::patch;
use actix_web::web::Path;
use milepost_domain::Rule as _;
use milepost_domain::customer::account::CustomerContent;
use milepost_domain::earned_value::CreditRule;
use milepost_domain::people::PersonContent;
use milepost_domain::plan::calendar::Calendar;
use milepost_domain::plan::draft::check_budget;
use milepost_domain::plan::rule::PlanRule;
use milepost_domain::values::text::{Currency, ExternalRef, Label, Name};
use serde::Deserialize;
use sqlx::types::Text;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Plan;
use super::create::{budget_currency, check_reference};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::owner::{self, NamedOwner};
use crate::patch::{Change, archived};
use crate::precondition::IfMatch;
use crate::read_model::PlanView;
use crate::reference::{self, Named};
use crate::store::json_text::JsonText;
use crate::store::plans::{self, PlanRecord, PlanRow};
use crate::store::valuations::{self, ValuationRow};
use crate::unit::{Entity, Unit};

/// Changes to a plan. The start and the planned dates of milestones have operations of their own; the template cannot
/// be changed.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"owner_name": "Ben", "at_risk_limit_days": 10}))]
pub struct PlanPatch {
    /// External reference: the identifier in the calling system. Unique within the organization.
    #[serde(default)]
    #[schema(value_type = Option<ExternalRef>)]
    external_ref: Change<ExternalRef>,
    /// Name.
    #[schema(value_type = Name, required = false)]
    name: Option<Name>,
    /// Identifier of the customer that the plan serves.
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    customer_id: Change<Uuid>,
    /// External reference of the customer that the plan serves. Names the same customer as `customer_id` where both are
    /// given.
    #[serde(default)]
    #[schema(value_type = Option<ExternalRef>)]
    customer_ref: Change<ExternalRef>,
    /// Identifier of the person that the plan serves.
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    person_id: Change<Uuid>,
    /// External reference of the person that the plan serves. Names the same person as `person_id` where both are given.
    #[serde(default)]
    #[schema(value_type = Option<ExternalRef>)]
    person_ref: Change<ExternalRef>,
    /// Identifier of the owner, where a person is responsible.
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    owner_id: Change<Uuid>,
    /// External reference or e-mail address of the owner.
    #[serde(default)]
    #[schema(value_type = Option<ExternalRef>)]
    owner_ref: Change<ExternalRef>,
    /// Name of the owner: free text for somebody outside. Has no effect where a person is named.
    #[serde(default)]
    #[schema(value_type = Option<Name>)]
    owner_name: Change<Name>,
    /// Unit of the weights.
    #[schema(value_type = Label, required = false)]
    weight_unit: Option<Label>,
    /// Credit rule: determines when the weight of a milestone counts as earned, from today on.
    #[schema(value_type = CreditRule, required = false)]
    credit_rule: Option<CreditRule>,
    /// Largest delay that counts as at risk, in days of the plan's calendar. A longer delay counts as delayed.
    #[schema(value_type = i64, required = false, minimum = 0, maximum = 365)]
    at_risk_limit_days: Option<i64>,
    /// Update interval in calendar days: how long the forecast of an open milestone may go without an update before it
    /// is stale, and how often the plan is reviewed.
    #[schema(value_type = i64, required = false, minimum = 1, maximum = 90)]
    update_interval_days: Option<i64>,
    /// Calendar: the days that durations, lags, float and variances count.
    #[schema(value_type = Calendar, required = false)]
    calendar: Option<Calendar>,
    /// Budget: the value of the whole scope in the smallest unit of the currency.
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 1_000_000_000_000_i64)]
    budget_minor: Change<i64>,
    /// Currency of the budget (ISO 4217). Requires a budget. Defaults to the organization's currency.
    #[serde(default)]
    #[schema(value_type = Option<Currency>)]
    currency: Change<Currency>,
    /// Whether the plan is archived: `true` archives it, `false` restores it, also after a withdrawal.
    #[schema(value_type = bool, required = false)]
    archived: Option<bool>,
}

/// Update a plan
///
/// Changes the given fields of the plan. Fields that are left out keep their values; null clears an optional field. A
/// patch that changes nothing leaves the version as it is. `If-Match` is required. A new credit rule or budget applies from
/// today on; figures for earlier dates keep the one that was in force. The currency cannot change once costs are
/// recorded.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))), params(IfMatch),
    request_body(content = PlanPatch, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The updated plan.", body = Plan)))]
#[patch("/v1/plans/{id}")]
pub async fn update_plan(cx: Context, id: Path<Uuid>, body: Body<PlanPatch>) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let patch = body.0.clone();
        let found = plans::find(&mut unit.conn, unit.organization_id, *id).await?;
        let mut record = found.ok_or_else(ApiError::not_found)?;
        cx.check_version(record.plan.version)?;
        let before = Plan::at(&PlanView::from(&record), unit.today);
        let was = record.plan.clone();
        let row = &mut record.plan;
        if let Some(name) = patch.name {
            row.name = name.into();
        }
        if let Some(named) = named(&patch.customer_id, &patch.customer_ref) {
            let (conn, organization_id) = (&mut unit.conn, unit.organization_id);
            let customer = reference::resolve::<CustomerContent>(conn, organization_id, "customer", named).await?;
            cx.check_named_customer(customer.as_ref())?;
            row.serve_customer(customer);
        }
        if let Some(named) = named(&patch.person_id, &patch.person_ref) {
            let (conn, organization_id) = (&mut unit.conn, unit.organization_id);
            let person = reference::resolve::<PersonContent>(conn, organization_id, "person", named).await?;
            cx.check_named_person("person", person.as_ref().map(|person| person.id))?;
            row.serve_person(person);
        }
        patch.external_ref.apply(&mut row.external_ref);
        if let Some(named) = NamedOwner::changed(&patch.owner_id, &patch.owner_ref, &patch.owner_name) {
            row.owner = owner::resolve(&mut unit.conn, unit.organization_id, "owner", named).await?;
            cx.check_named_person("owner", row.owner.id)?;
        }
        patch.budget_minor.apply(&mut row.budget_minor);
        patch.currency.apply(&mut row.currency);
        check_budget(row.budget_minor.is_some(), row.currency.is_some())?;
        row.currency = budget_currency(unit, row.budget_minor, row.currency.take()).await?;
        if let Some(currency) =
            was.currency.clone().filter(|_| was.currency != row.currency && !record.costs.is_empty())
        {
            return Err(PlanRule::CurrencyInUse { currency }.at("/currency").into());
        }
        if let Some(unit_name) = patch.weight_unit {
            row.weight_unit = unit_name.into();
        }
        if let Some(rule) = patch.credit_rule {
            row.credit_rule = Text(rule);
        }
        row.at_risk_limit_days = patch.at_risk_limit_days.unwrap_or(row.at_risk_limit_days);
        row.update_interval_days = patch.update_interval_days.unwrap_or(row.update_interval_days);
        if let Some(calendar) = patch.calendar {
            row.calendar = JsonText(calendar);
        }
        row.archived_at = archived(patch.archived, row.archived_at, unit.now);
        if row.archived_at.is_none() {
            (row.withdrawn_on, row.withdrawal_reason) = (None, None);
        }
        if Plan::at(&PlanView::from(&record), unit.today) == before {
            return Ok(Answer::ok(&before)?.version_and_content(record.plan.version));
        }
        check_reference(unit, &record.plan).await?;
        let row = &mut record.plan;
        row.version += 1;
        row.updated_at = unit.now;
        plans::update(&mut unit.conn, unit.organization_id, row).await?;
        value_anew(unit, &mut record, &was).await?;
        let after = Plan::at(&PlanView::from(&record), unit.today);
        unit.record_updated(Entity::Plan, *id, &before, &after).await?;
        Ok(Answer::ok(&after)?.version_and_content(record.plan.version))
    })
    .await
}

/// Changes the rows of plans.
pub async fn change_rows(unit: &mut Unit, ids: &[Uuid], change: impl Fn(&mut PlanRow)) -> Result<(), ApiError> {
    for mut record in plans::load(&mut unit.conn, unit.organization_id, Some(ids)).await? {
        let before = Plan::at(&PlanView::from(&record), unit.today);
        change(&mut record.plan);
        record.plan.version += 1;
        record.plan.updated_at = unit.now;
        plans::update(&mut unit.conn, unit.organization_id, &record.plan).await?;
        let after = Plan::at(&PlanView::from(&record), unit.today);
        unit.record_updated(Entity::Plan, record.plan.id, &before, &after).await?;
    }
    Ok(())
}

/// Records how the plan is valued from today on, if that changed; the first record keeps how it was valued before.
async fn value_anew(unit: &mut Unit, record: &mut PlanRecord, was: &PlanRow) -> Result<(), ApiError> {
    let is = &record.plan;
    if (was.credit_rule, was.budget_minor) == (is.credit_rule, is.budget_minor) {
        return Ok(());
    }
    let last = record.valuations.last().map_or(0, |last| last.ordinal);
    let row = |plan: &PlanRow, ordinal, effective_on, recorded_at| ValuationRow {
        plan_id: plan.id,
        ordinal,
        effective_on,
        credit_rule: plan.credit_rule,
        budget_minor: plan.budget_minor,
        recorded_at,
    };
    let before = (last == 0).then(|| row(was, 1, was.start_on.min(unit.today), was.created_at));
    let now = row(is, last.max(1) + 1, unit.today, unit.now);
    for row in before.into_iter().chain([now]) {
        valuations::insert(&mut unit.conn, unit.organization_id, &row).await?;
        record.valuations.push(row);
    }
    Ok(())
}

/// The customer or person that two fields of a patch name; `None` if the patch has neither.
fn named<'a>(id: &Change<Uuid>, external_ref: &'a Change<ExternalRef>) -> Option<Named<'a>> {
    match (id, external_ref) {
        (Change::Keep, Change::Keep) => None,
        _ => Some(Named { id: id.set().copied(), external_ref: external_ref.set() }),
    }
}
