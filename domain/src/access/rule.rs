//! Rules of roles.

use strum::{IntoStaticStr, VariantNames};

use super::Scope;
use crate::rule::{About, Rule};

/// A rule of roles that was broken. The text of each variant is its documentation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "each variant's text is its documentation")]
pub enum AccessRule {
    #[error("grants {scope}, which the giver does not have")]
    GrantsMore { scope: Scope },
    #[error("is of somebody whose roles include {scope}, which the caller does not have")]
    ProtectedPerson { scope: Scope },
    #[error("must not be a role that the product has itself")]
    BuiltInRole,
    #[error("is the last person with the role admin: give the role to somebody else first")]
    LastAdmin,
}

impl Rule for AccessRule {
    fn code(&self) -> &'static str {
        self.into()
    }

    fn about(&self) -> About {
        match self {
            Self::BuiltInRole => About::Input,
            Self::GrantsMore { .. } | Self::ProtectedPerson { .. } | Self::LastAdmin => About::State,
        }
    }
}
