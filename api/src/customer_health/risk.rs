//! The model of customers' risk that applies.

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::statistics::logistic::Logistic;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::ApiError;
use crate::store::Conn;
use crate::store::risk_models::{self, RiskModelRow};

/// How many days before a day can matter to a customer's risk.
pub const REACH_DAYS: i64 = 60;

/// What a fitted model has learned, and from what.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Learned {
    /// Within how many days the chance is that it states.
    pub horizon_days: u32,
    /// How strongly it was held back.
    pub ridge: f64,
    /// What its figures are called.
    pub features: Vec<String>,
    /// What was learned.
    pub logistic: Logistic,
    /// The days on which customers were looked at.
    pub evaluated_on: Vec<NaiveDate>,
    /// How many customers and days it has learned from.
    pub cases: usize,
    /// How many of them were followed by a loss.
    pub churned: usize,
    /// How well it would have told.
    pub holdout: Option<Holdout>,
}

/// How well a model fitted on earlier days told what came after later ones.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "from": "2025-07-01", "cases": 100, "churned": 12, "area": 0.79, "area_from": 0.68, "area_to": 0.9, "points_area": 0.71, "p_value": 0.08,
    "brier": 0.08, "brier_skill": 0.2
}))]
pub struct Holdout {
    /// The first of the later days.
    pub from: NaiveDate,
    /// How many customers and days.
    #[schema(maximum = 1_000_000)]
    pub cases: usize,
    /// How many of them were followed by a loss.
    #[schema(maximum = 1_000_000)]
    pub churned: usize,
    /// The area under the receiver operating characteristic.
    pub area: f64,
    /// Where its 95 % interval begins.
    pub area_from: f64,
    /// Where its 95 % interval ends.
    pub area_to: f64,
    /// The area that the points have on the same cases.
    pub points_area: f64,
    /// The chance of such a difference between the two if there were none (DeLong's paired test).
    pub p_value: f64,
    /// The mean squared error of the chances it states.
    pub brier: f64,
    /// What part of the error is saved that always stating the share of those lost would have.
    pub brier_skill: Option<f64>,
}

impl Learned {
    /// From what is kept.
    pub fn of(row: &RiskModelRow) -> Result<Self, ApiError> {
        Ok(serde_json::from_str(&row.content)?)
    }
}

/// The model fitted last, as far as it was there at an instant, with what it has learned.
pub async fn latest(
    conn: &mut Conn,
    organization_id: Uuid,
    known_at: DateTime<Utc>,
) -> Result<Option<(RiskModelRow, Learned)>, ApiError> {
    let Some(row) = risk_models::latest(conn, organization_id, known_at).await? else { return Ok(None) };
    let learned = Learned::of(&row)?;
    Ok(Some((row, learned)))
}
