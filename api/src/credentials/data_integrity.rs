//! Embedded proofs of credentials: the cryptosuite `eddsa-rdfc-2022` of Data Integrity (W3C Data Integrity `EdDSA` Cryptosuites 1.0,
//! section 3.2). What a proof covers, and so what may be read of a document, `form.rs` says.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use serde_json::{Map, Value, json};

use super::json_ld::canonical;

/// Name of the cryptosuite.
pub const CRYPTOSUITE: &str = "eddsa-rdfc-2022";

/// Multicodec prefix of a public Ed25519 key.
const ED25519_PREFIX: [u8; 2] = [0xed, 0x01];
/// Length of a public Ed25519 key, in bytes.
const KEY_BYTES: usize = 32;

/// A key that seals documents.
#[derive(Debug)]
pub struct Sealer {
    pair: Ed25519KeyPair,
    method: String,
}

impl Sealer {
    /// Returns a key that seals, with the address of its public part.
    pub const fn new(pair: Ed25519KeyPair, method: String) -> Self {
        Self { pair, method }
    }

    /// Returns a document with its proof, made at an instant (RFC 3339).
    pub fn seal(&self, document: &Value, created: &str) -> Result<Value, String> {
        let mut proof = json!({
            "type": "DataIntegrityProof", "cryptosuite": CRYPTOSUITE, "created": created,
            "verificationMethod": self.method, "proofPurpose": "assertionMethod",
        });
        let signature = self.pair.sign(&to_sign(document, &proof)?);
        proof["proofValue"] = json!(multibase(signature.as_ref()));
        let mut sealed = document.clone();
        sealed["proof"] = proof;
        Ok(sealed)
    }
}

/// Returns a public key as a Multikey has it.
pub fn multikey(public: &[u8]) -> String {
    multibase(&[&ED25519_PREFIX, public].concat())
}

/// Reads the public key of a Multikey; `None` if it is none of Ed25519.
pub fn read_multikey(text: &str) -> Option<Vec<u8>> {
    let bytes = read_multibase(text)?;
    bytes.strip_prefix(&ED25519_PREFIX).filter(|key| key.len() == KEY_BYTES).map(<[u8]>::to_vec)
}

fn multibase(bytes: &[u8]) -> String {
    format!("z{}", bs58::encode(bytes).into_string())
}

fn read_multibase(text: &str) -> Option<Vec<u8>> {
    bs58::decode(text.strip_prefix('z')?).into_vec().ok()
}

/// Checks that a proof belongs to a document and a public key.
pub fn is_sealed_by(document: &Value, proof: &Value, key: &[u8]) -> Result<bool, String> {
    let signature =
        proof["proofValue"].as_str().and_then(read_multibase).ok_or("The proof has no value in base58btc.")?;
    let mut options = proof.clone();
    options.as_object_mut().map(|options| options.remove("proofValue"));
    Ok(UnparsedPublicKey::new(&ED25519, key).verify(&to_sign(document, &options)?, &signature).is_ok())
}

/// Returns what is signed: the hash of the proof's options in the document's context, and the hash of the document.
fn to_sign(document: &Value, options: &Value) -> Result<Vec<u8>, String> {
    let mut options = options.clone();
    options["@context"] = document["@context"].clone();
    let hash = |value: &Value| Ok::<_, String>(digest(&SHA256, canonical(value)?.as_bytes()));
    Ok([hash(&options)?.as_ref(), hash(document)?.as_ref()].concat())
}

/// Splits a credential into its document and the one proof of this cryptosuite, without the proofs that it may have beside; `None` if there is
/// none, or more than one.
pub fn split(credential: &Value) -> Option<(Value, Value)> {
    let mut fields: Map<String, Value> = credential.as_object()?.clone();
    let proofs = match fields.remove("proof")? {
        Value::Array(proofs) => proofs,
        one => vec![one],
    };
    let mut ours = proofs.into_iter().filter(|proof| proof["cryptosuite"] == CRYPTOSUITE);
    let proof = ours.next().filter(|_| ours.next().is_none())?;
    let is_whole = proof["type"] == "DataIntegrityProof" && proof["proofPurpose"] == "assertionMethod";
    is_whole.then_some((Value::Object(fields), proof))
}

#[cfg(test)]
pub(super) mod tests {
    use milepost_domain::ledger::hex;

    use super::super::form::check_form;
    use super::super::json_ld::CONTEXTS;
    use super::*;

    /// The credential of 1EdTech's test vector for Open Badges 3.0 (certification suite, linked data proof), signed.
    pub(in crate::credentials) fn published() -> Value {
        json!({
            "@context": [CONTEXTS[0].0, CONTEXTS[1].0],
            "id": "http://example.com/credentials/3527", "type": ["VerifiableCredential", "OpenBadgeCredential"],
            "issuer": {
                "id": "https://example.edu/issuers/565049", "type": ["Profile"], "url": "https://www.imsglobal.org",
                "name": "Example Corp"
            },
            "validFrom": "2010-01-01T00:00:00Z", "name": "Teamwork Badge",
            "credentialSubject": {
                "id": "did:example:ebfeb1f712ebc6f1c276e12ec21", "type": ["AchievementSubject"],
                "achievement": {
                    "id": "https://example.com/achievements/21st-century-skills/teamwork", "type": ["Achievement"],
                    "criteria": { "narrative": "Team members are nominated for this badge by their peers and recognized upon \
                                                review by Example Corp management." },
                    "description": "This badge recognizes the development of the capacity to collaborate within a group environment.",
                    "name": "Teamwork"
                }
            },
            "proof": {
                "type": "DataIntegrityProof", "created": "2010-01-01T19:23:24Z", "cryptosuite": CRYPTOSUITE,
                "verificationMethod": "https://example.edu/issuers/565049#z6MkjZRZv3aez3r18pB1RBFJR1kwUVJ5jHt92JmQwXbd5hwi",
                "proofPurpose": "assertionMethod",
                "proofValue": "z5x9aCBYovW3CQCbKdNyhEm7ffYSw1YpEdPywQJoNbzDD2gkzQDKJ1sYKJaWvqZtkMtSbz35HcbgXVEDYHxCzgkCr"
            }
        })
    }

    pub(in crate::credentials) fn key() -> Vec<u8> {
        read_multikey("z6MkjZRZv3aez3r18pB1RBFJR1kwUVJ5jHt92JmQwXbd5hwi").expect("a key")
    }

    #[test]
    fn the_published_vector_is_reproduced() {
        let (document, mut proof) = split(&published()).expect("a proof");
        assert_eq!(hex(&key()), "4bdeafde2ea8beefadd8c699b5c7e0704cf51154d52e17b20b71337ca04cc5a5");
        assert_eq!(multikey(&key()), "z6MkjZRZv3aez3r18pB1RBFJR1kwUVJ5jHt92JmQwXbd5hwi");
        assert_eq!(check_form(&document, &proof), Ok(()));
        assert_eq!(is_sealed_by(&document, &proof, &key()), Ok(true));
        let value = proof.as_object_mut().and_then(|proof| proof.remove("proofValue")).expect("a value");
        let signed = to_sign(&document, &proof).expect("hashes");
        assert_eq!(hex(&signed[..32]), "d34009cea0dbc1ca941e09dc01c8c9d3e3ce3c5b853f67ee44698dcea10f5d19");
        assert_eq!(hex(&signed[32..]), "87f65a76d40146205e3b3e06cb0fbd153f97f9ce70372390f52566bb7f9e0773");
        let seed: Vec<u8> = (0..32)
            .map(|at| &"6241a409e6707bb640a0140a8a32bc3d193c33a661747284d6adfa4ed4180be4"[2 * at..2 * at + 2])
            .map(|byte| u8::from_str_radix(byte, 16).expect("a byte"))
            .collect();
        let pair = Ed25519KeyPair::from_seed_and_public_key(&seed, &key()).expect("a pair");
        let sealer = Sealer::new(pair, proof["verificationMethod"].as_str().expect("a method").to_owned());
        let sealed = sealer.seal(&document, "2010-01-01T19:23:24Z").expect("a credential");
        assert_eq!(sealed["proof"]["proofValue"], value);
    }

    #[test]
    fn a_changed_document_is_not_the_one_that_was_signed() {
        for (pointer, value) in [
            ("/name", json!("Teamwork badge")),
            ("/credentialSubject/achievement/name", json!("Other")),
            ("/issuer/id", json!("https://example.org")),
            ("/validFrom", json!("2010-01-02T00:00:00Z")),
        ] {
            let (mut document, proof) = split(&published()).expect("a proof");
            *document.pointer_mut(pointer).expect("a field") = value;
            assert_eq!(is_sealed_by(&document, &proof, &key()), Ok(false), "{pointer}");
        }
        let (document, mut proof) = split(&published()).expect("a proof");
        proof["created"] = json!("2010-01-01T19:23:25Z");
        assert_eq!(is_sealed_by(&document, &proof, &key()), Ok(false));
    }

    #[test]
    fn only_one_proof_speaks_for_a_credential() {
        let whole = published();
        let mut two = whole.clone();
        two["proof"] = json!([whole["proof"], whole["proof"]]);
        let mut other = whole.clone();
        other["proof"] = json!([{ "type": "DataIntegrityProof", "cryptosuite": "ecdsa-rdfc-2019" }, whole["proof"]]);
        let mut purpose = whole.clone();
        purpose["proof"]["proofPurpose"] = json!("authentication");
        let found = [whole, two, other, purpose, json!("text")].map(|one| split(&one).is_some());
        assert_eq!(found, [true, false, true, false, false]);
    }
}
