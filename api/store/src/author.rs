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
    /// Identifier of the author: the identifier of an API client or a share link, the subject of a token, or
    /// `command-line` or `job` for the server itself.
    #[schema(max_length = 200)]
    pub id: String,
}

impl Author {
    /// Returns the command line as an author.
    pub fn system() -> Self {
        Self { kind: AuthorKind::System, id: "command-line".to_owned() }
    }

    /// Returns the background jobs as an author.
    pub fn job() -> Self {
        Self { kind: AuthorKind::System, id: "job".to_owned() }
    }

    /// Returns an API client as an author.
    pub fn client(id: Uuid) -> Self {
        Self { kind: AuthorKind::ApiClient, id: id.to_string() }
    }

    /// Returns a share link as an author.
    pub fn share_link(id: Uuid) -> Self {
        Self { kind: AuthorKind::ShareLink, id: id.to_string() }
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
    },
    Text(String),
}

impl From<Stored> for Author {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Fields { kind, id } => Self { kind, id },
            Stored::Text(text) => text.parse().unwrap_or(Self { kind: AuthorKind::System, id: text }),
        }
    }
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.id)
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
        Ok(Self { kind: kind.parse().map_err(|_| NotAnAuthor)?, id: id.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_an_author() {
        for (text, expected) in [
            ("system:job", Ok(Author::job())),
            ("user:auth0|5:6", Ok(Author { kind: AuthorKind::User, id: "auth0|5:6".to_owned() })),
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
