//! Plans in the API. Their status and figures are computed from recorded facts for the requested date.

pub mod approve;
pub mod baseline_comparison;
pub mod baselines;
pub mod create;
pub mod dependencies;
pub mod draft;
pub mod earned_value;
pub mod enrolments;
pub mod exchange;
pub mod holds;
pub mod list;
pub mod move_start;
pub mod outlook;
pub mod progress;
pub mod proofs;
pub mod read;
pub mod review_state;
pub mod reviews;
pub mod scenarios;
pub mod transfer;
pub mod undated;
pub mod update;
pub mod withdraw;

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::earned_value::CreditRule;
use milepost_domain::earned_value::undefined::{Undefined, split};
use milepost_domain::plan::calendar::Calendar;
use milepost_domain::plan::hold::on_hold_since;
use milepost_domain::plan::schedule::Status;
use milepost_domain::plan::{Kind, StatusCounts};
use milepost_domain::values::text::{Currency, ExternalRef, Key, Label, Name, Note};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::read_model::PlanView;

/// A plan at a date.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "external_ref": "deal-9", "name": "Northwind rollout", "kind": "delivery",
    "customer_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "customer_ref": "crm-4711", "customer_name": "Northwind",
    "person_id": null, "person_ref": null, "person_name": null, "owner_id": "0199f0a2-9999-7d52-b1a4-0c8a3e0f9d11", "owner_ref": "hr-17",
    "owner_name": "Ana",
    "start_on": "2026-03-02", "weight_unit": "points", "credit_rule": "zero_hundred", "at_risk_limit_days": 7,
    "update_interval_days": 7, "calendar": {"counts": "business_days", "holidays": ["2026-04-06"]}, "budget_minor": 12_000_000,
    "currency": "EUR", "template_id": null, "template_version": null, "archived_at": null, "withdrawn_on": null, "withdrawal_reason": null,
    "on_hold_since": null,
    "as_of": "2026-05-04", "status": "at_risk",
    "status_counts": {"on_track": 9, "at_risk": 2, "delayed": 0, "achieved": 8, "waived": 0, "cancelled": 0},
    "next_milestone": {"key": "baseline-model", "name": "A first model sets the floor", "expected_on": "2026-05-06"},
    "expected_finish_on": "2026-07-10", "planned_finish_on": "2026-07-03", "first_planned_finish_on": "2026-06-26",
    "finish_variance_days": 7, "first_finish_variance_days": 14, "uncommunicated_changes": 1, "stale_milestones": 1,
    "unexplained_misses": 0,
    "next_review_on": "2026-05-08", "review_overdue": false, "planned_percent": 50.0, "earned_percent": 40.0, "spi": 0.8,
    "spi_reason": null,
    "version": 12, "created_at": "2026-03-02T09:00:00Z", "updated_at": "2026-05-04T09:00:00Z"
}))]
pub struct Plan {
    /// Identifier.
    id: Uuid,
    /// External reference: the identifier in the calling system. Unique within the organization.
    #[schema(value_type = Option<ExternalRef>)]
    external_ref: Option<String>,
    /// Name.
    #[schema(value_type = Name)]
    name: String,
    /// Kind of plan.
    kind: Kind,
    /// Identifier of the customer that the plan serves.
    customer_id: Option<Uuid>,
    /// External reference of the customer.
    #[schema(value_type = Option<ExternalRef>)]
    customer_ref: Option<String>,
    /// Name of the customer.
    #[schema(value_type = Option<Name>)]
    customer_name: Option<String>,
    /// Identifier of the person that the plan serves.
    person_id: Option<Uuid>,
    /// External reference of the person.
    #[schema(value_type = Option<ExternalRef>)]
    person_ref: Option<String>,
    /// Name of the person.
    #[schema(value_type = Option<Name>)]
    person_name: Option<String>,
    /// Identifier of the owner, where a person is responsible.
    owner_id: Option<Uuid>,
    /// External reference of the owner.
    #[schema(value_type = Option<ExternalRef>)]
    owner_ref: Option<String>,
    /// Name of the owner: the person's, or that of somebody outside.
    #[schema(value_type = Option<Name>)]
    owner_name: Option<String>,
    /// First day of the plan.
    start_on: NaiveDate,
    /// Unit of the weights.
    #[schema(value_type = Label)]
    weight_unit: String,
    /// Credit rule: determines when the weight of a milestone counts as earned.
    credit_rule: CreditRule,
    /// Largest delay that counts as at risk, in days of the plan's calendar. A longer delay counts as delayed.
    #[schema(minimum = 0, maximum = 365)]
    at_risk_limit_days: i64,
    /// Update interval in calendar days: how long the forecast of an open milestone may go without an update before it
    /// is stale, and how often the plan is reviewed.
    #[schema(minimum = 1, maximum = 90)]
    update_interval_days: i64,
    /// Calendar: the days that durations, lags, float and variances count.
    calendar: Calendar,
    /// Budget: the value of the whole scope in the smallest unit of the currency.
    #[schema(minimum = 1)]
    budget_minor: Option<i64>,
    /// Currency of the budget (ISO 4217).
    #[schema(value_type = Option<Currency>)]
    currency: Option<String>,
    /// Identifier of the template that the plan was created from.
    template_id: Option<Uuid>,
    /// Number of the template's version.
    #[schema(minimum = 1)]
    template_version: Option<i64>,
    /// Time of archiving; null while active.
    archived_at: Option<DateTime<Utc>>,
    /// Day on which the person withdrew from the program; null if they did not.
    withdrawn_on: Option<NaiveDate>,
    /// Reason for the withdrawal.
    #[schema(value_type = Option<Note>)]
    withdrawal_reason: Option<String>,
    /// First day of the hold that the plan was on at `as_of`, since when its clock stands still; null if it was not on hold.
    on_hold_since: Option<NaiveDate>,
    /// Date that all computed fields refer to.
    as_of: NaiveDate,
    /// Worst status among the open milestones.
    status: Status,
    /// Number of milestones by status.
    status_counts: StatusCounts,
    /// Open milestone expected next.
    next_milestone: Option<NextMilestone>,
    /// Expected date of the last milestone, including delays of the milestones it depends on; the actual date once it
    /// is achieved.
    expected_finish_on: Option<NaiveDate>,
    /// Last planned date of the baseline in force.
    planned_finish_on: Option<NaiveDate>,
    /// Last planned date of the first baseline.
    first_planned_finish_on: Option<NaiveDate>,
    /// Expected minus planned finish, in days of the plan's calendar. Negative if early.
    finish_variance_days: Option<i64>,
    /// Expected minus first planned finish, in days of the plan's calendar. Negative if early.
    first_finish_variance_days: Option<i64>,
    /// Number of date changes of open milestones that were not communicated to the customer.
    #[schema(maximum = 100_000_000)]
    uncommunicated_changes: usize,
    /// Number of stale milestones: open milestones whose forecast has passed, or was not updated for
    /// `update_interval_days`.
    #[schema(maximum = 100_000_000)]
    stale_milestones: usize,
    /// Number of unexplained misses: milestones whose planned date has passed without an explanation.
    #[schema(maximum = 100_000_000)]
    unexplained_misses: usize,
    /// Due date of the next review; null if no milestone is open, or the plan is archived or on hold.
    next_review_on: Option<NaiveDate>,
    /// Whether the due date of the next review has passed.
    review_overdue: bool,
    /// Planned value (PV) in percent of the scope.
    #[schema(minimum = 0)]
    planned_percent: Option<f64>,
    /// Earned value (EV) in percent of the scope.
    #[schema(minimum = 0)]
    earned_percent: Option<f64>,
    /// Schedule performance index (SPI): SPI = EV / PV. Null with a reason if undefined.
    #[schema(minimum = 0)]
    spi: Option<f64>,
    /// Reason that SPI is undefined.
    spi_reason: Option<Undefined>,
    /// Version. Increases with every change of the plan or its milestones; the first part of `ETag`.
    #[schema(minimum = 1)]
    version: i64,
    /// Time of creation.
    created_at: DateTime<Utc>,
    /// Time of the last change of the plan or one of its milestones.
    updated_at: DateTime<Utc>,
}

/// Open milestone that is expected next.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({"key": "baseline-model", "name": "A first model sets the floor", "expected_on": "2026-05-06"}))]
pub struct NextMilestone {
    /// Key of the milestone.
    #[schema(value_type = Key)]
    pub key: String,
    /// Name of the milestone.
    #[schema(value_type = Name)]
    pub name: String,
    /// Expected date, including delays of the milestones it depends on; today at the earliest.
    pub expected_on: NaiveDate,
}

impl NextMilestone {
    /// Builds the next milestone from a plan's labels and a summary's position and date.
    pub fn of(view: &PlanView, next: Option<(usize, NaiveDate)>) -> Option<Self> {
        let (position, expected_on) = next?;
        let label = view.labels.get(position)?;
        Some(Self { key: label.key.to_string(), name: label.name.to_string(), expected_on })
    }
}

impl Plan {
    /// A plan as it stands at the end of `as_of`.
    pub fn at(view: &PlanView, as_of: NaiveDate) -> Self {
        let summary = view.summary(as_of);
        let (spi, spi_reason) = split(summary.earned_value.spi());
        let late_by = |planned_on| view.facts.finish_variance_days(planned_on, summary.finish_on);
        let row = view.row.clone();
        Self {
            id: row.id,
            external_ref: row.external_ref,
            name: row.name,
            kind: row.kind.0,
            customer_id: row.customer_id,
            customer_ref: row.customer_ref,
            customer_name: row.customer_name,
            person_id: row.person_id,
            person_ref: row.person_ref,
            person_name: row.person_name,
            owner_id: row.owner.id,
            owner_ref: row.owner.external_ref.clone(),
            owner_name: row.owner.name.clone(),
            start_on: row.start_on,
            weight_unit: row.weight_unit,
            credit_rule: row.credit_rule.0,
            at_risk_limit_days: row.at_risk_limit_days,
            update_interval_days: row.update_interval_days,
            calendar: row.calendar.0,
            budget_minor: row.budget_minor,
            currency: row.currency,
            template_id: row.template_id,
            template_version: row.template_version,
            archived_at: row.archived_at,
            withdrawn_on: row.withdrawn_on,
            withdrawal_reason: row.withdrawal_reason,
            on_hold_since: on_hold_since(&view.facts.holds, as_of),
            as_of,
            status: summary.counts.overall(),
            status_counts: summary.counts,
            next_milestone: NextMilestone::of(view, summary.next),
            expected_finish_on: summary.finish_on,
            planned_finish_on: summary.planned_finish_on,
            first_planned_finish_on: summary.first_planned_finish_on,
            finish_variance_days: late_by(summary.planned_finish_on),
            first_finish_variance_days: late_by(summary.first_planned_finish_on),
            uncommunicated_changes: view.uncommunicated_changes,
            stale_milestones: summary.stale,
            unexplained_misses: summary.unexplained_misses,
            next_review_on: view.next_review_on(),
            review_overdue: view.is_review_overdue(as_of),
            planned_percent: summary.earned_value.planned_percent(),
            earned_percent: summary.earned_value.earned_percent(),
            spi,
            spi_reason,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}
