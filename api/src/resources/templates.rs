//! Versions of templates.

use chrono::{DateTime, Utc};
use milepost_domain::plan::Kind;
use milepost_domain::plan::template::MilestoneDefinition;
use milepost_domain::values::text::{Key, Name, Note};
use serde::Serialize;
use utoipa::ToSchema;

use crate::store::templates::{Template, Version};

/// One version of a template.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "key": "pilot", "number": 1, "name": "Two-week pilot", "kind": "onboarding", "description": null,
    "milestones": [{"key": "kick-off", "name": "Goals agreed", "phase": null, "owner": null, "weight": 1.0, "offset_days": 1, "depends_on": [], "acceptance_criteria": []}],
    "published_at": "2026-03-02T09:00:00Z", "version": 2, "created_at": "2026-03-02T09:00:00Z", "updated_at": "2026-03-02T09:00:00Z"
}))]
pub struct TemplateVersion {
    /// The template's key.
    #[schema(value_type = Key)]
    pub key: String,
    /// 1, 2, 3 and so on.
    #[schema(minimum = 1)]
    pub number: i64,
    /// What it is called.
    #[schema(value_type = Name)]
    pub name: String,
    /// The kind of plans made from it.
    pub kind: Kind,
    /// What it is for.
    #[schema(value_type = Option<Note>)]
    pub description: Option<String>,
    /// Its milestones in their order.
    #[schema(max_items = 500)]
    pub milestones: Vec<MilestoneDefinition>,
    /// When it was published and became unchangeable; null for a draft.
    pub published_at: Option<DateTime<Utc>>,
    /// Goes up with every change; the value of `ETag`.
    #[schema(minimum = 1)]
    pub version: i64,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

impl TemplateVersion {
    /// From its rows.
    pub fn of(template: &Template, version: Version) -> Self {
        Self {
            key: template.key.clone(),
            number: version.number,
            name: version.name,
            kind: version.kind.0,
            description: version.description,
            milestones: version.milestones.0,
            published_at: version.published_at,
            version: version.version,
            created_at: version.created_at,
            updated_at: version.updated_at,
        }
    }
}
