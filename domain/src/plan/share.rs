//! How much of a plan is shown to whoever has a link to it.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoEnumIterator};
use utoipa::ToSchema;

use crate::values::text::Key;

/// A part of a plan that a link may show, beside its milestones' names, dates and status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ShareField {
    /// Who is responsible.
    Owner,
    /// What waits for what.
    Dependencies,
    /// Notes on how milestones stand.
    Notes,
    /// Dates that moved and why, misses and their recovery; the client may take note of them.
    DateChanges,
    /// PV, EV, SPI and the expected finish.
    EarnedValue,
    /// The S-curve.
    SCurve,
    /// The milestone trend chart.
    Trend,
}

/// How much of a plan a link shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visibility {
    /// Keys of the milestones; all, also those added later, if null.
    pub milestones: Option<Vec<Key>>,
    /// What is shown of them and of the plan.
    pub fields: Vec<ShareField>,
}

impl Visibility {
    /// All of it.
    pub fn everything() -> Self {
        Self { milestones: None, fields: ShareField::iter().collect() }
    }

    /// Whether it shows a part.
    pub fn has(&self, field: ShareField) -> bool {
        self.fields.contains(&field)
    }

    /// Whether it shows a milestone.
    pub fn shows(&self, key: &str) -> bool {
        self.milestones.as_ref().is_none_or(|keys| keys.iter().any(|shown| shown.as_str() == key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_is_not_shown() {
        let key = Key::parse("a").expect("a key");
        let some = Visibility { milestones: Some(vec![key]), fields: vec![ShareField::Owner] };
        assert_eq!((some.shows("a"), some.shows("b")), (true, false));
        assert_eq!((some.has(ShareField::Owner), some.has(ShareField::Notes)), (true, false));
        let everything = Visibility::everything();
        assert!(everything.shows("b") && ShareField::iter().all(|field| everything.has(field)));
    }
}
