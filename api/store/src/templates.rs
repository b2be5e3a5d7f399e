//! Storage of templates.

use milepost_domain::plan::template::TemplateContent;

use crate::columns;
use crate::versions::{Definition, Version, VersionedContent};

/// A template.
pub type Template = Definition<TemplateContent>;

/// A version of a template.
pub type TemplateVersionRow = Version<TemplateContent>;

columns!(TemplateContent { name, kind, description, milestones });

impl VersionedContent for TemplateContent {
    const DEFINITIONS: &'static str = "templates";
    const VERSIONS: &'static str = "template_versions";
    const OF: &'static str = "template_id";
}
