//! Merge patches (RFC 7396): an absent field stays unchanged, a null field is cleared, and any other value is set.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};

/// Change of one nullable field in a patch.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Change<T> {
    /// Absent: the field stays unchanged.
    #[default]
    Keep,
    /// Null: the field is cleared.
    Clear,
    /// A value: the field is set.
    Set(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Clear, Self::Set))
    }
}

impl<T> Change<T> {
    /// The value that the field is set to, if it is.
    pub const fn set(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }

    /// Converts the value that the field is set to.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Change<U> {
        match self {
            Self::Keep => Change::Keep,
            Self::Clear => Change::Clear,
            Self::Set(value) => Change::Set(convert(value)),
        }
    }

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

/// Returns the time of archiving after a patch. Archiving again does not change the time.
pub fn archived(wanted: Option<bool>, before: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match wanted {
        None => before,
        Some(true) => before.or(Some(now)),
        Some(false) => None,
    }
}
