//! Earned value of a plan at a date.

use actix_web::get;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use chrono::NaiveDate;
use milepost_domain::earned_value::EarnedValue;
use milepost_domain::earned_value::earned_schedule::Period;
use milepost_domain::plan::baseline::in_force;
use milepost_domain::values::text::Currency;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::cost_figures::CostFigures;
use super::explain::{Explanation, explanations};
use super::figures::Figures;
use super::time_figures::TimeFigures;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Query;
use crate::moment::Moment;
use crate::read_model::PlanView;
use crate::read_model::reports::{Report, ReportKey};
use crate::time_travel;

/// Unit of the figures in time.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct InPeriods {
    /// Period: the unit of the figures in time, counted from the plan's start. Defaults to `week`.
    #[param(inline)]
    pub period: Option<Period>,
}

/// Options of the figures.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Against {
    /// Number of the baseline to measure against. Defaults to the baseline in force at the date.
    #[param(minimum = 1)]
    baseline: Option<i64>,
    /// Whether to include the formula, inputs, unit and source of each figure.
    explain: Option<bool>,
}

/// Earned value of a plan at a date. Figures are in the weight unit; percentages refer to the scope.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "as_of": "2026-05-04", "plan_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "baseline": 1, "unit": "points",
    "budget_at_completion": 78.0, "planned_value": 39.0, "earned_value": 31.2, "planned_percent": 50.0, "earned_percent": 40.0,
    "schedule_variance": -7.8, "spi": 0.8, "spi_reason": null,
    "period": "week", "planned_duration": 18.0, "actual_time": 9.0, "earned_schedule": 8.1, "earned_schedule_reason": null, "sv_t": -0.9,
    "spi_t": 0.9,
    "spi_t_reason": null, "ieac_t": 20.0, "ieac_t_reason": null, "ieac_on": "2026-07-19", "tspi": 1.1, "tspi_reason": null,
    "p_factor": 0.93,
    "p_factor_reason": null, "impeded": ["data-assessment"], "ahead": [], "watermelon": false,
    "actual_cost": 4_500_000, "cv": 300_000, "cpi": 1.067, "cpi_reason": null, "eac_cpi": 11_250_000, "eac_budgeted": 11_700_000,
    "eac_cpi_spi": 12_937_500,
    "eac_reason": null, "etc": 6_750_000, "vac": 750_000, "tcpi": 0.96, "tcpi_reason": null,
    "money": {"currency": "EUR", "budget_at_completion_minor": 12_000_000, "planned_value_minor": 6_000_000,
    "earned_value_minor": 4_800_000, "schedule_variance_minor": -1_200_000},
    "status_counts": {"on_track": 9, "at_risk": 2, "delayed": 0, "achieved": 8, "waived": 0, "cancelled": 0}
}))]
pub struct PlanEarnedValue {
    /// Date of the figures, inclusive.
    as_of: NaiveDate,
    /// Identifier of the plan.
    plan_id: Uuid,
    /// Number of the baseline that the figures are measured against.
    #[schema(minimum = 1)]
    baseline: Option<i64>,
    /// Earned value sums and the figures derived from them.
    #[serde(flatten)]
    figures: Figures,
    /// Schedule performance in time.
    #[serde(flatten)]
    time: TimeFigures,
    /// Cost performance.
    #[serde(flatten)]
    cost: CostFigures,
    /// Earned value in money; null without a budget.
    money: Option<Money>,
    /// Explanations of all figures; present only with `explain=true`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, max_items = 50)]
    explanations: Vec<Explanation>,
}

/// Earned value in money, in the smallest unit of the currency. Each amount is rounded separately.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"currency": "EUR", "budget_at_completion_minor": 12_000_000, "planned_value_minor": 6_000_000,
    "earned_value_minor": 4_800_000, "schedule_variance_minor": -1_200_000}))]
pub struct Money {
    /// Currency of the budget (ISO 4217).
    #[schema(value_type = Currency)]
    currency: String,
    /// Budget at completion (BAC) in the smallest unit of the currency.
    #[schema(minimum = 1)]
    budget_at_completion_minor: i64,
    /// Planned value (PV) in the smallest unit of the currency.
    #[schema(minimum = 0)]
    planned_value_minor: i64,
    /// Earned value (EV) in the smallest unit of the currency.
    #[schema(minimum = 0)]
    earned_value_minor: i64,
    /// Schedule variance (SV) in the smallest unit of the currency.
    schedule_variance_minor: i64,
}

/// Get a plan's earned value
///
/// Returns the schedule performance index (SPI), which is earned value (EV) divided by planned value (PV), against the
/// baseline in force at the date (PMI, Practice Standard for Earned Value Management). Also returns earned schedule
/// (ES), which measures progress in time and, unlike SPI, does not return to 1 when a late plan ends. Figures that are
/// undefined are null and come with a reason.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))),
    params(Moment, InPeriods, Against),
    responses((status = 200, description = "The earned value of the plan.", body = PlanEarnedValue)))]
#[get("/v1/plans/{id}/earned-value")]
pub async fn read_earned_value(
    cx: Context,
    id: Path<Uuid>,
    moment: Moment,
    periods: Query<InPeriods>,
    against: Query<Against>,
) -> Result<Answer, ApiError> {
    let period = periods.0.period.unwrap_or_default();
    let as_of = moment.as_of;
    if let Some(at) = moment.known_at {
        let record = time_travel::plans_known_at(&cx, at, Some(&[*id])).await?.pop().ok_or_else(ApiError::not_found)?;
        let value = PlanEarnedValue::answer(&PlanView::from(&record), as_of, period, &against.0)?;
        return Ok(Answer::ok(&value)?.content_tag());
    }
    let plans = cx.plans().await?;
    let view = plans.find(*id).ok_or_else(ApiError::not_found)?;
    let key = ReportKey {
        organization_id: cx.organization_id(),
        sequence: plans.sequence,
        question: format!("earned-value {id} {as_of} {period} {against:?}"),
    };
    let report = cx.app.read_model.reports.get(key, || {
        let value = serde_json::to_vec(&PlanEarnedValue::answer(view, as_of, period, &against.0)?)?;
        Ok(Report { body: value.into(), next: None })
    })?;
    Ok(Answer::bytes(StatusCode::OK, "application/json", report.body).version_and_content(view.row.version))
}

impl PlanEarnedValue {
    /// The figures against the requested baseline, with explanations if requested.
    fn answer(view: &PlanView, as_of: NaiveDate, period: Period, against: &Against) -> Result<Self, ApiError> {
        let unknown =
            |number| ApiError::parameter("baseline", "unknown_baseline", format!("the plan has no baseline {number}"));
        let mut value = match against.baseline {
            Some(number) => Self::at(&view.against(number).ok_or_else(|| unknown(number))?, as_of, period),
            None => Self::at(view, as_of, period),
        };
        if against.explain.unwrap_or_default() {
            value.explanations =
                explanations(&value.figures, &value.time, &value.cost, view.facts.valuation(as_of).budget_minor);
        }
        Ok(value)
    }

    fn at(view: &PlanView, as_of: NaiveDate, period: Period) -> Self {
        let summary = view.summary(as_of);
        let sums = summary.earned_value;
        let row = &view.row;
        Self {
            as_of,
            plan_id: row.id,
            baseline: in_force(&view.facts.baselines, as_of).map(|baseline| baseline.number),
            figures: Figures::of(&sums, Some(row.weight_unit.clone()), summary.counts),
            time: TimeFigures::at(view, as_of, period, &sums),
            cost: CostFigures::at(view, as_of, &sums),
            money: row
                .currency
                .as_ref()
                .zip(view.facts.valuation(as_of).budget_minor)
                .and_then(|(currency, budget)| money(&sums, currency, budget)),
            explanations: vec![],
        }
    }
}

fn money(sums: &EarnedValue, currency: &str, budget_minor: i64) -> Option<Money> {
    Some(Money {
        currency: currency.to_owned(),
        budget_at_completion_minor: budget_minor,
        planned_value_minor: sums.in_money(sums.planned_value, budget_minor)?,
        earned_value_minor: sums.in_money(sums.earned_value, budget_minor)?,
        schedule_variance_minor: sums.in_money(sums.schedule_variance(), budget_minor)?,
    })
}
