//! Portfolios: what somebody has achieved, for themselves, for their organization, and for the world if they want.

use std::cmp::Reverse;
use std::sync::Arc;

use actix_web::http::header::VARY;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, get};
use chrono::NaiveDate;
use milepost_domain::recognition::audience::{Audience, shows_award};
use milepost_domain::recognition::deed::FinishedLevel;
use milepost_domain::recognition::impact::ImpactState;
use milepost_domain::recognition::story::StoryState;
use milepost_domain::values::text::Name;
use utoipa::ToSchema;
use uuid::Uuid;

use super::issuer::public;
use crate::answer::Answer;
use crate::context::{Context, Matched};
use crate::error::ApiError;
use crate::gate::negotiate;
use crate::honours::Honoured;
use crate::issuing::Addresses;
use crate::resources::figures::{StoryFigure, figures, of_story};
use crate::resources::portfolio::{Portfolio, PortfolioAward, PortfolioLevel, PortfolioStory};
use crate::state::App;
use crate::store::awards::AwardRow;
use crate::store::impacts::Impact;
use crate::store::organizations;
use crate::store::row::{self, Column as _, Condition};
use crate::store::stories::Story;
use crate::views::{portfolio_markdown, portfolio_page};

/// Résumé as JSON Resume has it.
#[derive(Debug, ToSchema)]
#[schema(example = json!({"basics": {"name": "Ana Petrova"}, "awards": [], "certificates": [], "skills": [], "projects": []}))]
#[expect(dead_code, reason = "describes the document")]
pub struct JsonResume {
    /// Person.
    #[schema(value_type = Object)]
    basics: (),
    /// Awards that are no certificates.
    #[schema(value_type = Vec<Object>, max_items = 10_000)]
    awards: (),
    /// Certificates and certifications.
    #[schema(value_type = Vec<Object>, max_items = 10_000)]
    certificates: (),
    /// Finished levels.
    #[schema(value_type = Vec<Object>, max_items = 10_000)]
    skills: (),
    /// Success stories.
    #[schema(value_type = Vec<Object>, max_items = 10_000)]
    projects: (),
}

/// Get a person's portfolio
///
/// Returns what the person has achieved: awards, finished levels, verified impacts, and published stories. By `Accept`, it is JSON, or Markdown with
/// lines to paste into a résumé.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])), extensions(("x-related" = json!("person"))),
    responses((status = 200, description = "The portfolio.", content((Portfolio = "application/json"), (String = "text/markdown")))))]
#[get("/v1/people/{id}/portfolio")]
pub async fn read_portfolio(request: HttpRequest, cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let portfolio = of_person(&cx, *id, Audience::Organization).await?;
    let matched = Matched::of(&request)?;
    Ok(match negotiate(&request, &matched.operation.produces) {
        Some("text/markdown") => {
            Answer::text("text/markdown; charset=utf-8", portfolio_markdown::lines(&portfolio)).header(VARY, "accept")
        }
        _ => Answer::ok(&portfolio)?.content_tag().header(VARY, "accept"),
    })
}

/// Get a person's JSON Resume
///
/// Returns the portfolio as a JSON Resume (schema 1.0.0), for programs that make a résumé of it.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])), extensions(("x-related" = json!("person"))),
    responses((status = 200, description = "The résumé.", body = JsonResume)))]
#[get("/v1/people/{id}/resume")]
pub async fn read_resume(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    Ok(Answer::ok(&of_person(&cx, *id, Audience::Organization).await?.json_resume())?.content_tag())
}

/// Draft a recommendation
///
/// Returns the draft of a recommendation of the person, written from what is recorded, for a manager to edit.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])), extensions(("x-related" = json!("person"))),
    responses((status = 200, description = "The draft as Markdown.", body = String, content_type = "text/markdown")))]
#[get("/v1/people/{id}/recommendation")]
pub async fn draft_recommendation(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let portfolio = of_person(&cx, *id, Audience::Organization).await?;
    Ok(Answer::text("text/markdown; charset=utf-8", portfolio_markdown::recommendation(&portfolio)))
}

/// Get a public portfolio
///
/// Returns the page of somebody who shows their achievements to the world: their published awards, finished levels, and stories that they have agreed
/// to show. By `Accept`, it is JSON. Of everybody else, it responds with 404.
#[utoipa::path(tag = "recognition", responses(
    (status = 200, description = "The portfolio.", content((String = "text/html"), (Portfolio = "application/json")))))]
#[get("/portfolios/{organization_id}/{person_id}")]
pub async fn read_public_portfolio(
    request: HttpRequest,
    app: Data<App>,
    path: Path<(Uuid, Uuid)>,
) -> Result<Answer, ApiError> {
    let (organization_id, person_id) = *path;
    let cx = public(&app.into_inner(), organization_id).await?;
    let portfolio = of_person(&cx, person_id, Audience::World).await?;
    let answer = match negotiate(&request, &["text/html", "application/json"].map(str::to_owned)) {
        Some("application/json") => Answer::ok(&portfolio)?.content_tag(),
        _ => portfolio_page::render(&portfolio),
    };
    Ok(answer.header(VARY, "accept"))
}

/// Part of somebody's portfolio that an audience sees. The world sees the portfolios of those who want it to.
async fn of_person(cx: &Context, id: Uuid, audience: Audience) -> Result<Portfolio, ApiError> {
    let is_world = audience == Audience::World;
    let honours = cx.honours().await?;
    let who: &Arc<Honoured> = honours.people.get(&id).ok_or_else(ApiError::not_found)?;
    if is_world && !who.is_listed(cx.today(), audience) {
        return Err(ApiError::not_found());
    }
    let (organization_id, today) = (cx.organization_id(), cx.today());
    let mut conn = cx.snapshot().await?;
    let organization = organizations::find(&mut conn, organization_id).await?.ok_or_else(ApiError::not_found)?;
    let own = [Condition::Equals("person_id", id.to_value())];
    let awards: Vec<AwardRow> = row::all(&mut conn, organization_id, &own, "id").await?;
    let impacts: Vec<Impact> = if is_world { vec![] } else { row::all(&mut conn, organization_id, &own, "id").await? };
    let mut stories: Vec<Story> = row::all(&mut conn, organization_id, &own, "id").await?;
    let sees = |story: &Story| story.stamp.shown_to.is_some_and(|shown_to| audience.sees(shown_to, None));
    stories.retain(|story| story.stamp.state == StoryState::Published && sees(story));
    let ids: Vec<Uuid> = stories.iter().flat_map(|story| &story.impact_ids).copied().collect();
    let figures = figures(&mut conn, organization_id, &ids).await?;
    drop(conn);
    let addresses = Addresses::of(&cx.app, organization_id);
    let story = |story: Story| {
        let own = of_story(&story.content, &figures);
        let (id, published_on, content) = (story.id, story.stamp.published_on, story.content);
        PortfolioStory {
            id,
            title: content.title,
            text: content.text,
            quote: content.quote,
            published_on,
            figures: own,
        }
    };
    let level = |one: &FinishedLevel| PortfolioLevel {
        track: one.place.track.as_deref().map(str::to_owned),
        level: one.level.to_string(),
        on: one.on,
    };
    let mut portfolio = Portfolio {
        person_id: id,
        person_ref: who.person.external_ref.clone().filter(|_| !is_world),
        person_name: Name::clone(&who.person.name),
        organization: organization.name,
        as_of: today,
        since: who.deeds.milestones.iter().map(|one| one.on).min(),
        milestones: who.deeds.milestones.len(),
        awards: shown_awards(awards, today, audience, &addresses),
        levels: who.deeds.levels.iter().map(level).collect(),
        impacts: impacts
            .into_iter()
            .filter(|one| one.stamp.state == ImpactState::Verified)
            .map(StoryFigure::of)
            .collect(),
        stories: stories.into_iter().map(story).collect(),
        public_url: who.is_listed(today, Audience::World).then(|| addresses.portfolio(id)),
    };
    portfolio.awards.sort_by_key(|one| Reverse(one.awarded_on));
    portfolio.levels.sort_by_key(|one| Reverse(one.on));
    portfolio.stories.sort_by_key(|one| Reverse(one.published_on));
    Ok(portfolio)
}

/// The awards that an audience sees.
fn shown_awards(
    awards: Vec<AwardRow>,
    today: NaiveDate,
    audience: Audience,
    addresses: &Addresses,
) -> Vec<PortfolioAward> {
    let is_shown = |row: &AwardRow| shows_award(audience, row.life().state(today), row.published.is_some());
    let mut awards: Vec<AwardRow> = awards.into_iter().filter(is_shown).collect();
    // Of an award and its renewal, the renewal is shown.
    let renewals: Vec<Uuid> = awards.iter().map(|row| row.id).collect();
    awards.retain(|row| row.renewed_by_id.is_none_or(|id| !renewals.contains(&id)));
    let award = |row: AwardRow| {
        let (state, is_public) = (row.life().state(today), row.published.is_some());
        let url = is_public.then(|| addresses.credential(row.id));
        PortfolioAward {
            badge_key: row.badge.key,
            name: row.badge.name,
            description: row.badge.description,
            achievement_type: row.badge.achievement_type,
            tier: row.badge.design.tier,
            awarded_on: row.awarded_on,
            expires_on: row.expires_on,
            state,
            url,
        }
    };
    awards.into_iter().map(award).collect()
}
