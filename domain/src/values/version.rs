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
}

impl Rule for VersionRule {
    fn code(&self) -> &'static str {
        self.into()
    }

    fn about(&self) -> About {
        About::State
    }
}
