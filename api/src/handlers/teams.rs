//! Teams and their members.

use actix_web::web::Path;
use actix_web::{delete, get, patch, post, put};
use chrono::NaiveDate;
use milepost_domain::people::PersonContent;
use milepost_domain::people::team::{Stay, TeamContent};
use milepost_domain::rule::Rule as _;
use milepost_domain::values::nesting::may_be_part_of;
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::text::{ExternalRef, folded};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::answer::Answer;
use crate::bulk::{BulkRequest, BulkResults, put_all};
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::{Body, Query, parse_path, reference_or_404};
use crate::moment::AsOf;
use crate::paging::{NameSort, Page, Paging};
use crate::precondition::{IfMatch, UpsertConditions};
use crate::record::{self, Record};
use crate::reference::{self, Named};
use crate::resource::{self, By, Item, Managed, MergePatch, Nested, Referred, above, find};
use crate::store::Conn;
use crate::store::kept::Archivable;
use crate::store::keyset::{Direction, Order, Position};
use crate::store::row::{self, Column as _, Condition};
use crate::store::teams::{Team, TeamMember, present, with_parts};
use crate::unit::{Change, Entity, Unit};

type TeamPatch = MergePatch<TeamContent>;
type TeamItem = Item<TeamContent>;

impl Managed for TeamContent {
    type Stamp = Archivable;
    const ENTITY: Entity = Entity::Team;
    const PATH: &'static str = "/v1/teams";
    const REFERENCES: &'static [&'static str] = &["parent", "lead"];

    async fn settle(&mut self, unit: &mut Unit, before: Option<&Team>) -> Result<(), ApiError> {
        let (today, organization_id) = (unit.today, unit.organization_id);
        let lead = before.map(|one| Named { id: one.lead_id, external_ref: one.lead_ref.as_ref() }).unwrap_or_default();
        let fields = (&mut self.lead_id, &mut self.lead_ref);
        reference::complete::<PersonContent>(&mut unit.conn, organization_id, "lead", fields, lead).await?;
        if let Some(id) = self.lead_id.filter(|id| lead.id != Some(*id)) {
            let lead = find::<PersonContent>(&mut unit.conn, organization_id, By::Id(id)).await?;
            lead.check_employed(today).map_err(|rule| rule.at("/lead_id"))?;
        }
        let known = before.map(|one| Named { id: one.parent_id, external_ref: one.parent_ref.as_ref() });
        let fields = (&mut self.parent_id, &mut self.parent_ref);
        reference::complete::<Self>(&mut unit.conn, organization_id, "parent", fields, known.unwrap_or_default())
            .await?;
        let above = above::<Self>(unit, self.parent_id).await?;
        may_be_part_of(before.map(|before| before.id), &above).map_err(|rule| rule.at("/parent_id").into())
    }

    async fn remove(unit: &mut Unit, id: Uuid) -> Result<row::Removal, ApiError> {
        Ok(row::delete::<Team>(&mut unit.conn, unit.organization_id, id).await?)
    }
}

impl Nested for TeamContent {
    fn parent_id(&self) -> Option<Uuid> {
        self.parent_id
    }
}

impl Referred for TeamContent {
    const UNKNOWN: &'static str = "unknown_team";
    const PLURAL: &'static str = "teams";

    fn external_ref(&mut self) -> &mut Option<ExternalRef> {
        &mut self.external_ref
    }
}

impl Record for TeamMember {
    const OF: &'static str = "team_id";
    const ENTITY: Entity = Entity::Team;
    const VERB: &'static str = "member_added";

    fn of(&self) -> Uuid {
        self.team_id
    }
}

/// Filters of the team list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TeamFilters {
    /// Text that the name contains, ignoring case.
    #[param(min_length = 1, max_length = 200)]
    q: Option<String>,
    /// Filter by team that the team is a part of.
    parent_id: Option<Uuid>,
    /// Filter by person who leads the team.
    lead_id: Option<Uuid>,
    /// Whether to list archived teams instead of active ones.
    archived: Option<bool>,
    /// Sort order: `name` (the default), `-name`, `created_at` or `-created_at`.
    #[param(inline)]
    sort: Option<NameSort>,
}

/// Depth of the members.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MemberOptions {
    /// Whether to list the members of all teams in the team, too. Defaults to `false`.
    nested: Option<bool>,
}

/// Member to add to a team.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"person_ref": "hr-17", "from_on": "2026-05-04"}))]
pub struct TeamMemberDraft {
    /// Identifier of the person.
    person_id: Option<Uuid>,
    /// External reference of the person. Names the same person as `person_id` where both are given.
    person_ref: Option<ExternalRef>,
    /// First day of the membership. Not in the future. Defaults to today.
    from_on: Option<NaiveDate>,
    /// First day on which the person was no longer a member. Not in the future.
    until_on: Option<NaiveDate>,
}

/// End of a membership.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"until_on": "2026-06-01"}))]
pub struct MembershipEnd {
    /// First day on which the person was no longer a member. Not in the future. Defaults to today. With the first day of the membership,
    /// there was none.
    until_on: Option<NaiveDate>,
}

/// List teams
///
/// Returns a page of the active teams, by name unless sorted otherwise.
#[utoipa::path(tag = "people", security(("bearer" = ["people:read"])), params(Paging, TeamFilters),
    responses((status = 200, description = "A page of teams.", body = Page<Team>)))]
#[get("/v1/teams")]
pub async fn list_teams(cx: Context, paging: Paging, filters: Query<TeamFilters>) -> Result<Answer, ApiError> {
    let filters = filters.0;
    let mut conditions = vec![Condition::IsPresent("archived_at", filters.archived.unwrap_or_default())];
    conditions.extend(filters.q.map(|text| Condition::Contains("name_folded", folded(&text))));
    conditions.extend(filters.parent_id.map(|id| Condition::Equals("parent_id", id.to_value())));
    conditions.extend(filters.lead_id.map(|id| Condition::Equals("lead_id", id.to_value())));
    let sort = filters.sort.unwrap_or_default();
    resource::list::<TeamContent>(&cx, &paging, &conditions, sort, |content| content.name.as_str()).await
}

/// Create a team
///
/// An external reference that another team has is refused with 409.
#[utoipa::path(tag = "people", security(("bearer" = ["people:write"])), request_body = TeamContent,
    responses((status = 201, description = "The created team.", body = Team)))]
#[post("/v1/teams")]
pub async fn create_team(cx: Context, body: Body<TeamContent>) -> Result<Answer, ApiError> {
    resource::create(&cx, &body.0).await
}

/// Create or replace many teams
///
/// Accepts up to 500 items and returns one result for each, in the same order. Invalid items are left out; all others are
/// written in one transaction. An item can name one before it as its parent.
#[utoipa::path(tag = "people", security(("bearer" = ["people:write"])), request_body = BulkRequest<TeamItem>, responses(
    (status = 200, description = "All items were written.", body = BulkResults),
    (status = 207, description = "Some items were refused.", body = BulkResults),
))]
#[post("/v1/teams/bulk")]
pub async fn bulk_upsert_teams(cx: Context, body: Body<BulkRequest<TeamItem>>) -> Result<Answer, ApiError> {
    put_all(&cx, &body.0).await
}

/// Get a team
///
/// Returns active and archived teams alike.
#[utoipa::path(tag = "people", security(("bearer" = ["people:read"])),
    responses((status = 200, description = "The team.", body = Team)))]
#[get("/v1/teams/{id}")]
pub async fn read_team(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    resource::read::<TeamContent>(&cx, By::Id(*id)).await
}

/// Get a team by external reference
///
/// Returns active and archived teams alike.
#[utoipa::path(tag = "people", security(("bearer" = ["people:read"])),
    responses((status = 200, description = "The team.", body = Team)))]
#[get("/v1/teams/by-ref/{external_ref}")]
pub async fn read_team_by_ref(cx: Context, external_ref: Path<String>) -> Result<Answer, ApiError> {
    resource::read::<TeamContent>(&cx, By::Ref(&reference_or_404(&external_ref)?)).await
}

/// Create or replace a team by external reference
///
/// The request is idempotent: a request that changes nothing leaves the version as it is. Fields that are left out become null.
#[utoipa::path(tag = "people", security(("bearer" = ["people:write"])), params(UpsertConditions),
    request_body = TeamContent, responses(
    (status = 200, description = "The team that existed, as replaced.", body = Team),
    (status = 201, description = "The created team.", body = Team),
))]
#[put("/v1/teams/by-ref/{external_ref}")]
pub async fn upsert_team(cx: Context, external_ref: Path<String>, body: Body<TeamContent>) -> Result<Answer, ApiError> {
    resource::upsert(&cx, &parse_path("external_ref", &external_ref)?, &body.0).await
}

/// Update a team
///
/// A patch that changes nothing leaves the version as it is.
#[utoipa::path(tag = "people", security(("bearer" = ["people:write"])), params(IfMatch),
    request_body(content = TeamPatch, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The updated team.", body = Team)))]
#[patch("/v1/teams/{id}")]
pub async fn update_team(cx: Context, id: Path<Uuid>, body: Body<TeamPatch>) -> Result<Answer, ApiError> {
    resource::update(&cx, By::Id(*id), &body.0).await
}

/// Delete a team
///
/// A team that has had members, or has teams in it, cannot be deleted; archive it instead. The ledger keeps what was deleted.
#[utoipa::path(tag = "people", security(("bearer" = ["people:write"])), params(IfMatch),
    responses((status = 204, description = "Deleted.")))]
#[delete("/v1/teams/{id}")]
pub async fn delete_team(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    resource::delete::<TeamContent>(&cx, By::Id(*id)).await
}

/// Add a member to a team
///
/// A person can be a member of several teams, and of one team at several times that do not overlap.
#[utoipa::path(tag = "people", security(("bearer" = ["people:write"])), request_body = TeamMemberDraft,
    responses((status = 201, description = "The membership.", body = TeamMember)))]
#[post("/v1/teams/{id}/members")]
pub async fn add_team_member(cx: Context, id: Path<Uuid>, body: Body<TeamMemberDraft>) -> Result<Answer, ApiError> {
    let draft = body.0;
    cx.write(async |unit| {
        let (organization_id, today) = (unit.organization_id, unit.today);
        let team = find::<TeamContent>(&mut unit.conn, organization_id, By::Id(*id)).await?;
        let named = Named { id: draft.person_id, external_ref: draft.person_ref.as_ref() };
        let person = reference::resolve::<PersonContent>(&mut unit.conn, organization_id, "person", named).await?;
        let person = person.ok_or_else(|| ValueRule::Required { what: "the person" }.at("/person_id"))?;
        let stay = Stay { from_on: draft.from_on.unwrap_or(today), until_on: draft.until_on };
        stay.check(today)?;
        person.check_employed(stay.from_on).map_err(|rule| rule.at("/person_id"))?;
        let others = stays(unit, *id, person.id).await?;
        stay.check_beside(others.iter().map(TeamMember::stay)).map_err(|rule| rule.at("/from_on"))?;
        let member = TeamMember {
            id: unit.new_id(),
            team_id: *id,
            team_name: team.content.name,
            person_id: person.id,
            person_ref: person.content.external_ref,
            person_name: person.content.name,
            from_on: stay.from_on,
            until_on: stay.until_on,
            author: unit.author(),
            recorded_at: unit.now,
        };
        record::append(unit, &member).await?;
        record::recorded(unit, &format!("/v1/teams/{id}/members"), &member).await
    })
    .await
}

/// The times of a person in a team, each with its membership.
async fn stays(unit: &mut Unit, team_id: Uuid, person_id: Uuid) -> Result<Vec<TeamMember>, ApiError> {
    let own = [Condition::Equals("team_id", team_id.to_value()), Condition::Equals("person_id", person_id.to_value())];
    Ok(row::all(&mut unit.conn, unit.organization_id, &own, "id").await?)
}

/// End a membership
///
/// Sets the first day on which the person was no longer a member, or corrects it.
#[utoipa::path(tag = "people", security(("bearer" = ["people:write"])), request_body = Option<MembershipEnd>,
    responses((status = 200, description = "The membership that has ended.", body = TeamMember)))]
#[post("/v1/teams/{id}/members/{record_id}/end")]
pub async fn end_team_membership(
    cx: Context,
    path: Path<(Uuid, Uuid)>,
    body: Body<MembershipEnd>,
) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let (conn, organization_id) = (&mut unit.conn, unit.organization_id);
        let before: TeamMember = record::find(conn, organization_id, path.0, path.1).await?;
        let after = TeamMember { until_on: body.0.until_on.or(Some(unit.today)), ..before.clone() };
        after.stay().check(unit.today)?;
        let mut others = stays(unit, before.team_id, before.person_id).await?;
        others.retain(|other| other.id != before.id);
        after.stay().check_beside(others.iter().map(TeamMember::stay)).map_err(|rule| rule.at("/until_on"))?;
        row::update(&mut unit.conn, organization_id, &after).await?;
        let of = (Entity::Team, before.team_id);
        let change = Change { verb: "member_ended", entity: of, root: of, before: Some(&before), after: Some(&after) };
        unit.record(change).await?;
        Ok(Answer::ok(&after)?.content_tag())
    })
    .await
}

/// List the members of a team
///
/// Returns the memberships of the day, the newest first; with `nested=true` those of all teams in the team, too.
#[utoipa::path(tag = "people", security(("bearer" = ["people:read"])), params(Paging, AsOf, MemberOptions),
    responses((status = 200, description = "A page of memberships.", body = Page<TeamMember>)))]
#[get("/v1/teams/{id}/members")]
pub async fn list_team_members(
    cx: Context,
    id: Path<Uuid>,
    paging: Paging,
    as_of: AsOf,
    options: Query<MemberOptions>,
) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    find::<TeamContent>(&mut conn, cx.organization_id(), By::Id(*id)).await?;
    let is_nested = options.0.nested.unwrap_or_default();
    let teams = if is_nested { with_parts(&mut conn, cx.organization_id(), *id).await? } else { vec![*id] };
    members(&cx, &mut conn, &paging, Condition::OneOf("team_id", teams.iter().map(Uuid::to_value).collect()), as_of)
        .await
}

/// Get a membership
///
/// Returns one membership, present or past.
#[utoipa::path(tag = "people", security(("bearer" = ["people:read"])),
    responses((status = 200, description = "The membership.", body = TeamMember)))]
#[get("/v1/teams/{id}/members/{record_id}")]
pub async fn read_team_member(cx: Context, path: Path<(Uuid, Uuid)>) -> Result<Answer, ApiError> {
    record::read::<TeamMember>(&cx, path.0, path.1).await
}

/// List the teams of a person
///
/// Returns the person's memberships of the day, the newest first.
#[utoipa::path(tag = "people", security(("bearer" = ["people:read"])), extensions(("x-related" = json!("person"))), params(Paging, AsOf),
    responses((status = 200, description = "A page of memberships.", body = Page<TeamMember>)))]
#[get("/v1/people/{id}/teams")]
pub async fn list_teams_of_person(
    cx: Context,
    id: Path<Uuid>,
    paging: Paging,
    as_of: AsOf,
) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    find::<PersonContent>(&mut conn, cx.organization_id(), By::Id(*id)).await?;
    members(&cx, &mut conn, &paging, Condition::Equals("person_id", id.to_value()), as_of).await
}

async fn members(
    cx: &Context,
    conn: &mut Conn,
    paging: &Paging,
    of: Condition,
    AsOf(as_of): AsOf,
) -> Result<Answer, ApiError> {
    let [from, until] = present(as_of);
    let conditions = [of, from, until];
    let slice = paging.slice(Order::Id, Direction::Descending)?;
    let rows: Vec<TeamMember> = row::page(conn, cx.organization_id(), &conditions, &slice).await?;
    paging.answer(rows, |row| Position { key: None, id: row.id }, |row| row)
}
