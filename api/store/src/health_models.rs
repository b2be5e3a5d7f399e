//! Storage of health models.

use milepost_domain::customer::health::model::ModelContent;

use crate::json_text::JsonText;
use crate::row::{Column as _, Columns, Reader, Value};
use crate::versions::{Version, VersionedContent};

/// A version of a health model.
pub type ModelVersion = Version<ModelContent>;

/// The content is one column: it is read and written whole.
impl Columns for ModelContent {
    fn names() -> Vec<&'static str> {
        vec!["content"]
    }

    fn read(reader: &mut Reader<'_>) -> sqlx::Result<Self> {
        reader.read::<JsonText<Self>>().map(|content| content.0)
    }

    fn values(&self) -> Vec<Value> {
        vec![JsonText(self.clone()).to_value()]
    }
}

impl VersionedContent for ModelContent {
    const DEFINITIONS: &'static str = "health_models";
    const VERSIONS: &'static str = "health_model_versions";
    const OF: &'static str = "model_id";
    const ACTIVATIONS: Option<&'static str> = Some("health_model_activations");
}
