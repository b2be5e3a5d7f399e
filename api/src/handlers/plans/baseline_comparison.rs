//! Comparison of two baselines of a plan.

use actix_web::get;
use actix_web::web::Path;
use chrono::NaiveDate;
use milepost_domain::plan::baseline::{Baseline, Difference, compare};
use milepost_domain::values::text::{Key, Name};
use milepost_domain::values::weight::Weight;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Query;
use crate::read_model::PlanView;

/// Baselines to compare.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Numbers {
    /// Number of the first baseline. Defaults to the plan's first baseline.
    #[param(minimum = 1)]
    from: Option<i64>,
    /// Number of the second baseline. Defaults to the plan's newest baseline.
    #[param(minimum = 1)]
    to: Option<i64>,
}

/// Differences between two baselines.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "plan_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "from": 1, "to": 2, "scope_from": 10.0, "scope_to": 8.0,
    "finish_from_on": "2026-06-01", "finish_to_on": "2026-06-15", "days": 14,
    "changes": [{"key": "pipeline", "name": "Pipeline runs", "planned_from_on": "2026-04-01", "planned_to_on": "2026-04-15", "days": 14,
    "weight_from": 5.0, "weight_to": 5.0}]
}))]
pub struct BaselineComparison {
    /// Identifier of the plan.
    plan_id: Uuid,
    /// Number of the first baseline.
    #[schema(minimum = 1)]
    from: i64,
    /// Number of the second baseline.
    #[schema(minimum = 1)]
    to: i64,
    /// Scope of the first baseline: the sum of its weights.
    #[schema(minimum = 0)]
    scope_from: f64,
    /// Scope of the second baseline: the sum of its weights.
    #[schema(minimum = 0)]
    scope_to: f64,
    /// Last planned date of the first baseline.
    finish_from_on: Option<NaiveDate>,
    /// Last planned date of the second baseline.
    finish_to_on: Option<NaiveDate>,
    /// Days by which the finish moved, in days of the plan's calendar. Negative means earlier.
    days: Option<i64>,
    /// Milestones that differ between the baselines, in plan order.
    #[schema(max_items = 5000)]
    changes: Vec<BaselineChange>,
}

/// A milestone that differs between two baselines. Null means that it is not in the scope of that baseline.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"key": "pipeline", "name": "Pipeline runs", "planned_from_on": "2026-04-01", "planned_to_on": "2026-04-15",
    "days": 14, "weight_from": 5.0, "weight_to": 5.0}))]
pub struct BaselineChange {
    /// Key of the milestone.
    #[schema(value_type = Key)]
    key: String,
    /// Name of the milestone.
    #[schema(value_type = Name)]
    name: String,
    /// Planned date in the first baseline.
    planned_from_on: Option<NaiveDate>,
    /// Planned date in the second baseline.
    planned_to_on: Option<NaiveDate>,
    /// Days by which the planned date moved, in days of the plan's calendar. Negative means earlier.
    days: Option<i64>,
    /// Weight in the first baseline.
    #[schema(value_type = Option<Weight>)]
    weight_from: Option<f64>,
    /// Weight in the second baseline.
    #[schema(value_type = Option<Weight>)]
    weight_to: Option<f64>,
}

/// Compare two baselines of a plan
///
/// Returns the change in scope and finish, and every milestone whose planned date or weight differs. Without
/// parameters, compares the first baseline with the newest.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))), params(Numbers),
    responses((status = 200, description = "The differences between the baselines.", body = BaselineComparison)))]
#[get("/v1/plans/{id}/baselines/compare")]
pub async fn compare_baselines(cx: Context, id: Path<Uuid>, numbers: Query<Numbers>) -> Result<Answer, ApiError> {
    let plans = cx.plans().await?;
    let view = plans.find(*id).ok_or_else(ApiError::not_found)?;
    let baselines = &view.facts.baselines;
    let find =
        |name: &str, number: Option<i64>, default: Option<&'_ Baseline>| match number {
            None => default.cloned().ok_or_else(ApiError::not_found),
            Some(number) => baselines.iter().find(|baseline| baseline.number == number).cloned().ok_or_else(|| {
                ApiError::parameter(name, "unknown_baseline", format!("the plan has no baseline {number}"))
            }),
        };
    let from = find("from", numbers.0.from, baselines.first())?;
    let to = find("to", numbers.0.to, baselines.last())?;
    Ok(Answer::ok(&BaselineComparison::of(view, &from, &to))?.version_and_content(view.row.version))
}

impl BaselineComparison {
    fn of(view: &PlanView, from: &Baseline, to: &Baseline) -> Self {
        let scope = |baseline: &Baseline| baseline.lines.iter().map(|line| line.weight).sum();
        let finish = |baseline: &Baseline| baseline.lines.iter().map(|line| line.planned_on).max();
        let (finish_from_on, finish_to_on) = (finish(from), finish(to));
        let changes = compare(from, to);
        Self {
            plan_id: view.row.id,
            from: from.number,
            to: to.number,
            scope_from: scope(from),
            scope_to: scope(to),
            finish_from_on,
            finish_to_on,
            days: finish_from_on.zip(finish_to_on).map(|(from, to)| view.facts.terms.calendar.days_between(from, to)),
            changes: changes.iter().filter_map(|change| BaselineChange::of(view, change)).collect(),
        }
    }
}

impl BaselineChange {
    fn of(view: &PlanView, change: &Difference) -> Option<Self> {
        let label = view.labels.get(change.milestone)?;
        let dates = (change.from.map(|line| line.planned_on), change.to.map(|line| line.planned_on));
        Some(Self {
            key: label.key.to_string(),
            name: label.name.to_string(),
            planned_from_on: dates.0,
            planned_to_on: dates.1,
            days: dates.0.zip(dates.1).map(|(from, to)| view.facts.terms.calendar.days_between(from, to)),
            weight_from: change.from.map(|line| line.weight),
            weight_to: change.to.map(|line| line.weight),
        })
    }
}
