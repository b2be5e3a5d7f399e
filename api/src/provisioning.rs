//! Creation of an organization with its ledger, the shipped templates and, on request, an API client.

use aws_lc_rs::digest;
use chrono::{DateTime, SubsecRound, Utc};
use chrono_tz::Tz;
use milepost_domain::access::{Scope, Scopes};
use milepost_domain::ledger::hex;
use milepost_domain::plan::template::TemplateContent;
use milepost_domain::values::text::Name;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::auth::api_key::ApiKey;
use crate::clock::Clock;
use crate::error::ApiError;
use crate::resources::api_keys::RevealedKey;
use crate::resources::templates::TemplateVersion;
use crate::store::api_clients::{self, ApiClient, ClientKey};
use crate::store::author::Author;
use crate::store::json_text::JsonText;
use crate::store::organizations::{self, Organization};
use crate::store::templates::{Template, TemplateVersionRow};
use crate::store::{Db, row, versions};
use crate::unit::{Change, Entity, Origin, Unit};

/// Templates that every organization starts with.
const SHIPPED: [&str; 3] = [
    include_str!("shipped/ai-delivery.json"),
    include_str!("shipped/onboarding.json"),
    include_str!("shipped/ai-coaching.json"),
];

#[derive(Deserialize)]
struct Shipped {
    key: String,
    #[serde(flatten)]
    content: TemplateContent,
}

/// Creates an API client with a key for the organization of this name. Creates the organization if it does not exist.
pub async fn create_key(
    db: &Db,
    clock: &Clock,
    organization: &Name,
    scopes: &[Scope],
) -> Result<RevealedKey, ApiError> {
    let found = organizations::find_by_name(&mut db.read().await?, organization.as_str()).await?;
    let mut unit = match found.as_slice() {
        [_, _, ..] => {
            return Err(ApiError::internal("several organizations are called so: use the name of its creation"));
        }
        [known] => {
            let zone = known.time_zone.parse().unwrap_or(Tz::UTC);
            Unit::begin(db, clock, origin(known.id, zone)).await?
        }
        [] => create_organization(db, clock, organization).await?,
    };
    let client = ApiClient {
        id: unit.new_id(),
        name: "Command line".to_owned(),
        scopes: Scopes::of(scopes.iter().copied()),
        revoked_at: None,
        version: 1,
        created_at: unit.now,
        updated_at: unit.now,
    };
    api_clients::insert(&mut unit.conn, unit.organization_id, &client).await?;
    unit.record_created(Entity::ApiClient, client.id, &client).await?;
    let key = add_key(&mut unit, client.id, None, "").await?;
    unit.commit().await?;
    Ok(key)
}

/// A key as its creation is recorded: with a fingerprint of its secret's hash, so that a secret that was exchanged is noticed.
#[derive(Debug, Serialize)]
pub struct RecordedKey<'a> {
    #[serde(flatten)]
    key: &'a ClientKey,
    secret_fingerprint: String,
}

impl<'a> RecordedKey<'a> {
    /// Describes a key with the stored hash of its secret.
    pub fn of(key: &'a ClientKey, secret_hash: &[u8]) -> Self {
        Self { key, secret_fingerprint: hex(digest::digest(&digest::SHA256, secret_hash).as_ref()) }
    }
}

/// Adds a key to a client and returns it with its secret. `pointer` is the place of the expiry in the request.
pub async fn add_key(
    unit: &mut Unit,
    client_id: Uuid,
    expires_at: Option<DateTime<Utc>>,
    pointer: &str,
) -> Result<RevealedKey, ApiError> {
    if expires_at.is_some_and(|at| at <= unit.now) {
        return Err(ApiError::field(pointer, "in_the_past", "must be in the future"));
    }
    // Both engines store whole microseconds.
    let expires_at = expires_at.map(|at| at.trunc_subsecs(6));
    let secret = ApiKey::generate(unit.organization_id, unit.new_id());
    let secret = secret.ok_or_else(|| ApiError::internal("the system has no randomness"))?;
    let key =
        ClientKey { id: secret.id, client_id, expires_at, revoked_at: None, last_used_at: None, created_at: unit.now };
    api_clients::insert_key(&mut unit.conn, unit.organization_id, &key, &secret.secret_hash()).await?;
    let change = Change {
        verb: "created",
        entity: (Entity::ApiKey, key.id),
        root: (Entity::ApiClient, client_id),
        before: None,
        after: Some(&RecordedKey::of(&key, &secret.secret_hash())),
    };
    unit.record(change).await?;
    Ok(RevealedKey { key, secret: Some(secret.reveal()) })
}

/// Currency of an organization that has not chosen one.
const USUAL_CURRENCY: &str = "EUR";

/// Creates an organization and returns the unit of work, which the caller commits.
async fn create_organization(db: &Db, clock: &Clock, name: &Name) -> Result<Unit, ApiError> {
    let now = clock.now();
    let organization = Organization {
        id: clock.new_id(),
        name: name.to_string(),
        time_zone: Tz::UTC.name().to_owned(),
        currency: USUAL_CURRENCY.to_owned(),
        lint_rules_off: JsonText(vec![]),
        event_retention_days: None,
        contact: None,
        logo: None,
        event_meanings: JsonText(vec![]),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let mut conn = db.begin().await?;
    if !organizations::insert(&mut conn, &organization).await? {
        return Err(ApiError::internal("another process has just created the organization: try again"));
    }
    let mut unit = Unit::found(conn, clock, origin(organization.id, Tz::UTC)).await?;
    unit.record_created(Entity::Organization, organization.id, &organization).await?;
    for text in SHIPPED {
        ship(&mut unit, serde_json::from_str(text)?).await?;
    }
    Ok(unit)
}

async fn ship(unit: &mut Unit, shipped: Shipped) -> Result<(), ApiError> {
    let template = Template::new(unit.new_id(), shipped.key, unit.now);
    let version = TemplateVersionRow {
        of: template.id,
        number: 1,
        content: shipped.content,
        published_at: Some(unit.now),
        version: 1,
        created_at: unit.now,
        updated_at: unit.now,
    };
    row::insert(&mut unit.conn, unit.organization_id, &template).await?;
    versions::insert_version(&mut unit.conn, unit.organization_id, &version).await?;
    unit.record_created(Entity::Template, template.id, &TemplateVersion::of(&template, &version)).await
}

fn origin(organization_id: Uuid, zone: Tz) -> Origin {
    Origin {
        organization_id,
        zone,
        author: Author::system(),
        request_id: "command-line".to_owned(),
        scopes: Scopes::of([Scope::Admin]),
    }
}
