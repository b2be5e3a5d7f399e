//! Playbooks: rules that react to how customers are.

pub mod change;
pub mod dry_run;
pub mod read;

use chrono::{DateTime, Utc};
use milepost_domain::customer::playbook::Playbook;
use milepost_domain::values::text::Key;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::store::playbooks::PlaybookRow;

/// A playbook as it is kept.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "key": "rescue", "content": {
        "name": "Rescue", "description": null, "trigger": {"kind": "band_entered", "bands": ["critical"]}, "conditions": {"segments": []},
        "action": {"kind": "coaching", "title": "Call the sponsor", "owner": null, "due_in_days": 2, "escalations": []}, "cooldown_days": 14, "active": true
    }, "version": 1, "created_at": "2026-05-04T12:00:00Z", "updated_at": "2026-05-04T12:00:00Z"
}))]
pub struct KeptPlaybook {
    /// Its id.
    id: Uuid,
    /// Under which it is found, unique in the organization.
    #[schema(value_type = Key)]
    key: String,
    /// What it says.
    content: Playbook,
    /// Goes up with every change; the value of `ETag`.
    #[schema(minimum = 1)]
    version: i64,
    /// When it was created.
    created_at: DateTime<Utc>,
    /// When it last changed.
    updated_at: DateTime<Utc>,
}

impl From<PlaybookRow> for KeptPlaybook {
    fn from(row: PlaybookRow) -> Self {
        let PlaybookRow { id, key, content, version, created_at, updated_at } = row;
        Self { id, key, content: content.0, version, created_at, updated_at }
    }
}
