//! Creation, listing and revocation of share links.

use actix_web::web::Path;
use actix_web::{delete, get, post};
use chrono::{DateTime, Duration, Utc};
use milepost_domain::plan::share::{ShareField, Visibility};
use milepost_domain::values::text::{Key, Label};
use serde::{Deserialize, Serialize};
use strum::IntoEnumIterator;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::auth::link_token::ShareToken;
use crate::context::Context;
use crate::error::{ApiError, Code, FieldError};
use crate::extract::Body;
use crate::paging::{Page, Paging};
use crate::precondition::IfMatch;
use crate::store::author::Author;
use crate::store::authored::name_all;
use crate::store::json_text::JsonText;
use crate::store::keyset::{Direction, Order, Position};
use crate::store::plans::{self, PlanRecord};
use crate::store::row::{self, Column as _, Condition};
use crate::store::share_links::{self, ShareLinkRow};
use crate::unit::{Change, Entity};

/// Share link to create.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Petra Novak", "expires_at": "2026-08-01T00:00:00Z", "milestones": ["data-access", "pipeline"],
    "fields": ["owner", "date_changes", "s_curve"]}))]
pub struct ShareLinkDraft {
    /// Name of the recipient.
    name: Option<Label>,
    /// Time of expiry, at most 366 days from now. Defaults to 90 days from now.
    expires_at: Option<DateTime<Utc>>,
    /// Keys of the milestones to show. Defaults to all milestones, including those added later.
    #[schema(min_items = 1, max_items = 5000)]
    milestones: Option<Vec<Key>>,
    /// Parts of the plan and its milestones to show. Defaults to all parts.
    #[schema(max_items = 20)]
    fields: Option<Vec<ShareField>>,
}

/// A share link.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "plan_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "name": "Petra Novak",
    "expires_at": "2026-08-01T00:00:00Z", "revoked_at": null, "milestones": null, "fields": ["owner", "date_changes", "s_curve"],
    "author": {"type": "api_client", "id": "0199f0a2-7777-7d52-b1a4-0c8a3e0f9d11"}, "version": 1, "created_at": "2026-05-04T12:00:00Z",
    "path": "/share/ms_…"
}))]
pub struct ShareLink {
    /// Identifier.
    id: Uuid,
    /// Identifier of the plan.
    plan_id: Uuid,
    /// Name of the recipient.
    #[schema(value_type = Option<Label>)]
    name: Option<String>,
    /// Time of expiry.
    expires_at: DateTime<Utc>,
    /// Time of revocation; null if not revoked.
    revoked_at: Option<DateTime<Utc>>,
    /// Keys of the milestones that the link shows; null for all.
    #[schema(max_items = 5000)]
    milestones: Option<Vec<Key>>,
    /// Parts of the plan and its milestones that the link shows.
    #[schema(max_items = 20)]
    fields: Vec<ShareField>,
    /// Author of the record.
    author: Author,
    /// Version: 1 until the link is revoked, then 2. The value of `ETag`.
    #[schema(minimum = 1, maximum = 2)]
    version: i64,
    /// Time of creation.
    created_at: DateTime<Utc>,
    /// Path of the shared page on this server, including the token. Present only in the response that created the link.
    #[schema(max_length = 300)]
    path: Option<String>,
}

/// Default and maximum lifetime of a share link, in days.
const USUAL_DAYS: i64 = 90;
const MOST_DAYS: i64 = 366;
/// Maximum number of active share links of one plan.
const MOST_LIVE: i64 = 100;

/// Create a share link
///
/// Anyone who has the link can open the page without an account. The page shows the plan as it is when the page is
/// opened. The link's path is in this response only and cannot be retrieved again; a repeated request with the same
/// `Idempotency-Key` returns null instead. A plan has at most 100 active share links.
#[utoipa::path(tag = "shares", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))),
    request_body(content = Option<ShareLinkDraft>),
    responses((status = 201, description = "The created share link, with its path.", body = ShareLink)))]
#[post("/v1/plans/{id}/share-links")]
pub async fn create_share_link(cx: Context, id: Path<Uuid>, body: Body<ShareLinkDraft>) -> Result<Answer, ApiError> {
    let draft = body.0;
    cx.write(async |unit| {
        let found = plans::find(&mut unit.conn, unit.organization_id, *id).await?;
        let record = found.ok_or_else(ApiError::not_found)?;
        check(&draft, &record, unit.now)?;
        let live = share_links::count_live(&mut unit.conn, unit.organization_id, *id, unit.now).await?;
        if live >= MOST_LIVE {
            let detail = format!("A plan may have at most {MOST_LIVE} active share links. Revoke some first.");
            return Err(ApiError::new(Code::Conflict, detail));
        }
        let link_id = unit.new_id();
        let token = ShareToken::generate(unit.organization_id, link_id);
        let token = token.ok_or_else(|| ApiError::internal("the system has no randomness"))?;
        let fields = draft.fields.clone().unwrap_or_else(|| ShareField::iter().collect());
        let row = ShareLinkRow {
            id: link_id,
            plan_id: *id,
            name: draft.name.clone().map(String::from),
            secret_hash: token.secret_hash(),
            visibility: JsonText(Visibility { milestones: draft.milestones.clone(), fields }),
            expires_at: draft.expires_at.unwrap_or_else(|| unit.now + Duration::days(USUAL_DAYS)),
            revoked_at: None,
            author: unit.author(),
            created_at: unit.now,
        };
        row::insert(&mut unit.conn, unit.organization_id, &row).await?;
        let without_token = ShareLink::of(&row);
        let entity = (Entity::ShareLink, link_id);
        let root = (Entity::Plan, *id);
        unit.record(Change { verb: "created", entity, root, before: None, after: Some(&without_token) }).await?;
        let link = ShareLink { path: Some(format!("/share/{}", token.reveal())), ..without_token.clone() };
        Answer::created(format!("/v1/plans/{id}/share-links/{link_id}"), &link)?.version(1).kept_as(&without_token)
    })
    .await
}

/// Checks that the link expires within a year and that its milestones exist.
fn check(draft: &ShareLinkDraft, record: &PlanRecord, now: DateTime<Utc>) -> Result<(), ApiError> {
    let mut errors = vec![];
    let latest = now + Duration::days(MOST_DAYS);
    if draft.expires_at.is_some_and(|at| at <= now || at > latest) {
        let detail = format!("must be in the future, and at most {MOST_DAYS} days from now");
        errors.push(FieldError::in_body("/expires_at", "not_within_a_year", detail));
    }
    for (index, key) in draft.milestones.iter().flatten().enumerate() {
        if record.position(key.as_str()).is_none() {
            let detail = "names no milestone of this plan";
            errors.push(FieldError::in_body(format!("/milestones/{index}"), "unknown_milestone", detail));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(ApiError::with_errors(Code::ValidationFailed, errors)) }
}

/// List a plan's share links
///
/// Returns the newest 200 links, including expired and revoked links, without their tokens.
#[utoipa::path(tag = "shares", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))), params(Paging),
    responses((status = 200, description = "A page of share links.", body = Page<ShareLink>)))]
#[get("/v1/plans/{id}/share-links")]
pub async fn list_share_links(cx: Context, id: Path<Uuid>, paging: Paging) -> Result<Answer, ApiError> {
    cx.plans().await?.find(*id).ok_or_else(ApiError::not_found)?;
    let slice = paging.slice(Order::Id, Direction::Descending)?;
    let of_plan = [Condition::Equals("plan_id", id.to_value())];
    let mut conn = cx.snapshot().await?;
    let mut rows: Vec<ShareLinkRow> = row::page(&mut conn, cx.organization_id(), &of_plan, &slice).await?;
    name_all(&mut conn, cx.organization_id(), &mut rows).await?;
    paging.answer(rows, |row| Position { key: None, id: row.id }, |row| ShareLink::of(&row))
}

/// Revoke a share link
///
/// The link stops working at once. Revoking a revoked link changes nothing.
#[utoipa::path(tag = "shares", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))), params(IfMatch),
    responses((status = 204, description = "Revoked.")))]
#[delete("/v1/plans/{id}/share-links/{link_id}")]
pub async fn revoke_share_link(cx: Context, path: Path<(Uuid, Uuid)>) -> Result<Answer, ApiError> {
    let (plan_id, link_id) = *path;
    cx.write(async |unit| {
        let found = row::find::<ShareLinkRow>(&mut unit.conn, unit.organization_id, link_id).await?;
        let row = found.filter(|row| row.plan_id == plan_id).ok_or_else(ApiError::not_found)?;
        cx.check_version(ShareLink::of(&row).version)?;
        if row.revoked_at.is_none() {
            let revoked = ShareLinkRow { revoked_at: Some(unit.now), ..row.clone() };
            row::update(&mut unit.conn, unit.organization_id, &revoked).await?;
            let (before, after) = (ShareLink::of(&row), ShareLink::of(&revoked));
            let (entity, root) = ((Entity::ShareLink, link_id), (Entity::Plan, plan_id));
            let change = Change { verb: "revoked", entity, root, before: Some(&before), after: Some(&after) };
            unit.record(change).await?;
        }
        Ok(Answer::no_content())
    })
    .await
}

impl ShareLink {
    fn of(row: &ShareLinkRow) -> Self {
        Self {
            id: row.id,
            plan_id: row.plan_id,
            name: row.name.clone(),
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            milestones: row.visibility.0.milestones.clone(),
            fields: row.visibility.0.fields.clone(),
            author: row.author.clone(),
            version: 1 + i64::from(row.revoked_at.is_some()),
            created_at: row.created_at,
            path: None,
        }
    }
}
