//! Lists kept as JSON in a TEXT column: read and written whole, never searched.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value whose column holds its JSON. Plain TEXT, because the engines' JSON types give back different things.
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
    /// The column's text.
    pub fn to_text(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_default()
    }
}
