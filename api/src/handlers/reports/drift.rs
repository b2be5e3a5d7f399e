//! Drift of health scores between two days.

use actix_web::get;
use chrono::NaiveDate;
use milepost_domain::customer::health::distribution::{CLASSES, class_of};
use milepost_domain::statistics::drift::{Drift, drift, population_stability};
use milepost_domain::values::dates::plus_days;
use milepost_domain::values::text::Label;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::answer::Answer;
use crate::context::Context;
use crate::customer_health::on_day::health_on;
use crate::error::ApiError;
use crate::extract::Query;
use crate::store::health_scores::{Filter, ListedScore};

/// Days and customers to compare.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DriftOptions {
    /// Earlier day. Defaults to 90 days before the later one.
    from: Option<NaiveDate>,
    /// Later day. Defaults to today in the organization's time zone.
    to: Option<NaiveDate>,
    /// Filter by segment (exact match), as it was on each of the days.
    #[param(inline)]
    segment: Option<Label>,
}

/// Drift of health scores between two days.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "from": "2026-02-03", "to": "2026-05-04", "psi": 0.31, "level": "significant", "before": 120, "after": 124, "unscored_before": 3,
    "unscored_after": 1, "classes": [{"at_least": 0, "before": 2, "after": 9}, {"at_least": 10, "before": 4, "after": 8}]
}))]
pub struct HealthDrift {
    /// Earlier day.
    from: NaiveDate,
    /// Later day.
    to: NaiveDate,
    /// Population stability index (PSI) of the classes; null if there are no scores on one of the days.
    #[schema(minimum = 0)]
    psi: Option<f64>,
    /// Verdict on the index: `stable` below 0.1, `moderate` below 0.25, `significant` from there; null without an index.
    level: Option<Drift>,
    /// Number of customers with a score on the earlier day.
    #[schema(maximum = 10_000_000)]
    before: usize,
    /// Number of customers with a score on the later day.
    #[schema(maximum = 10_000_000)]
    after: usize,
    /// Number of customers without a score on the earlier day.
    #[schema(maximum = 10_000_000)]
    unscored_before: usize,
    /// Number of customers without a score on the later day.
    #[schema(maximum = 10_000_000)]
    unscored_after: usize,
    /// Classes of ten points, the lowest first; the highest includes 100.
    #[schema(max_items = 10)]
    classes: Vec<ScoreClass>,
}

/// Customers whose health score is in a class of ten points.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"at_least": 60, "before": 14, "after": 9}))]
pub struct ScoreClass {
    /// Lowest score of the class.
    #[schema(maximum = 90)]
    at_least: usize,
    /// Number of customers on the earlier day.
    #[schema(maximum = 10_000_000)]
    before: usize,
    /// Number of customers on the later day.
    #[schema(maximum = 10_000_000)]
    after: usize,
}

/// Number of days between the compared days, unless a request says otherwise.
const USUAL_DAYS: i64 = 90;

/// Get the drift of health scores
///
/// Compares the distribution of the customers' health scores on two days by the population stability index. A large index says that
/// the customers, what is recorded of them or the health model have changed, so that bands and thresholds should be looked at
/// again. Customers that had been lost or archived by a day are left out of it.
#[utoipa::path(tag = "reports", security(("bearer" = ["health:read"])), params(DriftOptions),
    responses((status = 200, description = "The drift.", body = HealthDrift)))]
#[get("/v1/reports/health/drift")]
pub async fn read_health_drift(cx: Context, options: Query<DriftOptions>) -> Result<Answer, ApiError> {
    let DriftOptions { from, to, segment } = options.0;
    let to = to.unwrap_or_else(|| cx.today());
    let from = from.unwrap_or_else(|| plus_days(to, -USUAL_DAYS));
    if from >= to {
        return Err(ApiError::parameter("from", "out_of_range", format!("must be before {to}")));
    }
    let filter = Filter { segment: segment.map(String::from), ..Filter::default() };
    let (before, unscored_before) = counts(&health_on(&cx, from).await?.1, &filter);
    let (after, unscored_after) = counts(&health_on(&cx, to).await?.1, &filter);
    let psi = population_stability(&before, &after);
    let class = |(number, (before, after)): (usize, (&usize, &usize))| ScoreClass {
        at_least: number * 100 / CLASSES,
        before: *before,
        after: *after,
    };
    let answer = HealthDrift {
        from,
        to,
        psi,
        level: psi.map(drift),
        before: before.iter().sum(),
        after: after.iter().sum(),
        unscored_before,
        unscored_after,
        classes: before.iter().zip(&after).enumerate().map(class).collect(),
    };
    Ok(Answer::ok(&answer)?.content_tag())
}

/// Counts customers by the class of their score, and those without one.
fn counts(listed: &[ListedScore], filter: &Filter) -> ([usize; CLASSES], usize) {
    let (mut classes, mut unscored) = ([0; CLASSES], 0);
    for one in listed.iter().filter(|one| filter.admits(one)) {
        match one.score.score {
            Some(score) => classes[class_of(score)] += 1,
            None => unscored += 1,
        }
    }
    (classes, unscored)
}
