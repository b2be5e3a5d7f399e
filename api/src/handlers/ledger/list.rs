//! List page of ledger entries.

use actix_web::get;
use chrono::{DateTime, Utc};
use milepost_domain::ledger::hex;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Query;
use crate::paging::{Page, Paging};
use crate::store::author::Author;
use crate::store::authored;
use crate::store::authored::name_all;
use crate::store::keyset::{Direction, Key, Position};
use crate::store::ledger::{self, Entry, Filter};

/// A ledger entry: one recorded change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "sequence": 17, "recorded_at": "2026-03-02T09:00:00Z",
    "author": {"type": "api_client", "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11"}, "request_id": "0199f0a2-9999-7d52-b1a4-0c8a3e0f9d11",
    "action": "customer.created", "entity_type": "customer", "entity_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11",
    "root_type": "customer", "root_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "before": null, "after": {"name": "Northwind"},
    "previous_hash": "0000000000000000000000000000000000000000000000000000000000000000",
    "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "content_salt": null, "content_digest": null,
    "erased_at": null
}))]
pub struct LedgerEntry {
    /// Sequence number within the organization, counting from 1 without gaps.
    #[schema(minimum = 1)]
    sequence: i64,
    /// Time of recording.
    recorded_at: DateTime<Utc>,
    /// Author of the change.
    author: Author,
    /// Identifier of the request that made the change.
    #[schema(max_length = 200)]
    request_id: String,
    /// Action, such as `plan.created`.
    #[schema(max_length = 100)]
    action: String,
    /// Type of the changed entity, such as `milestone`.
    #[schema(max_length = 50)]
    entity_type: String,
    /// Identifier of the changed entity.
    entity_id: Uuid,
    /// Type of the root that the entity belongs to. The root of a milestone is its plan.
    #[schema(max_length = 50)]
    root_type: String,
    /// Identifier of the root.
    root_id: Uuid,
    /// Entity before the change; null if the change created it, or if it was erased.
    #[schema(value_type = Option<Object>)]
    before: Option<Box<RawValue>>,
    /// Entity after the change; null if the change removed it, or if it was erased.
    #[schema(value_type = Option<Object>)]
    after: Option<Box<RawValue>>,
    /// Hash of the previous entry, in hexadecimal.
    #[schema(min_length = 64, max_length = 64)]
    previous_hash: String,
    /// Hash of this entry, in hexadecimal.
    #[schema(min_length = 64, max_length = 64)]
    hash: String,
    /// Salt of the digest, in hexadecimal; null if it was erased, and in entries of earlier versions.
    #[schema(min_length = 64, max_length = 64)]
    content_salt: Option<String>,
    /// Digest of `before` and `after` that the hash covers in their place, in hexadecimal; null in entries of earlier versions.
    #[schema(min_length = 64, max_length = 64)]
    content_digest: Option<String>,
    /// Time at which `before` and `after` were erased; null if they were not.
    erased_at: Option<DateTime<Utc>>,
}

/// Sort order of the ledger.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
pub enum Sort {
    /// Oldest first.
    #[default]
    #[serde(rename = "sequence")]
    Sequence,
    /// Newest first.
    #[serde(rename = "-sequence")]
    SequenceDescending,
}

/// Filters of the ledger.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LedgerFilters {
    /// Filter by entity.
    entity_id: Option<Uuid>,
    /// Filter by type of entity, such as `milestone`.
    #[param(max_length = 50)]
    entity_type: Option<String>,
    /// Filter by root, such as a plan including its milestones.
    root_id: Option<Uuid>,
    /// Filter by author.
    #[param(max_length = 200)]
    author_id: Option<String>,
    /// Filter by action, such as `plan.created`.
    #[param(max_length = 100)]
    action: Option<String>,
    /// Filter by time of recording: at or after this instant.
    from: Option<DateTime<Utc>>,
    /// Filter by time of recording: before this instant.
    to: Option<DateTime<Utc>>,
    /// Sort order: `sequence` (oldest first, the default) or `-sequence` (newest first).
    #[param(inline)]
    sort: Option<Sort>,
}

/// List ledger entries
///
/// Returns the organization's recorded changes, each with the entity before and after the change.
#[utoipa::path(tag = "ledger", security(("bearer" = ["ledger:read"])), params(Paging, LedgerFilters),
    responses((status = 200, description = "A page of ledger entries.", body = Page<LedgerEntry>)))]
#[get("/v1/ledger")]
pub async fn list_ledger_entries(
    cx: Context,
    paging: Paging,
    filters: Query<LedgerFilters>,
) -> Result<Answer, ApiError> {
    let filters = filters.0;
    let direction = match filters.sort.unwrap_or_default() {
        Sort::Sequence => Direction::Ascending,
        Sort::SequenceDescending => Direction::Descending,
    };
    let filter = Filter {
        entity_id: filters.entity_id,
        entity_type: filters.entity_type,
        root_id: filters.root_id,
        actor_id: filters.author_id,
        action: filters.action,
        from: filters.from,
        to: filters.to,
    };
    let mut conn = cx.read().await?;
    let after = paging.after_number();
    let rows = ledger::list(&mut conn, cx.organization_id(), &filter, direction, after, paging.limit + 1).await?;
    let mut entries: Vec<LedgerEntry> = rows.into_iter().map(LedgerEntry::from).collect();
    name_all(&mut conn, cx.organization_id(), &mut entries).await?;
    let position = |entry: &LedgerEntry| Position { key: Some(Key::Number(entry.sequence)), id: entry.entity_id };
    paging.answer(entries, position, |entry| entry)
}

authored!(LedgerEntry);

impl From<Entry> for LedgerEntry {
    fn from(entry: Entry) -> Self {
        let raw = |text: Option<String>| text.and_then(|text| RawValue::from_string(text).ok());
        Self {
            sequence: entry.sequence,
            recorded_at: entry.recorded_at,
            author: Author::recorded(&entry.actor_type, &entry.actor_id),
            request_id: entry.request_id,
            action: entry.action,
            entity_type: entry.entity_type,
            entity_id: entry.entity_id,
            root_type: entry.root_type,
            root_id: entry.root_id,
            before: raw(entry.before),
            after: raw(entry.after),
            previous_hash: hex(&entry.previous_hash),
            hash: hex(&entry.hash),
            content_salt: entry.content_salt.as_deref().map(hex),
            content_digest: entry.content_digest.as_deref().map(hex),
            erased_at: entry.erased_at,
        }
    }
}
