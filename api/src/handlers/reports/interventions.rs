//! Report on the outcomes of interventions, by kind.

use std::collections::BTreeMap;

use actix_web::get;
use chrono::NaiveDate;
use milepost_domain::customer::backtest::median;
use milepost_domain::customer::intervention::InterventionKind;
use milepost_domain::customer::intervention::Outcome;
use milepost_domain::values::dates::{days_between, plus_days};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::customer_health::models::Models;
use crate::customer_health::observed;
use crate::customer_health::observed::{Observed, Stretch};
use crate::error::ApiError;
use crate::extract::Query;
use crate::store::customers;
use crate::store::interventions::InterventionRow;
use crate::store::row::{self, Column as _, Condition};

/// Filters of the intervention report.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct InterventionReportOptions {
    /// Filter by day of opening: on or after this date. Defaults to 180 days before `to`.
    from: Option<NaiveDate>,
    /// Filter by day of opening: on or before this date. Defaults to today.
    to: Option<NaiveDate>,
}

/// Intervention report.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "from": "2025-11-05", "to": "2026-05-04", "caution": "A score that was low is likely to be higher later without anything being done.",
    "groups": [{"kind": "coaching", "opened": 12, "done": 9, "overdue": 1, "median_days_to_done": 3.0, "succeeded": 6, "failed": 2, "not_needed": 1,
        "compared": 5, "mean_score_at_opening": 38.0, "mean_score_after": 52.0}]
}))]
pub struct InterventionReport {
    /// First day of opening that the report includes.
    from: NaiveDate,
    /// Last day of opening that the report includes.
    to: NaiveDate,
    /// Caution on interpreting the figures.
    #[schema(max_length = 1000)]
    caution: &'static str,
    /// Groups, one for each kind of intervention.
    #[schema(max_items = 20)]
    groups: Vec<InterventionGroup>,
}

/// Figures of the interventions of one kind.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"kind": "coaching", "opened": 12, "done": 9, "overdue": 1, "median_days_to_done": 3.0, "succeeded": 6, "failed": 2, "not_needed": 1,
    "compared": 5, "mean_score_at_opening": 38.0, "mean_score_after": 52.0}))]
pub struct InterventionGroup {
    /// Kind of intervention.
    kind: InterventionKind,
    /// Number of interventions opened.
    #[schema(maximum = 10_000_000)]
    opened: usize,
    /// Number of interventions done.
    #[schema(maximum = 10_000_000)]
    done: usize,
    /// Number of interventions that are not done although their due date has passed.
    #[schema(maximum = 10_000_000)]
    overdue: usize,
    /// Median number of days from opening to done.
    median_days_to_done: Option<f64>,
    /// Number of interventions with the outcome `succeeded`.
    #[schema(maximum = 10_000_000)]
    succeeded: usize,
    /// Number of interventions with the outcome `failed`.
    #[schema(maximum = 10_000_000)]
    failed: usize,
    /// Number of interventions with the outcome `not_needed`.
    #[schema(maximum = 10_000_000)]
    not_needed: usize,
    /// Number of interventions with comparable health scores: done at least 30 days ago, with a score at opening and
    /// one 30 days after they were done.
    #[schema(maximum = 10_000_000)]
    compared: usize,
    /// Mean health score of the compared customers at opening.
    mean_score_at_opening: Option<f64>,
    /// Mean health score of the compared customers 30 days after the interventions were done.
    mean_score_after: Option<f64>,
}

const CAUTION: &str = "Interventions are opened when a score is low, and a score that was unusually low is likely to be higher later without anything \
                       being done (regression to the mean). A rise after an intervention is not its effect.";
/// Number of days between an intervention's completion and the score to compare.
const AFTER_DAYS: i64 = 30;

/// Get the intervention report
///
/// Reports the time to completion, the outcomes, and the customers' health scores before and after the interventions,
/// by kind. A rise of the score does not prove an effect: see `caution`.
#[utoipa::path(tag = "reports", security(("bearer" = ["health:read"])), params(InterventionReportOptions),
    responses((status = 200, description = "The intervention report.", body = InterventionReport)))]
#[get("/v1/reports/interventions")]
pub async fn read_intervention_report(
    cx: Context,
    options: Query<InterventionReportOptions>,
) -> Result<Answer, ApiError> {
    let today = cx.today();
    let to = options.0.to.unwrap_or(today);
    let from = options.0.from.unwrap_or_else(|| plus_days(to, -180));
    let mut conn = cx.survey().await?;
    let opened = [Condition::AtLeast("opened_on", from.to_value()), Condition::AtMost("opened_on", to.to_value())];
    let rows = row::all::<InterventionRow>(&mut conn, cx.organization_id(), &opened, "id").await?;
    let comparable: Vec<(Uuid, NaiveDate)> =
        rows.iter().filter_map(|row| Some((row.customer_id, after_on(row).filter(|on| *on <= today)?))).collect();
    let mut own = customers::all(&mut conn, cx.organization_id()).await?;
    own.retain(|one| comparable.iter().any(|(id, _)| *id == one.id));
    let models = Models::load(&mut conn, cx.organization_id(), None).await?;
    let first = comparable.iter().map(|(_, on)| *on).min().unwrap_or(today);
    let stretch = Stretch { from: first, to: today, known_at: None };
    let observed = observed::observe(&cx, &mut conn, own, models.needs(), stretch).await?;
    let mut by_kind: BTreeMap<String, Vec<&InterventionRow>> = BTreeMap::new();
    for row in &rows {
        by_kind.entry(row.kind.to_string()).or_default().push(row);
    }
    let groups = by_kind.into_values().filter_map(|rows| group(&rows, &observed, &models, today)).collect();
    Ok(Answer::ok(&InterventionReport { from, to, caution: CAUTION, groups })?.content_tag())
}

/// Returns the day of the score to compare; `None` if there is nothing to compare.
fn after_on(row: &InterventionRow) -> Option<NaiveDate> {
    row.score_at_opening?;
    Some(plus_days(row.done_on?, AFTER_DAYS))
}

fn group(
    rows: &[&InterventionRow],
    observed: &[Observed],
    models: &Models,
    today: NaiveDate,
) -> Option<InterventionGroup> {
    let mut days: Vec<i64> = rows.iter().filter_map(|row| Some(days_between(row.opened_on, row.done_on?))).collect();
    let count = |wanted| rows.iter().filter(|row| row.outcome.is_some_and(|outcome| outcome == wanted)).count();
    let pair = |row: &&&InterventionRow| {
        let on = after_on(row).filter(|on| *on <= today)?;
        let one = observed.iter().find(|one| one.customer.id == row.customer_id)?;
        let after = one.days(models, on, on).pop()?.score()?;
        Some((row.score_at_opening?, after))
    };
    let pairs: Vec<(f64, f64)> = rows.iter().filter_map(|row| pair(&row)).collect();
    let mean = |of: fn(&(f64, f64)) -> f64| {
        let size: f64 = pairs.iter().map(|_| 1.0).sum();
        (size > 0.0).then(|| pairs.iter().map(of).sum::<f64>() / size)
    };
    Some(InterventionGroup {
        kind: rows.first()?.kind,
        opened: rows.len(),
        done: rows.iter().filter(|row| row.done_on.is_some()).count(),
        overdue: rows.iter().filter(|row| row.done_on.is_none() && row.due_on < today).count(),
        median_days_to_done: median(&mut days),
        succeeded: count(Outcome::Succeeded),
        failed: count(Outcome::Failed),
        not_needed: count(Outcome::NotNeeded),
        compared: pairs.len(),
        mean_score_at_opening: mean(|pair| pair.0),
        mean_score_after: mean(|pair| pair.1),
    })
}
