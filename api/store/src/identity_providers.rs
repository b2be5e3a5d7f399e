//! Identity providers of organizations: whose tokens mean which people.

use milepost_domain::people::identity::ProviderContent;
use uuid::Uuid;

use crate::from_row::from_row;
use crate::kept::{Archivable, Content, Kept};
use crate::row;
use crate::{Conn, columns, on};

/// An identity provider.
pub type Provider = Kept<ProviderContent, Archivable>;

columns!(ProviderContent { issuer, audience, token_type, jwks_url, person_by, claim, creates_people .. archived: false });

impl Content for ProviderContent {
    const TABLE: &'static str = "identity_providers";
    const UNIQUE: Option<&'static str> = None;

    fn archived(&mut self) -> Option<&mut bool> {
        Some(&mut self.archived)
    }
}

/// Whose a provider is.
#[derive(Debug)]
struct Owned {
    organization_id: Uuid,
    id: Uuid,
}

from_row!(Owned { organization_id, id });

/// The provider in use of an issuer and an audience, with its organization. Which one that is is not known before, so this looks at all.
pub async fn of_token(conn: &mut Conn, issuer: &str, audiences: &[String]) -> sqlx::Result<Option<(Uuid, Provider)>> {
    const SQL: &str = "SELECT organization_id, id FROM identity_providers \
                       WHERE issuer = $1 AND audience = $2 AND archived_at IS NULL";
    for audience in audiences {
        let found: Option<Owned> =
            on!(&mut *conn, db => sqlx::query_as(SQL).bind(issuer).bind(audience).fetch_optional(db).await)?;
        if let Some(Owned { organization_id, id }) = found {
            let provider = row::find(conn, organization_id, id).await?;
            return Ok(provider.map(|provider| (organization_id, provider)));
        }
    }
    Ok(None)
}
