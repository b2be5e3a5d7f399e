//! API clients: programs that may call the API on behalf of the organization.

use actix_web::web::Path;
use actix_web::{delete, get, patch, post};
use chrono::{DateTime, Utc};
use milepost_domain::access::{Scope, Scopes};
use milepost_domain::values::text::Name;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::paging::{Page, Paging};
use crate::precondition::IfMatch;
use crate::provisioning::add_key;
use crate::resources::api_keys::RevealedKey;
use crate::store::api_clients::{self, ApiClient};
use crate::store::keyset::{Direction, Order, Position};
use crate::unit::Entity;

/// API client to create, with its first API key.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "CRM sync", "scopes": ["customers:read", "customers:write"]}))]
pub struct ClientDraft {
    /// Name.
    name: Name,
    /// Scopes of the client.
    #[schema(min_items = 1, max_items = 20)]
    scopes: Vec<Scope>,
    /// Time of expiry of the first key. Defaults to no expiry.
    key_expires_at: Option<DateTime<Utc>>,
}

/// Changes to an API client.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"scopes": ["customers:read"]}))]
pub struct ClientPatch {
    /// Name.
    #[schema(value_type = Name, required = false)]
    name: Option<Name>,
    /// Scopes of the client. Removed scopes also stop working at once for tokens that were already issued.
    #[schema(value_type = Vec<Scope>, required = false, min_items = 1, max_items = 20)]
    scopes: Option<Vec<Scope>>,
}

/// A created API client with its first API key.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedClient {
    /// API client.
    #[serde(flatten)]
    pub client: ApiClient,
    /// First API key of the client.
    pub key: RevealedKey,
}

/// List API clients
///
/// Returns API clients from oldest to newest, including revoked clients.
#[utoipa::path(tag = "access", security(("bearer" = ["admin"])), params(Paging),
    responses((status = 200, description = "A page of API clients, oldest first.", body = Page<ApiClient>)))]
#[get("/v1/api-clients")]
pub async fn list_api_clients(cx: Context, paging: Paging) -> Result<Answer, ApiError> {
    let slice = paging.slice(Order::Id, Direction::Ascending)?;
    let rows = api_clients::list(&mut cx.read().await?, cx.organization_id(), &slice).await?;
    paging.answer(rows, |client| Position { key: None, id: client.id }, |client| client)
}

/// Create an API client
///
/// Also creates the client's first API key. The key's secret is in this response only and cannot be retrieved again; a
/// repeated request with the same `Idempotency-Key` returns null instead.
#[utoipa::path(tag = "access", security(("bearer" = ["admin"])), request_body = ClientDraft,
    responses((status = 201, description = "The created API client and its first API key.", body = CreatedClient)))]
#[post("/v1/api-clients")]
pub async fn create_api_client(cx: Context, body: Body<ClientDraft>) -> Result<Answer, ApiError> {
    let draft = body.0;
    cx.write(async |unit| {
        let client = ApiClient {
            id: unit.new_id(),
            name: draft.name.to_string(),
            scopes: Scopes::of(draft.scopes.iter().copied()),
            revoked_at: None,
            version: 1,
            created_at: unit.now,
            updated_at: unit.now,
        };
        api_clients::insert(&mut unit.conn, unit.organization_id, &client).await?;
        unit.record_created(Entity::ApiClient, client.id, &client).await?;
        let key = add_key(unit, client.id, draft.key_expires_at, "/key_expires_at").await?;
        let location = format!("/v1/api-clients/{}", client.id);
        let version = client.version;
        let kept = CreatedClient { client: client.clone(), key: key.without_secret() };
        let answer = Answer::created(location, &CreatedClient { client, key })?.version(version);
        answer.kept_as(&kept)
    })
    .await
}

/// Get an API client
///
/// Returns the client's name and scopes. Its API keys have a list of their own.
#[utoipa::path(tag = "access", security(("bearer" = ["admin"])), responses((status = 200, description = "The API client.", body = ApiClient)))]
#[get("/v1/api-clients/{id}")]
pub async fn read_api_client(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let found = api_clients::find(&mut cx.read().await?, cx.organization_id(), *id).await?;
    let client = found.ok_or_else(ApiError::not_found)?;
    Ok(Answer::ok(&client)?.version(client.version))
}

/// Update an API client
///
/// Changes only the fields in the request. Removed scopes stop working at once, also for tokens that were already
/// issued.
#[utoipa::path(tag = "access", security(("bearer" = ["admin"])), params(IfMatch), request_body(content = ClientPatch, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "As changed.", body = ApiClient)))]
#[patch("/v1/api-clients/{id}")]
pub async fn update_api_client(cx: Context, id: Path<Uuid>, body: Body<ClientPatch>) -> Result<Answer, ApiError> {
    change(&cx, *id, |client| {
        if let Some(name) = &body.0.name {
            client.name = name.to_string();
        }
        if let Some(scopes) = &body.0.scopes {
            client.scopes = Scopes::of(scopes.iter().copied());
        }
    })
    .await
}

/// Revoke an API client
///
/// The client's API keys and access tokens stop working at once. The revocation is permanent; the record of the client
/// remains.
#[utoipa::path(tag = "access", security(("bearer" = ["admin"])), params(IfMatch),
    responses((status = 204, description = "Revoked.")))]
#[delete("/v1/api-clients/{id}")]
pub async fn revoke_api_client(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let now = cx.now;
    change(&cx, *id, |client| client.revoked_at = client.revoked_at.or(Some(now))).await?;
    Ok(Answer::no_content())
}

async fn change(cx: &Context, id: Uuid, change: impl Fn(&mut ApiClient)) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let found = api_clients::find(&mut unit.conn, unit.organization_id, id).await?;
        let before = found.ok_or_else(ApiError::not_found)?;
        cx.check_version(before.version)?;
        let mut after = before.clone();
        change(&mut after);
        if after == before {
            return Ok(Answer::ok(&before)?.version(before.version));
        }
        after.version += 1;
        after.updated_at = unit.now;
        api_clients::update(&mut unit.conn, unit.organization_id, &after).await?;
        unit.record_updated(Entity::ApiClient, id, &before, &after).await?;
        Ok(Answer::ok(&after)?.version(after.version))
    })
    .await
}
