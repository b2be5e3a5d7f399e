//! The organization chart of people: reporting lines, managers, reports.

use std::collections::HashMap;

use actix_web::web::Path;
use actix_web::{get, post};
use chrono::NaiveDate;
use milepost_domain::people::chart::ReportingLine;
use milepost_domain::people::rule::PeopleRule;
use milepost_domain::people::{Employment, PersonContent, PersonKind};
use milepost_domain::rule::Rule as _;
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::text::{ExternalRef, Name};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::{Body, Query};
use crate::moment::AsOf;
use crate::paging::{NameSort, Page, Paging};
use crate::record::{self, Record};
use crate::reference::{self, Named};
use crate::resource::{By, check_stands, find};
use crate::store::Conn;
use crate::store::keyset::Direction;
use crate::store::people::{self, Person};
use crate::store::reporting_lines::{self, LineRow};
use crate::store::row;
use crate::unit::{Entity, Unit};

impl Record for LineRow {
    const OF: &'static str = "person_id";
    const ENTITY: Entity = Entity::Person;
    const VERB: &'static str = "reporting_line_recorded";

    fn of(&self) -> Uuid {
        self.person_id
    }
}

/// Reporting line to record. Without a manager, the person reports to nobody.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"manager_ref": "hr-3", "from_on": "2026-05-04"}))]
pub struct ReportingLineDraft {
    /// Identifier of the manager.
    manager_id: Option<Uuid>,
    /// External reference of the manager. Names the same person as `manager_id` where both are given.
    manager_ref: Option<ExternalRef>,
    /// First day on which this holds. Not in the future. Defaults to today.
    from_on: Option<NaiveDate>,
}

/// A person in the organization chart.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "external_ref": "hr-17", "name": "Ana Petrova", "kind": "employee",
    "employment": "active", "steps": 1
}))]
pub struct ChartPerson {
    /// Identifier.
    id: Uuid,
    /// External reference.
    external_ref: Option<ExternalRef>,
    /// Name.
    name: Name,
    /// Role in relation to the organization.
    kind: PersonKind,
    /// Whether the person worked with the organization on the day.
    employment: Employment,
    /// Number of steps between the two: 1 for a direct report or manager.
    #[schema(minimum = 1, maximum = 100)]
    steps: usize,
}

/// Depth of the reports.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReportOptions {
    /// Whether to list those who report through others, too. Defaults to `false`.
    indirect: Option<bool>,
}

/// Checks that a person can report to a manager from a day on: the manager has not left, and does not report to the person.
pub async fn check_line(unit: &mut Unit, at: &str, line: ReportingLine) -> Result<(), ApiError> {
    let Some(manager_id) = line.manager_id else { return Ok(()) };
    let (conn, organization_id) = (&mut unit.conn, unit.organization_id);
    let manager = find::<PersonContent>(conn, organization_id, By::Id(manager_id)).await?;
    let chart = reporting_lines::above(conn, organization_id, &[line.person_id, manager_id]).await?;
    let refusal = |rule: PeopleRule| rule.at(at);
    manager.check_employed(line.from_on).map_err(refusal)?;
    Ok(chart.check(line).map_err(refusal)?)
}

/// Makes a person's reporting lines say what their manager of today is, where they say otherwise.
pub async fn settle_line(unit: &mut Unit, id: Uuid, person: &Person) -> Result<(), ApiError> {
    let chart = reporting_lines::above(&mut unit.conn, unit.organization_id, &[person.id]).await?;
    if chart.manager_on(person.id, unit.today) == person.manager_id {
        return Ok(());
    }
    let line = LineRow {
        id,
        person_id: person.id,
        manager_id: person.manager_id,
        manager_name: None,
        from_on: unit.today,
        author: unit.author(),
        recorded_at: unit.now,
    };
    row::insert(&mut unit.conn, unit.organization_id, &line).await?;
    Ok(())
}

/// Record whom a person reports to
///
/// The line holds from its first day until that of the person's next line. Days in the past correct the history; of two lines for the same
/// day, the one that is recorded later holds.
#[utoipa::path(tag = "people", security(("bearer" = ["people:write"])), request_body = ReportingLineDraft,
    responses((status = 201, description = "The recorded line.", body = LineRow)))]
#[post("/v1/people/{id}/reporting-lines")]
pub async fn record_reporting_line(
    cx: Context,
    id: Path<Uuid>,
    body: Body<ReportingLineDraft>,
) -> Result<Answer, ApiError> {
    let draft = body.0;
    cx.write(async |unit| {
        let person = find::<PersonContent>(&mut unit.conn, unit.organization_id, By::Id(*id)).await?;
        check_stands(&person)?;
        let named = Named { id: draft.manager_id, external_ref: draft.manager_ref.as_ref() };
        let (conn, organization_id) = (&mut unit.conn, unit.organization_id);
        let manager = reference::resolve::<PersonContent>(conn, organization_id, "manager", named).await?;
        let from_on = draft.from_on.unwrap_or(unit.today);
        if from_on > unit.today {
            return Err(ValueRule::InTheFuture { today: unit.today }.at("/from_on").into());
        }
        let manager_id = manager.as_ref().map(|manager| manager.id);
        check_line(unit, "/manager_id", ReportingLine { person_id: *id, manager_id, from_on }).await?;
        let line = LineRow {
            id: unit.new_id(),
            person_id: *id,
            manager_id,
            manager_name: manager.as_ref().map(|manager| manager.name.clone()),
            from_on,
            author: unit.author(),
            recorded_at: unit.now,
        };
        record::append(unit, &line).await?;
        follow_line(unit, &person, manager.as_ref()).await?;
        record::recorded(unit, &format!("/v1/people/{id}/reporting-lines"), &line).await
    })
    .await
}

/// Gives a person the manager of a new line, if it is the one of today.
async fn follow_line(unit: &mut Unit, person: &Person, manager: Option<&Person>) -> Result<(), ApiError> {
    let chart = reporting_lines::above(&mut unit.conn, unit.organization_id, &[person.id]).await?;
    let manager_id = chart.manager_on(person.id, unit.today);
    if manager_id == person.manager_id || manager_id != manager.map(|manager| manager.id) {
        return Ok(());
    }
    let manager_ref = manager.and_then(|manager| manager.external_ref.clone());
    let after = person.with(PersonContent { manager_id, manager_ref, ..person.content.clone() }, unit.now);
    row::update(&mut unit.conn, unit.organization_id, &after).await?;
    unit.record_updated(Entity::Person, person.id, person, &after).await
}

/// List the reporting lines of a person
///
/// Returns all lines that were recorded, the newest first.
#[utoipa::path(tag = "people", security(("bearer" = ["people:read"])), extensions(("x-related" = json!("person"))), params(Paging),
    responses((status = 200, description = "A page of reporting lines.", body = Page<LineRow>)))]
#[get("/v1/people/{id}/reporting-lines")]
pub async fn list_reporting_lines(cx: Context, id: Path<Uuid>, paging: Paging) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    find::<PersonContent>(&mut conn, cx.organization_id(), By::Id(*id)).await?;
    record::list::<LineRow>(&cx, &mut conn, *id, &paging).await
}

/// Get a reporting line of a person
///
/// Returns one recorded line.
#[utoipa::path(tag = "people", security(("bearer" = ["people:read"])), extensions(("x-related" = json!("person"))),
    responses((status = 200, description = "The reporting line.", body = LineRow)))]
#[get("/v1/people/{id}/reporting-lines/{record_id}")]
pub async fn read_reporting_line(cx: Context, path: Path<(Uuid, Uuid)>) -> Result<Answer, ApiError> {
    record::read::<LineRow>(&cx, path.0, path.1).await
}

/// List the managers of a person
///
/// Returns the person's manager on the day, that one's manager, and so on, by name. `steps` gives their order.
#[utoipa::path(tag = "people", security(("bearer" = ["people:read"])), extensions(("x-related" = json!("person"))), params(Paging, AsOf),
    responses((status = 200, description = "A page of managers.", body = Page<ChartPerson>)))]
#[get("/v1/people/{id}/managers")]
pub async fn list_managers(cx: Context, id: Path<Uuid>, paging: Paging, as_of: AsOf) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    find::<PersonContent>(&mut conn, cx.organization_id(), By::Id(*id)).await?;
    let chart = reporting_lines::above(&mut conn, cx.organization_id(), &[*id]).await?;
    let above: Vec<(Uuid, usize)> = chart.managers_on(*id, as_of.0).into_iter().zip(1..).collect();
    listed(&cx, &mut conn, &paging, &above, as_of).await
}

/// List the reports of a person
///
/// Returns those who reported to the person on the day, by name: directly, or with `indirect=true` through others, too.
#[utoipa::path(tag = "people", security(("bearer" = ["people:read"])), extensions(("x-related" = json!("person"))),
    params(Paging, AsOf, ReportOptions),
    responses((status = 200, description = "A page of reports.", body = Page<ChartPerson>)))]
#[get("/v1/people/{id}/reports")]
pub async fn list_reports(
    cx: Context,
    id: Path<Uuid>,
    paging: Paging,
    as_of: AsOf,
    options: Query<ReportOptions>,
) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    find::<PersonContent>(&mut conn, cx.organization_id(), By::Id(*id)).await?;
    let chart = reporting_lines::below(&mut conn, cx.organization_id(), *id).await?;
    let mut below = chart.reports_on(*id, as_of.0);
    if !options.0.indirect.unwrap_or_default() {
        below.retain(|(_, steps)| *steps == 1);
    }
    listed(&cx, &mut conn, &paging, &below, as_of).await
}

async fn listed(
    cx: &Context,
    conn: &mut Conn,
    paging: &Paging,
    found: &[(Uuid, usize)],
    AsOf(as_of): AsOf,
) -> Result<Answer, ApiError> {
    let steps: HashMap<Uuid, usize> = found.iter().copied().collect();
    let ids: Vec<Uuid> = found.iter().map(|(id, _)| *id).collect();
    let mut people = people::with_ids(conn, cx.organization_id(), &ids).await?;
    people.retain(|person| cx.may_read_person(person.id));
    let shown = |person: Person| {
        let employment = if person.has_left(as_of) { Employment::Left } else { Employment::Active };
        let steps = steps.get(&person.id).copied().unwrap_or(1);
        let PersonContent { external_ref, name, kind, .. } = person.content;
        ChartPerson { id: person.id, external_ref, name, kind, employment, steps }
    };
    let position = |person: &Person| NameSort::Name.position(person.name.as_str(), person.id);
    paging.answer_sorted(Direction::Ascending, people, position, shown)
}
