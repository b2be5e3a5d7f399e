//! Merge patches (RFC 7396): a field that is absent stays, one that is null is cleared, anything else is set.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};

/// What a patch says of one nullable field.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Change<T> {
    /// Absent: leave it.
    #[default]
    Keep,
    /// Null: clear it.
    Clear,
    /// A value: set it.
    Set(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Clear, Self::Set))
    }
}

impl<T> Change<T> {
    /// Applies the change to a field.
    pub fn apply<F>(self, field: &mut Option<F>)
    where
        T: Into<F>,
    {
        match self {
            Self::Keep => {}
            Self::Clear => *field = None,
            Self::Set(value) => *field = Some(value.into()),
        }
    }
}

/// When something is archived, after a patch that may say so: archiving again does not move the instant.
pub fn archived(wanted: Option<bool>, before: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match wanted {
        None => before,
        Some(true) => before.or(Some(now)),
        Some(false) => None,
    }
}
