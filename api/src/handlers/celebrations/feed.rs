//! Feed of celebrations, for the organization and, of those who want it, for the world.

use actix_web::get;
use actix_web::web::{Data, Path};
use chrono::NaiveDate;
use milepost_domain::recognition::audience::Audience;
use milepost_domain::recognition::celebration::CelebrationKind;
use milepost_domain::values::dates::plus_days;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::moments;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Query;
use crate::handlers::recognition::issuer::public;
use crate::issuing::Addresses;
use crate::moment::check_in_order;
use crate::paging::{Page, Paging};
use crate::resources::celebrations::ShownCelebration;
use crate::state::App;
use crate::store::keyset::{Direction, Key, Position};
use crate::store::{congratulations, organizations};
use crate::views::celebrations_feed;

/// Number of days that the feed reaches back, unless a request says otherwise.
const USUAL_DAYS: i64 = 30;
/// Number of entries of the public feed.
const MOST_PUBLIC: usize = 50;

/// Filters of the feed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CelebrationFilters {
    /// First day. Defaults to 30 days before the last one.
    from: Option<NaiveDate>,
    /// Last day. Defaults to today.
    to: Option<NaiveDate>,
    /// Filter by kind. Repeat the parameter for several kinds.
    #[serde(default)]
    #[param(max_items = 7)]
    kind: Vec<CelebrationKind>,
    /// Filter by person.
    person_id: Option<Uuid>,
}

/// List celebrations
///
/// Returns a page of the achievements in a span of days, the newest first: milestones, badges, tiers, certifications, finished levels and
/// anniversaries. Whoever shows their achievements to nobody is not there, nor is who has left. Participants of a customer see those of the
/// same customer.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])), extensions(("x-related" = json!("list"))),
    params(Paging, CelebrationFilters), responses((status = 200, description = "A page of celebrations.", body = Page<ShownCelebration>)))]
#[get("/v1/celebrations")]
pub async fn list_celebrations(
    cx: Context,
    paging: Paging,
    filters: Query<CelebrationFilters>,
) -> Result<Answer, ApiError> {
    let CelebrationFilters { from, to, kind, person_id } = filters.0;
    let to = to.unwrap_or_else(|| cx.today());
    let from = from.unwrap_or_else(|| plus_days(to, -USUAL_DAYS));
    check_in_order(from, to)?;
    let honours = cx.honours().await?;
    let mut found = moments(&honours, (from, to.min(cx.today())), cx.audience());
    found.retain(|(who, own)| {
        (kind.is_empty() || kind.contains(&own.kind)) && person_id.is_none_or(|id| who.person.id == id)
    });
    let position = |(_, own): &super::Moment| Position { key: Some(Key::Text(own.on.to_string())), id: own.id };
    let rows = paging.cut(Direction::Descending, found, position);
    let ids: Vec<Uuid> = rows.iter().map(|(_, own)| own.id).collect();
    let reactions = congratulations::reactions(&mut cx.read().await?, cx.organization_id(), &ids).await?;
    paging.answer(rows, position, |(who, own)| {
        let reactions = reactions.get(&own.id).map_or(&[][..], Vec::as_slice);
        ShownCelebration::of(&who, own, reactions)
    })
}

/// Get the public feed of celebrations
///
/// Returns the last celebrations of those who show their achievements to the world, as an Atom feed.
#[utoipa::path(tag = "recognition", responses(
    (status = 200, description = "The feed.", body = String, content_type = "application/atom+xml")))]
#[get("/issuers/{organization_id}/celebrations.atom")]
pub async fn read_public_feed(app: Data<App>, organization_id: Path<Uuid>) -> Result<Answer, ApiError> {
    let cx = public(&app.into_inner(), *organization_id).await?;
    let found = organizations::find(&mut cx.read().await?, *organization_id).await?;
    let organization = found.ok_or_else(ApiError::not_found)?;
    let honours = cx.honours().await?;
    let span = (plus_days(cx.today(), -366), cx.today());
    let mut found = moments(&honours, span, Audience::World);
    found.truncate(MOST_PUBLIC);
    let address = Addresses::of(&cx.app, *organization_id).feed();
    let shown = found.into_iter().map(|(who, own)| ShownCelebration::of(&who, own, &[]));
    let feed = celebrations_feed::write(&organization.name, &address, cx.now, &shown.collect::<Vec<_>>());
    Ok(Answer::text("application/atom+xml", feed).content_tag())
}
