//! Profiles of people: each has the identifier of its person, and its picture is read on its own.

use chrono::{DateTime, Utc};
use milepost_domain::people::profile::ProfileContent;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::kept::{Content, Kept, Stamp};
use crate::people::{self, Person};
use crate::{Conn, columns, on, row};

/// A profile.
pub type Profile = Kept<ProfileContent, Pictured>;

columns!(ProfileContent { pronunciation, visibility, recognition });

impl Content for ProfileContent {
    const TABLE: &'static str = "profiles";
    const UNIQUE: Option<&'static str> = None;
}

/// Version, time and picture of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({"avatar_sha256": null, "version": 1, "updated_at": "2026-03-02T09:00:00Z"}))]
pub struct Pictured {
    /// SHA-256 of the uploaded avatar as it is stored, in hexadecimal; null for one that is drawn.
    #[schema(min_length = 64, max_length = 64)]
    pub avatar_sha256: Option<String>,
    /// Version. 0 for a profile that nobody has changed; the value of `ETag`.
    #[schema(minimum = 0)]
    pub version: i64,
    /// Time of the last change; that of the person's creation for a profile that nobody has changed.
    pub updated_at: DateTime<Utc>,
}

columns!(Pictured { avatar_sha256, version, updated_at });

impl Stamp for Pictured {
    fn begin(now: DateTime<Utc>) -> Self {
        Self { avatar_sha256: None, version: 0, updated_at: now }
    }

    fn touch(&mut self, now: DateTime<Utc>) {
        self.version += 1;
        self.updated_at = now;
    }

    fn version(&self) -> i64 {
        self.version
    }
}

/// A person with their profile, or with the one that everybody begins with.
pub async fn find(conn: &mut Conn, organization_id: Uuid, id: Uuid) -> sqlx::Result<Option<(Person, Profile)>> {
    let Some(person) = people::find(conn, organization_id, id).await? else { return Ok(None) };
    let kept: Option<Profile> = row::find(conn, organization_id, id).await?;
    let begun = || Kept { id, content: ProfileContent::default(), stamp: Pictured::begin(person.stamp.created_at) };
    let profile = kept.unwrap_or_else(begun);
    Ok(Some((person, profile)))
}

/// The uploaded avatar of a person.
pub async fn avatar(conn: &mut Conn, organization_id: Uuid, id: Uuid) -> sqlx::Result<Option<Vec<u8>>> {
    const SQL: &str = "SELECT avatar FROM profiles WHERE organization_id = $1 AND id = $2";
    let found: Option<Option<Vec<u8>>> =
        on!(conn, db => sqlx::query_scalar(SQL).bind(organization_id).bind(id).fetch_optional(db).await)?;
    Ok(found.flatten())
}

/// Keeps another avatar of a person, or none, beside their profile.
pub async fn set_avatar(conn: &mut Conn, organization_id: Uuid, id: Uuid, avatar: Option<&[u8]>) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE profiles SET avatar = $3 WHERE organization_id = $1 AND id = $2";
    on!(conn, db => sqlx::query(SQL).bind(organization_id).bind(id).bind(avatar).execute(db).await.map(|_| ()))
}
