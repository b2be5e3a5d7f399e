//! Competitions: boards with a beginning, an end, and results that stay.

use std::sync::Arc;

use actix_web::web::Path;
use actix_web::{delete, get, patch, post};
use milepost_domain::customer::account::CustomerContent;
use milepost_domain::people::team::TeamContent;
use milepost_domain::recognition::audience::Audience;
use milepost_domain::recognition::competition::{CompetitionContent, FinalScore};
use milepost_domain::recognition::deed::RecognitionConsent;
use milepost_domain::recognition::ranking::{Ranked, ranked};
use milepost_domain::recognition::rule::RecognitionRule;
use milepost_domain::rule::Rule as _;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::leaderboard::{BoardPlace, Question, page};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::{Body, Query};
use crate::honours::Honoured;
use crate::paging::{NameSort, Page, Paging};
use crate::precondition::{IfMatch, IfMatchOptional};
use crate::resource::{self, By, Managed, MergePatch, find, look_up, shown};
use crate::store::competitions::{Closable, Competition};
use crate::store::row::{self, Column as _, Condition};
use crate::store::templates::Template;
use crate::store::versions;
use crate::unit::{Change, Entity, Unit};

type CompetitionPatch = MergePatch<CompetitionContent>;

impl Managed for CompetitionContent {
    type Stamp = Closable;
    const ENTITY: Entity = Entity::Competition;
    const PATH: &'static str = "/v1/competitions";

    async fn settle(&mut self, unit: &mut Unit, before: Option<&Competition>) -> Result<(), ApiError> {
        check_open(before)?;
        self.check()?;
        let (conn, organization_id) = (&mut unit.conn, unit.organization_id);
        if let Some(key) = &self.template {
            let found: Option<Template> = versions::find(conn, organization_id, key.as_str()).await?;
            found.ok_or_else(|| ApiError::field("/template", "unknown_template", "names no template"))?;
        }
        if let Some(id) = self.customer_id {
            let found = look_up::<CustomerContent>(conn, organization_id, By::Id(id)).await?;
            found.ok_or_else(|| ApiError::field("/customer_id", "unknown_customer", "names no customer"))?;
        }
        if let Some(id) = self.team_id {
            let found = look_up::<TeamContent>(conn, organization_id, By::Id(id)).await?;
            found.ok_or_else(|| ApiError::field("/team_id", "unknown_team", "names no team"))?;
        }
        Ok(())
    }
}

/// Refuses changes of a competition whose results are fixed.
fn check_open(competition: Option<&Competition>) -> Result<(), ApiError> {
    match competition.and_then(|own| own.stamp.closed_at) {
        Some(_) => Err(RecognitionRule::CompetitionClosed.at("").into()),
        None => Ok(()),
    }
}

/// Filters of the list of competitions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CompetitionFilters {
    /// Filter by whether the results are fixed.
    closed: Option<bool>,
    /// Sort order: `name` (the default), `-name`, `created_at` or `-created_at`.
    #[param(inline)]
    sort: Option<NameSort>,
}

/// List competitions
///
/// Returns a page of the competitions, by name unless sorted otherwise. Participants of a customer see those of the customer.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])), extensions(("x-related" = json!("list"))),
    params(Paging, CompetitionFilters), responses((status = 200, description = "A page of competitions.", body = Page<Competition>)))]
#[get("/v1/competitions")]
pub async fn list_competitions(
    cx: Context,
    paging: Paging,
    filters: Query<CompetitionFilters>,
) -> Result<Answer, ApiError> {
    let mut conditions = vec![];
    conditions.extend(filters.0.closed.map(|is_closed| Condition::IsPresent("closed_at", is_closed)));
    if let Audience::Participants { of } = cx.audience() {
        conditions.push(Condition::Equals("customer_id", of.to_value()));
    }
    let sort = filters.0.sort.unwrap_or_default();
    resource::list::<CompetitionContent>(&cx, &paging, &conditions, sort, |one| one.name.as_str()).await
}

/// Create a competition
///
/// Everybody takes part who shows their achievements and whom its filters leave.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:write"])), request_body = CompetitionContent,
    responses((status = 201, description = "The created competition.", body = Competition)))]
#[post("/v1/competitions")]
pub async fn create_competition(cx: Context, body: Body<CompetitionContent>) -> Result<Answer, ApiError> {
    resource::create(&cx, &body.0).await
}

/// Get a competition
///
/// Returns the competition; its standings are read on their own.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])), extensions(("x-related" = json!("list"))),
    responses((status = 200, description = "The competition.", body = Competition)))]
#[get("/v1/competitions/{competition_id}")]
pub async fn read_competition(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    shown(&seen(&cx, *id).await?)
}

/// Update a competition
///
/// A closed competition cannot be changed.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:write"])), params(IfMatch),
    request_body(content = CompetitionPatch, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The updated competition.", body = Competition)))]
#[patch("/v1/competitions/{competition_id}")]
pub async fn update_competition(cx: Context, id: Path<Uuid>, body: Body<CompetitionPatch>) -> Result<Answer, ApiError> {
    resource::update(&cx, By::Id(*id), &body.0).await
}

/// Delete a competition
///
/// The ledger keeps what was deleted.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:write"])), params(IfMatch),
    responses((status = 204, description = "Deleted.")))]
#[delete("/v1/competitions/{competition_id}")]
pub async fn delete_competition(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    resource::delete::<CompetitionContent>(&cx, By::Id(*id)).await
}

/// Close a competition
///
/// Fixes the results after the last day, once: what is recorded later changes nothing about them. The ledger has them, too.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:write"])), params(IfMatchOptional),
    responses((status = 200, description = "The closed competition.", body = Competition)))]
#[post("/v1/competitions/{competition_id}/close")]
pub async fn close_competition(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let own = seen(&cx, *id).await?;
    let board = Question::of_competition(&cx, &own.content).await?.board(&cx, &*cx.honours().await?, None);
    cx.write(async |unit| {
        let before = find::<CompetitionContent>(&mut unit.conn, unit.organization_id, By::Id(*id)).await?;
        cx.check_version(before.version())?;
        before.check_may_close(unit.today, before.stamp.closed_at.is_some()).map_err(|rule| rule.at(""))?;
        let score = |one: &Ranked<Arc<Honoured>>| FinalScore { person_id: Some(one.who.person.id), score: one.score };
        let mut after = before.clone();
        after.stamp.results = board.entries.iter().map(score).collect();
        after.stamp.closed_at = Some(unit.now);
        after.touch(unit.now);
        row::update(&mut unit.conn, unit.organization_id, &after).await?;
        let of = (Entity::Competition, after.id);
        let recorded = serde_json::json!({ "competition": after, "results": after.stamp.results });
        unit.record(Change { verb: "closed", entity: of, root: of, before: None, after: Some(&recorded) }).await?;
        shown(&after)
    })
    .await
}

/// List the standings of a competition
///
/// Returns a page of the board: as it stands, or, once the competition is closed, as it ended. Whoever shows their achievements to nobody is
/// left out without a gap.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])), extensions(("x-related" = json!("list"))), params(Paging),
    responses((status = 200, description = "A page of the board.", body = Page<BoardPlace>)))]
#[get("/v1/competitions/{competition_id}/standings")]
pub async fn list_standings(cx: Context, id: Path<Uuid>, paging: Paging) -> Result<Answer, ApiError> {
    let competition = seen(&cx, *id).await?;
    let honours = cx.honours().await?;
    if competition.stamp.closed_at.is_none() {
        let board = Question::of_competition(&cx, &competition.content).await?.board(&cx, &honours, None);
        return Ok(page(&paging, &board.entries, |one| BoardPlace::of(one.rank, one.score, Some(&one.who)))?.answer());
    }
    let who = |one: &FinalScore| one.person_id.and_then(|id| honours.people.get(&id).cloned());
    let is_shown = |one: &&FinalScore| who(one).is_none_or(|who| who.consent != RecognitionConsent::Private);
    let scored = competition.stamp.results.iter().filter(is_shown).map(|one| (one.score, who(one))).collect();
    let entries = ranked(scored, |who: &Option<Arc<Honoured>>| {
        who.as_ref().map_or(("", Uuid::nil()), |who| (who.person.name.as_str(), who.person.id))
    });
    Ok(page(&paging, &entries, |one| BoardPlace::of(one.rank, one.score, one.who.as_ref()))?.answer())
}

/// The competition, for whoever may see it.
async fn seen(cx: &Context, id: Uuid) -> Result<Competition, ApiError> {
    let found = find::<CompetitionContent>(&mut cx.read().await?, cx.organization_id(), By::Id(id)).await?;
    if cx.audience().sees(RecognitionConsent::Organization, found.customer_id) {
        Ok(found)
    } else {
        Err(ApiError::not_found())
    }
}
