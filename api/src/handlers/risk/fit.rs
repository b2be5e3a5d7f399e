//! Fitting and listing risk models, which learn from the outcomes of the organization's own customers.

use actix_web::{get, post};
use chrono::NaiveDate;
use milepost_domain::customer::backtest::{Case, brier};
use milepost_domain::customer::risk::{assess, feature_names};
use milepost_domain::statistics::calibration::calibration;
use milepost_domain::statistics::logistic::Logistic;
use milepost_domain::statistics::roc::{auc, compare};
use serde::Deserialize;
use utoipa::ToSchema;

use super::RiskModel;
use crate::answer::Answer;
use crate::archiving::ArchivedFilter;
use crate::context::Context;
use crate::customer_health::look_back;
use crate::customer_health::look_back::{KnownBy, LookBack, Question};
use crate::customer_health::observed::Needs;
use crate::customer_health::risk::{Holdout, Learned, REACH_DAYS};
use crate::error::ApiError;
use crate::extract::{Body, Query};
use crate::paging::{Page, Paging};
use crate::store::customers;
use crate::store::keyset::{Direction, Order, Position};
use crate::store::risk_models::{self, RiskModelRow};
use crate::store::row as rows;
use crate::unit::Entity;

/// Risk model to fit.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"horizon_days": 90, "from": "2025-01-01", "to": "2026-01-31"}))]
pub struct RiskFitDraft {
    /// Horizon in days: the model states the probability of a loss within this time.
    #[schema(minimum = 7, maximum = 730)]
    horizon_days: u32,
    /// First evaluation day. The next ones follow one horizon apart.
    from: NaiveDate,
    /// Latest possible evaluation day.
    to: NaiveDate,
    /// Strength of the ridge penalty that shrinks the coefficients. Defaults to 1.
    #[serde(default = "usual_ridge")]
    #[schema(minimum = 0.001, maximum = 1000, default = 1)]
    ridge: f64,
    /// Rule for the events and records that count as known on a day. Defaults to `received`.
    #[serde(default)]
    known_by: KnownBy,
}

const fn usual_ridge() -> f64 {
    1.0
}

/// One case: a customer on a day, with what was known and whether it was lost.
struct Example {
    on: NaiveDate,
    features: Vec<f64>,
    points: f64,
    churned: bool,
}

/// Create a risk model
///
/// Fits a discrete-time logistic regression with a ridge penalty on the outcomes of the organization's customers. Each
/// customer on each evaluation day is a case: its features come from what was known at the end of that day, and its
/// result is whether the customer was lost within the horizon. A first fit on the earlier days is tested on the later
/// third of the days. The final model is fitted on all days. It is a draft: `lacks` says what it lacks to be activated. The request fails
/// if fewer than 10 losses fall within the horizons, or if, with `known_by: received`, most of the history had not been received by the
/// days in question.
#[utoipa::path(tag = "risk", security(("bearer" = ["health:write"])), request_body = RiskFitDraft,
    responses((status = 201, description = "The created risk model.", body = RiskModel)))]
#[post("/v1/risk-models/fit")]
pub async fn fit_risk_model(cx: Context, body: Body<RiskFitDraft>) -> Result<Answer, ApiError> {
    let draft = body.0;
    let RiskFitDraft { horizon_days, from, to, ridge, known_by } = draft;
    let mut conn = cx.survey().await?;
    let own = customers::all(&mut conn, cx.organization_id()).await?;
    let question = Question { from, to, horizon_days, known_by };
    let needs = Needs { reach_days: Some(REACH_DAYS), ..Needs::default() };
    let back = look_back::look_back(&cx, &mut conn, own, needs, question, |_| true).await?;
    drop(conn);
    let content = tokio::task::spawn_blocking(move || learn(&back, horizon_days, ridge));
    let content = content.await.map_err(ApiError::internal)?.ok_or_else(|| {
        ApiError::field("/ridge", "no_fit", "the fit does not converge; use more days or a larger ridge")
    })?;
    cx.write(async |unit| {
        let row = RiskModelRow {
            id: unit.new_id(),
            content: serde_json::to_string(&content)?,
            author: unit.author(),
            fitted_at: unit.now,
            archived_at: None,
        };
        rows::insert(&mut unit.conn, unit.organization_id, &row).await?;
        let model = RiskModel::of(row, &[])?;
        unit.record_created(Entity::RiskModel, model.id, &model).await?;
        Answer::created("/v1/risk-models", &model)
    })
    .await
}

/// List risk models
///
/// Returns the newest model first. `status` says which one applies.
#[utoipa::path(tag = "risk", security(("bearer" = ["health:read"])), params(Paging, ArchivedFilter),
    responses((status = 200, description = "A page of risk models.", body = Page<RiskModel>)))]
#[get("/v1/risk-models")]
pub async fn list_risk_models(
    cx: Context,
    paging: Paging,
    archived: Query<ArchivedFilter>,
) -> Result<Answer, ApiError> {
    let slice = paging.slice(Order::Id, Direction::Descending)?;
    let mut conn = cx.snapshot().await?;
    let activations = risk_models::activations(&mut conn, cx.organization_id()).await?;
    let rows: Vec<RiskModelRow> =
        rows::page(&mut conn, cx.organization_id(), &[archived.0.condition()], &slice).await?;
    paging.try_answer(rows, |row| Position { key: None, id: row.id }, |row| RiskModel::of(row, &activations))
}

fn learn(back: &LookBack, horizon_days: u32, ridge: f64) -> Option<Learned> {
    let examples: Vec<Example> = back
        .looks
        .iter()
        .map(|look| {
            let known = back.then(look, look.on).risk_known(look.on);
            let risk = assess(&known, look.on);
            let churned = look.churned_on.is_some();
            Example { on: look.on, features: risk.features(), points: risk.points, churned }
        })
        .collect();
    let churned = examples.iter().filter(|one| one.churned).count();
    Some(Learned {
        horizon_days,
        ridge,
        features: feature_names(),
        logistic: fit(&examples.iter().collect::<Vec<_>>(), ridge)?,
        evaluated_on: back.days.clone(),
        cases: examples.len(),
        churned,
        holdout: hold_out(&examples, &back.days, ridge),
    })
}

fn fit(examples: &[&Example], ridge: f64) -> Option<Logistic> {
    let rows: Vec<Vec<f64>> = examples.iter().map(|one| one.features.clone()).collect();
    let churned: Vec<bool> = examples.iter().map(|one| one.churned).collect();
    Logistic::fit(&rows, &churned, ridge)
}

/// Fits on the earlier two thirds of the days and tests on the rest.
fn hold_out(examples: &[Example], days: &[NaiveDate], ridge: f64) -> Option<Holdout> {
    let from = *days.get(days.len() - days.len() / 3).filter(|_| days.len() >= 3)?;
    let (earlier, later): (Vec<&Example>, Vec<&Example>) = examples.iter().partition(|one| one.on < from);
    let model = fit(&earlier, ridge)?;
    let chances: Vec<f64> = later.iter().map(|one| model.probability(&one.features)).collect();
    let points: Vec<f64> = later.iter().map(|one| one.points).collect();
    let churned: Vec<bool> = later.iter().map(|one| one.churned).collect();
    let found = auc(&chances, &churned)?;
    let beside = compare(&chances, &points, &churned)?;
    let case = |(chance, churned): (&f64, &bool)| Case { score: 100.0 * (1.0 - chance), churned: *churned };
    let cases: Vec<Case> = chances.iter().zip(&churned).map(case).collect();
    let error = brier(&cases)?;
    Some(Holdout {
        from,
        cases: later.len(),
        churned: churned.iter().filter(|one| **one).count(),
        area: found.area,
        area_from: found.interval.0,
        area_to: found.interval.1,
        points_area: auc(&points, &churned)?.area,
        p_value: beside.p_value,
        brier: error.score,
        brier_skill: Some(error.skill),
        expected: Some(chances.iter().sum()),
        calibration_p: calibration(&chances, &churned).map(|found| found.p_value),
    })
}
