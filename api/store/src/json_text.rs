//! Values stored as JSON in a TEXT column. They are read and written as a whole and never searched.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value that is stored as JSON. The column is plain TEXT, because the engines' JSON types return different results.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(transparent)]
pub struct JsonText<T>(pub T);

impl<T: DeserializeOwned> TryFrom<String> for JsonText<T> {
    type Error = serde_json::Error;
    fn try_from(text: String) -> Result<Self, serde_json::Error> {
        serde_json::from_str(&text).map(Self)
    }
}

impl<T: Serialize> JsonText<T> {
    /// Returns the text for the column.
    pub fn to_text(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_default()
    }
}
