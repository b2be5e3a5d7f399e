//! Lint of a plan: advice on how the plan could be built better.

use actix_web::get;
use actix_web::web::Path;
use milepost_domain::plan::lint::{Finding, LintRule, Severity, Subject, lint};
use milepost_domain::values::text::Key;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::store::plans::{self, PlanRecord};
use crate::store::{json_text::JsonText, organizations};

/// Lint findings of a plan.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "plan_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "rules_off": ["unclear_to_client"],
    "findings": [{"rule": "no_acceptance_criteria", "severity": "warning", "milestone": "pipeline",
    "advice": "Say what must hold for it to count as met."}]
}))]
pub struct PlanLint {
    /// Identifier of the plan.
    plan_id: Uuid,
    /// Rules that the organization has switched off.
    #[schema(max_items = 20)]
    rules_off: Vec<LintRule>,
    /// Findings: those about the whole plan first, then those about each milestone in plan order.
    #[schema(max_items = 12_000)]
    findings: Vec<LintFinding>,
}

/// A finding of a rule. Findings are advice and never prevent a change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"rule": "no_acceptance_criteria", "severity": "warning", "milestone": "pipeline",
    "advice": "Say what must hold for it to count as met."}))]
pub struct LintFinding {
    /// Rule.
    rule: LintRule,
    /// Severity.
    severity: Severity,
    /// Key of the milestone; null if the finding is about the whole plan.
    #[schema(value_type = Option<Key>)]
    milestone: Option<String>,
    /// Advice on how to resolve the finding.
    #[schema(max_length = 500)]
    advice: &'static str,
}

/// Get a plan's lint findings
///
/// Checks the plan against good practices of milestone tracking: density, owners, acceptance criteria, spans, names,
/// dependencies, forecasts and weights. Findings are advice and never prevent a change. `lint_rules_off` of `PATCH
/// /v1/organization` switches rules off for the organization.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))),
    responses((status = 200, description = "The findings about the plan.", body = PlanLint)))]
#[get("/v1/plans/{id}/lint")]
pub async fn lint_plan(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    let record = plans::find(&mut conn, cx.organization_id(), *id).await?.ok_or_else(ApiError::not_found)?;
    let organization = organizations::find(&mut conn, cx.organization_id()).await?.ok_or_else(ApiError::not_found)?;
    let JsonText(rules_off) = organization.lint_rules_off;
    let found = findings(&record, cx.today()).into_iter().filter(|finding| !rules_off.contains(&finding.rule));
    let findings = found.map(|finding| LintFinding::of(&record, finding)).collect();
    Ok(Answer::ok(&PlanLint { plan_id: *id, rules_off, findings })?.version_and_content(record.plan.version))
}

fn findings(record: &PlanRecord, today: chrono::NaiveDate) -> Vec<Finding> {
    let facts = record.facts();
    let subjects: Vec<Subject<'_>> = record
        .milestones
        .iter()
        .zip(facts.standings(today))
        .zip(record.steps(today))
        .map(|((row, standing), step)| Subject {
            name: &row.name,
            owner: row.owner.name.as_deref(),
            is_owner_known: row.owner.id.is_some(),
            criteria: row.acceptance_criteria.0.len(),
            weight: row.weight,
            stale: standing.stale,
            step,
        })
        .collect();
    lint(&subjects, &record.links(), record.plan.start_on, &record.plan.calendar.0)
}

impl LintFinding {
    fn of(record: &PlanRecord, finding: Finding) -> Self {
        Self {
            rule: finding.rule,
            severity: finding.rule.severity(),
            milestone: finding.milestone.and_then(|at| record.milestones.get(at)).map(|row| row.key.clone()),
            advice: finding.rule.advice(),
        }
    }
}
