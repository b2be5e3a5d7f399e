//! Earned value of a plan over time: the points of an S-curve.

use actix_web::get;
use actix_web::web::Path;
use chrono::NaiveDate;
use milepost_domain::earned_value::EarnedValue;
use milepost_domain::earned_value::earned_schedule::Period;
use milepost_domain::earned_value::undefined::split;
use milepost_domain::values::dates::plus_days;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::read::InPeriods;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Query;
use crate::moment::AsOf;
use crate::read_model::PlanView;

/// Maximum number of points in a series.
const MOST_POINTS: u32 = 1000;

/// Earned value at the end of each period.
#[derive(Debug, Serialize, ToSchema)]
pub struct EarnedValueSeries {
    /// Identifier of the plan.
    plan_id: Uuid,
    /// Length of a period.
    period: Period,
    /// Last date with known values: the date of the answer.
    today: NaiveDate,
    /// Points in order of time, from the first period. The series ends with the last planned date, or later: with today
    /// while a milestone is open, or with the last closing date once all are closed.
    #[schema(max_items = 1000)]
    data: Vec<SeriesPoint>,
}

/// Figures at the end of a period. Figures that are not known yet are null.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "number": 7, "on": "2026-04-19", "scope": 78.0, "planned_value": 70.0, "earned_value": 50.0, "spi": 0.714,
    "earned_schedule": 5.0, "spi_t": 0.714
}))]
pub struct SeriesPoint {
    /// Number of the period, counting from 1.
    #[schema(minimum = 1, maximum = 1000)]
    number: u32,
    /// Last day of the period.
    on: NaiveDate,
    /// Scope: the sum of the weights in the baseline in force at the end of the period.
    #[schema(minimum = 0)]
    scope: f64,
    /// Planned value (PV) at the end of the period.
    #[schema(minimum = 0)]
    planned_value: f64,
    /// Earned value (EV) at the end of the period.
    #[schema(minimum = 0)]
    earned_value: Option<f64>,
    /// Schedule performance index (SPI) at the end of the period.
    #[schema(minimum = 0)]
    spi: Option<f64>,
    /// Earned schedule (ES) at the end of the period, in periods.
    #[schema(minimum = 0)]
    earned_schedule: Option<f64>,
    /// Schedule performance index in time, SPI(t), at the end of the period.
    #[schema(minimum = 0)]
    spi_t: Option<f64>,
}

/// Get a plan's earned value over time
///
/// Returns the points of an S-curve: one for the end of each day, week or month. The current period shows the figures
/// as of the date; later periods show only the planned value (PV). A series has at most 1,000 points; a shorter period
/// that gives more is refused.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))), params(AsOf, InPeriods),
    responses((status = 200, description = "The figures at the end of each period.", body = EarnedValueSeries)))]
#[get("/v1/plans/{id}/earned-value/series")]
pub async fn read_earned_value_series(
    cx: Context,
    id: Path<Uuid>,
    AsOf(as_of): AsOf,
    query: Query<InPeriods>,
) -> Result<Answer, ApiError> {
    let plans = cx.plans().await?;
    let view = plans.find(*id).ok_or_else(ApiError::not_found)?;
    let series = EarnedValueSeries::of(view, query.0.period.unwrap_or_default(), as_of)?;
    Ok(Answer::ok(&series)?.version_and_content(view.row.version))
}

impl EarnedValueSeries {
    fn of(view: &PlanView, period: Period, today: NaiveDate) -> Result<Self, ApiError> {
        let start_on = view.row.start_on;
        let planned = view.facts.baselines.iter().flat_map(|baseline| &baseline.lines).map(|line| line.planned_on);
        let summary = view.summary(today);
        let closed = view.facts.milestones.iter().filter_map(|milestone| milestone.closed_on);
        let reached = if summary.next.is_some() { Some(today) } else { closed.max() };
        let last_on = planned.max().max(reached).unwrap_or(start_on);
        let count = period.number_of(start_on, last_on) + 1;
        if count > MOST_POINTS {
            let detail = format!("gives {count} points, but at most {MOST_POINTS} are allowed; choose a longer one");
            return Err(ApiError::parameter("period", "too_many_points", detail));
        }
        let end_of = |number: u32| plus_days(period.starts_on(start_on, number), -1);
        let data = (1..=count).map(|number| SeriesPoint::at(view, number, end_of(number), period, today)).collect();
        Ok(Self { plan_id: view.row.id, period, today, data })
    }
}

impl SeriesPoint {
    /// The figures at the end of a period. A period that is not over shows the figures known today.
    fn at(view: &PlanView, number: u32, on: NaiveDate, period: Period, today: NaiveDate) -> Self {
        let has_begun = period.starts_on(view.row.start_on, number - 1) <= today;
        let known_on = on.min(today);
        let EarnedValue { budget_at_completion: scope, planned_value, .. } = view.facts.earned_value(on);
        if !has_begun {
            return Self {
                number,
                on,
                scope,
                planned_value,
                earned_value: None,
                spi: None,
                earned_schedule: None,
                spi_t: None,
            };
        }
        let sums = view.facts.earned_value(known_on);
        let in_time = view.facts.earned_schedule(view.row.start_on, known_on, period).ok();
        let in_time = in_time.map(|(measured, _)| measured);
        Self {
            number,
            on,
            scope,
            planned_value,
            earned_value: Some(sums.earned_value),
            spi: split(sums.spi()).0,
            spi_t: in_time.as_ref().and_then(|measured| split(measured.schedule_performance_index()).0),
            earned_schedule: in_time.and_then(|measured| measured.earned_schedule.ok()),
        }
    }
}
