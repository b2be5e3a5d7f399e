//! Badges: definitions of what people can be awarded.

use actix_web::web::Path;
use actix_web::{get, post, put};
use milepost_domain::recognition::badge::{BadgeContent, check_circle};
use milepost_domain::rule::Rule as _;
use milepost_domain::values::text::folded;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::answer::Answer;
use crate::archiving::ArchivedFilter;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::{Body, Query};
use crate::paging::{NameSort, Page, Paging};
use crate::precondition::IfMatch;
use crate::resource::{self, By, Managed};
use crate::store::artworks::Artwork;
use crate::store::badges::Badge;
use crate::store::kept::Archivable;
use crate::store::row::{self, Condition};
use crate::unit::{Entity, Unit};
use crate::views::{badge_picture, pictures};

impl Managed for BadgeContent {
    type Stamp = Archivable;
    const ENTITY: Entity = Entity::Badge;
    const PATH: &'static str = "/v1/badges";

    async fn settle(&mut self, unit: &mut Unit, _before: Option<&Badge>) -> Result<(), ApiError> {
        self.check()?;
        check_set(unit, self).await?;
        let Some(id) = self.design.artwork_id else { return Ok(()) };
        let found: Option<Artwork> = row::find(&mut unit.conn, unit.organization_id, id).await?;
        let unknown = || ApiError::field("/design/artwork_id", "unknown_artwork", "names no artwork");
        found.map(drop).ok_or_else(unknown)
    }

    fn part(kept: &Badge) -> String {
        kept.key.to_string()
    }
}

/// Checks that the badges of a set are there, and that none would earn itself.
async fn check_set(unit: &mut Unit, badge: &BadgeContent) -> Result<(), ApiError> {
    let Some(set) = &badge.earned_by else { return Ok(()) };
    let all: Vec<Badge> = row::all(&mut unit.conn, unit.organization_id, &[], "id").await?;
    if let Some(index) = set.badges.iter().position(|key| !all.iter().any(|one| one.key == *key)) {
        return Err(ApiError::field(&format!("/earned_by/badges/{index}"), "unknown_badge", "names no badge"));
    }
    let others = all.iter().filter(|one| one.key != badge.key);
    let others = others.filter_map(|one| Some((&one.key, one.earned_by.as_ref()?)));
    Ok(check_circle(others.chain([(&badge.key, set)])).map_err(|rule| rule.at("/earned_by"))?)
}

/// Filters of the badge list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BadgeFilters {
    /// Text that the name contains, ignoring case.
    #[param(min_length = 1, max_length = 200)]
    q: Option<String>,
    /// Sort order: `name` (the default), `-name`, `created_at` or `-created_at`.
    #[param(inline)]
    sort: Option<NameSort>,
}

/// List badges
///
/// Returns a page of the badges in use, by name unless sorted otherwise.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])), params(Paging, ArchivedFilter, BadgeFilters),
    responses((status = 200, description = "A page of badges.", body = Page<Badge>)))]
#[get("/v1/badges")]
pub async fn list_badges(
    cx: Context,
    paging: Paging,
    archived: Query<ArchivedFilter>,
    filters: Query<BadgeFilters>,
) -> Result<Answer, ApiError> {
    let mut conditions = vec![archived.0.condition()];
    conditions.extend(filters.0.q.map(|text| Condition::Contains("name_folded", folded(&text))));
    let sort = filters.0.sort.unwrap_or_default();
    resource::list::<BadgeContent>(&cx, &paging, &conditions, sort, |badge| badge.name.as_str()).await
}

/// Create a badge
///
/// A key that another badge has is refused with 409. The picture is drawn from the design.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:write"])), request_body = BadgeContent,
    responses((status = 201, description = "The created badge.", body = Badge)))]
#[post("/v1/badges")]
pub async fn create_badge(cx: Context, body: Body<BadgeContent>) -> Result<Answer, ApiError> {
    resource::create(&cx, &body.0).await
}

/// Get a badge
///
/// Returns badges in use and archived ones alike.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])),
    responses((status = 200, description = "The badge.", body = Badge)))]
#[get("/v1/badges/{badge_key}")]
pub async fn read_badge(cx: Context, key: Path<String>) -> Result<Answer, ApiError> {
    resource::read::<BadgeContent>(&cx, By::Key(&key)).await
}

/// Replace a badge
///
/// Awards keep the badge as it was when they were given. An archived badge (`archived`) is awarded to nobody any more. The key cannot
/// change.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:write"])), params(IfMatch), request_body = BadgeContent,
    responses((status = 200, description = "The replaced badge.", body = Badge)))]
#[put("/v1/badges/{badge_key}")]
pub async fn replace_badge(cx: Context, key: Path<String>, body: Body<BadgeContent>) -> Result<Answer, ApiError> {
    resource::replace_keyed(&cx, &key, &body.0, |badge| &badge.key).await
}

/// Draw a badge
///
/// Returns the picture of the badge: its artwork, or else a drawing from its design.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])),
    responses((status = 200, description = "The picture as SVG.", body = String, content_type = "image/svg+xml")))]
#[get("/v1/badges/{badge_key}/picture.svg")]
pub async fn draw_badge(cx: Context, key: Path<String>) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    let badge: Badge = resource::find::<BadgeContent>(&mut conn, cx.organization_id(), By::Key(&key)).await?;
    let picture = badge_picture::load(&mut conn, cx.organization_id(), &badge).await?;
    Ok(Answer::text(pictures::MEDIA_TYPE, picture))
}
