//! Public documents of an issuer: its profile, keys, badges and status lists. Nothing here needs credentials.

use std::sync::Arc;

use actix_web::http::header::VARY;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, get, post};
use milepost_domain::recognition::credential::{CONTEXTS, achievement};
use milepost_domain::recognition::status_list::StatusPurpose;
use milepost_domain::values::text::{Key, WebAddress};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::credentials::{EMBEDDED, Form, IssuerKey, JSON, JWT, Jwk, Multikey, jwk};
use crate::error::ApiError;
use crate::gate::{self, negotiate};
use crate::handlers::server::KeySet;
use crate::issuing::{Addresses, keep_key};
use crate::state::App;
use crate::store::badges::Badge;
use crate::store::credential_keys::{self, CredentialKey};
use crate::store::public_key::KeyAlgorithm;
use crate::store::{awards, organizations, row};
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

/// Context of a profile that names its keys, which verifiers of embedded proofs want first.
const CONTROLLER_CONTEXT: &str = "https://www.w3.org/ns/did/v1";

/// List of revoked credentials.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "https://milepost.example.com/issuers/0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11/revocation-list",
    "issuer": "https://milepost.example.com/issuers/0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11",
    "revokedCredential": [{"id": "https://milepost.example.com/credentials/1", "revoked": true}]
}))]
pub struct RevocationList {
    /// Address of the list.
    #[schema(max_length = 2000)]
    id: String,
    /// Address of the issuer.
    #[schema(max_length = 2000)]
    issuer: String,
    /// Credentials that were revoked.
    #[schema(max_items = 1_000_000)]
    revoked_credential: Vec<RevokedCredential>,
}

/// Credential that was revoked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "https://milepost.example.com/credentials/1", "revoked": true}))]
pub struct RevokedCredential {
    /// Address of the credential.
    #[schema(max_length = 2000)]
    id: String,
    /// Whether it is revoked: always true.
    revoked: bool,
}

/// The context of a public request to an organization: within its quota, and 404 if there is no such organization.
pub async fn public(app: &Arc<App>, organization_id: Uuid) -> Result<Context, ApiError> {
    let cx = Context::of_job(app, organization_id).await?.ok_or_else(ApiError::not_found)?;
    match app.share_limiter.take(organization_id).retry_after {
        Some(wait) => Err(gate::rate_limited(wait)),
        None => Ok(cx),
    }
}

/// Rotate the keys of credentials
///
/// Makes new keys that sign from now on: one for JWTs, one for embedded proofs. What the old ones signed is still verified by their public parts,
/// which stay at their addresses.
#[utoipa::path(tag = "recognition", security(("bearer" = ["admin"])),
    responses((status = 201, description = "The public parts of the new keys.", body = KeySet)))]
#[post("/v1/credential-keys")]
pub async fn rotate_credential_keys(cx: Context) -> Result<Answer, ApiError> {
    let made = [cx.make_key(KeyAlgorithm::Rsa).await?, cx.make_key(KeyAlgorithm::Ed25519).await?];
    cx.write(async |unit| {
        for old in credential_keys::in_use(&mut unit.conn, unit.organization_id).await? {
            let retired = CredentialKey { private_der: vec![], retired_at: Some(unit.now), ..old };
            row::update(&mut unit.conn, unit.organization_id, &retired).await?;
        }
        for key in &made {
            keep_key(unit, key).await?;
        }
        let at = Addresses::of(&cx.app, unit.organization_id).keys();
        Answer::created(at, &json!({ "keys": made.iter().map(jwk).collect::<Vec<_>>() }))
    })
    .await
}

/// Get an issuer
///
/// Returns the profile of an organization as credentials name it (Open Badges 3.0), with its keys for embedded proofs.
#[utoipa::path(tag = "recognition", responses((status = 200, description = "The profile.", body = OpenBadgesDocument)))]
#[get("/issuers/{organization_id}")]
pub async fn read_issuer(app: Data<App>, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let cx = public(&app, *id).await?;
    let mut conn = cx.snapshot().await?;
    let organization = organizations::find(&mut conn, *id).await?.ok_or_else(ApiError::not_found)?;
    let keys: Vec<CredentialKey> = row::all(&mut conn, *id, &[], "id").await?;
    drop(conn);
    let addresses = Addresses::of(&app, *id);
    let mut profile =
        json!({ "@context": CONTEXTS, "id": addresses.issuer(), "type": ["Profile"], "name": organization.name });
    let methods: Vec<Multikey> = keys.iter().filter_map(|key| multikey(&addresses, key)).collect();
    if !methods.is_empty() {
        let contexts = [&[CONTROLLER_CONTEXT], CONTEXTS.as_slice()].concat();
        let named: Vec<&str> = methods.iter().map(|method| method.id.as_str()).collect();
        (profile["@context"], profile["assertionMethod"]) = (json!(contexts), json!(named));
        profile["verificationMethod"] = json!(methods);
    }
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
    Ok(Answer::ok(&json!({ "keys": keys.iter().map(jwk).collect::<Vec<_>>() }))?.content_tag())
}

/// Get a key of an issuer
///
/// Returns the public key that a credential names: of a JWT (`kid`) as a JWK, of an embedded proof (`verificationMethod`) as a Multikey.
#[utoipa::path(tag = "recognition", responses((status = 200, description = "The key.", body = IssuerKey)))]
#[get("/issuers/{organization_id}/keys/{issuer_key}")]
pub async fn read_issuer_key(app: Data<App>, path: Path<(Uuid, Uuid)>) -> Result<Answer, ApiError> {
    let (organization_id, key_id) = *path;
    let cx = public(&app, organization_id).await?;
    let found: Option<CredentialKey> = row::find(&mut cx.read().await?, organization_id, key_id).await?;
    let key = found.ok_or_else(ApiError::not_found)?;
    let multikey = multikey(&Addresses::of(&app, organization_id), &key).map(IssuerKey::Multikey);
    let shown = multikey.or_else(|| Jwk::of(&key).map(IssuerKey::Jwk)).ok_or_else(ApiError::not_found)?;
    Ok(Answer::ok(&shown)?.content_tag())
}

fn multikey(addresses: &Addresses, key: &CredentialKey) -> Option<Multikey> {
    Multikey::of(key, addresses.key(key.id), addresses.issuer())
}

/// Get a badge of an issuer
///
/// Returns a badge as credentials name it (an achievement of Open Badges 3.0).
#[utoipa::path(tag = "recognition", responses((status = 200, description = "The achievement.", body = OpenBadgesDocument)))]
#[get("/issuers/{organization_id}/badges/{badge_id}")]
pub async fn read_issued_badge(app: Data<App>, path: Path<(Uuid, Uuid)>) -> Result<Answer, ApiError> {
    let badge = find(&app, *path).await?;
    let address = Addresses::of(&app, path.0).badge(badge.id);
    let mut achievement = achievement(&badge.content, badge.version(), &address, &format!("{address}/picture.svg"));
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
    let badge = find(&app, *path).await?;
    let cx = public(&app, path.0).await?;
    let picture = badge_picture::load(&mut cx.read().await?, path.0, &badge.content).await?;
    Ok(Answer::text(pictures::MEDIA_TYPE, picture))
}

/// Get a status list
///
/// Returns the list (W3C Bitstring Status List, signed) in which verifiers find whether a credential was revoked or suspended: as a JWT, or by
/// `Accept` as JSON with an embedded proof. It is valid for a day and follows every change at once.
#[utoipa::path(tag = "recognition", responses((status = 200, description = "The list as a credential.", content(
    (String = "application/vc+jwt"), (OpenBadgesDocument = "application/vc"), (OpenBadgesDocument = "application/json")
))))]
#[get("/issuers/{organization_id}/status-lists/{status_purpose}/{number}")]
pub async fn read_status_list(
    request: HttpRequest,
    app: Data<App>,
    path: Path<(Uuid, String, i64)>,
) -> Result<Answer, ApiError> {
    let (organization_id, purpose, number) = path.into_inner();
    let purpose: StatusPurpose = purpose.parse().map_err(|_| ApiError::not_found())?;
    let cx = public(&app, organization_id).await?;
    let (media, form) = match negotiate(&request, &[JWT, EMBEDDED, JSON].map(str::to_owned)) {
        Some(EMBEDDED) => (EMBEDDED, Form::Embedded),
        Some(JSON) => (JSON, Form::Embedded),
        _ => (JWT, Form::Jwt),
    };
    Ok(Answer::text(media, cx.status_list(purpose, number, form).await?).header(VARY, "accept"))
}

/// Get a revocation list
///
/// Returns the published credentials of an issuer that were revoked, by their addresses (`1EdTechRevocationList` of Open Badges 3.0). Credentials name
/// the status lists instead, which have all of them: some verifiers refuse a credential that names a list of a type that they do not know.
#[utoipa::path(tag = "recognition", responses((status = 200, description = "The list.", body = RevocationList)))]
#[get("/issuers/{organization_id}/revocation-list")]
pub async fn read_revocation_list(app: Data<App>, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let cx = public(&app, *id).await?;
    let revoked = awards::revoked(&mut cx.read().await?, *id).await?;
    let addresses = Addresses::of(&app, *id);
    let credential = |id| RevokedCredential { id: addresses.credential(id), revoked: true };
    let (list, issuer) = (addresses.revocation_list(), addresses.issuer());
    let list = RevocationList { id: list, issuer, revoked_credential: revoked.into_iter().map(credential).collect() };
    Ok(Answer::ok(&list)?.content_tag())
}

async fn find(app: &Arc<App>, (organization_id, badge_id): (Uuid, Uuid)) -> Result<Badge, ApiError> {
    let cx = public(app, organization_id).await?;
    let found: Option<Badge> = row::find(&mut cx.read().await?, organization_id, badge_id).await?;
    found.ok_or_else(ApiError::not_found)
}
