//! Templates: what they look like. A version can change until it is published, and never after.

pub mod change;
pub mod create;
pub mod list;
pub mod read;

use chrono::{DateTime, Utc};
use milepost_domain::plan::Kind;
use milepost_domain::plan::template::MilestoneDefinition;
use milepost_domain::values::text::{Key, Name, Note};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::ApiError;
use crate::store::templates::{self, Template, Version};
use crate::store::{Conn, json_text::JsonText};
use crate::unit::Unit;

/// What a version says.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Two-week pilot", "kind": "onboarding", "milestones": [
        {"key": "kick-off", "name": "Goals agreed", "offset_days": 1},
        {"key": "review", "name": "Result reviewed", "offset_days": 14, "depends_on": ["kick-off"], "weight": 3}
    ]
}))]
pub struct TemplateContent {
    /// What it is called.
    pub name: Name,
    /// The kind of plans made from it.
    pub kind: Kind,
    /// What it is for.
    pub description: Option<Note>,
    /// Its milestones in their order.
    #[schema(min_items = 1, max_items = 500)]
    pub milestones: Vec<MilestoneDefinition>,
}

/// A template to create, with its first version.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "key": "pilot", "name": "Two-week pilot", "kind": "onboarding", "publish": true, "milestones": [
        {"key": "kick-off", "name": "Goals agreed", "offset_days": 1},
        {"key": "review", "name": "Result reviewed", "offset_days": 14, "depends_on": ["kick-off"], "weight": 3}
    ]
}))]
pub struct TemplateDraft {
    /// Under which it is found, unique in the organization.
    pub key: Key,
    /// What it is called.
    pub name: Name,
    /// The kind of plans made from it.
    pub kind: Kind,
    /// What it is for.
    pub description: Option<Note>,
    /// Its milestones in their order.
    #[schema(min_items = 1, max_items = 500)]
    pub milestones: Vec<MilestoneDefinition>,
    /// Publishes the version at once; otherwise it is a draft.
    #[serde(default)]
    pub publish: bool,
}

/// A template with the newest of its versions.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "key": "pilot", "name": "Two-week pilot", "kind": "onboarding",
    "description": null, "milestones": 2, "latest_version": 2, "published_version": 1, "created_at": "2026-03-02T09:00:00Z"
}))]
pub struct TemplateSummary {
    /// Its id.
    id: Uuid,
    /// Under which it is found.
    #[schema(value_type = Key)]
    key: String,
    /// Name of the newest version.
    #[schema(value_type = Name)]
    name: String,
    /// Kind of the newest version.
    kind: Kind,
    /// Description of the newest version.
    #[schema(value_type = Option<Note>)]
    description: Option<String>,
    /// How many milestones the newest version has.
    #[schema(maximum = 500)]
    milestones: usize,
    /// Number of the newest version.
    #[schema(minimum = 1)]
    latest_version: i64,
    /// Number of the newest published version: what a plan is made from unless it names another.
    #[schema(minimum = 1)]
    published_version: Option<i64>,
    /// When the template was created.
    created_at: DateTime<Utc>,
}

impl TemplateSummary {
    fn of(template: Template, versions: &[Version]) -> Option<Self> {
        let mut own = versions.iter().filter(|version| version.template_id == template.id);
        let published_version =
            own.clone().rfind(|version| version.published_at.is_some()).map(|version| version.number);
        let latest = own.next_back()?;
        Some(Self {
            id: template.id,
            key: template.key,
            name: latest.name.clone(),
            kind: latest.kind.0,
            description: latest.description.clone(),
            milestones: latest.milestones.0.len(),
            latest_version: latest.number,
            published_version,
            created_at: template.created_at,
        })
    }
}

/// A template and its versions by number.
pub async fn find(
    conn: &mut Conn,
    organization_id: Uuid,
    key: &str,
) -> Result<Option<(Template, Vec<Version>)>, ApiError> {
    let Some(template) = templates::find(conn, organization_id, key).await? else { return Ok(None) };
    let versions = templates::versions(conn, organization_id, &[template.id]).await?;
    Ok(Some((template, versions)))
}

/// A new version, as a draft.
fn draft_version(unit: &Unit, template_id: Uuid, number: i64, content: TemplateContent) -> Version {
    Version {
        template_id,
        number,
        name: content.name.into(),
        kind: sqlx::types::Text(content.kind),
        description: content.description.map(String::from),
        milestones: JsonText(content.milestones),
        published_at: None,
        version: 1,
        created_at: unit.now,
        updated_at: unit.now,
    }
}
