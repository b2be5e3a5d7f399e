//! Why a customer's score changed between two days.

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
use crate::customer_health::observed::{Day, Stretch, TREND_DAYS};
use crate::error::ApiError;
use crate::extract::Query;
use crate::time_travel::KnownAt;

/// Between which days.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ChangeOptions {
    /// The earlier day; 30 days before the later one if left out.
    from: Option<NaiveDate>,
    /// The later day; today if left out.
    to: Option<NaiveDate>,
}

/// Why a score changed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "from": "2026-04-04", "to": "2026-05-04", "from_score": 80.0, "to_score": 62.0, "difference": -18.0,
    "parts": [{"cause": "factor", "factor": "engagement", "points": -20.0}, {"cause": "milestones", "factor": null, "points": 2.0}],
    "from_model": {"id": null, "key": "shipped", "number": null, "name": "Adoption, engagement, support and milestones"},
    "to_model": {"id": null, "key": "shipped", "number": null, "name": "Adoption, engagement, support and milestones"}
}))]
pub struct HealthChange {
    /// The earlier day.
    from: NaiveDate,
    /// The later day.
    to: NaiveDate,
    /// The score at the end of the earlier day.
    from_score: Option<f64>,
    /// The score at the end of the later day.
    to_score: Option<f64>,
    /// The later minus the earlier; null if one of them is.
    difference: Option<f64>,
    /// What it is made of: the sum is the difference, to the last digit. Empty if there is none.
    #[schema(max_items = 60)]
    parts: Vec<ChangePart>,
    /// The model that applied on the earlier day.
    from_model: ModelReference,
    /// The model that applied on the later day.
    to_model: ModelReference,
}

/// What can change a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeCause {
    /// A factor is worth more or less.
    Factor,
    /// Inputs came or went, and others weigh more or less for it.
    MissingData,
    /// Another model applies, or another version.
    Model,
    /// Milestones were reached or missed, or that fades.
    Milestones,
    /// The score is kept between 0 and 100.
    Limit,
    /// Someone has set the score, or no longer does.
    Override,
}

/// A part of a change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"cause": "factor", "factor": "engagement", "points": -20.0}))]
pub struct ChangePart {
    /// What it is.
    cause: ChangeCause,
    /// The factor's key, where it is one.
    #[schema(value_type = Option<Key>)]
    factor: Option<Key>,
    /// By how many points it has changed the score.
    points: f64,
}

/// Explains why a customer's score changed between two days
///
/// First the change of the model, with what was known on the earlier day; then inputs that came or went; then what each factor is worth;
/// then milestones, the limits and what someone has set.
#[utoipa::path(tag = "health", security(("bearer" = ["health:read"])), params(ChangeOptions, KnownAt),
    responses((status = 200, description = "Why.", body = HealthChange)))]
#[get("/v1/customers/{id}/health/explain-change")]
pub async fn explain_health_change(
    cx: Context,
    id: Path<Uuid>,
    options: Query<ChangeOptions>,
    known: Query<KnownAt>,
) -> Result<Answer, ApiError> {
    let known_at = known.0.known_at;
    let to = options.0.to.unwrap_or_else(|| cx.date_of(known_at.unwrap_or(cx.now)));
    let from = options.0.from.unwrap_or_else(|| plus_days(to, -TREND_DAYS));
    if from > to {
        return Err(ApiError::parameter("from", "out_of_order", format!("must not be after {to}")));
    }
    let mut conn = cx.snapshot().await?;
    let found = customer(&mut conn, cx.organization_id(), *id).await?;
    let (observed, models) = observe_one(&cx, &mut conn, found, Stretch { from, to, known_at }).await?;
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
        // Where nothing is computed on one of the days, what is left of the difference is what was set.
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
