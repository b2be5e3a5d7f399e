//! The authenticated caller of a request.

use std::sync::Arc;

use milepost_domain::access::may::{Circle, Subject, may};
use milepost_domain::access::{Scope, Scopes};
use uuid::Uuid;

use crate::store::author::Author;

/// An authenticated caller, the only source of the organization that a request may access.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Identifier of the organization.
    pub organization_id: Uuid,
    /// The caller as the author of changes and records.
    pub author: Author,
    /// Scopes that the caller has everywhere.
    pub scopes: Scopes,
    /// The person, with those they have a relation to; `None` for a caller that is no person.
    pub person: Option<Arc<Circle>>,
}

impl Caller {
    /// Returns the person, if the caller is one.
    pub fn person_id(&self) -> Option<Uuid> {
        self.person.as_ref().map(|circle| circle.person_id)
    }

    /// Returns whether the caller may do something with something: by a scope that they have everywhere, or by a relation.
    pub fn may(&self, what: Scope, whom: &Subject<'_>) -> bool {
        self.scopes.allow(what) || self.person.as_ref().is_some_and(|circle| may(circle, what, whom))
    }
}
