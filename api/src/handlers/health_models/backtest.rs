//! Whether a version of a model would have told beforehand which customers were lost.

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

/// Over which time a model is put to the proof.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"horizon_days": 90, "from": "2025-01-01", "to": "2026-01-31"}))]
pub struct BacktestDraft {
    /// Within how many days after a score a customer must be lost for the score to have been a warning.
    #[schema(minimum = 7, maximum = 730)]
    horizon_days: u32,
    /// The first day on which customers are looked at; then every horizon.
    from: NaiveDate,
    /// The last day.
    to: NaiveDate,
    /// The version's number, draft or not; the newest if left out.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// What counts as known on a day; `received` if left out.
    #[serde(default)]
    known_by: KnownBy,
}

/// How well a model's scores told which customers were lost.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "version": 2, "horizon_days": 90, "evaluated_on": ["2025-01-01", "2025-04-01"], "known_by": "received", "cases": 210, "churned": 24, "unscored": 4,
    "auc": {"area": 0.81, "standard_error": 0.04, "from": 0.73, "to": 0.89}, "active": null,
    "brier": {"score": 0.09, "reference": 0.10, "skill": 0.1}, "calibration": [{"from": 80.0, "cases": 60, "stated": 0.14, "observed": 0.05}],
    "lift_at_top_decile": 4.2, "critical": {"below": 40.0, "flagged": 20, "precision": 0.5, "recall": 0.42},
    "at_risk": {"below": 70.0, "flagged": 60, "precision": 0.3, "recall": 0.75}, "median_lead_days": 42.0
}))]
pub struct Backtest {
    /// The version's number; null for the shipped model.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// The horizon.
    #[schema(minimum = 7)]
    horizon_days: u32,
    /// The days on which customers were looked at.
    #[schema(max_items = 10_000)]
    evaluated_on: Vec<NaiveDate>,
    /// What counted as known on them.
    known_by: KnownBy,
    /// How many scores were looked at: of each customer on each of the days on which it was one.
    #[schema(maximum = 1_000_000)]
    cases: usize,
    /// How many of them were followed by a loss within the horizon.
    #[schema(maximum = 1_000_000)]
    churned: usize,
    /// How many more there were for which too little was known for a band; they are left out.
    #[schema(maximum = 1_000_000)]
    unscored: usize,
    /// The chance that a customer who is lost had a lower score than one who is not.
    auc: Option<AucFigures>,
    /// The same for the models that applied, on the same cases, and the difference; null where they have too few scores.
    active: Option<ActiveFigures>,
    /// How good a score is as a statement of the chance of staying, in percent.
    brier: Option<BrierFigures>,
    /// Stated against observed loss, by tenths of the scale.
    #[schema(max_items = 10)]
    calibration: Vec<CalibrationBin>,
    /// How many times more often the tenth with the lowest scores is lost than all are.
    lift_at_top_decile: Option<f64>,
    /// What follows from taking the critical ones for lost.
    critical: EdgeFigures,
    /// What follows from taking all that are not healthy for lost.
    at_risk: EdgeFigures,
    /// For how many days before their loss customers had not been healthy, week by week and half a year at most, in the middle; null where
    /// none had been flagged.
    median_lead_days: Option<f64>,
}

/// The area under the receiver operating characteristic.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"area": 0.81, "standard_error": 0.04, "from": 0.73, "to": 0.89}))]
pub struct AucFigures {
    /// The area: 0.5 is chance, 1 is perfect.
    area: f64,
    /// Its standard error, by DeLong.
    standard_error: f64,
    /// Where its 95 % interval begins.
    from: f64,
    /// Where its 95 % interval ends.
    to: f64,
}

impl From<Auc> for AucFigures {
    fn from(found: Auc) -> Self {
        let Auc { area, standard_error, interval: (from, to) } = found;
        Self { area, standard_error, from, to }
    }
}

/// How the models that applied did on the same cases.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"cases": 200, "area": 0.74, "candidate_area": 0.81, "difference": 0.07, "standard_error": 0.03, "p_value": 0.02}))]
pub struct ActiveFigures {
    /// On how many cases both have a score.
    #[schema(maximum = 1_000_000)]
    cases: usize,
    /// Their area on these.
    area: f64,
    /// The candidate's area on these.
    candidate_area: f64,
    /// The candidate's area minus theirs.
    difference: f64,
    /// Its standard error, by DeLong's test for paired curves.
    standard_error: f64,
    /// The chance of such a difference if there were none.
    p_value: f64,
}

/// How good scores are as statements of probability.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"score": 0.09, "reference": 0.10, "skill": 0.1}))]
pub struct BrierFigures {
    /// The mean squared error.
    score: f64,
    /// That of always stating the share that was lost.
    reference: f64,
    /// What part of the reference's error is saved; negative is worse.
    skill: f64,
}

/// Those whose scores lie in one tenth of the scale.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"from": 80.0, "cases": 60, "stated": 0.14, "observed": 0.05}))]
pub struct CalibrationBin {
    /// The tenth of the scale, from this score on.
    from: f64,
    /// How many cases.
    #[schema(maximum = 1_000_000)]
    cases: usize,
    /// The chance of loss that the scores state, on average.
    stated: f64,
    /// The share that was lost.
    observed: f64,
}

/// What follows from taking those below a bound for lost.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"below": 40.0, "flagged": 20, "precision": 0.5, "recall": 0.42}))]
pub struct EdgeFigures {
    /// The bound.
    below: f64,
    /// How many are below.
    #[schema(maximum = 1_000_000)]
    flagged: usize,
    /// The share of them that was lost.
    precision: Option<f64>,
    /// The share of those lost that was below.
    recall: Option<f64>,
}

/// A look, and what the two models made of it.
struct Scored {
    candidate: Option<f64>,
    active: Option<f64>,
    churned: bool,
}

/// Puts a version of a health model to the proof of what became of customers
///
/// On every day that is looked at each customer of that day is scored from what was known at its end, and what became of the customer
/// within the horizon is held against it. The shipped model is proven as `shipped`. Refused where fewer than 10 customers were lost: nothing could be concluded.
#[utoipa::path(tag = "health models", security(("bearer" = ["health:read"])), request_body = BacktestDraft,
    responses((status = 200, description = "How well it told.", body = Backtest)))]
#[post("/v1/health-models/{health_model}/backtest")]
pub async fn backtest_health_model(
    cx: Context,
    model: Path<String>,
    body: Body<BacktestDraft>,
) -> Result<Answer, ApiError> {
    let draft = body.0;
    let mut conn = cx.snapshot().await?;
    let candidate = find_candidate(&mut conn, cx.organization_id(), &model, draft.version).await?;
    let active = Models::load(&mut conn, cx.organization_id(), None).await?;
    let mut own = customers::all(&mut conn, cx.organization_id()).await?;
    own.retain(|one| candidate.content.admits(one.segment.as_deref()));
    let reach_days = Models::reach_of_all(&[&active, &Models::only(Arc::clone(&candidate))]);
    let BacktestDraft { horizon_days, from, to, known_by, .. } = draft;
    let back =
        look_back::look_back(&cx, &mut conn, own, reach_days, Question { from, to, horizon_days, known_by }).await?;
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
    let applied = active.on(then.customer.segment.as_deref(), look.on);
    let covered = |model: &AppliedModel| then.score(&model.content, look.on).covered(&model.content);
    Scored { candidate: covered(candidate), active: covered(applied), churned: look.churned_on.is_some() }
}

/// For how many days before its loss a customer had not been healthy without a break.
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
