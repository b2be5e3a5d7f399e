//! Backtest of a health model version: how well its scores would have predicted the loss of customers.

use std::sync::Arc;

use actix_web::post;
use actix_web::web::Path;
use chrono::NaiveDate;
use milepost_domain::customer::backtest::{Bin, Case, Edge, at_edge, brier, calibration, lift_at_top_decile, median};
use milepost_domain::statistics::roc::{Auc, auc, compare};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::find_candidate;
use crate::answer::Answer;
use crate::context::Context;
use crate::customer_health::look_back;
use crate::customer_health::look_back::{KnownBy, Look, Question, weeks_before};
use crate::customer_health::models::{AppliedModel, Models};
use crate::customer_health::observed::Observed;
use crate::error::ApiError;
use crate::extract::Body;
use crate::store::customers;

/// Backtest to run.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"horizon_days": 90, "from": "2025-01-01", "to": "2026-01-31"}))]
pub struct BacktestDraft {
    /// Horizon in days: a case counts as lost if the customer is lost within this time after the score.
    #[schema(minimum = 7, maximum = 730)]
    horizon_days: u32,
    /// First evaluation day. The next ones follow one horizon apart.
    from: NaiveDate,
    /// Latest possible evaluation day.
    to: NaiveDate,
    /// Number of the version, draft or published. Defaults to the newest.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// Rule for the events and records that count as known on a day. Defaults to `received`.
    #[serde(default)]
    known_by: KnownBy,
}

/// Results of a backtest: how well the scores predicted the loss of customers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "version": 2, "horizon_days": 90, "evaluated_on": ["2025-01-01", "2025-04-01"], "known_by": "received", "cases": 210, "churned": 24, "unscored": 4,
    "auc": {"area": 0.81, "standard_error": 0.04, "from": 0.73, "to": 0.89}, "active": null,
    "brier": {"score": 0.09, "reference": 0.10, "skill": 0.1}, "calibration": [{"from": 80.0, "cases": 60, "stated": 0.14, "observed": 0.05}],
    "lift_at_top_decile": 4.2, "critical": {"below": 40.0, "flagged": 20, "precision": 0.5, "recall": 0.42},
    "at_risk": {"below": 70.0, "flagged": 60, "precision": 0.3, "recall": 0.75}, "median_lead_days": 42.0
}))]
pub struct Backtest {
    /// Number of the version, counting from 1; null for the shipped model.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// Horizon in days.
    #[schema(minimum = 7)]
    horizon_days: u32,
    /// Evaluation days.
    #[schema(max_items = 10_000)]
    evaluated_on: Vec<NaiveDate>,
    /// Rule for the events and records that counted as known on a day.
    known_by: KnownBy,
    /// Number of cases: each customer on each evaluation day on which it was a customer and had a score.
    #[schema(maximum = 1_000_000)]
    cases: usize,
    /// Number of cases that were followed by a loss within the horizon.
    #[schema(maximum = 1_000_000)]
    churned: usize,
    /// Number of further cases that are left out because too little was known for a band.
    #[schema(maximum = 1_000_000)]
    unscored: usize,
    /// Area under the curve (AUC): the probability that a lost customer had a lower score than a retained one; null
    /// without both kinds of cases.
    auc: Option<AucFigures>,
    /// Comparison with the models that applied on those days, on the same cases; null if they have too few scores.
    active: Option<ActiveFigures>,
    /// Brier score of the health score, read as the probability in percent that the customer stays; null without both
    /// kinds of cases.
    brier: Option<BrierFigures>,
    /// Calibration: stated and observed loss by tenths of the scale. Tenths without cases are left out.
    #[schema(max_items = 10)]
    calibration: Vec<CalibrationBin>,
    /// Lift: the loss rate of the tenth of the cases with the lowest scores, divided by the loss rate of all cases;
    /// null without losses.
    lift_at_top_decile: Option<f64>,
    /// Precision and recall of the prediction that all customers in the critical band are lost.
    critical: EdgeFigures,
    /// Precision and recall of the prediction that all customers below the healthy band are lost.
    at_risk: EdgeFigures,
    /// Median lead time in days: how long lost customers had been below the healthy band without a break before their
    /// loss. Checked week by week for up to half a year; null if no lost customer had been below it.
    median_lead_days: Option<f64>,
}

/// Area under the receiver operating characteristic (AUC).
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"area": 0.81, "standard_error": 0.04, "from": 0.73, "to": 0.89}))]
pub struct AucFigures {
    /// Area: 0.5 is chance, 1 is perfect.
    area: f64,
    /// Standard error of the area (DeLong).
    standard_error: f64,
    /// Lower bound of the 95% confidence interval.
    from: f64,
    /// Upper bound of the 95% confidence interval.
    to: f64,
}

impl From<Auc> for AucFigures {
    fn from(found: Auc) -> Self {
        let Auc { area, standard_error, interval: (from, to) } = found;
        Self { area, standard_error, from, to }
    }
}

/// Comparison of the candidate with the models that applied, on the same cases.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"cases": 200, "area": 0.74, "candidate_area": 0.81, "difference": 0.07, "standard_error": 0.03, "p_value": 0.02}))]
pub struct ActiveFigures {
    /// Number of cases in which both have a score.
    #[schema(maximum = 1_000_000)]
    cases: usize,
    /// AUC of the models that applied, in these cases.
    area: f64,
    /// AUC of the candidate in these cases.
    candidate_area: f64,
    /// AUC of the candidate minus the AUC of the models that applied.
    difference: f64,
    /// Standard error of the difference (DeLong's test for paired curves).
    standard_error: f64,
    /// p-value: the probability of a difference at least this large if the candidate and the models that applied were
    /// equally good.
    p_value: f64,
}

/// Quality of the scores as statements of probability.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"score": 0.09, "reference": 0.10, "skill": 0.1}))]
pub struct BrierFigures {
    /// Brier score: the mean squared error.
    score: f64,
    /// Mean squared error of always stating the overall share of lost customers.
    reference: f64,
    /// Skill: the share of the reference's error that the scores avoid; negative if they are worse than the reference.
    skill: f64,
}

/// Cases whose scores lie in one tenth of the scale.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"from": 80.0, "cases": 60, "stated": 0.14, "observed": 0.05}))]
pub struct CalibrationBin {
    /// Lowest score of this tenth.
    from: f64,
    /// Number of cases.
    #[schema(maximum = 1_000_000)]
    cases: usize,
    /// Mean probability of loss that the scores state.
    stated: f64,
    /// Share of the cases that were lost.
    observed: f64,
}

/// Precision and recall of the prediction that all customers below a bound are lost.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"below": 40.0, "flagged": 20, "precision": 0.5, "recall": 0.42}))]
pub struct EdgeFigures {
    /// Bound.
    below: f64,
    /// Number of cases below the bound.
    #[schema(maximum = 1_000_000)]
    flagged: usize,
    /// Precision: the share of the cases below the bound that were lost; null if there are none.
    precision: Option<f64>,
    /// Recall: the share of the lost cases that were below the bound; null if none was lost.
    recall: Option<f64>,
}

/// A case with its scores by the candidate and by the model that applied.
struct Scored {
    candidate: Option<f64>,
    active: Option<f64>,
    churned: bool,
}

/// Backtest a health model
///
/// On every evaluation day, each customer is scored from what was known at the end of that day. The score is then
/// compared with the customer's outcome within the horizon. Nothing is saved. Use `shipped` as the key to test the
/// shipped model. The request fails if fewer than 10 losses fall within the horizons.
#[utoipa::path(tag = "health-models", security(("bearer" = ["health:read"])), request_body = BacktestDraft,
    responses((status = 200, description = "The results of the backtest.", body = Backtest)))]
#[post("/v1/health-models/{health_model}/backtest")]
pub async fn backtest_health_model(
    cx: Context,
    model: Path<String>,
    body: Body<BacktestDraft>,
) -> Result<Answer, ApiError> {
    let draft = body.0;
    let mut conn = cx.survey().await?;
    let candidate = find_candidate(&mut conn, cx.organization_id(), &model, draft.version).await?;
    let active = Models::load(&mut conn, cx.organization_id(), None).await?.of_today();
    let own = customers::all(&mut conn, cx.organization_id()).await?;
    let needs = Models::needs_of_all(&[&active, &Models::only(Arc::clone(&candidate))]);
    let BacktestDraft { horizon_days, from, to, known_by, .. } = draft;
    let question = Question { from, to, horizon_days, known_by };
    let admits = |segment: Option<&str>| candidate.content.admits(segment);
    let back = look_back::look_back(&cx, &mut conn, own, needs, question, admits).await?;
    drop(conn);
    let proven = tokio::task::spawn_blocking(move || {
        let looks = &back.looks;
        let scored: Vec<Scored> =
            looks.iter().map(|look| score(&back.then(look, look.on), look, &candidate, &active)).collect();
        let lead = |look: &Look| lead_days(look, &candidate, |on| back.then(look, on));
        let mut leads: Vec<i64> = looks.iter().filter_map(lead).collect();
        prove(&draft, &candidate, back.days.clone(), &scored, median(&mut leads))
    });
    Answer::ok(&proven.await.map_err(ApiError::internal)?)
}

fn score(then: &Observed, look: &Look, candidate: &AppliedModel, active: &Models) -> Scored {
    let applied = active.on(then.segment_on(look.on), look.on);
    let covered = |model: &AppliedModel| then.score(&model.content, look.on).covered(&model.content);
    Scored { candidate: covered(candidate), active: covered(applied), churned: look.churned_on.is_some() }
}

/// The number of days before its loss in which a customer had been below the healthy band without a break.
fn lead_days(look: &Look, candidate: &AppliedModel, then: impl Fn(NaiveDate) -> Observed) -> Option<i64> {
    let lost_on = look.churned_on?;
    let is_flagged = |on: &NaiveDate| {
        let score = then(*on).score(&candidate.content, *on).covered(&candidate.content);
        score.is_some_and(|score| score < candidate.content.bands.healthy_from)
    };
    let since = weeks_before(look).take_while(is_flagged).last()?;
    Some((lost_on - since).num_days())
}

fn prove(
    draft: &BacktestDraft,
    candidate: &AppliedModel,
    evaluated_on: Vec<NaiveDate>,
    scored: &[Scored],
    median_lead_days: Option<f64>,
) -> Backtest {
    let case = |one: &Scored| Some(Case { score: one.candidate?, churned: one.churned });
    let cases: Vec<Case> = scored.iter().filter_map(case).collect();
    // The lower a score, the more likely the loss.
    let risks: Vec<f64> = cases.iter().map(|case| -case.score).collect();
    let churned: Vec<bool> = cases.iter().map(|case| case.churned).collect();
    let bands = &candidate.content.bands;
    let edge = |below: f64| {
        let Edge { flagged, precision, recall } = at_edge(&cases, below);
        EdgeFigures { below, flagged, precision, recall }
    };
    let bin =
        |bin: Bin| CalibrationBin { from: bin.from, cases: bin.cases, stated: bin.stated, observed: bin.observed };
    Backtest {
        version: candidate.number,
        horizon_days: draft.horizon_days,
        evaluated_on,
        known_by: draft.known_by,
        cases: cases.len(),
        churned: churned.iter().filter(|churned| **churned).count(),
        unscored: scored.len() - cases.len(),
        auc: auc(&risks, &churned).map(AucFigures::from),
        active: beside_active(scored),
        brier: brier(&cases).map(|found| BrierFigures {
            score: found.score,
            reference: found.reference,
            skill: found.skill,
        }),
        calibration: calibration(&cases).into_iter().map(bin).collect(),
        lift_at_top_decile: lift_at_top_decile(&cases),
        critical: edge(bands.at_risk_from),
        at_risk: edge(bands.healthy_from),
        median_lead_days,
    }
}

fn beside_active(scored: &[Scored]) -> Option<ActiveFigures> {
    let both: Vec<(f64, f64, bool)> =
        scored.iter().filter_map(|one| Some((-one.candidate?, -one.active?, one.churned))).collect();
    let candidate: Vec<f64> = both.iter().map(|one| one.0).collect();
    let active: Vec<f64> = both.iter().map(|one| one.1).collect();
    let churned: Vec<bool> = both.iter().map(|one| one.2).collect();
    let compared = compare(&candidate, &active, &churned)?;
    Some(ActiveFigures {
        cases: both.len(),
        area: auc(&active, &churned)?.area,
        candidate_area: auc(&candidate, &churned)?.area,
        difference: compared.difference,
        standard_error: compared.standard_error,
        p_value: compared.p_value,
    })
}
