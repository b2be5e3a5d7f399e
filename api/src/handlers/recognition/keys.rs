//! Keys of issuers: of this server and of others.

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
    let address = key.split('#').next().unwrap_or_default();
    Ok(match fetch(cx, address).await {
        Ok(text) => named(&text, key, issuer),
        Err(reason) => Err(reason),
    })
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
    named(&fetch(cx, &address).await?, key, did)
}

/// The address of the document of a DID of the web (did:web Method Specification, section 3.2).
fn address_of_did(did: &str) -> Option<String> {
    let parts: Vec<&str> = did.strip_prefix("did:web:")?.split(':').collect();
    let (host, path) = parts.split_first()?;
    let host = host.replace("%3A", ":").replace("%3a", ":");
    let path = if path.is_empty() { ".well-known".to_owned() } else { path.join("/") };
    Some(format!("https://{host}/{path}/did.json"))
}

/// The key of an issuer in a document: the document itself, or the method that it lists under the key's name.
fn named(text: &str, key: &str, issuer: &str) -> Result<VerifyingKey, String> {
    let document: Value = serde_json::from_str(text).map_err(|_| "The key's address has no JSON.")?;
    let lists = ["verificationMethod", "assertionMethod"];
    let mut listed = lists.iter().filter_map(|name| document[name].as_array()).flatten();
    let method = if key.contains('#') {
        listed.find(|method| method["id"] == key).ok_or("The issuer lists no such key.")?
    } else {
        &document
    };
    if method.get("controller").is_some_and(|controller| controller != issuer) {
        return Err("The key belongs to somebody else.".to_owned());
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
