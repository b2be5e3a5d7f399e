//! Storage of API clients and their keys.

use chrono::{DateTime, Utc};
use milepost_domain::access::{Scope, Scopes};
use milepost_domain::values::text::Name;
use serde::Serialize;
use sqlx::QueryBuilder;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::from_row::from_row;
use crate::keyset::{Slice, push_slice};
use crate::{Conn, on};

/// An API client: a program that may call the API.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "name": "CRM sync", "scopes": ["customers:read", "customers:write"],
    "revoked_at": null, "version": 1, "created_at": "2026-03-02T09:00:00Z", "updated_at": "2026-03-02T09:00:00Z"
}))]
pub struct ApiClient {
    /// Identifier. Serves as the `client_id` at the token endpoint.
    pub id: Uuid,
    /// Display name.
    #[schema(value_type = Name)]
    pub name: String,
    /// Scopes: the permissions of the client.
    #[schema(value_type = Vec<Scope>, max_items = 20)]
    pub scopes: Scopes,
    /// Time of revocation; null while active.
    pub revoked_at: Option<DateTime<Utc>>,
    /// Version. Increases by one with every change; the value of `ETag`.
    #[schema(minimum = 1)]
    pub version: i64,
    /// Time of creation.
    pub created_at: DateTime<Utc>,
    /// Time of the last change.
    pub updated_at: DateTime<Utc>,
}

from_row!(ApiClient { id, name, scopes as String, revoked_at, version, created_at, updated_at });

/// An API key of an API client. The secret is shown once, when the key is created, and is not stored.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-8d3e-7a10-9c55-64b1c9d2e0aa", "client_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11",
    "expires_at": null, "revoked_at": null, "last_used_at": "2026-03-05T10:00:00Z", "created_at": "2026-03-02T09:00:00Z"
}))]
pub struct ClientKey {
    /// Identifier.
    pub id: Uuid,
    /// Identifier of the API client.
    pub client_id: Uuid,
    /// Time of expiry; null if the key does not expire.
    pub expires_at: Option<DateTime<Utc>>,
    /// Time of revocation; null if the key is not revoked. A time in the future means that the key works until then.
    pub revoked_at: Option<DateTime<Utc>>,
    /// Time of the last use; null if the key was never used. Updated about once a minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// Time of creation.
    pub created_at: DateTime<Utc>,
}

from_row!(ClientKey { id, client_id, expires_at, revoked_at, last_used_at, created_at });

/// Data needed to authenticate an API key.
#[derive(Debug, Clone)]
pub struct KeyWithClient {
    /// Identifier of the API client.
    pub client_id: Uuid,
    /// SHA-256 hash of the secret.
    pub secret_hash: Vec<u8>,
    /// Scopes of the client.
    pub scopes: Scopes,
    /// Time at which the key expires.
    pub expires_at: Option<DateTime<Utc>>,
    /// Time at which the key or its client was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

from_row!(KeyWithClient { client_id, secret_hash, scopes as String, expires_at, revoked_at });

impl KeyWithClient {
    /// Returns whether the key is neither revoked nor expired. A revocation may lie in the future: a rotated key keeps
    /// working during the overlap.
    pub fn is_usable(&self, now: DateTime<Utc>) -> bool {
        let ended = |at: Option<DateTime<Utc>>| at.is_some_and(|at| at <= now);
        !ended(self.revoked_at) && !ended(self.expires_at)
    }
}

macro_rules! client_columns {
    () => {
        "id, name, scopes, revoked_at, version, created_at, updated_at"
    };
}
macro_rules! key_columns {
    () => {
        "id, client_id, expires_at, revoked_at, last_used_at, created_at"
    };
}

/// Finds a client by identifier.
pub async fn find(conn: &mut Conn, organization_id: Uuid, id: Uuid) -> sqlx::Result<Option<ApiClient>> {
    const SQL: &str = concat!("SELECT ", client_columns!(), " FROM api_clients WHERE organization_id = $1 AND id = $2");
    on!(conn, db => sqlx::query_as(SQL).bind(organization_id).bind(id).fetch_optional(db).await)
}

/// Returns a page of clients.
pub async fn list(conn: &mut Conn, organization_id: Uuid, slice: &Slice) -> sqlx::Result<Vec<ApiClient>> {
    on!(conn, db => {
        let mut query = QueryBuilder::new(concat!("SELECT ", client_columns!(), " FROM api_clients WHERE organization_id = "));
        query.push_bind(organization_id);
        push_slice(&mut query, slice);
        query.build_query_as().fetch_all(db).await
    })
}

/// Adds a client.
pub async fn insert(conn: &mut Conn, organization_id: Uuid, client: &ApiClient) -> sqlx::Result<()> {
    const SQL: &str = "INSERT INTO api_clients (organization_id, id, name, scopes, revoked_at, version, created_at, updated_at) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let c = client;
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(c.id).bind(&c.name).bind(c.scopes.to_string()).bind(c.revoked_at).bind(c.version)
        .bind(c.created_at).bind(c.updated_at)
        .execute(db).await.map(|_| ()))
}

/// Saves a change of a client.
pub async fn update(conn: &mut Conn, organization_id: Uuid, client: &ApiClient) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE api_clients SET name = $3, scopes = $4, revoked_at = $5, version = $6, updated_at = $7 \
                       WHERE organization_id = $1 AND id = $2";
    let c = client;
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(c.id).bind(&c.name).bind(c.scopes.to_string()).bind(c.revoked_at).bind(c.version)
        .bind(c.updated_at)
        .execute(db).await.map(|_| ()))
}

/// Returns a page of a client's keys.
pub async fn keys_page(
    conn: &mut Conn,
    organization_id: Uuid,
    client_id: Uuid,
    slice: &Slice,
) -> sqlx::Result<Vec<ClientKey>> {
    on!(conn, db => {
        let mut query = QueryBuilder::new(concat!("SELECT ", key_columns!(), " FROM api_keys WHERE organization_id = "));
        query.push_bind(organization_id).push(" AND client_id = ").push_bind(client_id);
        push_slice(&mut query, slice);
        query.build_query_as().fetch_all(db).await
    })
}

/// An API key with the hash of its secret.
#[derive(Debug, Clone)]
pub struct KeyWithHash {
    /// The key.
    pub key: ClientKey,
    /// SHA-256 hash of the secret.
    pub secret_hash: Vec<u8>,
}

from_row!(KeyWithHash { key; flatten, secret_hash });

/// Returns a page of the keys of all clients, with the hashes of their secrets.
pub async fn all_keys(conn: &mut Conn, organization_id: Uuid, slice: &Slice) -> sqlx::Result<Vec<KeyWithHash>> {
    on!(conn, db => {
        let mut query = QueryBuilder::new(concat!("SELECT ", key_columns!(), ", secret_hash FROM api_keys WHERE organization_id = "));
        query.push_bind(organization_id);
        push_slice(&mut query, slice);
        query.build_query_as().fetch_all(db).await
    })
}

/// Returns a client's keys that still work at an instant.
pub async fn live_keys(
    conn: &mut Conn,
    organization_id: Uuid,
    client_id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<ClientKey>> {
    const SQL: &str = concat!(
        "SELECT ",
        key_columns!(),
        " FROM api_keys WHERE organization_id = $1 AND client_id = $2 \
         AND (revoked_at IS NULL OR revoked_at > $3) AND (expires_at IS NULL OR expires_at > $3) ORDER BY id"
    );
    on!(conn, db => sqlx::query_as(SQL).bind(organization_id).bind(client_id).bind(now).fetch_all(db).await)
}

/// Finds a key of a client.
pub async fn find_client_key(
    conn: &mut Conn,
    organization_id: Uuid,
    client_id: Uuid,
    id: Uuid,
) -> sqlx::Result<Option<ClientKey>> {
    const SQL: &str =
        concat!("SELECT ", key_columns!(), " FROM api_keys WHERE organization_id = $1 AND client_id = $2 AND id = $3");
    on!(conn, db => sqlx::query_as(SQL).bind(organization_id).bind(client_id).bind(id).fetch_optional(db).await)
}

/// Adds a key.
pub async fn insert_key(
    conn: &mut Conn,
    organization_id: Uuid,
    key: &ClientKey,
    secret_hash: &[u8],
) -> sqlx::Result<()> {
    const SQL: &str = "INSERT INTO api_keys \
                       (organization_id, id, client_id, secret_hash, expires_at, revoked_at, last_used_at, created_at) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(key.id).bind(key.client_id).bind(secret_hash).bind(key.expires_at)
        .bind(key.revoked_at).bind(key.last_used_at).bind(key.created_at)
        .execute(db).await.map(|_| ()))
}

/// Revokes a key as of an instant.
pub async fn revoke_key(conn: &mut Conn, organization_id: Uuid, id: Uuid, at: DateTime<Utc>) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE api_keys SET revoked_at = $3 WHERE organization_id = $1 AND id = $2";
    on!(conn, db => sqlx::query(SQL).bind(organization_id).bind(id).bind(at).execute(db).await.map(|_| ()))
}

/// Finds the data needed to authenticate a key. A revocation of the client takes precedence over a revocation of the
/// key.
pub async fn find_key(conn: &mut Conn, organization_id: Uuid, id: Uuid) -> sqlx::Result<Option<KeyWithClient>> {
    const SQL: &str = "SELECT k.client_id, k.secret_hash, c.scopes, k.expires_at, \
                       COALESCE(c.revoked_at, k.revoked_at) AS revoked_at \
                       FROM api_keys k JOIN api_clients c ON c.organization_id = k.organization_id AND c.id = k.client_id \
                       WHERE k.organization_id = $1 AND k.id = $2";
    on!(conn, db => sqlx::query_as(SQL).bind(organization_id).bind(id).fetch_optional(db).await)
}

/// Writes the last use of a key. This is not recorded in the ledger.
pub async fn touch_key(conn: &mut Conn, organization_id: Uuid, id: Uuid, at: DateTime<Utc>) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE api_keys SET last_used_at = $3 WHERE organization_id = $1 AND id = $2";
    on!(conn, db => sqlx::query(SQL).bind(organization_id).bind(id).bind(at).execute(db).await.map(|_| ()))
}
