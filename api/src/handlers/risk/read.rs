//! What speaks for a customer being lost.

use actix_web::get;
use actix_web::web::Path;
use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::customer::risk::{
    FACTORS, FactorFinding, FactorKind, IndicatorKind, Level, assess, features, level_of_points, level_of_probability,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::customer_health::observed;
use crate::customer_health::observed::Stretch;
use crate::customer_health::risk::{REACH_DAYS, latest};
use crate::error::ApiError;
use crate::extract::Query;
use crate::handlers::health::customer;
use crate::handlers::plans::earned_value::AsOf;
use crate::time_travel::KnownAt;

/// What a level is by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RiskBasis {
    /// The sum of the factors' points.
    Points,
    /// The chance that a model states which was fitted on what became of the organization's customers.
    Model,
}

/// What speaks for a customer being lost.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "customer_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "as_of": "2026-05-04", "level": "medium", "basis": "points", "points": 30.0,
    "probability": null, "horizon_days": null, "model_id": null, "fitted_at": null,
    "factors": [{"factor": "engagement_decline", "severity": 1.0, "points": 30.0, "most_points": 30.0, "found": 0.0, "compared_with": 12.0}],
    "indicators": [{"indicator": "engagement_slope", "value": -0.5}]
}))]
pub struct CustomerRisk {
    /// The customer.
    customer_id: Uuid,
    /// The day, its end included.
    as_of: NaiveDate,
    /// How large the risk is.
    level: Level,
    /// What that is by.
    basis: RiskBasis,
    /// The sum of the factors' points, from 0 to 100.
    points: f64,
    /// The chance of being lost within the horizon; null without a fitted model.
    #[schema(minimum = 0, maximum = 1)]
    probability: Option<f64>,
    /// The model's horizon.
    #[schema(minimum = 7)]
    horizon_days: Option<u32>,
    /// The model.
    model_id: Option<Uuid>,
    /// When it was fitted.
    fitted_at: Option<DateTime<Utc>>,
    /// The factors, each with what it was found from.
    #[schema(max_items = 20)]
    factors: Vec<RiskFactor>,
    /// The early indicators.
    #[schema(max_items = 20)]
    indicators: Vec<RiskIndicator>,
}

/// A risk factor.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"factor": "engagement_decline", "severity": 1.0, "points": 30.0, "most_points": 30.0, "found": 0.0, "compared_with": 12.0}))]
pub struct RiskFactor {
    /// Which one.
    factor: FactorKind,
    /// From 0 to 1; null where there is nothing to judge by.
    severity: Option<f64>,
    /// How many points that is.
    points: f64,
    /// How many it can be.
    most_points: f64,
    /// What was found: active days, the days of the worst delay, or a count.
    found: f64,
    /// What it is compared with: the 30 days before, or all attempts; null where with nothing.
    compared_with: Option<f64>,
}

/// An early indicator.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"indicator": "engagement_slope", "value": -0.5}))]
pub struct RiskIndicator {
    /// Which one.
    indicator: IndicatorKind,
    /// Its value; null where the customer has done no such thing in 60 days.
    value: Option<f64>,
}

/// Reads what speaks for a customer being lost
///
/// By the chance that a fitted model states, or else by the sum of the factors' points; `basis` says which.
#[utoipa::path(tag = "risk", security(("bearer" = ["health:read"])), params(AsOf, KnownAt),
    responses((status = 200, description = "What speaks for it.", body = CustomerRisk)))]
#[get("/v1/customers/{id}/risk")]
pub async fn read_customer_risk(
    cx: Context,
    id: Path<Uuid>,
    date: Query<AsOf>,
    known: Query<KnownAt>,
) -> Result<Answer, ApiError> {
    let known_at = known.0.known_at;
    let as_of = date.0.as_of.unwrap_or_else(|| cx.date_of(known_at.unwrap_or(cx.now)));
    let mut conn = cx.snapshot().await?;
    let found = customer(&mut conn, cx.organization_id(), *id).await?;
    let stretch = Stretch { from: as_of, to: as_of, known_at };
    let mut observed = observed::observe(&cx, &mut conn, vec![found], Some(REACH_DAYS), stretch).await?;
    let observed = observed.pop().ok_or_else(ApiError::not_found)?;
    let model = latest(&mut conn, cx.organization_id(), known_at.unwrap_or(cx.now)).await?;
    let facts = observed.risk_known(as_of);
    let risk = assess(&facts, as_of);
    let probability = model.as_ref().map(|(_, learned)| learned.logistic.probability(&features(&facts, as_of)));
    let factor = |finding: &FactorFinding| RiskFactor {
        factor: finding.kind,
        severity: finding.severity,
        points: finding.points,
        most_points: FACTORS.iter().find(|(kind, _)| *kind == finding.kind).map_or(0.0, |one| one.1),
        found: finding.found,
        compared_with: finding.compared_with,
    };
    let answer = CustomerRisk {
        customer_id: *id,
        as_of,
        level: probability.map_or_else(|| level_of_points(risk.points), level_of_probability),
        basis: if probability.is_some() { RiskBasis::Model } else { RiskBasis::Points },
        points: risk.points,
        probability,
        horizon_days: model.as_ref().map(|(_, learned)| learned.horizon_days),
        model_id: model.as_ref().map(|(row, _)| row.id),
        fitted_at: model.as_ref().map(|(row, _)| row.fitted_at),
        factors: risk.factors.iter().map(factor).collect(),
        indicators: risk.indicators.into_iter().map(|(indicator, value)| RiskIndicator { indicator, value }).collect(),
    };
    Ok(Answer::ok(&answer)?.content_tag())
}
