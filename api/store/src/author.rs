//! Authors: who made a change or a record.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr};
use utoipa::ToSchema;
use uuid::Uuid;

/// Kind of author.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, IntoStaticStr, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum AuthorKind {
    /// An API client, authenticated by an API key or a token.
    ApiClient,
    /// A person of the organization.
    Person,
    /// A subject of the external token issuer.
    User,
    /// A holder of a share link.
    ShareLink,
    /// The server itself: its command line or a background job.
    System,
}

/// Author of a change or a record. Its text is `<type>:<id>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(from = "Stored")]
#[schema(example = json!({"type": "api_client", "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11"}))]
pub struct Author {
    /// Kind of author.
    #[serde(rename = "type")]
    pub kind: AuthorKind,
    /// Identifier of the author: the identifier of an API client, a person or a share link, the subject of a token, or
    /// `command-line` or `job` for the server itself.
    #[schema(max_length = 200)]
    pub id: String,
    /// Identifier of the API client that acted for the person; left out unless one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200, required = false, value_type = String)]
    pub client_id: Option<String>,
    /// Name of the person or the API client; left out where it was not looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200, required = false, value_type = String)]
    pub name: Option<String>,
}

/// Separator of a person and the client that acted for them, in the text of an author.
const VIA: &str = ";via:";

impl Author {
    /// Returns the command line as an author.
    pub fn system() -> Self {
        Self::of(AuthorKind::System, "command-line".to_owned())
    }

    /// Returns the background jobs as an author.
    pub fn job() -> Self {
        Self::of(AuthorKind::System, "job".to_owned())
    }

    /// Returns an API client as an author.
    pub fn client(id: Uuid) -> Self {
        Self::of(AuthorKind::ApiClient, id.to_string())
    }

    /// Returns a share link as an author.
    pub fn share_link(id: Uuid) -> Self {
        Self::of(AuthorKind::ShareLink, id.to_string())
    }

    /// Returns a person as an author, or an API client that acts for them.
    pub fn person(id: Uuid, client_id: Option<Uuid>) -> Self {
        Self { client_id: client_id.map(|id| id.to_string()), ..Self::of(AuthorKind::Person, id.to_string()) }
    }

    /// Returns an author of a kind.
    pub const fn of(kind: AuthorKind, id: String) -> Self {
        Self { kind, id, client_id: None, name: None }
    }

    /// Returns the author from the two texts that the ledger keeps.
    pub fn recorded(kind: &str, id: &str) -> Self {
        format!("{kind}:{id}").parse().unwrap_or_else(|_| Self::of(AuthorKind::System, id.to_owned()))
    }

    /// Returns the text that the ledger keeps beside the kind.
    pub fn recorded_id(&self) -> String {
        match &self.client_id {
            Some(client_id) => format!("{}{VIA}{client_id}", self.id),
            None => self.id.clone(),
        }
    }
}

/// An author in a stored document: reviews once kept the text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stored {
    Fields {
        #[serde(rename = "type")]
        kind: AuthorKind,
        id: String,
        client_id: Option<String>,
    },
    Text(String),
}

impl From<Stored> for Author {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Fields { kind, id, client_id } => Self { client_id, ..Self::of(kind, id) },
            Stored::Text(text) => text.parse().unwrap_or_else(|_| Self::of(AuthorKind::System, text)),
        }
    }
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.recorded_id())
    }
}

/// A text that names no author.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAnAuthor;

impl fmt::Display for NotAnAuthor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an author is written <type>:<id>")
    }
}

impl std::error::Error for NotAnAuthor {}

impl FromStr for Author {
    type Err = NotAnAuthor;

    fn from_str(text: &str) -> Result<Self, NotAnAuthor> {
        let (kind, id) = text.split_once(':').ok_or(NotAnAuthor)?;
        let kind = kind.parse().map_err(|_| NotAnAuthor)?;
        let (id, client_id) = match id.split_once(VIA).filter(|_| kind == AuthorKind::Person) {
            Some((id, client_id)) => (id, Some(client_id.to_owned())),
            None => (id, None),
        };
        Ok(Self { client_id, ..Self::of(kind, id.to_owned()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_an_author() {
        for (text, expected) in [
            ("system:job", Ok(Author::job())),
            (
                "person:00000000-0000-0000-0000-000000000007;via:00000000-0000-0000-0000-000000000008",
                Ok(Author::person(Uuid::from_u128(7), Some(Uuid::from_u128(8)))),
            ),
            ("user:auth0|5;via:6", Ok(Author::of(AuthorKind::User, "auth0|5;via:6".to_owned()))),
            ("job", Err(NotAnAuthor)),
            ("robot:7", Err(NotAnAuthor)),
        ] {
            assert_eq!(text.parse::<Author>(), expected, "{text}");
            if let Ok(author) = expected {
                assert_eq!(author.to_string(), text);
            }
        }
    }

    #[test]
    fn stored_forms() {
        let fields = r#"{"type":"system","id":"job"}"#;
        for text in [fields, r#""system:job""#] {
            assert_eq!(serde_json::from_str::<Author>(text).ok(), Some(Author::job()), "{text}");
        }
        assert_eq!(serde_json::to_string(&Author::job()).ok().as_deref(), Some(fields));
    }
}
