//! Versions of templates in memory. A published version never changes, so what is kept stays right.

use std::sync::Arc;

use milepost_domain::plan::template::TemplateContent;
use milepost_domain::values::text::Key;
use uuid::Uuid;

use crate::error::ApiError;
use crate::read_model::PlanView;
use crate::store::plans::PlanRow;
use crate::store::templates::Template;
use crate::store::{Conn, versions};

/// Number of versions that are kept.
const MOST: u64 = 1000;

/// Versions of templates by organization, template and number.
#[derive(Debug)]
pub struct Definitions(moka::sync::Cache<(Uuid, Uuid, i64), Arc<TemplateContent>>);

impl Default for Definitions {
    fn default() -> Self {
        Self(moka::sync::Cache::new(MOST))
    }
}

impl Definitions {
    /// The version of the template that a plan was made from; `None` if it was made without one.
    pub async fn of_plan(
        &self,
        conn: &mut Conn,
        organization_id: Uuid,
        plan: &PlanRow,
    ) -> sqlx::Result<Option<Arc<TemplateContent>>> {
        let (Some(template_id), Some(number)) = (plan.template_id, plan.template_version) else { return Ok(None) };
        let key = (organization_id, template_id, number);
        if let Some(known) = self.0.get(&key) {
            return Ok(Some(known));
        }
        let found = versions::version::<TemplateContent>(conn, organization_id, template_id, number).await?;
        let content = found.map(|version| Arc::new(version.content));
        if let Some(content) = &content {
            self.0.insert(key, Arc::clone(content));
        }
        Ok(content)
    }
}

/// The track of a milestone of a plan: its phase in the plan, or, of one without a date, in the template.
pub fn track_of<'a>(plan: &'a PlanView, content: Option<&'a TemplateContent>, key: &str) -> Option<&'a str> {
    match plan.labels.iter().find(|label| &*label.key == key) {
        Some(label) => label.phase.as_deref(),
        None => content?.find(key)?.phase.as_deref(),
    }
}

/// The program that a parameter `template` names, if one is named.
pub async fn program_asked_for(
    conn: &mut Conn,
    organization_id: Uuid,
    template: Option<&Key>,
) -> Result<Option<Template>, ApiError> {
    let Some(key) = template else { return Ok(None) };
    let found: Option<Template> = versions::find(conn, organization_id, key.as_str()).await?;
    let unknown = || ApiError::parameter("template", "unknown_template", "there is no template with this key");
    found.map(Some).ok_or_else(unknown)
}
