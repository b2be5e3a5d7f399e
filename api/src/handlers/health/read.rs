//! How a customer is at a date, and why.

use actix_web::get;
use actix_web::web::Path;
use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::customer::health::band::Band;
use milepost_domain::customer::health::model::{Factor, ImpactOn, InputKind, Missing, Protocol};
use milepost_domain::customer::health::score::{FactorScore, ImpactScore, Source};
use milepost_domain::values::dates::plus_days;
use milepost_domain::values::text::{Key, Name};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::overrides::shown;
use super::{HealthOverride, ModelReference, customer, customer_by_ref, observe_one};
use crate::answer::Answer;
use crate::context::Context;
use crate::customer_health::observed::{Day, Stretch, TREND_DAYS, slope_per_week};
use crate::error::ApiError;
use crate::extract::Query;
use crate::handlers::plans::earned_value::AsOf;
use crate::store::customers::Customer;
use crate::store::usage_events;
use crate::time_travel::KnownAt;

/// How a customer is at a date, and why.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "customer_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "as_of": "2026-05-04", "score": 62.0, "band": "at_risk", "computed_score": 62.0,
    "computed_band": "at_risk", "reason": null, "coverage": 1.0, "minimum_coverage": 0.5, "confidence": 1.0,
    "factors": [{"key": "engagement", "name": "Engagement", "source": "measured", "missing": "redistribute", "input_kind": "metric", "input": 6.0,
        "input_age_days": 0, "sub_score": 62.0, "weight": 35.0, "effective_weight": 1.0, "contribution": 62.0}],
    "impacts": [], "limit": 0.0, "override": null, "trend": {"days": 30, "points_per_week": -1.5},
    "model": {"id": null, "key": "shipped", "number": null, "name": "Adoption, engagement, support and milestones"},
    "protocol": null, "computed_through": 5451
}))]
pub struct CustomerHealth {
    /// The customer.
    customer_id: Uuid,
    /// The day, its end included.
    as_of: NaiveDate,
    /// From 0 to 100: what someone has set, or else what is computed; null where there is neither.
    #[schema(minimum = 0, maximum = 100)]
    score: Option<f64>,
    /// Where that lies.
    band: Band,
    /// What is computed: the sum of all contributions below, to the last digit.
    #[schema(minimum = 0, maximum = 100)]
    computed_score: Option<f64>,
    /// Where that lies, reluctantly as the model says: beyond a bound by a margin, for some days.
    computed_band: Band,
    /// Why the computed band is unknown; null where it is known.
    reason: Option<UnknownReason>,
    /// The share of the factors' weight that has an input.
    #[schema(minimum = 0, maximum = 1)]
    coverage: f64,
    /// The coverage below which the band is unknown.
    #[schema(minimum = 0, maximum = 1)]
    minimum_coverage: f64,
    /// The coverage, where an input that is carried forward counts less the older it is.
    #[schema(minimum = 0, maximum = 1)]
    confidence: f64,
    /// The factors in the model's order.
    #[schema(max_items = 50)]
    factors: Vec<FactorPart>,
    /// What milestones that were reached or missed add.
    #[schema(max_items = 10_000)]
    impacts: Vec<ImpactPart>,
    /// What keeping the score between 0 and 100 adds.
    limit: f64,
    /// The score that someone has set in place of the computed one.
    r#override: Option<HealthOverride>,
    /// Where the score is going.
    trend: HealthTrend,
    /// The version of the model that it is by.
    model: ModelReference,
    /// Who looks after customers of this band, and how.
    protocol: Option<Protocol>,
    /// The number of the last event that was there when this was computed.
    #[schema(minimum = 0)]
    computed_through: i64,
}

/// Why a band is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnknownReason {
    /// A factor that must have an input has none, or none of them has.
    NoInput,
    /// Less is known than the model asks for.
    LowCoverage,
}

/// One factor's part in a score.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"key": "engagement", "name": "Engagement", "source": "measured", "missing": "redistribute", "input_kind": "metric",
    "input": 6.0, "input_age_days": 0, "sub_score": 62.0, "weight": 35.0, "effective_weight": 1.0, "contribution": 62.0}))]
pub struct FactorPart {
    /// Its key.
    pub key: Key,
    /// What it is called.
    pub name: Name,
    /// Where its worth comes from.
    pub source: Source,
    /// What the model says of a missing input.
    pub missing: Missing,
    /// Where its input comes from.
    pub input_kind: InputKind,
    /// Its input; null where there is none.
    pub input: Option<f64>,
    /// How many days old the input is.
    #[schema(minimum = 0)]
    pub input_age_days: i64,
    /// What the input is worth, from 0 to 100; null where it does not count.
    pub sub_score: Option<f64>,
    /// Its weight in the model.
    pub weight: f64,
    /// Its share of the weights that count.
    pub effective_weight: f64,
    /// How many points it contributes.
    pub contribution: f64,
}

/// What a milestone that was reached or missed adds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"milestone": "first-value", "on": "missed", "points": -10.0, "half_life_days": 30, "age_days": 30, "contribution": -5.0}))]
pub struct ImpactPart {
    /// The milestone's key.
    milestone: Key,
    /// What happened to it.
    on: ImpactOn,
    /// What that adds on its day.
    points: f64,
    /// After how many days half of it is left.
    #[schema(minimum = 1)]
    half_life_days: u32,
    /// How many days ago it happened.
    #[schema(minimum = 0)]
    age_days: i64,
    /// How many points it contributes now.
    contribution: f64,
}

/// Where a score is going.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"days": 30, "points_per_week": -1.5}))]
pub struct HealthTrend {
    /// How many days were looked at.
    #[schema(minimum = 1)]
    days: i64,
    /// The slope by Theil and Sen of the computed scores; null with fewer than two of them.
    points_per_week: Option<f64>,
}

/// Reads how a customer is at a date, and why
///
/// Computed from the events, plans, pulses and models themselves at every question, so late events count from the moment they are there.
/// With `known_at`: from what was there at that instant.
#[utoipa::path(tag = "health", security(("bearer" = ["health:read"])), params(AsOf, KnownAt),
    responses((status = 200, description = "How it is.", body = CustomerHealth)))]
#[get("/v1/customers/{id}/health")]
pub async fn read_customer_health(
    cx: Context,
    id: Path<Uuid>,
    date: Query<AsOf>,
    known: Query<KnownAt>,
) -> Result<Answer, ApiError> {
    let found = customer(&mut cx.read().await?, cx.organization_id(), *id).await?;
    answer(&cx, found, date.0.as_of, known.0.known_at).await
}

/// Reads how the customer is that the CRM calls so
#[utoipa::path(tag = "health", security(("bearer" = ["health:read"])), params(AsOf, KnownAt),
    responses((status = 200, description = "How it is.", body = CustomerHealth)))]
#[get("/v1/customers/by-ref/{external_ref}/health")]
pub async fn read_customer_health_by_ref(
    cx: Context,
    external_ref: Path<String>,
    date: Query<AsOf>,
    known: Query<KnownAt>,
) -> Result<Answer, ApiError> {
    let found = customer_by_ref(&mut cx.read().await?, cx.organization_id(), &external_ref).await?;
    answer(&cx, found, date.0.as_of, known.0.known_at).await
}

async fn answer(
    cx: &Context,
    customer: Customer,
    as_of: Option<NaiveDate>,
    known_at: Option<DateTime<Utc>>,
) -> Result<Answer, ApiError> {
    let as_of = as_of.unwrap_or_else(|| cx.date_of(known_at.unwrap_or(cx.now)));
    let from = plus_days(as_of, -TREND_DAYS);
    let mut conn = cx.snapshot().await?;
    let computed_through = usage_events::last_number(&mut conn, cx.organization_id()).await?;
    let customer_id = customer.id;
    let (observed, models) = observe_one(cx, &mut conn, customer, Stretch { from, to: as_of, known_at }).await?;
    let days = observed.days(&models, from, as_of);
    let day = days.last().ok_or_else(|| ApiError::internal("a stretch has no day"))?;
    let health = CustomerHealth::of(customer_id, day, slope_per_week(&days), computed_through);
    Ok(Answer::ok(&health)?.content_tag())
}

impl CustomerHealth {
    fn of(customer_id: Uuid, day: &Day, points_per_week: Option<f64>, computed_through: i64) -> Self {
        let (content, computed) = (&day.model.content, &day.computed);
        let factor = |(factor, part): (&Factor, &FactorScore)| FactorPart {
            key: factor.key.clone(),
            name: factor.name.clone(),
            source: part.source,
            missing: factor.missing,
            input_kind: factor.input.kind,
            input: part.input.value,
            input_age_days: part.input.age_days,
            sub_score: part.sub_score,
            weight: factor.weight,
            effective_weight: part.effective_weight,
            contribution: part.contribution,
        };
        let impact = |part: &ImpactScore| {
            let rule = content.impacts.get(part.impact)?;
            Some(ImpactPart {
                milestone: rule.milestone.clone(),
                on: rule.on,
                points: rule.points,
                half_life_days: rule.half_life_days,
                age_days: part.age_days,
                contribution: part.contribution,
            })
        };
        let reason = match computed.value {
            None => Some(UnknownReason::NoInput),
            Some(_) if computed.coverage < content.minimum_coverage => Some(UnknownReason::LowCoverage),
            Some(_) => None,
        };
        Self {
            customer_id,
            as_of: day.on,
            score: day.score(),
            band: day.band(),
            computed_score: computed.value,
            computed_band: day.computed_band,
            reason,
            coverage: computed.coverage,
            minimum_coverage: content.minimum_coverage,
            confidence: computed.confidence,
            factors: content.factors.iter().zip(&computed.factors).map(factor).collect(),
            impacts: computed.impacts.iter().filter_map(impact).collect(),
            limit: computed.limit,
            r#override: day.set.clone().map(shown),
            trend: HealthTrend { days: TREND_DAYS, points_per_week },
            model: ModelReference::of(&day.model),
            protocol: content.protocol(day.band()).cloned(),
            computed_through,
        }
    }
}
