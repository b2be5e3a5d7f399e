//! Rules of versioned definitions, such as templates and health models.

use strum::{IntoStaticStr, VariantNames};

use crate::rule::{About, Rule};

/// A rule that a change of a versioned definition broke. The text of each variant is its documentation.
#[derive(Debug, Clone, PartialEq, thiserror::Error, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "each variant's text is its documentation")]
pub enum VersionRule {
    #[error("version {version} is published and cannot change: create a new version")]
    Published { version: i64 },
    #[error("version {version} is a draft: publish it first")]
    NotPublished { version: i64 },
    #[error("has no published version: publish one first")]
    #[strum(serialize = "not_published")]
    NonePublished,
    #[error("is archived: restore it first")]
    Archived,
    #[error("is active: deactivate it first")]
    Active,
}

/// Checks that a version may change: a draft may, a published version never does.
pub const fn may_change(version: i64, is_published: bool) -> Result<(), VersionRule> {
    if is_published { Err(VersionRule::Published { version }) } else { Ok(()) }
}

/// Checks that a version may be used: a published version may, a draft may not.
pub const fn may_activate(version: i64, is_published: bool) -> Result<(), VersionRule> {
    if is_published { Ok(()) } else { Err(VersionRule::NotPublished { version }) }
}

/// Checks that a definition may be changed or used: not while it is archived.
pub const fn may_be_used(is_archived: bool) -> Result<(), VersionRule> {
    if is_archived { Err(VersionRule::Archived) } else { Ok(()) }
}

/// Checks that a definition may be archived: not while it is active.
pub const fn may_be_archived(is_active: bool) -> Result<(), VersionRule> {
    if is_active { Err(VersionRule::Active) } else { Ok(()) }
}

impl Rule for VersionRule {
    fn code(&self) -> &'static str {
        self.into()
    }

    fn about(&self) -> About {
        About::State
    }
}
