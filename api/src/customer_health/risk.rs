//! Fitted risk models, and the one that applies.

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::customer::risk::{
    Known, Level, Risk, assess, feature_names, level_of_points, level_of_probability,
};
use milepost_domain::customer::risk_model::{Lack, Tested, lacks};
use milepost_domain::statistics::logistic::Logistic;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::ApiError;
use crate::store::Conn;
use crate::store::risk_models::{self, RiskModelRow};

/// Number of days before a day that can matter to a customer's risk.
pub const REACH_DAYS: i64 = 60;

/// A fitted risk model, with the data it was fitted on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Learned {
    /// Horizon in days: the model states the probability of a loss within this time.
    pub horizon_days: u32,
    /// Strength of the ridge penalty.
    pub ridge: f64,
    /// Names of the features.
    pub features: Vec<String>,
    /// Fitted logistic regression.
    pub logistic: Logistic,
    /// Evaluation days.
    pub evaluated_on: Vec<NaiveDate>,
    /// Number of cases that the model was fitted on.
    pub cases: usize,
    /// Number of cases that were followed by a loss.
    pub churned: usize,
    /// Quality on held-out data.
    pub holdout: Option<Holdout>,
}

/// Quality of a risk model on held-out data: the model was fitted on earlier days and tested on later ones.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "from": "2025-07-01", "cases": 100, "churned": 12, "area": 0.79, "area_from": 0.68, "area_to": 0.9, "points_area": 0.71, "p_value": 0.08,
    "brier": 0.08, "brier_skill": 0.2, "expected": 11.4, "calibration_p": 0.61
}))]
pub struct Holdout {
    /// First of the later days.
    pub from: NaiveDate,
    /// Number of cases on the later days.
    #[schema(maximum = 1_000_000)]
    pub cases: usize,
    /// Number of cases that were followed by a loss.
    #[schema(maximum = 1_000_000)]
    pub churned: usize,
    /// Area under the receiver operating characteristic (AUC).
    pub area: f64,
    /// Lower bound of the 95% confidence interval of the area.
    pub area_from: f64,
    /// Upper bound of the 95% confidence interval of the area.
    pub area_to: f64,
    /// AUC of the sum of the factors' points on the same cases.
    pub points_area: f64,
    /// p-value of the difference between the two areas (DeLong's paired test): the probability of a difference at least
    /// this large if the model and the points were equally good.
    pub p_value: f64,
    /// Brier score: the mean squared error of the stated probabilities.
    pub brier: f64,
    /// Brier skill: the share of the error of always stating the overall loss rate that the model avoids; negative if
    /// it is worse.
    pub brier_skill: Option<f64>,
    /// Number of losses that the stated probabilities add up to, for comparison with `churned`; null for models fitted before it was kept.
    #[serde(default)]
    pub expected: Option<f64>,
    /// P-value of Spiegelhalter's test of calibration: the probability of losses that differ this much from the stated
    /// probabilities if these were right; null if it cannot be tested.
    #[serde(default)]
    pub calibration_p: Option<f64>,
}

impl Learned {
    /// Reads the model from its stored form.
    pub fn of(row: &RiskModelRow) -> Result<Self, ApiError> {
        Ok(serde_json::from_str(&row.content)?)
    }

    /// The probability that a customer is lost within the horizon. Features are found by name, so that a model outlives a
    /// change of what there is to find.
    fn probability(&self, risk: &Risk) -> f64 {
        let (names, values) = (feature_names(), risk.features());
        let value =
            |wanted: &String| names.iter().zip(&values).find(|(name, _)| *name == wanted).map_or(0.0, |one| *one.1);
        self.logistic.probability(&self.features.iter().map(value).collect::<Vec<_>>())
    }

    /// Shortcomings that keep it from being activated.
    pub fn lacks(&self) -> Vec<Lack> {
        let tested = self.holdout.as_ref().map(|found| Tested {
            area_from: found.area_from,
            brier_skill: found.brier_skill.unwrap_or(f64::NEG_INFINITY),
            calibration_p: found.calibration_p,
        });
        lacks(self.churned, &self.logistic.coefficients, tested)
    }
}

/// A customer's risk at the end of a day, with what the risk model says of it.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// Factors and indicators.
    pub risk: Risk,
    /// Probability that the customer is lost within the horizon; `None` without a risk model.
    pub probability: Option<f64>,
}

impl Judgement {
    /// Judges what is known of a customer at the end of a day.
    pub fn of(model: Option<&Learned>, known: &Known, on: NaiveDate) -> Self {
        let risk = assess(known, on);
        Self { probability: model.map(|model| model.probability(&risk)), risk }
    }

    /// The level: by the model, or by the factors' points without one.
    pub fn level(&self) -> Level {
        self.probability.map_or_else(|| level_of_points(self.risk.points), level_of_probability)
    }
}

/// The risk model in force on a day, as known now or at an instant, with its content.
pub async fn in_force(
    conn: &mut Conn,
    organization_id: Uuid,
    on: NaiveDate,
    known_at: Option<DateTime<Utc>>,
) -> Result<Option<(RiskModelRow, Learned)>, ApiError> {
    let Some(row) = risk_models::in_force(conn, organization_id, on, known_at).await? else { return Ok(None) };
    let learned = Learned::of(&row)?;
    Ok(Some((row, learned)))
}
