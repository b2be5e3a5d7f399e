//! Creating a plan from a template or from its own milestones, including their history.

use std::collections::HashMap;

use actix_web::post;
use milepost_domain::customer::account::CustomerContent;
use milepost_domain::people::PersonContent;
use milepost_domain::people::rule::PeopleRule;
use milepost_domain::plan::calendar::Calendar;
use milepost_domain::plan::dependency::Dependency;
use milepost_domain::plan::draft::{MilestoneDraft, check_milestones};
use milepost_domain::plan::rule::PlanRule;
use milepost_domain::plan::schedule::{DEFAULT_AT_RISK_LIMIT_DAYS, DEFAULT_UPDATE_INTERVAL_DAYS};
use milepost_domain::plan::template::{MilestoneDefinition, TemplateContent, Terms, add_histories, in_histories};
use milepost_domain::plan::{Kind, draft, template};
use milepost_domain::rule::Rule as _;
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::version::{VersionRule, may_activate};
use sqlx::types::Text;
use uuid::Uuid;

use super::Plan;
use super::draft::{PlanDraft, RoleDraft};
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
use crate::store::versions::Version;
use crate::unit::{Entity, Unit};
use crate::versioned::{self, Found};

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
        if draft.timeline.is_some() {
            return Err(ValueRule::Unused { unless: "a template is given" }.at("/timeline").into());
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
    let version = version(&found, draft.template_version)?;
    let mut milestones = {
        let terms = Terms { start_on: draft.start_on, timeline: draft.timeline.unwrap_or_default(), calendar };
        template::instantiate(&version.content.milestones, &terms)
    };
    add_histories(&mut milestones, &draft.history)?;
    fill_roles(unit, &mut milestones, &draft.roles).await?;
    let kind = draft.kind.unwrap_or(version.content.kind);
    let undated = version.content.milestones.iter().filter(|definition| definition.offset_days.is_none());
    let undated = undated.cloned().collect();
    Ok(Source { kind, template: Some((version.of, version.number)), milestones, undated })
}

/// The version of a template with a number, or the newest one; it is published.
pub fn version(found: &Found<TemplateContent>, number: Option<i64>) -> Result<&Version<TemplateContent>, ApiError> {
    let version = match number {
        Some(number) => found.versions.iter().find(|version| version.number == number).ok_or_else(|| {
            ApiError::field("/template_version", "unknown_version", format!("the template has no version {number}"))
        })?,
        None => found.published().ok_or_else(|| VersionRule::NonePublished.at("/template"))?,
    };
    may_activate(version.number, version.published_at.is_some()).map_err(|rule| rule.at("/template_version"))?;
    Ok(version)
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
        withdrawn_on: None,
        withdrawal_reason: None,
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
