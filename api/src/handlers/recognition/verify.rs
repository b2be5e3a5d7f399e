//! Verification of credentials, of this server and of others.

use std::collections::HashMap;
use std::io::Read as _;
use std::sync::Arc;

use actix_web::post;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use flate2::read::GzDecoder;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use milepost_domain::recognition::status_list::{StatusPurpose, is_set};
use milepost_domain::recognition::verdict::{Check, Finding, check_claims, check_type, check_validity, is_valid};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::issuer::public;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::issuing::Addresses;
use crate::outbound;
use crate::store::credential_keys::CredentialKey;
use crate::store::row;

/// Largest document that is fetched from an issuer, in bytes.
const MOST_BYTES: usize = 256 * 1024;
/// Largest list after unpacking, in bytes: five million entries.
const MOST_LIST_BYTES: u64 = 640 * 1024;

/// Credential to verify.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"credential": "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.…"}))]
pub struct CredentialText {
    /// Credential as a JWT (Open Badges 3.0, VC-JWT).
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
/// Checks an Open Badges 3.0 credential of any issuer: form, algorithm, type, the issuer's key, signature, claims, validity, revocation and
/// suspension. Only JWTs signed with RS256 are taken, and only keys under the scheme, host and port of the issuer's address. Keys and status
/// lists of other issuers are fetched, from public addresses only. The answer lists every check; a credential that fails is no error.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])), request_body = CredentialText,
    extensions(("x-idempotent" = json!(true))), responses((status = 200, description = "The verdict.", body = Verdict)))]
#[post("/v1/credentials/verify")]
pub async fn verify_credential(cx: Context, body: Body<CredentialText>) -> Result<Answer, ApiError> {
    let token = body.0.credential.trim();
    let mut checks = vec![];
    let read = Parts::read(token);
    checks.push(Finding::of(Check::Format, read.is_some(), "The text is a JWT.", "The text is not a JWT."));
    let Some(Parts { algorithm, kid, payload }) = read else { return answer(&Value::Null, checks) };
    let is_known = algorithm.as_deref() == Some("RS256");
    let refused = format!("The algorithm is {}, but only RS256 is taken.", algorithm.as_deref().unwrap_or("missing"));
    checks.push(Finding::of(Check::Algorithm, is_known, "The algorithm is RS256.", &refused));
    checks.push(check_type(&payload));
    let issuer = payload.pointer("/issuer/id").or(payload.get("issuer")).and_then(Value::as_str).unwrap_or_default();
    let found = match (&kid, is_known) {
        (Some(kid), true) => key_of(&cx, issuer, kid).await?,
        (None, true) => Err("The credential names no key.".to_owned()),
        (_, false) => Err("No key was looked for.".to_owned()),
    };
    let text = found.as_ref().err().cloned().unwrap_or_default();
    checks.push(Finding::of(Check::Key, found.is_ok(), "The key is the issuer's.", &text));
    let Ok(key) = found else {
        checks.push(Finding::open(Check::Signature, "Without a key, the signature cannot be checked."));
        return answer(&payload, checks);
    };
    let is_signed = is_signed_by(token, &key);
    let (good, bad) =
        ("The signature is that of the issuer's key.", "The signature does not belong to this text and key.");
    checks.push(Finding::of(Check::Signature, is_signed, good, bad));
    checks.push(check_claims(&payload));
    checks.push(check_validity(&payload, cx.now));
    if is_signed {
        for (check, purpose) in
            [(Check::Revocation, StatusPurpose::Revocation), (Check::Suspension, StatusPurpose::Suspension)]
        {
            checks.push(status(&cx, &payload, (check, purpose), issuer).await?);
        }
    }
    answer(&payload, checks)
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

/// The parts of a JWT that are read before anything is known to be true.
struct Parts {
    algorithm: Option<String>,
    kid: Option<String>,
    payload: Value,
}

impl Parts {
    fn read(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let part = |text: Option<&str>| -> Option<Value> {
            serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text?).ok()?).ok()
        };
        let (header, payload) = (part(parts.next())?, part(parts.next())?);
        parts.next().filter(|_| parts.next().is_none())?;
        let text = |name: &str| header[name].as_str().map(str::to_owned);
        payload.is_object().then(|| Self { algorithm: text("alg"), kid: text("kid"), payload })
    }
}

/// The numbers of a public RSA key, in base64url.
#[derive(Deserialize)]
struct Modulus {
    n: String,
    e: String,
}

/// The issuer's key with an identifier, or why there is none.
async fn key_of(cx: &Context, issuer: &str, kid: &str) -> Result<Result<DecodingKey, String>, ApiError> {
    // An issuer without a scheme and host of the web owns no address.
    let home = origin(issuer);
    if !home.starts_with("http") || origin(kid) != home {
        return Ok(Err("The key is at an address that is not the issuer's.".to_owned()));
    }
    let found = match own_key(cx, issuer, kid).await? {
        Some(found) => found,
        None => match fetch(cx, kid).await {
            Ok(text) => serde_json::from_str(&text).map_err(|_| "The key's address has no RSA key.".to_owned()),
            Err(reason) => Err(reason),
        },
    };
    Ok(found.and_then(|Modulus { n, e }| {
        DecodingKey::from_rsa_components(&n, &e).map_err(|_| "The key is no RSA key.".to_owned())
    }))
}

/// A key of an issuer of this server; `None` if the issuer is another's.
async fn own_key(cx: &Context, issuer: &str, kid: &str) -> Result<Option<Result<Modulus, String>>, ApiError> {
    let Some(organization_id) = own_issuer(cx, issuer) else { return Ok(None) };
    let unknown = || Some(Err("The issuer has no such key.".to_owned()));
    let prefix = format!("{issuer}/keys/");
    let Some(key_id) = kid.strip_prefix(&prefix).and_then(|id| id.parse::<Uuid>().ok()) else { return Ok(unknown()) };
    let Some(their) = Context::of_job(&cx.app, organization_id).await? else { return Ok(unknown()) };
    let found: Option<CredentialKey> = row::find(&mut their.read().await?, organization_id, key_id).await?;
    Ok(found.map_or_else(unknown, |key| Some(Ok(Modulus { n: key.public_n, e: key.public_e }))))
}

/// The organization that an address of an issuer means, if it is one of this server.
fn own_issuer(cx: &Context, issuer: &str) -> Option<Uuid> {
    let id: Uuid = issuer.rsplit('/').next()?.parse().ok()?;
    (Addresses::of(&cx.app, id).issuer() == issuer).then_some(id)
}

fn is_signed_by(token: &str, key: &DecodingKey) -> bool {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_required_spec_claims::<&str>(&[]);
    (validation.validate_exp, validation.validate_nbf, validation.validate_aud) = (false, false, false);
    jsonwebtoken::decode::<HashMap<String, Value>>(token, key, &validation).is_ok()
}

/// Checks the issuer's list of a purpose.
async fn status(
    cx: &Context,
    payload: &Value,
    (check, purpose): (Check, StatusPurpose),
    issuer: &str,
) -> Result<Finding, ApiError> {
    let entries = match &payload["credentialStatus"] {
        Value::Array(entries) => entries.as_slice(),
        Value::Null => &[],
        one => std::slice::from_ref(one),
    };
    let name = purpose.to_string();
    let Some(entry) = entries.iter().find(|entry| entry["statusPurpose"] == name.as_str()) else {
        return Ok(Finding::of(check, true, "The issuer keeps no list of this kind.", ""));
    };
    let list = entry["statusListCredential"].as_str().unwrap_or_default();
    let index = entry["statusListIndex"].as_str().and_then(|index| index.parse::<usize>().ok());
    let read = match own_list(cx, issuer, list, purpose).await? {
        Some(token) => Ok(token),
        None => fetch(cx, list).await,
    };
    let outcome = match read {
        Ok(token) => listed(cx, token.trim(), (list, issuer, &name), index).await?,
        Err(reason) => Err(reason),
    };
    Ok(match outcome {
        Ok(false) => Finding::of(check, true, "The issuer's list does not name the credential.", ""),
        Ok(true) => Finding::of(check, false, "", &format!("The issuer's list names the credential ({name}).")),
        Err(reason) => Finding::open(check, &reason),
    })
}

async fn own_list(cx: &Context, issuer: &str, list: &str, purpose: StatusPurpose) -> Result<Option<String>, ApiError> {
    let Some(organization_id) = own_issuer(cx, issuer) else { return Ok(None) };
    let prefix = format!("{issuer}/status-lists/{purpose}/");
    let Some(number) = list.strip_prefix(&prefix).and_then(|number| number.parse().ok()) else { return Ok(None) };
    let their = public(&Arc::clone(&cx.app), organization_id).await?;
    Ok(their.status_list(purpose, number).await.ok())
}

/// Whether a list names an entry. It is signed by a key of the issuer, not always by the one that signed the credential.
async fn listed(
    cx: &Context,
    token: &str,
    named: (&str, &str, &str),
    index: Option<usize>,
) -> Result<Result<bool, String>, ApiError> {
    let unsigned = || Ok(Err("The status list is not signed by a key of the issuer.".to_owned()));
    let Some(Parts { kid: Some(kid), payload, .. }) = Parts::read(token) else { return unsigned() };
    match key_of(cx, named.1, &kid).await? {
        Ok(key) if is_signed_by(token, &key) => Ok(bit(&payload, named, cx.now, index)),
        Ok(_) => unsigned(),
        Err(reason) => Ok(Err(reason)),
    }
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
    if payload["id"] != list || *lister != issuer || subject["statusPurpose"] != purpose {
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

/// Fetches a text from an issuer.
async fn fetch(cx: &Context, url: &str) -> Result<String, String> {
    let allows_private = cx.app.settings.credentials_allow_private;
    if !url.starts_with("https://") && !allows_private {
        return Err(format!("{} is not fetched: only https is.", origin(url)));
    }
    outbound::check_host(url, allows_private)?;
    let unreachable = |_: reqwest::Error| format!("{} could not be reached.", origin(url));
    let client = outbound::client(allows_private).map_err(unreachable)?;
    let mut answer = client.get(url).send().await.and_then(reqwest::Response::error_for_status).map_err(unreachable)?;
    let mut bytes = vec![];
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MOST_BYTES {
            return Err(format!("{} answers with more than {MOST_BYTES} bytes.", origin(url)));
        }
    }
    String::from_utf8(bytes).map_err(|_| format!("{} does not answer with a text.", origin(url)))
}

/// Scheme and host of an address.
fn origin(url: &str) -> String {
    reqwest::Url::parse(url).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}
