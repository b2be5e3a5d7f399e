//! Versions of templates.

use chrono::{DateTime, Utc};
use milepost_domain::plan::Kind;
use milepost_domain::plan::template::{MilestoneDefinition, TemplateContent};
use milepost_domain::values::text::{Key, Name, Note};
use serde::Serialize;
use utoipa::ToSchema;

use crate::store::templates::{Template, TemplateVersionRow};

/// A version of a template.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "key": "pilot", "number": 1, "name": "Two-week pilot", "kind": "onboarding", "description": null,
    "milestones": [{"key": "kick-off", "name": "Goals agreed", "phase": null, "owner_name": null, "weight": 1.0, "offset_days": 1,
    "depends_on": [], "acceptance_criteria": []}],
    "published_at": "2026-03-02T09:00:00Z", "version": 2, "created_at": "2026-03-02T09:00:00Z", "updated_at": "2026-03-02T09:00:00Z"
}))]
pub struct TemplateVersion {
    /// Key of the template.
    #[schema(value_type = Key)]
    key: String,
    /// Number, counting from 1.
    #[schema(minimum = 1)]
    number: i64,
    /// Name.
    name: Name,
    /// Kind of the plans that are created from the template.
    kind: Kind,
    /// Description.
    description: Option<Note>,
    /// Milestones, in order.
    #[schema(max_items = 500)]
    milestones: Vec<MilestoneDefinition>,
    /// Time of publication; null for a draft.
    published_at: Option<DateTime<Utc>>,
    /// Version. Increases by one with every change; the value of `ETag`.
    #[schema(minimum = 1)]
    version: i64,
    /// Time of creation.
    created_at: DateTime<Utc>,
    /// Time of the last change.
    updated_at: DateTime<Utc>,
}

impl TemplateVersion {
    /// From its rows.
    pub fn of(template: &Template, version: &TemplateVersionRow) -> Self {
        let TemplateContent { name, kind, description, milestones } = version.content.clone();
        Self {
            key: template.key.clone(),
            number: version.number,
            name,
            kind,
            description,
            milestones,
            published_at: version.published_at,
            version: version.version,
            created_at: version.created_at,
            updated_at: version.updated_at,
        }
    }
}
