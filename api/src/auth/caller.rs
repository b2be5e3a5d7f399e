//! The authenticated caller of a request.

use milepost_domain::access::Scopes;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr};
use utoipa::ToSchema;
use uuid::Uuid;

/// Kind of actor.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, IntoStaticStr, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ActorKind {
    /// An API client, authenticated by an API key or a token.
    ApiClient,
    /// A subject of the external token issuer.
    User,
    /// A holder of a share link.
    ShareLink,
    /// The server itself: its command line or a background job.
    System,
}

/// Actor of a change, as recorded in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({"type": "api_client", "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11"}))]
pub struct Actor {
    /// Kind of actor.
    #[serde(rename = "type")]
    pub kind: ActorKind,
    /// Identifier of the actor: the identifier of an API client or a share link, the subject of a token, or
    /// `command-line` or `job` for the server itself.
    #[schema(max_length = 200)]
    pub id: String,
}

impl Actor {
    /// Returns the actor of the command line.
    pub fn system() -> Self {
        Self { kind: ActorKind::System, id: "command-line".to_owned() }
    }

    /// Returns the actor of background jobs.
    pub fn job() -> Self {
        Self { kind: ActorKind::System, id: "job".to_owned() }
    }

    /// Returns the actor of an API client.
    pub fn client(id: Uuid) -> Self {
        Self { kind: ActorKind::ApiClient, id: id.to_string() }
    }

    /// Returns the actor of a share link.
    pub fn share_link(id: Uuid) -> Self {
        Self { kind: ActorKind::ShareLink, id: id.to_string() }
    }

    /// Returns the name of the actor as the author of records.
    pub fn label(&self) -> String {
        format!("{}:{}", self.kind, self.id)
    }
}

/// An authenticated caller, the only source of the organization that a request may access.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Identifier of the organization.
    pub organization_id: Uuid,
    /// Actor that the caller represents.
    pub actor: Actor,
    /// Scopes of the caller.
    pub scopes: Scopes,
}
