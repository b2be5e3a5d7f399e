//! The one who calls, once proven.

use milepost_domain::access::Scopes;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr};
use utoipa::ToSchema;
use uuid::Uuid;

/// What kind of actor stands behind a change.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, IntoStaticStr, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ActorKind {
    /// An API client, by key or by token.
    ApiClient,
    /// A subject of the external issuer.
    User,
    /// Whoever has a share link.
    ShareLink,
    /// The server itself: its command line, or what runs beside requests.
    System,
}

/// Who did it, as the ledger records it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({"type": "api_client", "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11"}))]
pub struct Actor {
    /// What kind of actor.
    #[serde(rename = "type")]
    pub kind: ActorKind,
    /// Its id: an API client's or a share link's, or the subject of a token.
    #[schema(max_length = 200)]
    pub id: String,
}

impl Actor {
    /// The command line.
    pub fn system() -> Self {
        Self { kind: ActorKind::System, id: "command-line".to_owned() }
    }

    /// What runs beside requests.
    pub fn job() -> Self {
        Self { kind: ActorKind::System, id: "job".to_owned() }
    }

    /// An API client.
    pub fn client(id: Uuid) -> Self {
        Self { kind: ActorKind::ApiClient, id: id.to_string() }
    }

    /// A share link.
    pub fn share_link(id: Uuid) -> Self {
        Self { kind: ActorKind::ShareLink, id: id.to_string() }
    }

    /// How records name it as their author.
    pub fn label(&self) -> String {
        format!("{}:{}", self.kind, self.id)
    }
}

/// A proven caller: the only source of the organization a request may touch.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The one organization it belongs to.
    pub organization_id: Uuid,
    /// Who it is.
    pub actor: Actor,
    /// What it may do.
    pub scopes: Scopes,
}
