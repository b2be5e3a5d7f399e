//! Comparing scenarios of a plan: several changes at once, tried and not written.

use actix_web::post;
use actix_web::web::Path;
use chrono::NaiveDate;
use milepost_domain::plan::rule::PlanRule;
use milepost_domain::plan::scenario::{Difference, Outcome, Supposed, outcome, suppose};
use milepost_domain::rule::{Rule as _, Violations, all_kept, within};
use milepost_domain::values::text::{Key, Name};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::read_model::PlanView;

/// Scenarios to compare.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"scenarios": [
    {"name": "Second engineer", "changes": [{"key": "pipeline", "duration_days": 5}]},
    {"name": "Without the audit", "changes": [{"key": "audit", "dropped": true}, {"key": "pipeline", "forecast_on": "2026-05-20"}]}
]}))]
pub struct ScenarioDrafts {
    /// Scenarios.
    #[schema(min_items = 1, max_items = 10)]
    scenarios: Vec<ScenarioDraft>,
}

/// A scenario: changes that are supposed together.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Second engineer", "changes": [{"key": "pipeline", "duration_days": 5}]}))]
pub struct ScenarioDraft {
    /// Name.
    name: Name,
    /// Changes.
    #[schema(min_items = 1, max_items = 200)]
    changes: Vec<SupposedChange>,
}

/// Change of an open milestone that is supposed.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"key": "pipeline", "forecast_on": "2026-05-20"}))]
pub struct SupposedChange {
    /// Key of the milestone.
    key: Key,
    /// Forecast date. Not in the past.
    forecast_on: Option<NaiveDate>,
    /// Time that it takes, in days of the plan's calendar.
    #[schema(minimum = 0, maximum = 3650)]
    duration_days: Option<u32>,
    /// Whether the milestone is dropped. Defaults to `false`.
    #[serde(default)]
    dropped: bool,
}

/// Comparison of scenarios with the plan as it stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "plan_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "as_of": "2026-05-04", "planned_finish_on": "2026-06-01",
    "as_it_stands": {"expected_finish_on": "2026-06-10", "finish_variance_days": 9, "at_risk": 1, "delayed": 2},
    "scenarios": [{
        "name": "Second engineer", "outcome": {"expected_finish_on": "2026-06-03", "finish_variance_days": 2, "at_risk": 2, "delayed": 0},
        "finish_days": -7, "differences": [{"key": "pipeline", "from_on": "2026-05-20", "to_on": "2026-05-13", "days": -7}]
    }]
}))]
pub struct ScenarioComparison {
    /// Identifier of the plan.
    plan_id: Uuid,
    /// Date that the comparison refers to: today.
    as_of: NaiveDate,
    /// Last planned date of the baseline in force.
    planned_finish_on: Option<NaiveDate>,
    /// Outcome of the plan as it stands.
    as_it_stands: ScenarioOutcome,
    /// Scenarios, in the order of the request.
    #[schema(max_items = 10)]
    scenarios: Vec<ComparedScenario>,
}

/// A scenario with its outcome.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "name": "Second engineer", "outcome": {"expected_finish_on": "2026-06-03", "finish_variance_days": 2, "at_risk": 2, "delayed": 0},
    "finish_days": -7, "differences": [{"key": "pipeline", "from_on": "2026-05-20", "to_on": "2026-05-13", "days": -7}]
}))]
pub struct ComparedScenario {
    /// Name.
    name: Name,
    /// Outcome.
    outcome: ScenarioOutcome,
    /// Days of the plan's calendar by which the finish differs from that of the plan as it stands; negative if earlier.
    finish_days: Option<i64>,
    /// Milestones that are expected on another date, or dropped, in plan order.
    #[schema(max_items = 5000)]
    differences: Vec<ScenarioDifference>,
}

/// Outcome of a plan, as it stands or in a scenario.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"expected_finish_on": "2026-06-03", "finish_variance_days": 2, "at_risk": 2, "delayed": 0}))]
pub struct ScenarioOutcome {
    /// Expected date of the last milestone; null if all are waived or canceled.
    expected_finish_on: Option<NaiveDate>,
    /// Expected minus planned finish, in days of the plan's calendar. Negative if early.
    finish_variance_days: Option<i64>,
    /// Number of milestones at risk.
    #[schema(maximum = 5000)]
    at_risk: usize,
    /// Number of delayed milestones.
    #[schema(maximum = 5000)]
    delayed: usize,
}

/// Difference that a scenario makes to a milestone.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"key": "pipeline", "from_on": "2026-05-20", "to_on": "2026-05-13", "days": -7}))]
pub struct ScenarioDifference {
    /// Key of the milestone.
    #[schema(value_type = Key)]
    key: String,
    /// Expected date as the plan stands.
    from_on: NaiveDate,
    /// Expected date in the scenario; null if the milestone is dropped.
    to_on: Option<NaiveDate>,
    /// Days of the plan's calendar between the two; negative if earlier.
    days: i64,
}

/// Compare scenarios of a plan
///
/// Supposes several changes at once in each scenario, lets what depends on them move, and compares the outcomes with the plan as it
/// stands. Nothing is written. A supposed forecast is taken as if the owner had given it today.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))),
    request_body = ScenarioDrafts,
    responses((status = 200, description = "The comparison.", body = ScenarioComparison)))]
#[post("/v1/plans/{id}/scenarios")]
pub async fn compare_scenarios(cx: Context, id: Path<Uuid>, body: Body<ScenarioDrafts>) -> Result<Answer, ApiError> {
    let (plans, today) = (cx.plans().await?, cx.today());
    let view = plans.find(*id).ok_or_else(ApiError::not_found)?;
    let standings = view.standings(today);
    let planned_finish_on = view.facts.planned_finish_on(today);
    let now = outcome(&view.facts, &standings, today);
    let mut violations = Violations::new();
    let mut scenarios = vec![];
    for (index, draft) in body.0.scenarios.iter().enumerate() {
        let at = format!("/scenarios/{index}/changes");
        let changes: Vec<Supposed> = (0..)
            .zip(&draft.changes)
            .filter_map(|(nth, one)| one.read(view, today, (&at, nth), &mut violations))
            .collect();
        let found = outcome(&suppose(&view.facts, &changes, today), &standings, today);
        let difference = |one: &Difference| ScenarioDifference {
            key: view.labels[one.milestone].key.to_string(),
            from_on: one.from_on,
            to_on: one.to_on,
            days: one.days,
        };
        let calendar = &view.facts.terms.calendar;
        scenarios.push(ComparedScenario {
            name: draft.name.clone(),
            finish_days: now.finish_on.zip(found.finish_on).map(|(was, is)| calendar.days_between(was, is)),
            differences: found.differences.iter().map(difference).collect(),
            outcome: ScenarioOutcome::of(view, &found, planned_finish_on),
        });
    }
    all_kept(violations)?;
    let as_it_stands = ScenarioOutcome::of(view, &now, planned_finish_on);
    Answer::ok(&ScenarioComparison { plan_id: *id, as_of: today, planned_finish_on, as_it_stands, scenarios })
}

impl SupposedChange {
    fn read(
        &self,
        view: &PlanView,
        today: NaiveDate,
        (at, index): (&str, usize),
        violations: &mut Violations,
    ) -> Option<Supposed> {
        let at = format!("{at}/{index}");
        let Some(milestone) = view.labels.iter().position(|label| *label.key == *self.key.as_str()) else {
            violations.push(PlanRule::UnknownMilestone { key: self.key.to_string() }.at(format!("{at}/key")));
            return None;
        };
        let (forecast_on, duration_days) = (self.forecast_on, self.duration_days.map(i64::from));
        let supposed = Supposed { milestone, forecast_on, duration_days, is_dropped: self.dropped };
        violations.extend(within(&at, supposed.violations(&view.facts, today)));
        Some(supposed)
    }
}

impl ScenarioOutcome {
    fn of(view: &PlanView, found: &Outcome, planned_finish_on: Option<NaiveDate>) -> Self {
        let calendar = &view.facts.terms.calendar;
        let variance = planned_finish_on.zip(found.finish_on).map(|(planned, on)| calendar.days_between(planned, on));
        Self {
            expected_finish_on: found.finish_on,
            finish_variance_days: variance,
            at_risk: found.at_risk,
            delayed: found.delayed,
        }
    }
}
