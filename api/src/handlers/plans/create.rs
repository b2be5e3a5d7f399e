//! Creating a plan from a template or from its own milestones, including their history.

use std::collections::HashMap;

use actix_web::post;
use chrono::NaiveDate;
use milepost_domain::customer::account::CustomerContent;
use milepost_domain::earned_value::CreditRule;
use milepost_domain::people::PersonContent;
use milepost_domain::people::rule::PeopleRule;
use milepost_domain::plan::calendar::Calendar;
use milepost_domain::plan::dependency::Dependency;
use milepost_domain::plan::draft::{MilestoneDraft, check_milestones};
use milepost_domain::plan::rule::PlanRule;
use milepost_domain::plan::schedule::{DEFAULT_AT_RISK_LIMIT_DAYS, DEFAULT_UPDATE_INTERVAL_DAYS};
use milepost_domain::plan::template::{
    MilestoneDefinition, MilestoneHistory, TemplateContent, add_histories, in_histories,
};
use milepost_domain::plan::{Kind, draft, template};
use milepost_domain::rule::Rule as _;
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::text::{Currency, ExternalRef, Key, Label, Name};
use milepost_domain::values::version::{VersionRule, may_activate};
use serde::Deserialize;
use sqlx::types::Text;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Plan;
use super::undated;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::owner::{self, NamedOwner};
use crate::read_model::PlanView;
use crate::reference::{self, Named};
use crate::resources::milestones::{Milestone, new_rows, owner_of};
use crate::store::baselines::{self, BaselineRow, LineRow};
use crate::store::customers;
use crate::store::json_text::JsonText;
use crate::store::milestones::{self, DependencyRow};
use crate::store::organizations;
use crate::store::plans::{self, PlanRecord, PlanRow};
use crate::unit::{Entity, Unit};
use crate::versioned;

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
    role: Name,
    /// Identifier of the person.
    person_id: Option<Uuid>,
    /// External reference or e-mail address of the person.
    person_ref: Option<ExternalRef>,
}

/// Source of a plan's milestones.
struct Source {
    kind: Kind,
    template: Option<(Uuid, i64)>,
    milestones: Vec<MilestoneDraft>,
    undated: Vec<MilestoneDefinition>,
}

/// Create a plan
///
/// Creates a plan from a published template or from the given milestones, together with its first baseline. Milestones
/// may include their history: recorded forecast changes, the start of work and the actual date. With a template, `history` gives it by
/// key. A plan kept in a spreadsheet can thus be transferred with its history.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:write"])), request_body = PlanDraft,
    responses((status = 201, description = "The created plan.", body = Plan)))]
#[post("/v1/plans")]
pub async fn create_plan(cx: Context, body: Body<PlanDraft>) -> Result<Answer, ApiError> {
    let draft = body.0;
    cx.write(async |unit| {
        let record = create(&cx, unit, &draft).await?;
        let created = Plan::at(&PlanView::from(&record), unit.today);
        let location = format!("/v1/plans/{}", record.plan.id);
        Ok(Answer::created(location, &created)?.version_and_content(record.plan.version))
    })
    .await
}

/// Checks a draft and writes the plan, its first baseline and the ledger entry.
pub async fn create(cx: &Context, unit: &mut Unit, draft: &PlanDraft) -> Result<PlanRecord, ApiError> {
    draft::check_budget(draft.budget_minor.is_some(), draft.currency.is_some())?;
    let calendar = draft.calendar.clone().unwrap_or_default();
    let mut source = source(unit, draft, &calendar).await?;
    for milestone in &mut source.milestones {
        milestone.planned_on = calendar.taken(milestone.planned_on);
    }
    check_milestones(&source.milestones, draft.start_on, &calendar, unit.today)
        .map_err(|violations| in_histories(violations, &source.milestones, &draft.history))?;
    let plan = plan_row(unit, draft, &source).await?;
    let record = insert(unit, plan, &source.milestones).await?;
    for definition in source.undated {
        let MilestoneDefinition { key, name, phase, acceptance_criteria, .. } = definition;
        let row = undated::begun(unit, record.plan.id, key, name, phase, acceptance_criteria);
        undated::add(unit, &row).await?;
    }
    check_names(cx, unit, &record).await?;
    let created = Plan::at(&PlanView::from(&record), unit.today);
    let milestones: Vec<Milestone> = Milestone::all_of(&record, unit.today);
    let whole = serde_json::json!({ "plan": created, "milestones": milestones });
    unit.record_created(Entity::Plan, record.plan.id, &whole).await?;
    Ok(record)
}

/// Refuses whom the caller names and may not read.
async fn check_names(cx: &Context, unit: &mut Unit, record: &PlanRecord) -> Result<(), ApiError> {
    cx.check_named_person("person", record.plan.person_id)?;
    cx.check_named_person("owner", record.plan.owner.id)?;
    for (index, milestone) in record.milestones.iter().enumerate() {
        cx.check_named_person(&format!("milestones/{index}/owner"), milestone.owner.id)?;
    }
    let Some(customer_id) = record.plan.customer_id else { return Ok(()) };
    let customer = customers::find(&mut unit.conn, unit.organization_id, customer_id).await?;
    cx.check_named_customer(customer.as_ref())
}

async fn source(unit: &mut Unit, draft: &PlanDraft, calendar: &Calendar) -> Result<Source, ApiError> {
    let Some(key) = &draft.template else {
        if draft.milestones.is_empty() {
            return Err(PlanRule::TemplateOrMilestones.at("/milestones").into());
        }
        if !draft.roles.is_empty() {
            return Err(ValueRule::Unused { unless: "a template is given" }.at("/roles").into());
        }
        if !draft.history.is_empty() {
            return Err(ValueRule::Unused { unless: "a template is given" }.at("/history").into());
        }
        let kind = draft.kind.unwrap_or(Kind::Delivery);
        return Ok(Source { kind, template: None, milestones: draft.milestones.clone(), undated: vec![] });
    };
    if !draft.milestones.is_empty() {
        return Err(PlanRule::TemplateAndMilestones.at("/milestones").into());
    }
    let found = versioned::find::<TemplateContent>(&mut unit.conn, unit.organization_id, key).await?;
    let unknown =
        || ApiError::field("/template", "unknown_template", format!("does not exist: no template has the key '{key}'"));
    let found = found.ok_or_else(unknown)?;
    found.check_in_use("/template")?;
    let version = match draft.template_version {
        Some(number) => found.versions.iter().find(|version| version.number == number).ok_or_else(|| {
            ApiError::field("/template_version", "unknown_version", format!("the template has no version {number}"))
        })?,
        None => found.published().ok_or_else(|| VersionRule::NonePublished.at("/template"))?,
    };
    may_activate(version.number, version.published_at.is_some()).map_err(|rule| rule.at("/template_version"))?;
    let mut milestones = template::instantiate(&version.content.milestones, draft.start_on, calendar);
    add_histories(&mut milestones, &draft.history)?;
    fill_roles(unit, &mut milestones, &draft.roles).await?;
    let kind = draft.kind.unwrap_or(version.content.kind);
    let undated = version.content.milestones.iter().filter(|definition| definition.offset_days.is_none());
    let undated = undated.cloned().collect();
    Ok(Source { kind, template: Some((version.of, version.number)), milestones, undated })
}

/// Makes people the owners of the milestones whose owner is a role that they fill.
async fn fill_roles(unit: &mut Unit, milestones: &mut [MilestoneDraft], roles: &[RoleDraft]) -> Result<(), ApiError> {
    for (index, role) in roles.iter().enumerate() {
        let named = Named { id: role.person_id, external_ref: role.person_ref.as_ref() };
        let (conn, organization_id) = (&mut unit.conn, unit.organization_id);
        let at = format!("roles/{index}/person");
        let person = reference::resolve::<PersonContent>(conn, organization_id, &at, named).await?;
        let missing = || ValueRule::Required { what: "the person" }.at(format!("/{at}_id"));
        let person = person.ok_or_else(missing)?;
        let own = milestones.iter_mut().filter(|one| one.owner_name.as_ref() == Some(&role.role));
        if own.map(|one| one.owner_id = Some(person.id)).count() == 0 {
            return Err(PeopleRule::UnknownRole.at(format!("/roles/{index}/role")).into());
        }
    }
    Ok(())
}

async fn plan_row(unit: &mut Unit, draft: &PlanDraft, source: &Source) -> Result<PlanRow, ApiError> {
    let organization_id = unit.organization_id;
    let owner = NamedOwner::of(draft.owner_id, draft.owner_ref.as_ref(), draft.owner_name.as_ref());
    let customer = Named { id: draft.customer_id, external_ref: draft.customer_ref.as_ref() };
    let person = Named { id: draft.person_id, external_ref: draft.person_ref.as_ref() };
    let customer = reference::resolve::<CustomerContent>(&mut unit.conn, organization_id, "customer", customer).await?;
    let person = reference::resolve::<PersonContent>(&mut unit.conn, organization_id, "person", person).await?;
    let mut row = PlanRow {
        id: unit.new_id(),
        external_ref: draft.external_ref.clone().map(String::from),
        name: draft.name.to_string(),
        kind: Text(source.kind),
        customer_id: None,
        customer_ref: None,
        customer_name: None,
        person_id: None,
        person_ref: None,
        person_name: None,
        owner: owner::resolve(&mut unit.conn, organization_id, "owner", owner).await?,
        start_on: draft.start_on,
        weight_unit: draft.weight_unit.clone().map_or_else(|| "points".to_owned(), String::from),
        credit_rule: Text(draft.credit_rule.unwrap_or_default()),
        at_risk_limit_days: draft.at_risk_limit_days.unwrap_or(DEFAULT_AT_RISK_LIMIT_DAYS),
        update_interval_days: draft.update_interval_days.unwrap_or(DEFAULT_UPDATE_INTERVAL_DAYS),
        calendar: JsonText(draft.calendar.clone().unwrap_or_default()),
        budget_minor: draft.budget_minor,
        currency: budget_currency(unit, draft.budget_minor, draft.currency.clone().map(String::from)).await?,
        template_id: source.template.map(|(id, _)| id),
        template_version: source.template.map(|(_, number)| number),
        archived_at: None,
        version: 1,
        created_at: unit.now,
        updated_at: unit.now,
    };
    row.serve_customer(customer);
    row.serve_person(person);
    check_reference(unit, &row).await?;
    Ok(row)
}

/// Refuses an external reference that another plan has.
pub async fn check_reference(unit: &mut Unit, row: &PlanRow) -> Result<(), ApiError> {
    let Some(external_ref) = &row.external_ref else { return Ok(()) };
    if plans::is_taken(&mut unit.conn, unit.organization_id, row.id, external_ref).await? {
        return Err(ApiError::taken("external_ref", "belongs to another plan"));
    }
    Ok(())
}

/// The currency of a budget: the organization's, unless it has one.
pub async fn budget_currency(
    unit: &mut Unit,
    budget_minor: Option<i64>,
    currency: Option<String>,
) -> Result<Option<String>, ApiError> {
    if budget_minor.is_none() || currency.is_some() {
        return Ok(currency);
    }
    let organization = organizations::find(&mut unit.conn, unit.organization_id).await?;
    Ok(Some(organization.ok_or_else(ApiError::not_found)?.currency))
}

async fn insert(unit: &mut Unit, plan: PlanRow, drafts: &[MilestoneDraft]) -> Result<PlanRecord, ApiError> {
    let plan_id = plan.id;
    let mut rows = Vec::with_capacity(drafts.len());
    let (mut forecasts, mut progress) = (vec![], vec![]);
    let mut ids = HashMap::new();
    let named = drafts.iter().map(owner_of);
    let field = |index| format!("milestones/{index}/owner");
    let owners = owner::resolve_all(&mut unit.conn, unit.organization_id, named, field).await?;
    for (position, (draft, owner)) in (1..).zip(drafts.iter().zip(owners)) {
        let new = new_rows(unit, plan_id, position, draft, owner);
        ids.insert(draft.key.as_str(), new.milestone.id);
        rows.push(new.milestone);
        forecasts.extend(new.forecasts);
        progress.extend(new.progress);
    }
    let edge = |draft: &MilestoneDraft, needed: &Dependency| {
        Some(DependencyRow {
            plan_id,
            milestone_id: *ids.get(draft.key.as_str())?,
            depends_on_id: *ids.get(needed.as_str())?,
            relation: Text(needed.relation),
            lag_days: needed.lag_days,
        })
    };
    let mut dependencies: Vec<DependencyRow> =
        drafts.iter().flat_map(|draft| draft.depends_on.iter().filter_map(move |needed| edge(draft, needed))).collect();
    dependencies.sort_unstable_by_key(|edge| (edge.milestone_id, edge.depends_on_id));
    dependencies.dedup_by_key(|edge| (edge.milestone_id, edge.depends_on_id));
    // An imported plan was made before it was imported, so its first baseline is in force from its start.
    let effective_on = plan.start_on.min(unit.today);
    let baseline = BaselineRow {
        plan_id,
        number: 1,
        effective_on,
        reason: None,
        author: Text(unit.author()),
        created_at: unit.now,
    };
    let line = |row: &milestones::MilestoneRow| LineRow {
        plan_id,
        number: 1,
        milestone_id: row.id,
        planned_on: row.planned_on,
        weight: row.weight,
    };
    let lines: Vec<LineRow> = rows.iter().map(line).collect();
    let (conn, organization_id) = (&mut unit.conn, unit.organization_id);
    plans::insert(conn, organization_id, &plan).await?;
    milestones::insert(conn, organization_id, &rows).await?;
    milestones::insert_dependencies(conn, organization_id, &dependencies).await?;
    milestones::insert_forecasts(conn, organization_id, &forecasts).await?;
    milestones::insert_progress(conn, organization_id, &progress).await?;
    baselines::insert(conn, organization_id, &baseline, &lines).await?;
    Ok(PlanRecord {
        plan,
        milestones: rows,
        dependencies,
        forecasts,
        progress,
        baselines: vec![baseline],
        lines,
        approvals: vec![],
        costs: vec![],
        communications: vec![],
        misses: vec![],
        last_review: None,
        valuations: vec![],
        corrections: vec![],
        holds: vec![],
        sources: vec![],
    })
}
