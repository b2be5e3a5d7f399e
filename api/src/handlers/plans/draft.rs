//! Drafts of plans: what a request says of a plan that does not exist yet.

use chrono::NaiveDate;
use milepost_domain::earned_value::CreditRule;
use milepost_domain::plan::Kind;
use milepost_domain::plan::calendar::Calendar;
use milepost_domain::plan::draft::MilestoneDraft;
use milepost_domain::plan::template::{MilestoneHistory, Timeline};
use milepost_domain::values::text::{Currency, ExternalRef, Key, Label, Name};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A plan to create.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "external_ref": "deal-9", "name": "Northwind rollout", "kind": "delivery", "customer_ref": "crm-4711", "start_on": "2026-03-02",
    "budget_minor": 12_000_000, "currency": "EUR",
    "milestones": [
        {"key": "data-access", "name": "Data access confirmed", "phase": "Discovery", "owner_name": "Ana", "weight": 3,
        "planned_on": "2026-03-09",
         "forecast_changes": [{"recorded_on": "2026-03-06", "forecast_on": "2026-03-12", "reason": "Credentials came late."}],
         "actual_on": "2026-03-12"},
        {"key": "pipeline", "name": "Pipeline runs", "weight": 5, "planned_on": "2026-04-01", "depends_on": ["data-access"]}
    ]
}))]
pub struct PlanDraft {
    /// External reference: the identifier in the calling system. Unique within the organization.
    pub external_ref: Option<ExternalRef>,
    /// Name.
    pub name: Name,
    /// Kind of plan. Defaults to the template's kind, or to `delivery` without a template.
    pub kind: Option<Kind>,
    /// Identifier of the customer that the plan serves.
    pub customer_id: Option<Uuid>,
    /// External reference of the customer that the plan serves. Names the same customer as `customer_id` where both
    /// are given.
    pub customer_ref: Option<ExternalRef>,
    /// Identifier of the person that the plan serves.
    pub person_id: Option<Uuid>,
    /// External reference of the person that the plan serves. Names the same person as `person_id` where both are
    /// given.
    pub person_ref: Option<ExternalRef>,
    /// Identifier of the owner, where a person is responsible.
    pub owner_id: Option<Uuid>,
    /// External reference or e-mail address of the owner.
    pub owner_ref: Option<ExternalRef>,
    /// Name of the owner: free text for somebody outside. Has no effect where a person is named.
    pub owner_name: Option<Name>,
    /// First day of the plan. No milestone may be planned before it.
    pub start_on: NaiveDate,
    /// Unit of the weights. Defaults to `points`.
    pub weight_unit: Option<Label>,
    /// Credit rule: determines when the weight of a milestone counts as earned. Defaults to `zero_hundred`.
    pub credit_rule: Option<CreditRule>,
    /// Largest delay that counts as at risk, in days of the plan's calendar. A longer delay counts as delayed. Defaults
    /// to 7.
    #[schema(minimum = 0, maximum = 365)]
    pub at_risk_limit_days: Option<i64>,
    /// Update interval in calendar days: how long the forecast of an open milestone may go without an update before it
    /// is stale, and how often the plan is reviewed. Defaults to 7; 3 or 4 suits an urgent plan.
    #[schema(minimum = 1, maximum = 90)]
    pub update_interval_days: Option<i64>,
    /// Calendar: the days that durations, lags, float and variances count. Defaults to calendar days.
    pub calendar: Option<Calendar>,
    /// Budget: the value of the whole scope in the smallest unit of the currency.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_i64)]
    pub budget_minor: Option<i64>,
    /// Currency of the budget (ISO 4217). Requires `budget_minor`. Defaults to the organization's currency.
    pub currency: Option<Currency>,
    /// Key of the template that provides the milestones. Cannot be combined with `milestones`.
    pub template: Option<Key>,
    /// Number of the template's version. Defaults to the newest published version.
    #[schema(minimum = 1)]
    pub template_version: Option<i64>,
    /// Timeline of the template by which milestones become dates. Defaults to `standard`.
    pub timeline: Option<Timeline>,
    /// People who fill the roles that the template names as owners.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub roles: Vec<RoleDraft>,
    /// Milestones in order, optionally with their history. Required without a template.
    #[serde(default)]
    #[schema(max_items = 2000)]
    pub milestones: Vec<MilestoneDraft>,
    /// Histories of milestones that the template provides.
    #[serde(default)]
    #[schema(max_items = 500)]
    pub history: Vec<MilestoneHistory>,
}

impl PlanDraft {
    /// Returns a plan with a name and a first day, and nothing else.
    pub const fn named(name: Name, start_on: NaiveDate) -> Self {
        Self {
            external_ref: None,
            name,
            kind: None,
            customer_id: None,
            customer_ref: None,
            person_id: None,
            person_ref: None,
            owner_id: None,
            owner_ref: None,
            owner_name: None,
            start_on,
            weight_unit: None,
            credit_rule: None,
            at_risk_limit_days: None,
            update_interval_days: None,
            calendar: None,
            budget_minor: None,
            currency: None,
            template: None,
            template_version: None,
            timeline: None,
            roles: vec![],
            milestones: vec![],
            history: vec![],
        }
    }
}

/// Person who fills a role of a template.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "Data engineer", "person_ref": "hr-17"}))]
pub struct RoleDraft {
    /// Role: the name of the owner of milestones of the template.
    pub role: Name,
    /// Identifier of the person.
    pub person_id: Option<Uuid>,
    /// External reference or e-mail address of the person.
    pub person_ref: Option<ExternalRef>,
}
