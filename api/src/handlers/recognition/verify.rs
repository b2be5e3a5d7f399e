//! Verification of credentials, of this server and of others.

use std::io::Read as _;
use std::sync::Arc;

use actix_web::web::Payload;
use actix_web::{HttpRequest, post};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use flate2::read::GzDecoder;
use milepost_domain::recognition::status_list::{StatusPurpose, is_set};
use milepost_domain::recognition::verdict::{
    Check, Finding, Listing, check_type, check_validity, is_revoked_by, is_valid, listings,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::issuer::public;
use super::keys::{fetch, key_of, origin, own_issuer};
use crate::answer::Answer;
use crate::context::Context;
use crate::credentials::Form;
use crate::credentials::baking::credential_of;
use crate::credentials::sealed::Sealed;
use crate::error::ApiError;
use crate::extract::{Body, collect_up_to};
use crate::images::ImageFile;

/// Largest picture in which a credential is looked for, in bytes.
const MOST_PICTURE_BYTES: usize = 5 * 1024 * 1024;
/// Largest list after unpacking, in bytes: five million entries.
const MOST_LIST_BYTES: u64 = 640 * 1024;

/// Credential to verify.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"credential": "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.…"}))]
pub struct CredentialText {
    /// Credential as a JWT, or as the text of its JSON with an embedded proof (Open Badges 3.0).
    #[schema(min_length = 1, max_length = 200_000)]
    credential: String,
}

/// Verdict on a credential.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "valid": true, "issuer": "https://milepost.example.com/issuers/0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "name": "First agent deployed",
    "checks": [{"check": "signature", "passed": true, "detail": "The signature is that of the issuer's key."}]
}))]
pub struct Verdict {
    /// Whether every check passed.
    valid: bool,
    /// Issuer that the credential names; null if it cannot be read.
    #[schema(max_length = 2000)]
    issuer: Option<String>,
    /// Name of the achievement; null if it cannot be read.
    #[schema(max_length = 2000)]
    name: Option<String>,
    /// Checks, in the order in which they were made. A check that could not be made has no outcome and does not pass.
    #[schema(max_items = 20)]
    checks: Vec<Finding>,
}

/// Verify a credential
///
/// Checks an Open Badges 3.0 credential of any issuer: form, algorithm, type, the issuer's key, signature, claims or fields, validity, revocation
/// and suspension. It is a JWT (RS256), or JSON with an embedded proof (`eddsa-rdfc-2022`). A key is the issuer's if it is at an address under the
/// issuer's own, if the document at the issuer's address names it and it is on the same host, or if it is in the issuer's DID (`did:key`, `did:web`).
/// Keys and status lists of other issuers are fetched, from public addresses only; contexts are never fetched. The answer lists every check; a credential that fails is no error.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])), request_body = CredentialText,
    extensions(("x-idempotent" = json!(true))), responses((status = 200, description = "The verdict.", body = Verdict)))]
#[post("/v1/credentials/verify")]
pub async fn verify_credential(cx: Context, body: Body<CredentialText>) -> Result<Answer, ApiError> {
    judge(&cx, Some(&body.0.credential)).await
}

/// Verify a picture with a credential
///
/// Checks the credential that is baked into a PNG or SVG of at most 5 MiB, as it checks one that is given as a text. The body is the file, whatever
/// `Content-Type` says.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])), extensions(("x-idempotent" = json!(true))),
    request_body(content = ImageFile, content_type = "application/octet-stream"),
    responses((status = 200, description = "The verdict.", body = Verdict)))]
#[post("/v1/credentials/verify-picture")]
pub async fn verify_picture(request: HttpRequest, cx: Context, payload: Payload) -> Result<Answer, ApiError> {
    let bytes = collect_up_to(&request, payload.into_inner(), MOST_PICTURE_BYTES).await?;
    let found = cx.app.images.in_turn(move || Ok(credential_of(&bytes))).await?;
    judge(&cx, found.as_deref()).await
}

/// Judges the text of a credential; `None` is a picture without one.
async fn judge(cx: &Context, given: Option<&str>) -> Result<Answer, ApiError> {
    let mut checks = vec![];
    let read = given.and_then(Sealed::read);
    let bad = match given {
        Some(_) => "The text is neither a JWT nor a JSON document.",
        None => "The picture carries no credential, or more than one.",
    };
    checks.push(Finding::of(Check::Format, read.is_some(), "It is a JWT or a JSON document.", bad));
    let Some(sealed) = read else { return answer(&Value::Null, checks) };
    let algorithm = sealed.check_algorithm();
    let is_known = algorithm.passed == Some(true);
    checks.extend([algorithm, check_type(&sealed.payload)]);
    let payload = &sealed.payload;
    let issuer = payload.pointer("/issuer/id").or(payload.get("issuer")).and_then(Value::as_str).unwrap_or_default();
    let found = match (&sealed.key, is_known) {
        (Some(key), true) => key_of(cx, issuer, key).await?,
        (None, true) => Err("The credential names no key.".to_owned()),
        (_, false) => Err("No key was looked for.".to_owned()),
    };
    let text = found.as_ref().err().cloned().unwrap_or_default();
    checks.push(Finding::of(Check::Key, found.is_ok(), "The key is the issuer's.", &text));
    let Ok(key) = found else {
        checks.push(Finding::open(Check::Signature, "Without a key, the signature cannot be checked."));
        return answer(payload, checks);
    };
    let is_signed = sealed.is_by(key).await;
    let (good, bad) =
        ("The signature is that of the issuer's key.", "The signature does not belong to this text and key.");
    checks.push(Finding::of(Check::Signature, is_signed, good, bad));
    checks.push(sealed.check_reading(cx.now).await);
    checks.push(check_validity(payload, cx.now));
    if is_signed {
        for (check, purpose) in
            [(Check::Revocation, StatusPurpose::Revocation), (Check::Suspension, StatusPurpose::Suspension)]
        {
            checks.push(status(cx, payload, (check, purpose), issuer).await?);
        }
    }
    answer(payload, checks)
}

fn answer(payload: &Value, checks: Vec<Finding>) -> Result<Answer, ApiError> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(|text| text.chars().take(2000).collect());
    Answer::ok(&Verdict {
        valid: is_valid(&checks),
        issuer: text(payload.pointer("/issuer/id").or(payload.get("issuer"))),
        name: text(payload.pointer("/credentialSubject/achievement/name")),
        checks,
    })
}

/// Checks the issuer's lists of a purpose: each that the credential names.
async fn status(
    cx: &Context,
    payload: &Value,
    (check, purpose): (Check, StatusPurpose),
    issuer: &str,
) -> Result<Finding, ApiError> {
    let listings = match listings(payload, purpose) {
        Ok(listings) => listings,
        Err(reason) => return Ok(Finding::open(check, reason)),
    };
    let name = purpose.to_string();
    let mut good = "The issuer keeps no list of this kind.";
    for listing in listings {
        let is_named = match listing {
            Listing::Bit { list, index } => {
                let read = match own_list(cx, issuer, list, purpose).await? {
                    Some(text) => Ok(text),
                    None => fetch(cx, list).await,
                };
                match read {
                    Ok(text) => listed(cx, &text, (list, issuer, &name), index).await?,
                    Err(reason) => Err(reason),
                }
            }
            Listing::Revoked { list } => in_revocation_list(cx, payload, list, issuer).await,
        };
        match is_named {
            Ok(false) => good = "The issuer's list does not name the credential.",
            Ok(true) => {
                let bad = format!("The issuer's list names the credential ({name}).");
                return Ok(Finding::of(check, false, "", &bad));
            }
            Err(reason) => return Ok(Finding::open(check, &reason)),
        }
    }
    Ok(Finding::of(check, true, good, ""))
}

/// Whether the issuer's list of revoked credentials names a credential.
async fn in_revocation_list(cx: &Context, payload: &Value, list: &str, issuer: &str) -> Result<bool, String> {
    if origin(list).is_empty() || origin(list) != origin(issuer) {
        return Err("The list of revoked credentials is at an address that is not the issuer's.".to_owned());
    }
    let list: Value = serde_json::from_str(&fetch(cx, list).await?).unwrap_or_default();
    is_revoked_by(&list, payload).ok_or_else(|| "The list of revoked credentials cannot be read.".to_owned())
}

async fn own_list(cx: &Context, issuer: &str, list: &str, purpose: StatusPurpose) -> Result<Option<String>, ApiError> {
    let Some(organization_id) = own_issuer(cx, issuer) else { return Ok(None) };
    let prefix = format!("{issuer}/status-lists/{purpose}/");
    let Some(number) = list.strip_prefix(&prefix).and_then(|number| number.parse().ok()) else { return Ok(None) };
    let their = public(&Arc::clone(&cx.app), organization_id).await?;
    Ok(their.status_list(purpose, number, Form::Jwt).await.ok())
}

/// Whether a list names an entry. It is signed by a key of the issuer, not always by the one that signed the credential.
async fn listed(
    cx: &Context,
    text: &str,
    named: (&str, &str, &str),
    index: Option<usize>,
) -> Result<Result<bool, String>, ApiError> {
    let unsigned = || Ok(Err("The status list is not signed by a key of the issuer.".to_owned()));
    let Some(sealed) = Sealed::read(text) else { return unsigned() };
    let Some(key) = &sealed.key else { return unsigned() };
    let key = match key_of(cx, named.1, key).await? {
        Ok(key) => key,
        Err(reason) => return Ok(Err(reason)),
    };
    let is_covered = sealed.covered(cx.now).await.is_none_or(|covered| covered.is_ok());
    if is_covered && sealed.is_by(key).await { Ok(bit(&sealed.payload, named, cx.now, index)) } else { unsigned() }
}

/// A bit of a status list, which must be the one that is named and of today.
fn bit(
    payload: &Value,
    (list, issuer, purpose): (&str, &str, &str),
    now: DateTime<Utc>,
    index: Option<usize>,
) -> Result<bool, String> {
    let subject = &payload["credentialSubject"];
    let lister = payload.pointer("/issuer/id").unwrap_or(&payload["issuer"]);
    let is_of_purpose = match &subject["statusPurpose"] {
        Value::Array(purposes) => purposes.iter().any(|one| one == purpose),
        one => one == purpose,
    };
    if payload["id"] != list || *lister != issuer || !is_of_purpose {
        return Err("The status list is another one than the credential names.".to_owned());
    }
    if check_validity(payload, now).passed != Some(true) {
        return Err("The status list is out of date.".to_owned());
    }
    let encoded = subject["encodedList"].as_str().unwrap_or_default();
    let packed = BASE64_URL_SAFE_NO_PAD.decode(encoded.strip_prefix('u').unwrap_or(encoded));
    let mut bytes = vec![];
    let unpacked = GzDecoder::new(packed.unwrap_or_default().as_slice()).take(MOST_LIST_BYTES).read_to_end(&mut bytes);
    unpacked.map_err(|_| "The status list cannot be unpacked.")?;
    index.and_then(|index| is_set(&bytes, index)).ok_or_else(|| "The status list has no such entry.".to_owned())
}
