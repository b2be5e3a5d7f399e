//! Keys of API clients: made, rotated with an overlap, revoked.

use actix_web::web::Path;
use actix_web::{delete, get, post};
use chrono::{DateTime, Duration, Utc};
use serde::Deserialize;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::extract::Body;
use crate::provisioning::add_key;
use crate::resources::api_keys::RevealedKey;
use crate::store::api_clients::{self, ClientKey};
use crate::unit::{Change, Entity, Unit};

/// A new key, and what becomes of those before it.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"overlap_seconds": 86400}))]
pub struct KeyDraft {
    /// When it stops working by itself; never, if left out.
    expires_at: Option<DateTime<Utc>>,
    /// Rotates: the client's other keys go on for so many seconds and then stop. Left out, they are not touched.
    #[schema(minimum = 0, maximum = 2_592_000)]
    overlap_seconds: Option<i64>,
}

/// A client's keys.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientKeys {
    /// The newest 200, oldest of them first.
    #[schema(max_items = 200)]
    data: Vec<ClientKey>,
}

/// How many keys of one client may work at the same time.
const MOST_LIVE_KEYS: usize = 50;

/// Lists an API client's keys, without their secrets
#[utoipa::path(tag = "access", security(("bearer" = ["admin"])), responses((status = 200, description = "The keys, oldest first.", body = ClientKeys)))]
#[get("/v1/api-clients/{id}/keys")]
pub async fn list_client_keys(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let mut conn = cx.read().await?;
    api_clients::find(&mut conn, cx.organization_id(), *id).await?.ok_or_else(ApiError::not_found)?;
    Ok(Answer::ok(&ClientKeys { data: api_clients::keys(&mut conn, cx.organization_id(), *id).await? })?.content_tag())
}

/// Makes a key for an API client, rotating the others if asked
///
/// The secret is in this answer and cannot be read again: a repeated request with the same `Idempotency-Key` gets null for it.
#[utoipa::path(tag = "access", security(("bearer" = ["admin"])), request_body(content = Option<KeyDraft>),
    responses((status = 201, description = "The key with its secret.", body = RevealedKey)))]
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
            let detail = format!("A client may have at most {MOST_LIVE_KEYS} keys that work: revoke some, or rotate.");
            return Err(ApiError::new(Code::Conflict, detail));
        }
        let key = add_key(unit, *id, draft.expires_at, "/expires_at").await?;
        let answer = Answer::created(format!("/v1/api-clients/{id}/keys/{}", key.key.id), &key)?;
        answer.kept_as(&key.without_secret())
    })
    .await
}

/// Revokes a key at once
///
/// A key has no versions: it only ends, so there is nothing for `If-Match` to name.
#[utoipa::path(tag = "access", security(("bearer" = ["admin"])), responses((status = 204, description = "It no longer works.")))]
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
