//! What speaks for customers being lost, and models fitted on what became of customers.

pub mod fit;
pub mod read;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::customer_health::risk::{Holdout, Learned};
use crate::error::ApiError;
use crate::store::risk_models::RiskModelRow;

/// A model of customers' risk.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "horizon_days": 90, "ridge": 1.0, "intercept": -2.8,
    "coefficients": [{"feature": "engagement_decline", "coefficient": 1.9}], "evaluated_on": ["2025-01-01", "2025-04-01"], "cases": 210, "churned": 24,
    "holdout": null, "author": "api_client:0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "fitted_at": "2026-05-04T12:00:00Z"
}))]
pub struct RiskModel {
    /// Its id.
    id: Uuid,
    /// Within how many days the chance is that it states.
    #[schema(minimum = 7)]
    horizon_days: u32,
    /// How strongly it was held back.
    ridge: f64,
    /// The intercept.
    intercept: f64,
    /// One for each feature.
    #[schema(max_items = 100)]
    coefficients: Vec<Coefficient>,
    /// The days on which customers were looked at.
    #[schema(max_items = 10_000)]
    evaluated_on: Vec<NaiveDate>,
    /// How many customers and days it has learned from.
    #[schema(maximum = 1_000_000)]
    cases: usize,
    /// How many of them were followed by a loss within the horizon.
    #[schema(maximum = 1_000_000)]
    churned: usize,
    /// How well a model fitted on the earlier days told what came after the later ones; null where there were too few of either.
    holdout: Option<Holdout>,
    /// Who fitted it.
    #[schema(max_length = 300)]
    author: String,
    /// When it was fitted.
    fitted_at: DateTime<Utc>,
}

/// What one more of a feature adds to the logarithm of the odds of being lost.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"feature": "engagement_decline", "coefficient": 1.9}))]
pub struct Coefficient {
    /// A risk factor's severity from 0 to 1, or `active_share`: the share of the last 30 days on which the customer was active.
    #[schema(max_length = 100)]
    feature: String,
    /// What it adds.
    coefficient: f64,
}

impl RiskModel {
    fn of(row: RiskModelRow) -> Result<Self, ApiError> {
        let learned = Learned::of(&row)?;
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
            author: row.author,
            fitted_at: row.fitted_at,
        })
    }
}
