//! Enrolments: plans of a coaching program for people, made for many at once.

use std::collections::HashMap;

use actix_web::web::Path;
use actix_web::{get, post};
use chrono::NaiveDate;
use milepost_domain::access::Scope;
use milepost_domain::people::PersonContent;
use milepost_domain::people::rule::PeopleRule;
use milepost_domain::plan::Kind;
use milepost_domain::plan::milestone::State;
use milepost_domain::plan::progress::Share;
use milepost_domain::plan::template::{TemplateContent, Timeline};
use milepost_domain::rule::Rule as _;
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::text::{ExternalRef, Key, Label, Name};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::create::create;
use super::draft::PlanDraft;
use super::progress::ProgressShare;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::{Body, Query};
use crate::paging::{Page, Paging};
use crate::proving;
use crate::read_model::PlanView;
use crate::reference::{self, Named};
use crate::store::Conn;
use crate::store::keyset::{Direction, Key as PositionKey, Position};
use crate::store::people::Person;
use crate::store::plans;
use crate::store::row::{self, Column as _, Condition};
use crate::store::undated_milestones::UndatedMilestone;
use crate::unit::Unit;
use crate::versioned::{self, Found};

/// Largest number of people who are enrolled at once.
const MOST: usize = 100;

/// People to enrol in a program: some by name, a segment, or both.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"start_on": "2026-06-01", "people": [{"person_ref": "hr-17"}], "segment": "spring-cohort", "owner_ref": "hr-3"}))]
pub struct EnrolmentsDraft {
    /// First day of the enrolments of those who have none of their own.
    start_on: NaiveDate,
    /// People.
    #[serde(default)]
    #[schema(max_items = 100)]
    people: Vec<PersonToEnrol>,
    /// Segment, all of whose active people are enrolled: a cohort.
    segment: Option<Label>,
    /// Timeline of the program by which milestones become dates. Defaults to `standard`.
    timeline: Option<Timeline>,
    /// External reference or e-mail address of the owner of the enrolments, such as a coach.
    owner_ref: Option<ExternalRef>,
}

/// Person to enrol.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"person_ref": "hr-17", "start_on": "2026-05-18"}))]
pub struct PersonToEnrol {
    /// Identifier of the person.
    person_id: Option<Uuid>,
    /// External reference or e-mail address of the person.
    person_ref: Option<ExternalRef>,
    /// First day of the person's enrolment. Defaults to that of all.
    start_on: Option<NaiveDate>,
}

/// Way of enrolling.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EnrolmentOptions {
    /// Whether to report without saving. Defaults to `false`.
    dry_run: Option<bool>,
}

/// Report of enrolling people.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "dry_run": false, "enrolled": 1, "people": [{"person_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "person_name": "Ana Petrova",
    "plan_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "was_enrolled": false}]
}))]
pub struct EnrolmentsReport {
    /// Whether nothing was changed.
    dry_run: bool,
    /// Number of people who were enrolled, or would be.
    #[schema(maximum = 100)]
    enrolled: usize,
    /// People, by name.
    #[schema(max_items = 100)]
    people: Vec<EnrolledPerson>,
}

/// Person of a report of enrolling.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"person_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "person_name": "Ana Petrova",
    "plan_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "was_enrolled": false}))]
pub struct EnrolledPerson {
    /// Identifier of the person.
    person_id: Uuid,
    /// Name of the person.
    person_name: Name,
    /// Identifier of the plan that is the enrolment; null if a dry run would make it.
    plan_id: Option<Uuid>,
    /// Whether the person was enrolled before, and nothing was done.
    was_enrolled: bool,
}

/// Enrolment of a person in a program.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "plan_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "person_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "person_name": "Ana Petrova",
    "template_version": 1, "start_on": "2026-06-01", "progress": {"achieved": 3, "total": 30, "percent": 10.0},
    "expected_finish_on": "2027-06-01", "finish_variance_days": 0
}))]
pub struct Enrolment {
    /// Identifier of the plan that is the enrolment.
    plan_id: Uuid,
    /// Identifier of the person.
    person_id: Option<Uuid>,
    /// Name of the person.
    #[schema(value_type = Option<Name>)]
    person_name: Option<String>,
    /// Version of the program.
    #[schema(minimum = 1)]
    template_version: Option<i64>,
    /// First day.
    start_on: NaiveDate,
    /// Progress of all milestones, with and without a date.
    progress: ProgressShare,
    /// Expected finish of the milestones with a date; null if none is open.
    expected_finish_on: Option<NaiveDate>,
    /// Days by which the expected finish is later than planned; negative means early.
    finish_variance_days: Option<i64>,
}

/// Enrol people in a program
///
/// Makes a plan of the program's newest published version for each person, up to 100 at once in one transaction. Whoever is enrolled
/// already stays as they are, so the request can be repeated. A program is a template of the kind `coaching`.
#[utoipa::path(tag = "templates", security(("bearer" = ["plans:write"])), params(EnrolmentOptions), request_body = EnrolmentsDraft,
    responses((status = 200, description = "The report.", body = EnrolmentsReport)))]
#[post("/v1/programs/{template_key}/enrolments")]
pub async fn enrol_people(
    cx: Context,
    key: Path<String>,
    options: Query<EnrolmentOptions>,
    body: Body<EnrolmentsDraft>,
) -> Result<Answer, ApiError> {
    if options.0.dry_run.unwrap_or_default() {
        // What is not committed has not happened.
        let mut unit = cx.begin().await?;
        return Answer::ok(&enrol(&cx, &mut unit, &key, &body.0, true).await?);
    }
    cx.write(async |unit| Answer::ok(&enrol(&cx, unit, &key, &body.0, false).await?)).await
}

async fn enrol(
    cx: &Context,
    unit: &mut Unit,
    key: &str,
    draft: &EnrolmentsDraft,
    dry_run: bool,
) -> Result<EnrolmentsReport, ApiError> {
    let program = program(&mut unit.conn, unit.organization_id, key).await?;
    let people = named(cx, unit, draft).await?;
    let known = plans::of_template(&mut unit.conn, unit.organization_id, program.definition.id).await?;
    let known: HashMap<Uuid, Uuid> = known.into_iter().map(|(plan_id, person_id)| (person_id, plan_id)).collect();
    let mut report = EnrolmentsReport { dry_run, enrolled: 0, people: vec![] };
    for (person, start_on) in people {
        let (person_id, person_name) = (person.id, person.name.clone());
        if let Some(plan_id) = known.get(&person_id) {
            let plan_id = Some(*plan_id);
            report.people.push(EnrolledPerson { person_id, person_name, plan_id, was_enrolled: true });
            continue;
        }
        let title = program.published().map_or(key, |version| version.content.name.as_str());
        let name: String = format!("{title}: {person_name}").chars().take(Name::MAX_CHARS).collect();
        let plan = PlanDraft {
            template: Some(Key::trusted(program.definition.key.clone())),
            person_id: Some(person_id),
            owner_ref: draft.owner_ref.clone(),
            timeline: draft.timeline,
            ..PlanDraft::named(Name::trusted(name), start_on)
        };
        let record = create(cx, unit, &plan).await?;
        report.enrolled += 1;
        let plan_id = (!dry_run).then_some(record.plan.id);
        report.people.push(EnrolledPerson { person_id, person_name, plan_id, was_enrolled: false });
    }
    Ok(report)
}

/// The people whom a draft names, by name, each once and with the first day of their enrolment.
async fn named(cx: &Context, unit: &mut Unit, draft: &EnrolmentsDraft) -> Result<Vec<(Person, NaiveDate)>, ApiError> {
    let mut found: Vec<(Person, NaiveDate)> = vec![];
    for (index, one) in draft.people.iter().enumerate() {
        let field = format!("people/{index}/person");
        let named = Named { id: one.person_id, external_ref: one.person_ref.as_ref() };
        let (conn, organization_id) = (&mut unit.conn, unit.organization_id);
        let person = reference::resolve::<PersonContent>(conn, organization_id, &field, named).await?;
        let missing = || ValueRule::Required { what: "the person" }.at(format!("/{field}_id"));
        let person = person.ok_or_else(missing)?;
        cx.check_named_person(&field, Some(person.id))?;
        if !person.is_active(unit.today) {
            return Err(PeopleRule::HasLeft { name: person.name.to_string() }.at(format!("/{field}_id")).into());
        }
        found.push((person, one.start_on.unwrap_or(draft.start_on)));
    }
    if let Some(segment) = &draft.segment {
        let conditions = [Condition::Equals("segment", segment.to_value()), Condition::IsPresent("archived_at", false)];
        let cohort: Vec<Person> = row::all(&mut unit.conn, unit.organization_id, &conditions, "id").await?;
        let active = cohort.into_iter().filter(|one| one.is_active(unit.today) && cx.may_read_person(one.id));
        found.extend(active.map(|person| (person, draft.start_on)));
    }
    // Whoever is named keeps the day that is named, also as one of a segment.
    found.sort_by(|(one, _), (other, _)| (&one.name, one.id).cmp(&(&other.name, other.id)));
    found.dedup_by_key(|(person, _)| person.id);
    match found.len() {
        0 => Err(ApiError::field("/people", "required", "must name somebody, or a segment that has active people")),
        1..=MOST => Ok(found),
        more => {
            let detail = format!("names {more} people, but at most {MOST} can be enrolled at once");
            Err(ApiError::field("/people", "too_many_items", detail))
        }
    }
}

/// List the enrolments in a program
///
/// Returns a page of the enrolments that are not archived, by name of the plan, with the progress of each.
#[utoipa::path(tag = "templates", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("list"))), params(Paging),
    responses((status = 200, description = "A page of enrolments.", body = Page<Enrolment>)))]
#[get("/v1/programs/{template_key}/enrolments")]
pub async fn list_enrolments(cx: Context, key: Path<String>, paging: Paging) -> Result<Answer, ApiError> {
    let (cx, _) = proving::up_to_date(&cx).await?;
    let plans = cx.plans().await?;
    let mut conn = cx.snapshot().await?;
    let program = program(&mut conn, cx.organization_id(), &key).await?;
    let is_shown = |plan: &&PlanView| {
        plan.row.template_id == Some(program.definition.id)
            && plan.row.person_id.is_some()
            && plan.row.archived_at.is_none()
            && cx.may_with_plan(Scope::PlansRead, plan)
    };
    let position =
        |plan: &&PlanView| Position { key: Some(PositionKey::Text(plan.name_folded.clone())), id: plan.row.id };
    let rows: Vec<&PlanView> = plans.by_name.iter().map(|plan| &**plan).filter(is_shown).collect();
    let rows = paging.cut(Direction::Ascending, rows, position);
    let ids: Vec<Uuid> = rows.iter().map(|plan| plan.row.id).collect();
    let undated = shares(&cx, &mut conn, &rows, &ids).await?;
    let today = cx.today();
    paging.answer(rows, position, |plan| Enrolment::of(plan, &undated, today))
}

/// Shares of the milestones without a date, by plan. Alternatives do not count: their pathway does.
async fn shares(
    cx: &Context,
    conn: &mut Conn,
    plans: &[&PlanView],
    ids: &[Uuid],
) -> sqlx::Result<HashMap<Uuid, Share>> {
    let undated = row::of_plans::<UndatedMilestone>(conn, cx.organization_id(), Some(ids)).await?;
    let mut undated = row::by(undated, |one| one.plan_id);
    let mut shares = HashMap::new();
    for plan in plans {
        let Some(own) = undated.remove(&plan.row.id) else { continue };
        let content = cx.app.definitions.of_plan(conn, cx.organization_id(), &plan.row).await?;
        let counts = |one: &&UndatedMilestone| content.as_ref().is_none_or(|all| all.pathway_of(&one.key).is_none());
        let states = own.iter().filter(counts).map(|one| one.achieved_on.map_or(State::Planned, |_| State::Achieved));
        shares.insert(plan.row.id, Share::of(states));
    }
    Ok(shares)
}

impl Enrolment {
    fn of(plan: &PlanView, undated: &HashMap<Uuid, Share>, today: NaiveDate) -> Self {
        let share = plan.share().with(undated.get(&plan.row.id).copied().unwrap_or_default());
        let summary = plan.summary(today);
        Self {
            plan_id: plan.row.id,
            person_id: plan.row.person_id,
            person_name: plan.row.person_name.clone(),
            template_version: plan.row.template_version,
            start_on: plan.row.start_on,
            progress: share.into(),
            expected_finish_on: summary.finish_on,
            finish_variance_days: plan.facts.finish_variance_days(summary.planned_finish_on, summary.finish_on),
        }
    }
}

/// The program with a key: a template of the kind `coaching`.
async fn program(conn: &mut Conn, organization_id: Uuid, key: &str) -> Result<Found<TemplateContent>, ApiError> {
    let key = Key::parse(key).map_err(|_| ApiError::not_found())?;
    let found = versioned::find::<TemplateContent>(conn, organization_id, &key).await?;
    let is_program = |found: &Found<TemplateContent>| {
        found.published().or(found.versions.last()).is_some_and(|version| version.content.kind == Kind::Coaching)
    };
    found.filter(is_program).ok_or_else(ApiError::not_found)
}
