//! Responsibilities of people: listed, handed over, and found in texts that name owners.

use std::collections::{BTreeMap, HashMap};

use actix_web::web::Path;
use actix_web::{get, post};
use milepost_domain::people::PersonContent;
use milepost_domain::people::responsibility::{Directory, Found, MOST_HANDED_OVER, Responsibility};
use milepost_domain::people::rule::PeopleRule;
use milepost_domain::rule::Rule as _;
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::text::{ExternalRef, Name};
use serde::{Deserialize, Serialize};
use strum::VariantArray as _;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::giving::{give, give_escalations, held};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::{Body, Query};
use crate::paging::{Page, Paging};
use crate::reference::{self, Named};
use crate::resource::{By, find};
use crate::store::keyset::{Direction, Key, Position};
use crate::store::owner::Owner;
use crate::store::people::Person;
use crate::store::reporting_lines;
use crate::store::responsibilities::{self, Held};
use crate::store::row::{self, Condition};
use crate::unit::Unit;

/// Filter of responsibilities.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ResponsibilityFilters {
    /// Filter by kind. Repeat the parameter for several kinds.
    #[serde(default)]
    #[param(max_items = 10)]
    kind: Vec<Responsibility>,
}

/// Handing over of what a person is responsible for.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"to_ref": "hr-21", "kinds": ["milestones", "interventions"]}))]
pub struct HandOver {
    /// Identifier of the person who takes over.
    to_id: Option<Uuid>,
    /// External reference or e-mail address of the person who takes over.
    to_ref: Option<ExternalRef>,
    /// Kinds to hand over. Defaults to all.
    #[serde(default)]
    #[schema(max_items = 10)]
    kinds: Vec<Responsibility>,
}

/// Way of a change of many things.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DryRun {
    /// Whether to report only what would change. Defaults to `false`.
    dry_run: Option<bool>,
}

/// Number of things of a kind.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"kind": "milestones", "count": 12}))]
pub struct ResponsibilityCount {
    /// Kind.
    kind: Responsibility,
    /// Number.
    #[schema(maximum = 2000)]
    count: usize,
}

/// Report of a handing over.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "dry_run": false, "from_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "to_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11",
    "to_name": "Ben Okafor", "handed_over": [{"kind": "milestones", "count": 12}]
}))]
pub struct HandedOver {
    /// Whether nothing was changed.
    dry_run: bool,
    /// Identifier of the person who was responsible.
    from_id: Uuid,
    /// Identifier of the person who takes over.
    to_id: Uuid,
    /// Name of the person who takes over.
    to_name: Name,
    /// Number of things by kind; kinds without any are left out.
    #[schema(max_items = 10)]
    handed_over: Vec<ResponsibilityCount>,
}

/// Outcome for a text that names an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MatchOutcome {
    /// The text means one person, who is now the owner.
    Matched,
    /// The text means several people.
    Ambiguous,
    /// The text means nobody.
    Unknown,
}

/// Text that names an owner, and whom it means.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "owner_name": "ana petrova", "uses": 14, "outcome": "matched", "person_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11",
    "person_name": "Ana Petrova", "changed": 14
}))]
pub struct OwnerMatch {
    /// Text.
    #[schema(max_length = 200)]
    owner_name: String,
    /// Number of things whose owner the text named.
    #[schema(maximum = 1_000_000_000)]
    uses: i64,
    /// Outcome.
    outcome: MatchOutcome,
    /// Identifier of the person that the text means.
    person_id: Option<Uuid>,
    /// Name of that person.
    person_name: Option<Name>,
    /// Number of things that now belong to the person.
    #[schema(maximum = 2000)]
    changed: usize,
}

/// Report of the matching of texts to people.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"dry_run": false, "matches": [], "has_more": false}))]
pub struct OwnerMatches {
    /// Whether nothing was changed.
    dry_run: bool,
    /// Texts, in alphabetical order.
    #[schema(max_items = 1_000_000)]
    matches: Vec<OwnerMatch>,
    /// Whether more could be matched than one request changes; if so, repeat the request.
    has_more: bool,
}

/// List what a person is responsible for
///
/// Returns what still has to be looked after: active customers, people, plans and teams, open milestones and interventions, playbooks, and
/// reports. Items of one kind are together.
#[utoipa::path(tag = "people", security(("bearer" = ["people:read"])), extensions(("x-related" = json!("person"))),
    params(Paging, ResponsibilityFilters),
    responses((status = 200, description = "A page of responsibilities.", body = Page<Held>)))]
#[get("/v1/people/{id}/responsibilities")]
pub async fn list_responsibilities(
    cx: Context,
    id: Path<Uuid>,
    paging: Paging,
    filters: Query<ResponsibilityFilters>,
) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    find::<PersonContent>(&mut conn, cx.organization_id(), By::Id(*id)).await?;
    let mut all = vec![];
    for kind in asked(&filters.0.kind) {
        all.extend(held(&mut conn, cx.organization_id(), kind, *id).await?);
    }
    let plans = cx.plans().await?;
    all.retain(|one| cx.may_see_held(*id, one, &plans));
    let position = |one: &Held| Position { key: Some(Key::Text(one.kind.to_string())), id: one.id };
    paging.answer_sorted(Direction::Ascending, all, position, |one| one)
}

fn asked(kinds: &[Responsibility]) -> Vec<Responsibility> {
    let all = Responsibility::VARIANTS.iter().copied();
    all.filter(|kind| kinds.is_empty() || kinds.contains(kind)).collect()
}

/// Hand over what a person is responsible for
///
/// Gives what still has to be looked after to another person, in one transaction. What is over stays as it was. Hands over at most 2,000
/// things. A dry run (`dry_run=true`) only counts.
#[utoipa::path(tag = "people", security(("bearer" = ["admin"])), params(DryRun), request_body = HandOver,
    responses((status = 200, description = "The report of the handing over.", body = HandedOver)))]
#[post("/v1/people/{id}/hand-over")]
pub async fn hand_over_responsibilities(
    cx: Context,
    id: Path<Uuid>,
    options: Query<DryRun>,
    body: Body<HandOver>,
) -> Result<Answer, ApiError> {
    if options.0.dry_run.unwrap_or_default() {
        // What is not committed has not happened.
        let mut unit = cx.begin().await?;
        return Answer::ok(&hand_over(&mut unit, *id, &body.0, true).await?);
    }
    cx.write(async |unit| Answer::ok(&hand_over(unit, *id, &body.0, false).await?)).await
}

async fn hand_over(unit: &mut Unit, id: Uuid, draft: &HandOver, dry_run: bool) -> Result<HandedOver, ApiError> {
    let organization_id = unit.organization_id;
    find::<PersonContent>(&mut unit.conn, organization_id, By::Id(id)).await?;
    let named = Named { id: draft.to_id, external_ref: draft.to_ref.as_ref() };
    let to = reference::resolve::<PersonContent>(&mut unit.conn, organization_id, "to", named).await?;
    let to = to.ok_or_else(|| ValueRule::Required { what: "whom to hand over to" }.at("/to_id"))?;
    to.check_employed(unit.today).map_err(|rule| rule.at("/to_id"))?;
    if to.id == id {
        return Err(PeopleRule::HandedToOneself.at("/to_id").into());
    }
    let mut all = vec![];
    for kind in asked(&draft.kinds) {
        let ids: Vec<Uuid> = held(&mut unit.conn, organization_id, kind, id).await?.iter().map(|one| one.id).collect();
        all.extend((!ids.is_empty()).then_some((kind, ids)));
    }
    let found = all.iter().map(|(_, ids)| ids.len()).sum();
    if found > MOST_HANDED_OVER {
        return Err(PeopleRule::TooMuchToHandOver { found, most: MOST_HANDED_OVER }.at("/kinds").into());
    }
    let owner = Owner::from(&to);
    if all.iter().any(|(kind, _)| *kind == Responsibility::Reports) {
        lift(unit, id, to.id).await?;
    }
    give_escalations(unit, &[id], &owner).await?;
    for (kind, ids) in &mut all {
        ids.retain(|one| !(*kind == Responsibility::Reports && *one == to.id));
        give(unit, *kind, ids, &[id], &owner, "/to_id").await?;
    }
    let handed_over = all.iter().map(|(kind, ids)| ResponsibilityCount { kind: *kind, count: ids.len() }).collect();
    Ok(HandedOver { dry_run, from_id: id, to_id: to.id, to_name: to.content.name, handed_over })
}

/// Gives a successor who reports to whom they follow, directly or not, that one's own manager first.
async fn lift(unit: &mut Unit, from: Uuid, to: Uuid) -> Result<(), ApiError> {
    let (conn, organization_id) = (&mut unit.conn, unit.organization_id);
    let chart = reporting_lines::below(conn, organization_id, from).await?;
    if !chart.reports_on(from, unit.today).iter().any(|(id, _)| *id == to) {
        return Ok(());
    }
    let above = find::<PersonContent>(conn, organization_id, By::Id(from)).await?.manager_id;
    let manager = match above {
        Some(above) => Owner::from(&find::<PersonContent>(conn, organization_id, By::Id(above)).await?),
        None => Owner::default(),
    };
    give(unit, Responsibility::Reports, &[to], &[from], &manager, "/to_id").await
}

/// Match owners to people
///
/// Looks for people in the texts that name owners of customers, people, plans, milestones and interventions, and makes them the owners. A
/// text means the person with that external reference, or else that e-mail address, or else that name. Texts that mean nobody or several
/// people stay. Changes at most 2,000 things. A dry run (`dry_run=true`) only reports.
#[utoipa::path(tag = "people", security(("bearer" = ["admin"])), params(DryRun),
    responses((status = 200, description = "The texts, and whom they mean.", body = OwnerMatches)))]
#[post("/v1/people/match-owners")]
pub async fn match_owners(cx: Context, options: Query<DryRun>) -> Result<Answer, ApiError> {
    if options.0.dry_run.unwrap_or_default() {
        return Answer::ok(&matched(&mut cx.begin().await?, true).await?);
    }
    cx.write(async |unit| Answer::ok(&matched(unit, false).await?)).await
}

async fn matched(unit: &mut Unit, dry_run: bool) -> Result<OwnerMatches, ApiError> {
    let stands = [Condition::IsPresent("merged_into_id", false), Condition::IsPresent("archived_at", false)];
    let people: Vec<Person> = row::all(&mut unit.conn, unit.organization_id, &stands, "id").await?;
    let by_id: HashMap<Uuid, &Person> = people.iter().map(|person| (person.id, person)).collect();
    let directory = Directory::of(people.iter().map(|person| (person.id, &person.content)));
    let mut uses: BTreeMap<String, Vec<(Responsibility, i64)>> = BTreeMap::new();
    for kind in Responsibility::VARIANTS {
        for named in responsibilities::names(&mut unit.conn, unit.organization_id, *kind).await? {
            uses.entry(named.name).or_default().push((*kind, named.uses));
        }
    }
    let (mut room, mut has_more, mut matches) = (MOST_HANDED_OVER, false, vec![]);
    for (text, places) in uses {
        let total: i64 = places.iter().map(|(_, uses)| uses).sum();
        let (outcome, person) = match directory.find(&text) {
            Found::Nobody => (MatchOutcome::Unknown, None),
            Found::Several => (MatchOutcome::Ambiguous, None),
            Found::One(id) => (MatchOutcome::Matched, by_id.get(&id).copied()),
        };
        let mut changed = 0;
        if let Some(person) = person {
            for (kind, _) in places {
                let (conn, organization_id) = (&mut unit.conn, unit.organization_id);
                let ids = responsibilities::ids_named(conn, organization_id, kind, &text, room).await?;
                give(unit, kind, &ids, &[], &Owner::from(person), "").await?;
                (changed, room) = (changed + ids.len(), room - ids.len());
            }
            has_more |= i64::try_from(changed).unwrap_or(i64::MAX) < total;
        }
        matches.push(OwnerMatch {
            owner_name: text,
            uses: total,
            outcome,
            person_id: person.map(|person| person.id),
            person_name: person.map(|person| person.name.clone()),
            changed,
        });
    }
    Ok(OwnerMatches { dry_run, matches, has_more })
}
