//! What speaks for customers being lost, and models fitted on what became of customers.

pub mod fit;
pub mod read;

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::logistic::Logistic;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::ApiError;
use crate::store::Conn;
use crate::store::risk_models::{self, RiskModelRow};

/// How many days before a day can matter to a customer's risk.
pub const REACH_DAYS: i64 = 60;

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
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"feature": "engagement_decline", "coefficient": 1.9}))]
pub struct Coefficient {
    /// A risk factor's severity from 0 to 1, or `active_share`: the share of the last 30 days on which the customer was active.
    #[schema(max_length = 100)]
    feature: String,
    /// What it adds.
    coefficient: f64,
}

/// How well a model fitted on earlier days told what came after later ones.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "from": "2025-07-01", "cases": 100, "churned": 12, "area": 0.79, "area_from": 0.68, "area_to": 0.9, "points_area": 0.71, "p_value": 0.08,
    "brier": 0.08, "brier_skill": 0.2
}))]
pub struct Holdout {
    /// The first of the later days.
    from: NaiveDate,
    /// How many customers and days.
    #[schema(maximum = 1_000_000)]
    cases: usize,
    /// How many of them were followed by a loss.
    #[schema(maximum = 1_000_000)]
    churned: usize,
    /// The area under the receiver operating characteristic.
    area: f64,
    /// Where its 95 % interval begins.
    area_from: f64,
    /// Where its 95 % interval ends.
    area_to: f64,
    /// The area that the points have on the same cases.
    points_area: f64,
    /// The chance of such a difference between the two if there were none (DeLong's paired test).
    p_value: f64,
    /// The mean squared error of the chances it states.
    brier: f64,
    /// What part of the error is saved that always stating the share of those lost would have.
    brier_skill: Option<f64>,
}

/// What is kept of a model.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Content {
    horizon_days: u32,
    ridge: f64,
    features: Vec<String>,
    logistic: Logistic,
    evaluated_on: Vec<NaiveDate>,
    cases: usize,
    churned: usize,
    holdout: Option<Holdout>,
}

impl RiskModel {
    fn of(row: RiskModelRow) -> Result<Self, ApiError> {
        let content: Content = serde_json::from_str(&row.content)?;
        let coefficients = content.features.into_iter().zip(content.logistic.coefficients);
        Ok(Self {
            id: row.id,
            horizon_days: content.horizon_days,
            ridge: content.ridge,
            intercept: content.logistic.intercept,
            coefficients: coefficients.map(|(feature, coefficient)| Coefficient { feature, coefficient }).collect(),
            evaluated_on: content.evaluated_on,
            cases: content.cases,
            churned: content.churned,
            holdout: content.holdout,
            author: row.author,
            fitted_at: row.fitted_at,
        })
    }
}

/// The model fitted last, as far as it was there at an instant, with what was learned.
pub async fn latest(
    conn: &mut Conn,
    organization_id: Uuid,
    known_at: DateTime<Utc>,
) -> Result<Option<(RiskModel, Logistic)>, ApiError> {
    let Some(row) = risk_models::latest(conn, organization_id, known_at).await? else { return Ok(None) };
    let content: Content = serde_json::from_str(&row.content)?;
    Ok(Some((RiskModel::of(row)?, content.logistic)))
}
