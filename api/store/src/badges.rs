//! Badges.

use milepost_domain::recognition::badge::BadgeContent;
use milepost_domain::values::text::folded;

use crate::columns;
use crate::kept::{Archivable, Content, Kept};
use crate::row::Value;

/// A badge.
pub type Badge = Kept<BadgeContent, Archivable>;

columns!(BadgeContent { key, name, description, criteria, achievement_type, tags, alignments, valid_days, earned_by, design .. archived: false });

impl Content for BadgeContent {
    const TABLE: &'static str = "badges";
    const UNIQUE: Option<&'static str> = Some("key");

    fn derived(&self) -> Vec<(&'static str, Value)> {
        vec![("name_folded", Value::Text(Some(folded(&self.name))))]
    }

    fn archived(&mut self) -> Option<&mut bool> {
        Some(&mut self.archived)
    }
}
