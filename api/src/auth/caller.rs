//! The authenticated caller of a request.

use milepost_domain::access::Scopes;
use uuid::Uuid;

use crate::store::author::Author;

/// An authenticated caller, the only source of the organization that a request may access.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Identifier of the organization.
    pub organization_id: Uuid,
    /// The caller as the author of changes and records.
    pub author: Author,
    /// Scopes of the caller.
    pub scopes: Scopes,
}
