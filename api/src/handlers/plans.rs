//! Plans: what they look like, computed from facts at the day of the question.

pub mod approve;
pub mod baseline_comparison;
pub mod baselines;
pub mod calendar;
pub mod cost_figures;
pub mod costs;
pub mod create;
pub mod earned_value;
pub mod explain;
pub mod export;
pub mod figures;
pub mod import;
pub mod import_rows;
pub mod lint;
pub mod list;
pub mod move_start;
pub mod pictures;
pub mod read;
pub mod review_state;
pub mod reviews;
pub mod schedule;
pub mod series;
pub mod simulation;
pub mod status_report;
pub mod time_figures;
pub mod update;

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::earned_value::CreditRule;
use milepost_domain::earned_value::undefined::{Undefined, split};
use milepost_domain::plan::calendar::Calendar;
use milepost_domain::plan::schedule::Status;
use milepost_domain::plan::{Kind, StatusCounts};
use milepost_domain::values::text::{Currency, Key, Label, Name};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::read_model::PlanView;

/// A plan at a date.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "name": "Northwind rollout", "kind": "delivery",
    "customer_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "customer_name": "Northwind", "person_id": null, "owner": "Ana",
    "start_on": "2026-03-02", "weight_unit": "points", "credit_rule": "zero_hundred", "at_risk_limit_days": 7,
    "update_interval_days": 7, "calendar": {"counts": "business_days", "holidays": ["2026-04-06"]}, "budget_minor": 12_000_000, "currency": "EUR", "template_id": null, "template_version": null, "archived_at": null,
    "as_of": "2026-05-04", "status": "at_risk",
    "status_counts": {"on_track": 9, "at_risk": 2, "delayed": 0, "achieved": 8, "waived": 0, "cancelled": 0},
    "next_milestone": {"key": "baseline-model", "name": "A first model sets the floor", "expected_on": "2026-05-06"},
    "expected_finish_on": "2026-07-10", "uncommunicated_changes": 1, "stale_milestones": 1, "unexplained_misses": 0,
    "next_review_on": "2026-05-08", "review_overdue": false, "planned_percent": 50.0, "earned_percent": 40.0, "spi": 0.8, "spi_reason": null,
    "version": 12, "created_at": "2026-03-02T09:00:00Z", "updated_at": "2026-05-04T09:00:00Z"
}))]
pub struct Plan {
    /// Its id.
    id: Uuid,
    /// Its name.
    #[schema(value_type = Name)]
    name: String,
    /// What it is for.
    kind: Kind,
    /// The customer it serves.
    customer_id: Option<Uuid>,
    /// That customer's name.
    #[schema(value_type = Option<Name>)]
    customer_name: Option<String>,
    /// The person it is for.
    person_id: Option<Uuid>,
    /// Who is responsible.
    #[schema(value_type = Option<Label>)]
    owner: Option<String>,
    /// Its first day.
    start_on: NaiveDate,
    /// What weights are counted in.
    #[schema(value_type = Label)]
    weight_unit: String,
    /// When a milestone's weight counts as earned.
    credit_rule: CreditRule,
    /// The largest delay in days that is still at risk and not delayed.
    #[schema(minimum = 0, maximum = 365)]
    at_risk_limit_days: i64,
    /// How long an open milestone's forecast may go without a look before it counts as stale, and how often the plan is reviewed, in
    /// calendar days.
    #[schema(minimum = 1, maximum = 90)]
    update_interval_days: i64,
    /// The days that durations, lags, float and variances are counted in.
    calendar: Calendar,
    /// What the whole scope is worth, in minor units of the currency.
    #[schema(minimum = 1)]
    budget_minor: Option<i64>,
    /// The budget's currency.
    #[schema(value_type = Option<Currency>)]
    currency: Option<String>,
    /// The template it was made from.
    template_id: Option<Uuid>,
    /// The version of that template.
    #[schema(minimum = 1)]
    template_version: Option<i64>,
    /// When it was archived, if it is.
    archived_at: Option<DateTime<Utc>>,
    /// The date that everything below is computed for.
    as_of: NaiveDate,
    /// The worst status among its open milestones.
    status: Status,
    /// Milestones by status.
    status_counts: StatusCounts,
    /// The open milestone expected next.
    next_milestone: Option<NextMilestone>,
    /// When the last milestone can be expected, reckoning with what is late before it, or was achieved.
    expected_finish_on: Option<NaiveDate>,
    /// Changes of open milestones' dates that the client was not told of.
    #[schema(maximum = 100_000_000)]
    uncommunicated_changes: usize,
    /// Open milestones whose forecast has passed, or was not looked at for `update_interval_days`.
    #[schema(maximum = 100_000_000)]
    stale_milestones: usize,
    /// Milestones whose planned date has passed without an explanation.
    #[schema(maximum = 100_000_000)]
    unexplained_misses: usize,
    /// The day by which it is to be reviewed next; null where nothing is open any more, or it is archived.
    next_review_on: Option<NaiveDate>,
    /// Whether that day has passed.
    review_overdue: bool,
    /// PV in percent of scope.
    #[schema(minimum = 0)]
    planned_percent: Option<f64>,
    /// EV in percent of scope.
    #[schema(minimum = 0)]
    earned_percent: Option<f64>,
    /// SPI = EV / PV; null with a reason where it is undefined.
    #[schema(minimum = 0)]
    spi: Option<f64>,
    /// Why there is no SPI.
    spi_reason: Option<Undefined>,
    /// Goes up with every change of the plan or its milestones; the first part of `ETag`.
    #[schema(minimum = 1)]
    version: i64,
    /// When it was created.
    created_at: DateTime<Utc>,
    /// When it or one of its milestones last changed.
    updated_at: DateTime<Utc>,
}

/// The open milestone expected next.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"key": "baseline-model", "name": "A first model sets the floor", "expected_on": "2026-05-06"}))]
pub struct NextMilestone {
    /// Its key.
    #[schema(value_type = Key)]
    pub key: String,
    /// Its name.
    #[schema(value_type = Name)]
    pub name: String,
    /// Its forecast; today if that has passed.
    pub expected_on: NaiveDate,
}

impl NextMilestone {
    /// From a plan's labels and a summary's position and date.
    pub fn of(view: &PlanView, next: Option<(usize, NaiveDate)>) -> Option<Self> {
        let (position, expected_on) = next?;
        let label = view.labels.get(position)?;
        Some(Self { key: label.key.to_string(), name: label.name.to_string(), expected_on })
    }
}

impl Plan {
    /// A plan as it stands at the end of `as_of`.
    pub fn at(view: &PlanView, as_of: NaiveDate) -> Self {
        let summary = view.facts.summary(as_of);
        let (spi, spi_reason) = split(summary.earned_value.spi());
        let row = view.row.clone();
        Self {
            id: row.id,
            name: row.name,
            kind: row.kind.0,
            customer_id: row.customer_id,
            customer_name: row.customer_name,
            person_id: row.person_id,
            owner: row.owner,
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
            as_of,
            status: summary.counts.overall(),
            status_counts: summary.counts,
            next_milestone: NextMilestone::of(view, summary.next),
            expected_finish_on: summary.finish_on,
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
