//! Keys of issuers: of this server and of others.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::context::Context;
use crate::credentials::data_integrity::read_multikey;
use crate::credentials::jwk;
use crate::credentials::sealed::VerifyingKey;
use crate::error::ApiError;
use crate::issuing::Addresses;
use crate::outbound;
use crate::store::credential_keys::CredentialKey;
use crate::store::row;

/// Largest document that is fetched from an issuer, in bytes.
const MOST_BYTES: usize = 256 * 1024;

/// The issuer's key with an identifier, or why there is none.
pub async fn key_of(cx: &Context, issuer: &str, key: &str) -> Result<Result<VerifyingKey, String>, ApiError> {
    if issuer.starts_with("did:") {
        return Ok(key_of_did(cx, issuer, key).await);
    }
    // An issuer without a scheme and host of the web owns no address.
    let home = origin(issuer);
    if !home.starts_with("http") || origin(key) != home {
        return Ok(Err("The key is at an address that is not the issuer's.".to_owned()));
    }
    if let Some(found) = own_key(cx, issuer, key).await? {
        return Ok(found);
    }
    Ok(foreign_key(cx, issuer, key).await)
}

/// A key of an issuer elsewhere: at an address under the issuer's own, or one that the issuer's document names. Others may have documents at the
/// same host.
async fn foreign_key(cx: &Context, issuer: &str, key: &str) -> Result<VerifyingKey, String> {
    let is_under = key.strip_prefix(issuer).is_some_and(|rest| rest.starts_with(['/', '#']));
    if !is_under {
        let document: Value = serde_json::from_str(&fetch(cx, issuer).await?).unwrap_or_default();
        if !mentions(&document, key) {
            return Err(
                "The key is not under the issuer's address, and the issuer's document does not name it.".to_owned()
            );
        }
    }
    let address = key.split('#').next().unwrap_or_default();
    named(&fetch(cx, address).await?, key, issuer, cx.now)
}

/// Whether a document has a text somewhere.
fn mentions(document: &Value, text: &str) -> bool {
    match document {
        Value::String(own) => own == text,
        Value::Array(items) => items.iter().any(|item| mentions(item, text)),
        Value::Object(fields) => fields.values().any(|value| mentions(value, text)),
        _ => false,
    }
}

/// The key of a DID: in the DID itself (`did:key`), or in the document that it names (`did:web`).
async fn key_of_did(cx: &Context, did: &str, key: &str) -> Result<VerifyingKey, String> {
    if key.split('#').next() != Some(did) {
        return Err("The key is not one of the issuer's DID.".to_owned());
    }
    if let Some(text) = did.strip_prefix("did:key:") {
        let public = read_multikey(text).ok_or("The DID is no Ed25519 key.")?;
        return Ok(VerifyingKey::Ed25519(public));
    }
    let address = address_of_did(did).ok_or("Of DIDs, only did:key and did:web are known.")?;
    named(&fetch(cx, &address).await?, key, did, cx.now)
}

/// The address of the document of a DID of the web (did:web Method Specification, section 3.2).
fn address_of_did(did: &str) -> Option<String> {
    let parts: Vec<&str> = did.strip_prefix("did:web:")?.split(':').collect();
    let (host, path) = parts.split_first()?;
    let host = host.replace("%3A", ":").replace("%3a", ":");
    let path = if path.is_empty() { ".well-known".to_owned() } else { path.join("/") };
    Some(format!("https://{host}/{path}/did.json"))
}

/// The key of an issuer in a document: the document itself, or the method that it lists under the key's name, for assertions.
fn named(text: &str, key: &str, issuer: &str, now: DateTime<Utc>) -> Result<VerifyingKey, String> {
    let document: Value = serde_json::from_str(text).map_err(|_| "The key's address has no JSON.")?;
    let list = |name: &str| document[name].as_array().map_or(&[][..], Vec::as_slice);
    let method = if key.contains('#') {
        let is_meant = |method: &&Value| method["id"] == key;
        let asserting = list("assertionMethod").iter().any(|one| one == key || one["id"] == key);
        let mut all = list("assertionMethod").iter().chain(list("verificationMethod"));
        all.find(is_meant).filter(|_| asserting).ok_or("The issuer lists no such key for assertions.")?
    } else {
        &document
    };
    if method.get("controller").is_some_and(|controller| controller != issuer) {
        return Err("The key belongs to somebody else.".to_owned());
    }
    let is_over = |name: &str| match &method[name] {
        Value::Null => false,
        at => at.as_str().and_then(|at| DateTime::parse_from_rfc3339(at).ok()).is_none_or(|at| at <= now),
    };
    if is_over("revoked") || is_over("expires") {
        return Err("The key is no longer in use.".to_owned());
    }
    VerifyingKey::read(method).ok_or_else(|| "The key's address has no key of RSA or Ed25519.".to_owned())
}

/// A key of an issuer of this server; `None` if the issuer is another's.
async fn own_key(cx: &Context, issuer: &str, key: &str) -> Result<Option<Result<VerifyingKey, String>>, ApiError> {
    let Some(organization_id) = own_issuer(cx, issuer) else { return Ok(None) };
    let unknown = || Some(Err("The issuer has no such key.".to_owned()));
    let prefix = format!("{issuer}/keys/");
    let Some(key_id) = key.strip_prefix(&prefix).and_then(|id| id.parse::<Uuid>().ok()) else { return Ok(unknown()) };
    let Some(their) = Context::of_job(&cx.app, organization_id).await? else { return Ok(unknown()) };
    let found: Option<CredentialKey> = row::find(&mut their.read().await?, organization_id, key_id).await?;
    let found = found.and_then(|key| VerifyingKey::read(&jwk(&key)));
    Ok(found.map_or_else(unknown, |key| Some(Ok(key))))
}

/// The organization that an address of an issuer means, if it is one of this server.
pub fn own_issuer(cx: &Context, issuer: &str) -> Option<Uuid> {
    let id: Uuid = issuer.rsplit('/').next()?.parse().ok()?;
    (Addresses::of(&cx.app, id).issuer() == issuer).then_some(id)
}

/// Fetches a text from an issuer.
pub async fn fetch(cx: &Context, url: &str) -> Result<String, String> {
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
pub fn origin(url: &str) -> String {
    reqwest::Url::parse(url).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn addresses_of_dids() {
        for (did, expected) in [
            ("did:web:example.com", Some("https://example.com/.well-known/did.json")),
            ("did:web:example.com%3A8443:a:b", Some("https://example.com:8443/a/b/did.json")),
            ("did:key:z6Mk", None),
        ] {
            assert_eq!(address_of_did(did).as_deref(), expected);
        }
    }

    #[test]
    fn keys_in_documents() {
        let now = DateTime::from_timestamp(1_777_852_800, 0).expect("a time");
        let method = |more: Value| {
            let mut method = json!({ "id": "did:web:x#1", "controller": "did:web:x",
                "publicKeyMultibase": "z6MkjZRZv3aez3r18pB1RBFJR1kwUVJ5jHt92JmQwXbd5hwi" });
            for (name, value) in more.as_object().expect("fields") {
                method[name] = value.clone();
            }
            method
        };
        let with = |method: Value, asserting: Value| {
            let document = json!({ "verificationMethod": [method], "assertionMethod": asserting }).to_string();
            named(&document, "did:web:x#1", "did:web:x", now).err().unwrap_or_default()
        };
        let listed = json!(["did:web:x#1"]);
        assert_eq!(with(method(json!({})), listed.clone()), "");
        for (method, asserting, expected) in [
            (method(json!({})), json!([]), "The issuer lists no such key for assertions."),
            (method(json!({ "controller": "did:web:y" })), listed.clone(), "The key belongs to somebody else."),
            (method(json!({ "revoked": "2026-05-01T00:00:00Z" })), listed.clone(), "The key is no longer in use."),
            (method(json!({ "expires": "soon" })), listed.clone(), "The key is no longer in use."),
            (method(json!({ "publicKeyMultibase": "z1" })), listed, "The key's address has no key of RSA or Ed25519."),
        ] {
            assert_eq!(with(method, asserting), expected);
        }
        assert!(mentions(&json!({ "keys": [{ "id": "https://x/k" }] }), "https://x/k"));
        assert!(!mentions(&json!({ "keys": "https://x/k2" }), "https://x/k"));
    }
}
