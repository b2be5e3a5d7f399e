//! Customers' risk of being lost, and risk models fitted on the organization's own outcomes.

pub mod activate;
pub mod fit;
pub mod read;

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::customer::risk_model::ModelStatus;
use milepost_domain::values::text::Reason;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::customer_health::risk::{Holdout, Learned};
use crate::error::ApiError;
use crate::store::author::Author;
use crate::store::risk_models::{RiskActivation, RiskModelRow};

/// A risk model: it estimates the probability that a customer is lost.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "horizon_days": 90, "ridge": 1.0, "intercept": -2.8,
    "coefficients": [{"feature": "engagement_decline", "coefficient": 1.9}], "evaluated_on": ["2025-01-01", "2025-04-01"], "cases": 210, "churned": 24,
    "holdout": null, "status": "draft", "activated_at": null, "activation_reason": null,
    "lacks": [
        {"code": "not_tested", "detail": "it could not be tested on later days: there were too few days, or too few losses on them"}
    ],
    "author": {"type": "api_client", "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11"}, "fitted_at": "2026-05-04T12:00:00Z", "archived_at": null
}))]
pub struct RiskModel {
    /// Identifier.
    id: Uuid,
    /// Horizon in days: the model states the probability of a loss within this time.
    #[schema(minimum = 7)]
    horizon_days: u32,
    /// Strength of the ridge penalty that shrinks the coefficients.
    ridge: f64,
    /// Intercept.
    intercept: f64,
    /// Coefficients, one per feature.
    #[schema(max_items = 100)]
    coefficients: Vec<Coefficient>,
    /// Evaluation days.
    #[schema(max_items = 10_000)]
    evaluated_on: Vec<NaiveDate>,
    /// Number of cases that the model was fitted on. A case is one customer on one evaluation day.
    #[schema(maximum = 1_000_000)]
    cases: usize,
    /// Number of cases that were followed by a loss within the horizon.
    #[schema(maximum = 1_000_000)]
    churned: usize,
    /// Quality on held-out data: a model fitted on the earlier days and tested on the later ones; null if there were
    /// too few days or losses.
    holdout: Option<Holdout>,
    /// Status.
    status: ModelStatus,
    /// Time at which it was last activated; null if it never was.
    activated_at: Option<DateTime<Utc>>,
    /// Reason for which it was activated although it lacks something; null if there was none.
    activation_reason: Option<Reason>,
    /// Shortcomings that keep the model from being activated without a reason; empty if it has earned its place.
    #[schema(max_items = 10)]
    lacks: Vec<RiskModelLack>,
    /// Author of the model: the caller that fitted it.
    author: Author,
    /// Time of the fit.
    fitted_at: DateTime<Utc>,
    /// Time of archiving; null while in use.
    archived_at: Option<DateTime<Utc>>,
}

/// A shortcoming of a risk model.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "code": "no_better_than_chance",
    "detail": "on later days it may be no better than chance: the interval of its AUC begins at 0.44"
}))]
pub struct RiskModelLack {
    /// Code: `learned_nothing`, `too_few_losses`, `not_tested`, `no_better_than_chance`, `no_skill` or `miscalibrated`.
    #[schema(max_length = 100)]
    code: &'static str,
    /// Explanation, with the figures.
    #[schema(max_length = 1000)]
    detail: String,
}

/// A coefficient of a risk model.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"feature": "engagement_decline", "coefficient": 1.9}))]
pub struct Coefficient {
    /// Feature: a risk factor, whose value is its severity from 0 to 1, or `active_share`, the share of the last 30
    /// days on which the customer was active.
    #[schema(max_length = 100)]
    feature: String,
    /// Change of the log odds of a loss per unit of the feature.
    coefficient: f64,
}

impl RiskModel {
    /// A model as it is shown, given all activations of the organization, oldest first.
    fn of(row: RiskModelRow, activations: &[RiskActivation]) -> Result<Self, ApiError> {
        let learned = Learned::of(&row)?;
        let is_own = |one: &&RiskActivation| one.risk_model_id == Some(row.id);
        let activation = activations.iter().rfind(is_own);
        let status = match activation {
            None => ModelStatus::Draft,
            Some(_) if activations.last().as_ref().is_some_and(is_own) => ModelStatus::Active,
            Some(_) => ModelStatus::Retired,
        };
        let lacks = learned.lacks();
        let coefficients = learned.features.into_iter().zip(learned.logistic.coefficients);
        Ok(Self {
            id: row.id,
            horizon_days: learned.horizon_days,
            ridge: learned.ridge,
            intercept: learned.logistic.intercept,
            coefficients: coefficients.map(|(feature, coefficient)| Coefficient { feature, coefficient }).collect(),
            evaluated_on: learned.evaluated_on,
            cases: learned.cases,
            churned: learned.churned,
            holdout: learned.holdout,
            status,
            activated_at: activation.map(|one| one.activated_at),
            activation_reason: activation.and_then(|one| one.reason.clone()),
            lacks: lacks.iter().map(|lack| RiskModelLack { code: lack.into(), detail: lack.to_string() }).collect(),
            author: row.author,
            fitted_at: row.fitted_at,
            archived_at: row.archived_at,
        })
    }
}
