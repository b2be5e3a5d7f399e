//! A customer's risk of being lost.

use actix_web::get;
use actix_web::web::Path;
use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::customer::health::band::Band;
use milepost_domain::customer::risk::{
    FACTORS, FactorFinding, FactorKind, IndicatorKind, Level, difference, level_of_points,
};
use milepost_domain::values::text::ExternalRef;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::customer_health::models::Models;
use crate::customer_health::observed;
use crate::customer_health::observed::Stretch;
use crate::customer_health::risk::{Judgement, REACH_DAYS, in_force};
use crate::error::ApiError;
use crate::handlers::health::{check_known, customer, customer_by_ref};
use crate::moment::Moment;
use crate::store::customers::Customer;

/// Basis of a risk level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RiskBasis {
    /// Sum of the factors' points.
    Points,
    /// Probability stated by a risk model that was fitted on the organization's own outcomes.
    Model,
}

/// A customer's risk of being lost.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "customer_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "customer_ref": "crm-4711", "as_of": "2026-05-04", "level": "medium", "basis": "points", "points": 30.0,
    "points_level": "medium", "health_band": "healthy", "health_score": 81.0,
    "difference": "Health is healthy (81 points, lowest for engagement), while risk is medium: last event 31 days ago, usual pause 1 day.",
    "probability": null, "horizon_days": null, "model_id": null, "fitted_at": null,
    "factors": [{"factor": "gone_silent", "severity": 1.0, "points": 30.0, "most_points": 30.0, "found": 31.0, "compared_with": 1.0,
        "evidence": "last event 31 days ago, usual pause 1 day"}],
    "indicators": [{"indicator": "engagement_slope", "value": -0.5}]
}))]
pub struct CustomerRisk {
    /// Identifier of the customer.
    customer_id: Uuid,
    /// External reference of the customer.
    customer_ref: Option<ExternalRef>,
    /// Date that the response refers to, evaluated at the end of that day.
    as_of: NaiveDate,
    /// Level of the risk.
    level: Level,
    /// Basis of the level.
    basis: RiskBasis,
    /// Sum of the factors' points, from 0 to 100.
    points: f64,
    /// Level by the points alone. Equals `level` without a risk model.
    points_level: Level,
    /// Band of the customer's health at the end of the same day.
    health_band: Band,
    /// Health score at the end of the same day; null if there is none.
    #[schema(minimum = 0, maximum = 100)]
    health_score: Option<f64>,
    /// Sentence that says why health and risk do not agree; null if they do.
    #[schema(max_length = 1000)]
    difference: Option<String>,
    /// Probability that the customer is lost within the horizon; null without a risk model.
    #[schema(minimum = 0, maximum = 1)]
    probability: Option<f64>,
    /// Horizon of the risk model in days; null without a risk model.
    #[schema(minimum = 7)]
    horizon_days: Option<u32>,
    /// Identifier of the risk model; null without a risk model.
    model_id: Option<Uuid>,
    /// Time at which the risk model was fitted; null without a risk model.
    fitted_at: Option<DateTime<Utc>>,
    /// Risk factors, each with the figures behind it.
    #[schema(max_items = 20)]
    factors: Vec<RiskFactor>,
    /// Early indicators.
    #[schema(max_items = 20)]
    indicators: Vec<RiskIndicator>,
}

/// A risk factor.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "factor": "gone_silent", "severity": 1.0, "points": 30.0, "most_points": 30.0, "found": 31.0, "compared_with": 1.0,
    "evidence": "last event 31 days ago, usual pause 1 day"
}))]
pub struct RiskFactor {
    /// Kind of the factor.
    factor: FactorKind,
    /// Severity from 0 to 1; null if there is nothing to judge by.
    severity: Option<f64>,
    /// Points for this severity.
    points: f64,
    /// Maximum number of points of this factor.
    most_points: f64,
    /// Figure found: active days, days of the worst delay, days without an event, or a count.
    found: f64,
    /// Figure for comparison: that of the earlier 30 days, the usual pause in days, or the number of all attempts; null if there is none.
    compared_with: Option<f64>,
    /// Finding in words.
    #[schema(max_length = 1000)]
    evidence: String,
}

/// An early indicator.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"indicator": "engagement_slope", "value": -0.5}))]
pub struct RiskIndicator {
    /// Kind of the indicator.
    indicator: IndicatorKind,
    /// Value; null if no such activity of the customer is known.
    value: Option<f64>,
}

impl RiskFactor {
    /// A finding with its evidence.
    pub fn of(finding: &FactorFinding) -> Self {
        Self {
            factor: finding.kind,
            severity: finding.severity,
            points: finding.points,
            most_points: FACTORS.iter().find(|(kind, _)| *kind == finding.kind).map_or(0.0, |one| one.1),
            found: finding.found,
            compared_with: finding.compared_with,
            evidence: finding.evidence(),
        }
    }
}

impl RiskIndicator {
    /// An indicator with its value.
    pub const fn of((indicator, value): (IndicatorKind, Option<f64>)) -> Self {
        Self { indicator, value }
    }
}

/// Get a customer's risk
///
/// Returns the risk that the customer is lost, with its factors and early indicators. The level is based on the
/// probability stated by the risk model that was active on that day, or on the sum of the factors' points if none was. `basis`
/// tells which of the two applies. Health and risk are different questions; where their answers differ, `difference` says why.
#[utoipa::path(tag = "risk", security(("bearer" = ["health:read"])), params(Moment),
    responses((status = 200, description = "The customer's risk.", body = CustomerRisk)))]
#[get("/v1/customers/{id}/risk")]
pub async fn read_customer_risk(cx: Context, id: Path<Uuid>, moment: Moment) -> Result<Answer, ApiError> {
    let found = customer(&mut cx.read().await?, cx.organization_id(), *id).await?;
    answer(&cx, found, moment).await
}

/// Get a customer's risk by external reference
///
/// Returns the same as `/v1/customers/{id}/risk` for the customer with this external reference.
#[utoipa::path(tag = "risk", security(("bearer" = ["health:read"])), params(Moment),
    responses((status = 200, description = "The customer's risk.", body = CustomerRisk)))]
#[get("/v1/customers/by-ref/{external_ref}/risk")]
pub async fn read_customer_risk_by_ref(
    cx: Context,
    external_ref: Path<String>,
    moment: Moment,
) -> Result<Answer, ApiError> {
    let found = customer_by_ref(&mut cx.read().await?, cx.organization_id(), &external_ref).await?;
    answer(&cx, found, moment).await
}

async fn answer(cx: &Context, found: Customer, Moment { as_of, known_at }: Moment) -> Result<Answer, ApiError> {
    let mut conn = cx.survey().await?;
    check_known(&found, known_at)?;
    let models = Models::load(&mut conn, cx.organization_id(), known_at).await?;
    let needs = models.needs().reaching(REACH_DAYS);
    let stretch = Stretch { from: as_of, to: as_of, known_at };
    let mut observed = observed::observe(cx, &mut conn, vec![found], needs, stretch).await?;
    let observed = observed.pop().ok_or_else(ApiError::not_found)?;
    let day = observed.days(&models, as_of, as_of).pop().ok_or_else(|| ApiError::internal("a stretch has no day"))?;
    let model = in_force(&mut conn, cx.organization_id(), as_of, known_at).await?;
    let facts = observed.risk_known(as_of);
    let judgement = Judgement::of(model.as_ref().map(|(_, learned)| learned), &facts, as_of);
    let (level, Judgement { risk, probability }) = (judgement.level(), judgement);
    let answer = CustomerRisk {
        customer_id: observed.customer.id,
        customer_ref: observed.customer.external_ref.clone(),
        as_of,
        level,
        basis: if probability.is_some() { RiskBasis::Model } else { RiskBasis::Points },
        points: risk.points,
        points_level: level_of_points(risk.points),
        health_band: day.band(),
        health_score: day.score(),
        difference: difference(day.band(), day.score(), day.lowest_factor(), level, &risk.factors),
        probability,
        horizon_days: model.as_ref().map(|(_, learned)| learned.horizon_days),
        model_id: model.as_ref().map(|(row, _)| row.id),
        fitted_at: model.as_ref().map(|(row, _)| row.fitted_at),
        factors: risk.factors.iter().map(RiskFactor::of).collect(),
        indicators: risk.indicators.into_iter().map(RiskIndicator::of).collect(),
    };
    Ok(Answer::ok(&answer)?.content_tag())
}
