//! API keys of API clients: creation, rotation with an overlap, and revocation.

use actix_web::web::Path;
use actix_web::{delete, get, post};
use chrono::{DateTime, Duration, Utc};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::extract::Body;
use crate::paging::{Page, Paging};
use crate::provisioning::add_key;
use crate::resources::api_keys::RevealedKey;
use crate::store::api_clients::{self, ClientKey};
use crate::store::keyset::{Direction, Order, Position};
use crate::unit::{Change, Entity, Unit};

/// API key to create, with an optional rotation of the client's other keys.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"overlap_seconds": 86400}))]
pub struct KeyDraft {
    /// Time of expiry. Defaults to no expiry.
    expires_at: Option<DateTime<Utc>>,
    /// Overlap of the rotation in seconds, after which the client's other keys stop working. If omitted, the other keys
    /// are not changed.
    #[schema(minimum = 0, maximum = 2_592_000)]
    overlap_seconds: Option<i64>,
}

/// Maximum number of active keys of one client.
const MOST_LIVE_KEYS: usize = 50;

/// List an API client's keys
///
/// Returns a page of the keys, the newest first, including expired and revoked keys, without their secrets.
#[utoipa::path(tag = "access", security(("bearer" = ["admin"])), params(Paging),
    responses((status = 200, description = "A page of API keys.", body = Page<ClientKey>)))]
#[get("/v1/api-clients/{id}/keys")]
pub async fn list_client_keys(cx: Context, id: Path<Uuid>, paging: Paging) -> Result<Answer, ApiError> {
    let mut conn = cx.read().await?;
    api_clients::find(&mut conn, cx.organization_id(), *id).await?.ok_or_else(ApiError::not_found)?;
    let slice = paging.slice(Order::Id, Direction::Descending)?;
    let rows = api_clients::keys_page(&mut conn, cx.organization_id(), *id, &slice).await?;
    paging.answer(rows, |key| Position { key: None, id: key.id }, |key| key)
}

/// Create an API key
///
/// With `overlap_seconds`, the client's other keys are rotated out after the overlap. The secret is in this response
/// only and cannot be retrieved again; a repeated request with the same `Idempotency-Key` returns null instead. Without
/// rotation, a client has at most 50 active keys.
#[utoipa::path(tag = "access", security(("bearer" = ["admin"])), request_body(content = Option<KeyDraft>),
    responses((status = 201, description = "The created API key, with its secret.", body = RevealedKey)))]
#[post("/v1/api-clients/{id}/keys")]
pub async fn create_client_key(cx: Context, id: Path<Uuid>, body: Body<KeyDraft>) -> Result<Answer, ApiError> {
    let draft = body.0;
    cx.write(async |unit| {
        let client =
            api_clients::find(&mut unit.conn, unit.organization_id, *id).await?.ok_or_else(ApiError::not_found)?;
        if client.revoked_at.is_some() {
            return Err(ApiError::new(Code::Conflict, "The client is revoked."));
        }
        let live = api_clients::live_keys(&mut unit.conn, unit.organization_id, *id, unit.now).await?;
        if let Some(overlap) = draft.overlap_seconds {
            let end = unit.now + Duration::seconds(overlap);
            for key in live.into_iter().filter(|key| key.revoked_at.is_none_or(|at| at > end)) {
                revoke(unit, key, end).await?;
            }
        } else if live.len() >= MOST_LIVE_KEYS {
            let detail = format!("A client may have at most {MOST_LIVE_KEYS} active keys. Revoke some, or rotate.");
            return Err(ApiError::new(Code::Conflict, detail));
        }
        let key = add_key(unit, *id, draft.expires_at, "/expires_at").await?;
        let answer = Answer::created(format!("/v1/api-clients/{id}/keys/{}", key.key.id), &key)?;
        answer.kept_as(&key.without_secret())
    })
    .await
}

/// Revoke an API key
///
/// The key stops working at once. An API key has no version, so `If-Match` does not apply.
#[utoipa::path(tag = "access", security(("bearer" = ["admin"])), responses((status = 204, description = "Revoked.")))]
#[delete("/v1/api-clients/{id}/keys/{key_id}")]
pub async fn revoke_client_key(cx: Context, path: Path<(Uuid, Uuid)>) -> Result<Answer, ApiError> {
    let (client_id, key_id) = *path;
    cx.write(async |unit| {
        let found = api_clients::find_client_key(&mut unit.conn, unit.organization_id, client_id, key_id).await?;
        let key = found.ok_or_else(ApiError::not_found)?;
        let now = unit.now;
        revoke(unit, key, now).await?;
        Ok(Answer::no_content())
    })
    .await
}

async fn revoke(unit: &mut Unit, before: ClientKey, at: DateTime<Utc>) -> Result<(), ApiError> {
    let after = ClientKey { revoked_at: Some(at), ..before.clone() };
    api_clients::revoke_key(&mut unit.conn, unit.organization_id, before.id, at).await?;
    let change = Change {
        verb: "revoked",
        entity: (Entity::ApiKey, before.id),
        root: (Entity::ApiClient, before.client_id),
        before: Some(&before),
        after: Some(&after),
    };
    unit.record(change).await
}
