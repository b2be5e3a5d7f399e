//! Ledger entries in order.

use actix_web::get;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::answer::Answer;
use crate::auth::caller::{Actor, ActorKind};
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Query;
use crate::paging::{Page, Paging, PagingParams};
use crate::store::keyset::{Direction, Key, Position};
use crate::store::ledger::{self, Entry, Filter};

/// One recorded change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "sequence": 17, "recorded_at": "2026-03-02T09:00:00Z",
    "actor": {"type": "api_client", "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11"}, "request_id": "0199f0a2-9999-7d52-b1a4-0c8a3e0f9d11",
    "action": "customer.created", "entity_type": "customer", "entity_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11",
    "root_type": "customer", "root_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "before": null, "after": {"name": "Northwind"},
    "previous_hash": "0000000000000000000000000000000000000000000000000000000000000000",
    "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
}))]
pub struct LedgerEntry {
    /// 1, 2, 3 and so on within the organization, without gaps.
    #[schema(minimum = 1)]
    sequence: i64,
    /// When it was recorded.
    recorded_at: DateTime<Utc>,
    /// Who did it.
    actor: Actor,
    /// In which request.
    #[schema(max_length = 200)]
    request_id: String,
    /// What happened, such as `plan.created`.
    #[schema(max_length = 100)]
    action: String,
    /// The kind of thing it happened to.
    #[schema(max_length = 50)]
    entity_type: String,
    /// What it happened to.
    entity_id: Uuid,
    /// The kind of thing that belongs to: a milestone's root is its plan.
    #[schema(max_length = 50)]
    root_type: String,
    /// What that belongs to.
    root_id: Uuid,
    /// How it was; null when it came into being.
    #[schema(value_type = Option<Object>)]
    before: Option<Box<RawValue>>,
    /// How it became; null when it was removed.
    #[schema(value_type = Option<Object>)]
    after: Option<Box<RawValue>>,
    /// Hash of the entry before, in hexadecimal.
    #[schema(min_length = 64, max_length = 64)]
    previous_hash: String,
    /// Hash of this entry, in hexadecimal.
    #[schema(min_length = 64, max_length = 64)]
    hash: String,
}

/// Which way the list runs.
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

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LedgerFilters {
    /// Only of this entity.
    entity_id: Option<Uuid>,
    /// Only of this kind, such as `milestone`.
    #[param(max_length = 50)]
    entity_type: Option<String>,
    /// Of this root and all that belongs to it, such as a plan with its milestones.
    root_id: Option<Uuid>,
    /// Only by this actor.
    #[param(max_length = 200)]
    actor_id: Option<String>,
    /// Only this action, such as `plan.created`.
    #[param(max_length = 100)]
    action: Option<String>,
    /// Recorded at or after this instant.
    from: Option<DateTime<Utc>>,
    /// Recorded before this instant.
    until: Option<DateTime<Utc>>,
    /// `sequence` (oldest first, the default) or `-sequence`.
    #[param(inline)]
    sort: Option<Sort>,
}

/// Lists ledger entries
#[utoipa::path(tag = "ledger", security(("bearer" = ["ledger:read"])), params(PagingParams, LedgerFilters),
    responses((status = 200, description = "A page of entries.", body = Page<LedgerEntry>)))]
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
        actor_id: filters.actor_id,
        action: filters.action,
        from: filters.from,
        until: filters.until,
    };
    let mut conn = cx.read().await?;
    let after = paging.after_number();
    let rows = ledger::list(&mut conn, cx.organization_id(), &filter, direction, after, paging.limit + 1).await?;
    let position = |entry: &Entry| Position { key: Some(Key::Number(entry.sequence)), id: entry.entity_id };
    paging.answer(rows, position, LedgerEntry::from)
}

impl From<Entry> for LedgerEntry {
    fn from(entry: Entry) -> Self {
        let raw = |text: Option<String>| text.and_then(|text| RawValue::from_string(text).ok());
        Self {
            sequence: entry.sequence,
            recorded_at: entry.recorded_at,
            actor: Actor { kind: entry.actor_type.parse().unwrap_or(ActorKind::System), id: entry.actor_id },
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
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
