//! Public documents of an issuer: its profile, keys, badges and status lists. Nothing here needs credentials.

use std::sync::Arc;

use actix_web::web::{Data, Path};
use actix_web::{get, post};
use milepost_domain::recognition::credential::{CONTEXTS, achievement};
use milepost_domain::recognition::status_list::StatusPurpose;
use milepost_domain::values::text::{Key, WebAddress};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::credentials::{CREDENTIAL, Jwk};
use crate::error::ApiError;
use crate::gate;
use crate::handlers::server::KeySet;
use crate::issuing::{Addresses, keep_key};
use crate::state::App;
use crate::store::badges::Badge;
use crate::store::credential_keys::{self, CredentialKey};
use crate::store::{organizations, row};
use crate::views::{badge_picture, pictures};

/// Document of Open Badges 3.0 in JSON-LD. It has the fields of its type beside these.
#[derive(Debug, ToSchema)]
#[schema(example = json!({
    "@context": ["https://www.w3.org/ns/credentials/v2", "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"],
    "id": "https://milepost.example.com/issuers/0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "type": ["Profile"]
}))]
#[expect(dead_code, reason = "describes the document")]
pub struct OpenBadgesDocument {
    /// Contexts.
    #[schema(rename = "@context", max_items = 10, value_type = Vec<WebAddress>)]
    contexts: (),
    /// Address of what the document is about.
    #[schema(max_length = 2000)]
    id: String,
    /// Types.
    #[schema(rename = "type", max_items = 10, value_type = Vec<Key>)]
    types: (),
}

/// The context of a public request to an organization: within its quota, and 404 if there is no such organization.
pub async fn public(app: &Arc<App>, organization_id: Uuid) -> Result<Context, ApiError> {
    let cx = Context::of_job(app, organization_id).await?.ok_or_else(ApiError::not_found)?;
    match app.share_limiter.take(organization_id).retry_after {
        Some(wait) => Err(gate::rate_limited(wait)),
        None => Ok(cx),
    }
}

/// Rotate the key of credentials
///
/// Makes a new key that signs from now on. What the old one signed is still verified by its public part, which stays at its address.
#[utoipa::path(tag = "recognition", security(("bearer" = ["admin"])),
    responses((status = 201, description = "The public part of the new key.", body = Jwk)))]
#[post("/v1/credential-keys")]
pub async fn rotate_credential_key(cx: Context) -> Result<Answer, ApiError> {
    let made = cx.make_key().await?;
    cx.write(async |unit| {
        if let Some(old) = credential_keys::current(&mut unit.conn, unit.organization_id).await? {
            let retired = CredentialKey { private_der: vec![], retired_at: Some(unit.now), ..old };
            row::update(&mut unit.conn, unit.organization_id, &retired).await?;
        }
        keep_key(unit, &made).await?;
        Answer::created(Addresses::of(&cx.app, unit.organization_id).key(made.id), &Jwk::of(&made))
    })
    .await
}

/// Get an issuer
///
/// Returns the profile of an organization as credentials name it (Open Badges 3.0).
#[utoipa::path(tag = "recognition", responses((status = 200, description = "The profile.", body = OpenBadgesDocument)))]
#[get("/issuers/{organization_id}")]
pub async fn read_issuer(app: Data<App>, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let cx = public(&app, *id).await?;
    let organization = organizations::find(&mut cx.read().await?, *id).await?.ok_or_else(ApiError::not_found)?;
    let address = Addresses::of(&app, *id).issuer();
    let profile = json!({ "@context": CONTEXTS, "id": address, "type": ["Profile"], "name": organization.name });
    Ok(Answer::ok(&profile)?.content_tag())
}

/// Get an issuer's keys
///
/// Returns the public keys that verify the issuer's credentials, retired ones included.
#[utoipa::path(tag = "recognition", responses((status = 200, description = "The keys (JWK set).", body = KeySet)))]
#[get("/issuers/{organization_id}/jwks.json")]
pub async fn read_issuer_keys(app: Data<App>, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let cx = public(&app, *id).await?;
    let keys: Vec<CredentialKey> = row::all(&mut cx.read().await?, *id, &[], "id").await?;
    Ok(Answer::ok(&json!({ "keys": keys.iter().map(Jwk::of).collect::<Vec<_>>() }))?.content_tag())
}

/// Get a key of an issuer
///
/// Returns the public key that a credential names (`kid`).
#[utoipa::path(tag = "recognition", responses((status = 200, description = "The key (JWK).", body = Jwk)))]
#[get("/issuers/{organization_id}/keys/{issuer_key}")]
pub async fn read_issuer_key(app: Data<App>, path: Path<(Uuid, Uuid)>) -> Result<Answer, ApiError> {
    let (organization_id, key_id) = *path;
    let cx = public(&app, organization_id).await?;
    let found: Option<CredentialKey> = row::find(&mut cx.read().await?, organization_id, key_id).await?;
    Ok(Answer::ok(&Jwk::of(&found.ok_or_else(ApiError::not_found)?))?.content_tag())
}

/// Get a badge of an issuer
///
/// Returns a badge as credentials name it (an achievement of Open Badges 3.0).
#[utoipa::path(tag = "recognition", responses((status = 200, description = "The achievement.", body = OpenBadgesDocument)))]
#[get("/issuers/{organization_id}/badges/{badge_id}")]
pub async fn read_issued_badge(app: Data<App>, path: Path<(Uuid, Uuid)>) -> Result<Answer, ApiError> {
    let badge = find(&app, *path).await?;
    let address = Addresses::of(&app, path.0).badge(badge.id);
    let mut achievement = achievement(&badge.content, &address, &format!("{address}/picture.svg"));
    achievement.insert("@context".to_owned(), json!(CONTEXTS));
    Ok(Answer::ok(&achievement)?.content_tag())
}

/// Draw a badge of an issuer
///
/// Returns the picture of a badge.
#[utoipa::path(tag = "recognition",
    responses((status = 200, description = "The picture as SVG.", body = String, content_type = "image/svg+xml")))]
#[get("/issuers/{organization_id}/badges/{badge_id}/picture.svg")]
pub async fn draw_issued_badge(app: Data<App>, path: Path<(Uuid, Uuid)>) -> Result<Answer, ApiError> {
    Ok(Answer::text(pictures::MEDIA_TYPE, badge_picture::draw(&find(&app, *path).await?.content)))
}

/// Get a status list
///
/// Returns the list (W3C Bitstring Status List, signed) in which verifiers find whether a credential was revoked or suspended. It is valid
/// for a day and follows every change at once.
#[utoipa::path(tag = "recognition",
    responses((status = 200, description = "The list as a credential.", body = String, content_type = "application/vc+jwt")))]
#[get("/issuers/{organization_id}/status-lists/{status_purpose}/{number}")]
pub async fn read_status_list(app: Data<App>, path: Path<(Uuid, String, i64)>) -> Result<Answer, ApiError> {
    let (organization_id, purpose, number) = path.into_inner();
    let purpose: StatusPurpose = purpose.parse().map_err(|_| ApiError::not_found())?;
    let cx = public(&app, organization_id).await?;
    Ok(Answer::text(CREDENTIAL, cx.status_list(purpose, number).await?))
}

async fn find(app: &Arc<App>, (organization_id, badge_id): (Uuid, Uuid)) -> Result<Badge, ApiError> {
    let cx = public(app, organization_id).await?;
    let found: Option<Badge> = row::find(&mut cx.read().await?, organization_id, badge_id).await?;
    found.ok_or_else(ApiError::not_found)
}
