//! Making, listing and ending share links.

use actix_web::web::Path;
use actix_web::{delete, get, post};
use chrono::{DateTime, Duration, Utc};
use milepost_domain::plan::share::{ShareField, Visibility};
use milepost_domain::values::text::{Key, Label};
use serde::{Deserialize, Serialize};
use strum::IntoEnumIterator;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::precondition::{IfMatch};
use crate::answer::Answer;
use crate::auth::share_token::ShareToken;
use crate::context::Context;
use crate::error::{ApiError, Code, FieldError};
use crate::extract::Body;
use crate::store::json_text::JsonText;
use crate::store::plans::{self, PlanRecord};
use crate::store::share_links::{self, ShareLinkRow};
use crate::unit::{Change, Entity};

/// A link to make.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Petra Novak", "expires_at": "2026-08-01T00:00:00Z", "milestones": ["data-access", "pipeline"], "fields": ["owner", "date_changes", "s_curve"]}))]
pub struct ShareLinkDraft {
    /// Whom it is for.
    name: Option<Label>,
    /// When it stops working: within a year; 90 days from now if left out.
    expires_at: Option<DateTime<Utc>>,
    /// Keys of the milestones it shows; all, also those added later, if left out.
    #[schema(min_items = 1, max_items = 1000)]
    milestones: Option<Vec<Key>>,
    /// What it shows of them and of the plan; everything if left out.
    #[schema(max_items = 20)]
    fields: Option<Vec<ShareField>>,
}

/// A share link.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "plan_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "name": "Petra Novak",
    "expires_at": "2026-08-01T00:00:00Z", "revoked_at": null, "milestones": null, "fields": ["owner", "date_changes", "s_curve"],
    "author": "api_client:0199f0a2-7777-7d52-b1a4-0c8a3e0f9d11", "created_at": "2026-05-04T12:00:00Z", "path": "/share/ms_…"
}))]
pub struct ShareLink {
    /// Its id.
    id: Uuid,
    /// The plan it shows.
    plan_id: Uuid,
    /// Whom it is for.
    #[schema(value_type = Option<Label>)]
    name: Option<String>,
    /// When it stops working.
    expires_at: DateTime<Utc>,
    /// When it was ended before that.
    revoked_at: Option<DateTime<Utc>>,
    /// Keys of the milestones it shows; all if null.
    #[schema(max_items = 1000)]
    milestones: Option<Vec<Key>>,
    /// What it shows of them and of the plan.
    #[schema(max_items = 20)]
    fields: Vec<ShareField>,
    /// Who made it.
    #[schema(max_length = 300)]
    author: String,
    /// When.
    created_at: DateTime<Utc>,
    /// Where it leads on this server, with its token: only in the answer that made it.
    #[schema(max_length = 300)]
    path: Option<String>,
}

/// The share links of a plan.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShareLinks {
    /// The newest 200, oldest of them first.
    #[schema(max_items = 200)]
    data: Vec<ShareLink>,
}

/// How long a link works unless said otherwise, and at most, in days.
const USUAL_DAYS: i64 = 90;
const MOST_DAYS: i64 = 366;
/// How many links of a plan may work at the same time.
const MOST_LIVE: usize = 100;

/// Makes a link by which a client sees a plan
///
/// Whoever has the link sees the page, without an account: it is in this answer and cannot be read again. A repeated request with the same
/// `Idempotency-Key` gets null for it. The page shows the plan as it is when it is opened.
#[utoipa::path(tag = "shares", security(("bearer" = ["plans:write"])), request_body(content = Option<ShareLinkDraft>),
    responses((status = 201, description = "The link with its path.", body = ShareLink)))]
#[post("/v1/plans/{id}/share-links")]
pub async fn create_share_link(cx: Context, id: Path<Uuid>, body: Body<ShareLinkDraft>) -> Result<Answer, ApiError> {
    let draft = body.0;
    cx.write(async |unit| {
        let found = plans::find(&mut unit.conn, unit.organization_id, *id).await?;
        let record = found.ok_or_else(ApiError::not_found)?;
        check(&draft, &record, unit.now)?;
        let known = share_links::of_plan(&mut unit.conn, unit.organization_id, *id).await?;
        let live = known.iter().filter(|link| link.revoked_at.is_none() && link.expires_at > unit.now).count();
        if live >= MOST_LIVE {
            let detail = format!("A plan may have at most {MOST_LIVE} links that work: end some.");
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
        share_links::insert(&mut unit.conn, unit.organization_id, &row).await?;
        let without_token = ShareLink::of(&row);
        let entity = (Entity::ShareLink, link_id);
        let root = (Entity::Plan, *id);
        unit.record(Change { verb: "created", entity, root, before: None, after: Some(&without_token) }).await?;
        let link = ShareLink { path: Some(format!("/share/{}", token.reveal())), ..without_token.clone() };
        Answer::created(format!("/v1/plans/{id}/share-links"), &link)?.kept_as(&without_token)
    })
    .await
}

/// A link ends within a year, and shows milestones that there are.
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

/// Lists a plan's share links, without their tokens
#[utoipa::path(tag = "shares", security(("bearer" = ["plans:read"])), responses((status = 200, description = "The links, oldest first.", body = ShareLinks)))]
#[get("/v1/plans/{id}/share-links")]
pub async fn list_share_links(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let plans = cx.plans().await?;
    plans.find(*id).ok_or_else(ApiError::not_found)?;
    let rows = share_links::of_plan(&mut cx.read().await?, cx.organization_id(), *id).await?;
    Ok(Answer::ok(&ShareLinks { data: rows.iter().map(ShareLink::of).collect() })?.content_tag())
}

/// Ends a share link at once
///
/// A link has no versions: it only ends, so there is nothing for `If-Match` to name.
#[utoipa::path(tag = "shares", security(("bearer" = ["plans:write"])), params(IfMatch), responses((status = 204, description = "It no longer works.")))]
#[delete("/v1/plans/{id}/share-links/{link_id}")]
pub async fn revoke_share_link(cx: Context, path: Path<(Uuid, Uuid)>) -> Result<Answer, ApiError> {
    let (plan_id, link_id) = *path;
    cx.write(async |unit| {
        let found = share_links::find(&mut unit.conn, unit.organization_id, link_id).await?;
        let row = found.filter(|row| row.plan_id == plan_id).ok_or_else(ApiError::not_found)?;
        if row.revoked_at.is_none() {
            share_links::revoke(&mut unit.conn, unit.organization_id, link_id, unit.now).await?;
            let before = ShareLink::of(&row);
            let after = ShareLink { revoked_at: Some(unit.now), ..before.clone() };
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
            created_at: row.created_at,
            path: None,
        }
    }
}
