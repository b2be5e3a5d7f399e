//! Explanation of the change of a customer's health score between two days.

use actix_web::get;
use actix_web::web::Path;
use chrono::NaiveDate;
use milepost_domain::customer::health::change::{Cause, explain};
use milepost_domain::customer::health::score::Score;
use milepost_domain::values::dates::plus_days;
use milepost_domain::values::text::Key;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{ModelReference, customer, observe_one};
use crate::answer::Answer;
use crate::context::Context;
use crate::customer_health::day::Day;
use crate::customer_health::observed::{Stretch, TREND_DAYS};
use crate::error::ApiError;
use crate::extract::Query;
use crate::moment::{KnownAt, check_in_order};

/// Days to compare.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ChangeOptions {
    /// Earlier day. Defaults to 30 days before the later one.
    from: Option<NaiveDate>,
    /// Later day. Defaults to today in the organization's time zone, or to the date of `known_at`.
    to: Option<NaiveDate>,
}

/// Explanation of a change of the health score.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "from": "2026-04-04", "to": "2026-05-04", "from_score": 80.0, "to_score": 62.0, "difference": -18.0,
    "parts": [{"cause": "factor", "factor": "engagement", "points": -20.0}, {"cause": "milestones", "factor": null, "points": 2.0}],
    "from_model": {"id": null, "key": "shipped", "number": null, "name": "Adoption, engagement, support and milestones"},
    "to_model": {"id": null, "key": "shipped", "number": null, "name": "Adoption, engagement, support and milestones"}
}))]
pub struct HealthChange {
    /// Earlier day.
    from: NaiveDate,
    /// Later day.
    to: NaiveDate,
    /// Score at the end of the earlier day; null if there is none.
    from_score: Option<f64>,
    /// Score at the end of the later day; null if there is none.
    to_score: Option<f64>,
    /// Later score minus earlier score; null if either is null.
    difference: Option<f64>,
    /// Parts of the change. Their points add up to `difference` exactly. Empty if `difference` is null.
    #[schema(max_items = 60)]
    parts: Vec<ChangePart>,
    /// Health model that applied on the earlier day.
    from_model: ModelReference,
    /// Health model that applied on the later day.
    to_model: ModelReference,
}

/// Cause of a change of the health score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeCause {
    /// Change of a factor's sub-score.
    Factor,
    /// Inputs that appeared or disappeared, which shifts the weights of the other factors.
    MissingData,
    /// Change of the health model or of its version.
    Model,
    /// Milestones that were reached or missed, or whose effect fades.
    Milestones,
    /// Limit that keeps the score between 0 and 100.
    Limit,
    /// Override that was set, changed or ended.
    Override,
}

/// One part of a change of the health score.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"cause": "factor", "factor": "engagement", "points": -20.0}))]
pub struct ChangePart {
    /// Cause of this part.
    cause: ChangeCause,
    /// Key of the factor; null for other causes.
    #[schema(value_type = Option<Key>)]
    factor: Option<Key>,
    /// Points that this part adds to the score.
    points: f64,
}

/// Get the explanation of a health score change
///
/// Breaks the change between two days down into parts, in this order: the change of the model, evaluated for the
/// earlier day; inputs that appeared or disappeared; each factor's sub-score; milestones; the limits 0 and 100; and
/// overrides. The parts add up to the difference exactly.
#[utoipa::path(tag = "health", security(("bearer" = ["health:read"])), params(ChangeOptions, KnownAt),
    responses((status = 200, description = "The explanation of the change.", body = HealthChange)))]
#[get("/v1/customers/{id}/health/explain-change")]
pub async fn explain_health_change(
    cx: Context,
    id: Path<Uuid>,
    options: Query<ChangeOptions>,
    known: KnownAt,
) -> Result<Answer, ApiError> {
    let to = options.0.to.unwrap_or(known.today);
    let from = options.0.from.unwrap_or_else(|| plus_days(to, -TREND_DAYS));
    check_in_order(from, to)?;
    let mut conn = cx.survey().await?;
    let found = customer(&mut conn, cx.organization_id(), *id).await?;
    let (observed, models) = observe_one(&cx, &mut conn, found, Stretch { from, to, known_at: known.known_at }).await?;
    let one = |on| observed.days(&models, on, on).pop().ok_or_else(|| ApiError::internal("a stretch has no day"));
    let (before, after) = (one(from)?, one(to)?);
    let before_in_model = observed.score(&after.model.content, from);
    let change = HealthChange {
        from,
        to,
        from_score: before.score(),
        to_score: after.score(),
        difference: before.score().zip(after.score()).map(|(before, after)| after - before),
        parts: parts(&before, &before_in_model, &after),
        from_model: ModelReference::of(&before.model),
        to_model: ModelReference::of(&after.model),
    };
    Ok(Answer::ok(&change)?.content_tag())
}

fn parts(before: &Day, before_in_model: &Score, after: &Day) -> Vec<ChangePart> {
    let Some(found) = explain(&before.computed, before_in_model, &after.computed, &after.model.content) else {
        // If one of the days has no computed score, overrides account for the whole difference.
        let set = before.score().zip(after.score()).map(|(before, after)| after - before);
        return set
            .map(|points| ChangePart { cause: ChangeCause::Override, factor: None, points })
            .into_iter()
            .collect();
    };
    let part = |(cause, points)| {
        let (cause, factor) = match cause {
            Cause::Factor(at) => {
                (ChangeCause::Factor, after.model.content.factors.get(at).map(|factor| factor.key.clone()))
            }
            Cause::MissingData => (ChangeCause::MissingData, None),
            Cause::Model => (ChangeCause::Model, None),
            Cause::Milestones => (ChangeCause::Milestones, None),
            Cause::Limit => (ChangeCause::Limit, None),
        };
        ChangePart { cause, factor, points }
    };
    let mut parts: Vec<ChangePart> = found.into_iter().map(part).collect();
    let set = after.set_by() - before.set_by();
    if set != 0.0 {
        parts.push(ChangePart { cause: ChangeCause::Override, factor: None, points: set });
    }
    parts
}
