//! Visibility of a plan through a share link.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoEnumIterator};
use utoipa::ToSchema;

use crate::values::text::Key;

/// Part of a plan that a share link may show in addition to the names, dates and statuses of milestones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ShareField {
    /// Owner: the person responsible.
    Owner,
    /// Dependencies between milestones.
    Dependencies,
    /// Notes on the progress of milestones.
    Notes,
    /// Date changes with their reasons, and misses with their recovery. The client may acknowledge date changes.
    DateChanges,
    /// Planned value (PV), earned value (EV), schedule performance index (SPI) and the expected finish.
    EarnedValue,
    /// S-curve.
    SCurve,
    /// Milestone trend chart.
    Trend,
}

/// Visibility of a plan through a share link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visibility {
    /// Keys of the visible milestones; null for all, including milestones added later.
    pub milestones: Option<Vec<Key>>,
    /// Visible parts of the milestones and of the plan.
    pub fields: Vec<ShareField>,
}

impl Visibility {
    /// Returns full visibility.
    pub fn everything() -> Self {
        Self { milestones: None, fields: ShareField::iter().collect() }
    }

    /// Returns whether a part is visible.
    pub fn has(&self, field: ShareField) -> bool {
        self.fields.contains(&field)
    }

    /// Returns whether a milestone is visible.
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
