//! A customer's health on a date, with its explanation.

use actix_web::get;
use actix_web::web::Path;
use chrono::NaiveDate;
use milepost_domain::customer::health::band::Band;
use milepost_domain::customer::health::distribution::smoothed;
use milepost_domain::customer::health::model::{
    Combine, Effect, Factor, Group, ImpactOn, InputKind, Missing, Protocol,
};
use milepost_domain::customer::health::score::{FactorScore, ImpactScore, Source};
use milepost_domain::customer::health::weights::GroupScore;
use milepost_domain::values::dates::plus_days;
use milepost_domain::values::text::{ExternalRef, Key, Name};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{ModelReference, customer, customer_by_ref, observe_one};
use crate::answer::Answer;
use crate::context::Context;
use crate::customer_health::day::{Day, slope_per_week};
use crate::customer_health::observed::{Stretch, TREND_DAYS};
use crate::error::ApiError;
use crate::moment::Moment;
use crate::store::customer_records::HealthOverride;
use crate::store::customers::Customer;
use crate::store::usage_events;

/// A customer's health on a date, with its explanation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "customer_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "customer_ref": "crm-4711", "as_of": "2026-05-04", "score": 62.0, "band": "at_risk", "computed_score": 62.0,
    "computed_band": "at_risk", "reason": null, "coverage": 1.0, "minimum_coverage": 0.5, "confidence": 1.0,
    "factors": [{"key": "engagement", "name": "Engagement", "source": "measured", "missing": "redistribute", "effect": "weighted", "group": null, "input_kind": "metric", "input": 6.0,
        "input_age_days": 0, "sub_score": 62.0, "weight": 35.0, "effective_weight": 1.0, "contribution": 62.0}],
    "groups": [], "impacts": [], "limit": 0.0, "override": null, "trend": {"days": 30, "points_per_week": -1.5, "smoothed_score": 63.4},
    "model": {"id": null, "key": "shipped", "number": null, "name": "Adoption, engagement, support and milestones"},
    "protocol": null, "computed_through": 5451
}))]
pub struct CustomerHealth {
    /// Identifier of the customer.
    customer_id: Uuid,
    /// External reference of the customer.
    customer_ref: Option<ExternalRef>,
    /// Date that the response refers to, evaluated at the end of that day.
    as_of: NaiveDate,
    /// Health score from 0 to 100: the override if there is one, else the computed score; null if there is neither.
    #[schema(minimum = 0, maximum = 100)]
    score: Option<f64>,
    /// Band of the score.
    band: Band,
    /// Computed score; null if there is none. Equals the sum of all contributions and `limit` exactly.
    #[schema(minimum = 0, maximum = 100)]
    computed_score: Option<f64>,
    /// Band of the computed score. The model's `hysteresis_points` and `dwell_days` delay its changes.
    computed_band: Band,
    /// Reason why the computed band is unknown; null if it is known.
    reason: Option<UnknownReason>,
    /// Coverage: the share of the factors' weight that has an input.
    #[schema(minimum = 0, maximum = 1)]
    coverage: f64,
    /// Coverage below which the computed band is unknown.
    #[schema(minimum = 0, maximum = 1)]
    minimum_coverage: f64,
    /// Coverage in which inputs that are carried forward count less with age.
    #[schema(minimum = 0, maximum = 1)]
    confidence: f64,
    /// Factors, in the model's order.
    #[schema(max_items = 50)]
    factors: Vec<FactorPart>,
    /// Groups of factors, in the model's order. Their contributions are those of their factors.
    #[schema(max_items = 20)]
    groups: Vec<GroupPart>,
    /// Contributions of milestones that were reached or missed.
    #[schema(max_items = 10_000)]
    impacts: Vec<ImpactPart>,
    /// Points added or removed to keep the score between 0 and 100.
    limit: f64,
    /// Override in place of the computed score; null if there is none.
    r#override: Option<HealthOverride>,
    /// Trend of the computed score.
    trend: HealthTrend,
    /// Version of the health model that produced the score.
    model: ModelReference,
    /// Protocol of the band: the response that the model prescribes; null if it prescribes none.
    protocol: Option<Protocol>,
    /// Sequence number of the last usage event stored at the time of computation.
    #[schema(minimum = 0)]
    computed_through: i64,
}

/// Reason why a band is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnknownReason {
    /// No input: either a factor that requires one has none, or no factor counts.
    NoInput,
    /// Low coverage: the coverage is below the model's minimum.
    LowCoverage,
}

/// A factor and its contribution to the score.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"key": "engagement", "name": "Engagement", "source": "measured", "missing": "redistribute", "effect": "weighted", "group": null,
    "input_kind": "metric", "input": 6.0, "input_age_days": 0, "sub_score": 62.0, "weight": 35.0, "effective_weight": 1.0, "contribution": 62.0}))]
pub struct FactorPart {
    /// Key. Unique within the health model.
    pub key: Key,
    /// Display name.
    pub name: Name,
    /// Source of the sub-score.
    pub source: Source,
    /// Treatment of a missing input, as set in the model.
    pub missing: Missing,
    /// Effect on the score.
    pub effect: Effect,
    /// Key of the group; null if the factor stands for itself.
    pub group: Option<Key>,
    /// Kind of the input.
    pub input_kind: InputKind,
    /// Value of the input; null if there is none.
    pub input: Option<f64>,
    /// Age of the input in days; 0 unless it is carried forward.
    #[schema(minimum = 0)]
    pub input_age_days: i64,
    /// Sub-score of the input, from 0 to 100; null if the factor does not count or is additive.
    pub sub_score: Option<f64>,
    /// Weight in the model.
    pub weight: f64,
    /// Share of the total weight of all factors that count, from 0 to 1.
    pub effective_weight: f64,
    /// Points that the factor contributes to the score.
    pub contribution: f64,
}

/// A group of factors and its contribution to the score.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"key": "adoption", "name": "Adoption", "combine": "worst", "sub_score": 40.0, "weight": 60.0, "effective_weight": 0.6,
    "contribution": 24.0, "decided_by": "logins"}))]
pub struct GroupPart {
    /// Key. Unique within the health model.
    key: Key,
    /// Display name.
    name: Name,
    /// Rule by which the sub-scores of the factors become that of the group.
    combine: Combine,
    /// Sub-score, from 0 to 100; null if no factor of the group counts.
    #[schema(minimum = 0, maximum = 100)]
    sub_score: Option<f64>,
    /// Weight in the model.
    weight: f64,
    /// Share of the total weight of all groups and factors that count, from 0 to 1.
    effective_weight: f64,
    /// Points that the group contributes to the score.
    contribution: f64,
    /// Key of the factor that decides alone, as the worst; null if there is none.
    decided_by: Option<Key>,
}

/// A milestone's contribution to the score.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"milestone": "first-value", "on": "missed", "points": -10.0, "half_life_days": 30, "age_days": 30, "contribution": -5.0}))]
pub struct ImpactPart {
    /// Key of the milestone.
    milestone: Key,
    /// Event that triggered the contribution: the milestone was reached or missed.
    on: ImpactOn,
    /// Points on the day of the event.
    points: f64,
    /// Half-life: the number of days after which half of the points remain.
    #[schema(minimum = 1)]
    half_life_days: u32,
    /// Number of days since the event.
    #[schema(minimum = 0)]
    age_days: i64,
    /// Points that the milestone contributes on this date.
    contribution: f64,
}

/// Trend of a health score.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"days": 30, "points_per_week": -1.5, "smoothed_score": 63.4}))]
pub struct HealthTrend {
    /// Number of days that the trend covers.
    #[schema(minimum = 1)]
    days: i64,
    /// Theil–Sen slope of the computed scores, in points per week; null with fewer than two scores.
    points_per_week: Option<f64>,
    /// Smoothed score: the exponentially weighted moving average of these days' computed scores, in which each day has a quarter of the
    /// weight; null without any score.
    #[schema(minimum = 0, maximum = 100)]
    smoothed_score: Option<f64>,
}

/// Get a customer's health
///
/// Returns the health score with its factors, milestone contributions, override and trend. The score is computed for
/// every request from the usage events, plans, pulses and models, so late events count as soon as they are recorded.
/// With `known_at`, only what had been recorded by that instant counts.
#[utoipa::path(tag = "health", security(("bearer" = ["health:read"])), params(Moment),
    responses((status = 200, description = "The customer's health.", body = CustomerHealth)))]
#[get("/v1/customers/{id}/health")]
pub async fn read_customer_health(cx: Context, id: Path<Uuid>, moment: Moment) -> Result<Answer, ApiError> {
    let found = customer(&mut cx.read().await?, cx.organization_id(), *id).await?;
    answer(&cx, found, moment).await
}

/// Get a customer's health by external reference
///
/// Returns the same as `/v1/customers/{id}/health` for the customer with this external reference.
#[utoipa::path(tag = "health", security(("bearer" = ["health:read"])), params(Moment),
    responses((status = 200, description = "The customer's health.", body = CustomerHealth)))]
#[get("/v1/customers/by-ref/{external_ref}/health")]
pub async fn read_customer_health_by_ref(
    cx: Context,
    external_ref: Path<String>,
    moment: Moment,
) -> Result<Answer, ApiError> {
    let found = customer_by_ref(&mut cx.read().await?, cx.organization_id(), &external_ref).await?;
    answer(&cx, found, moment).await
}

async fn answer(cx: &Context, customer: Customer, Moment { as_of, known_at }: Moment) -> Result<Answer, ApiError> {
    let from = plus_days(as_of, -TREND_DAYS);
    let mut conn = cx.survey().await?;
    let computed_through = match known_at {
        Some(at) => usage_events::last_number_at(&mut conn, cx.organization_id(), at).await?,
        None => usage_events::last_number(&mut conn, cx.organization_id()).await?,
    };
    let (observed, models) = observe_one(cx, &mut conn, customer, Stretch { from, to: as_of, known_at }).await?;
    let days = observed.days(&models, from, as_of);
    let day = days.last().ok_or_else(|| ApiError::internal("a stretch has no day"))?;
    let health = CustomerHealth::of(&observed.customer, day, &days, computed_through);
    Ok(Answer::ok(&health)?.content_tag())
}

impl CustomerHealth {
    fn of(customer: &Customer, day: &Day, days: &[Day], computed_through: i64) -> Self {
        let (content, computed) = (&day.model.content, &day.computed);
        let factor = |(factor, part): (&Factor, &FactorScore)| FactorPart {
            key: factor.key.clone(),
            name: factor.name.clone(),
            source: part.source,
            missing: factor.missing,
            effect: factor.effect,
            group: factor.group.clone(),
            input_kind: factor.input.kind,
            input: part.input.value,
            input_age_days: part.input.age_days,
            sub_score: part.sub_score,
            weight: factor.weight,
            effective_weight: part.effective_weight,
            contribution: part.contribution,
        };
        let group = |(group, part): (&Group, &GroupScore)| GroupPart {
            key: group.key.clone(),
            name: group.name.clone(),
            combine: group.combine,
            sub_score: part.sub_score,
            weight: group.weight,
            effective_weight: part.effective_weight,
            contribution: part.contribution,
            decided_by: part.decided_by.map(|at| content.factors[at].key.clone()),
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
            customer_id: customer.id,
            customer_ref: customer.external_ref.clone(),
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
            groups: content.groups.iter().zip(&computed.groups).map(group).collect(),
            impacts: computed.impacts.iter().filter_map(impact).collect(),
            limit: computed.limit,
            r#override: day.set.clone(),
            trend: HealthTrend {
                days: TREND_DAYS,
                points_per_week: slope_per_week(days),
                smoothed_score: smoothed(days.iter().filter_map(|day| day.computed.value)),
            },
            model: ModelReference::of(&day.model),
            protocol: content.protocol(day.band()).cloned(),
            computed_through,
        }
    }
}
