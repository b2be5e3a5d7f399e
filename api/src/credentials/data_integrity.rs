//! Embedded proofs of credentials: the cryptosuite `eddsa-rdfc-2022` of Data Integrity (W3C Data Integrity `EdDSA` Cryptosuites 1.0, section 3.2).
//!
//! Such a proof signs the RDF that a document means, and whoever reads the document reads its JSON. The two say the same only where the JSON is
//! written as its contexts want it, so `check_form` refuses what could mean something else than it says (Data Integrity 1.0, section 2.4.1):
//! addresses that are none, nodes that are described in two places, other spellings of types, and fields without which the document would mean the
//! same. Contexts are those that the server holds; none is fetched.

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use oxiri::Iri;
use oxjsonld::{JsonLdParser, JsonLdRemoteDocument};
use oxttl::NQuadsParser;
use rdf_canon::{CanonicalizationOptions, canonicalize_quads_with};
use serde_json::{Map, Value, json};
use sha2::Sha256;

/// Name of the cryptosuite.
pub const CRYPTOSUITE: &str = "eddsa-rdfc-2022";

/// Contexts that are known, by their addresses.
const CONTEXTS: [(&str, &str); 6] = [
    ("https://www.w3.org/ns/credentials/v2", include_str!("contexts/credentials-v2.json")),
    ("https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json", include_str!("contexts/open-badges-3.0.3.json")),
    ("https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.2.json", include_str!("contexts/open-badges-3.0.2.json")),
    ("https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.1.json", include_str!("contexts/open-badges-3.0.1.json")),
    ("https://purl.imsglobal.org/spec/ob/v3p0/extensions.json", include_str!("contexts/open-badges-extensions.json")),
    ("https://w3id.org/security/data-integrity/v2", include_str!("contexts/data-integrity-v2.json")),
];

/// Deepest nesting of a document.
const DEEPEST: usize = 24;
/// Most values of a document.
const MOST_VALUES: usize = 2_000;
/// Most fields of a document: its meaning is looked at without each of them.
const MOST_FIELDS: usize = 300;
/// Most comparisons of nodes that look alike, so that no document can be made to cost more.
const MOST_COMPARISONS: usize = 500;
/// Multicodec prefix of a public Ed25519 key.
const ED25519_PREFIX: [u8; 2] = [0xed, 0x01];
/// Length of a public Ed25519 key, in bytes.
const KEY_BYTES: usize = 32;

/// Terms that the contexts define.
static TERMS: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let mut terms = HashSet::new();
    for (_, text) in CONTEXTS {
        collect_terms(&serde_json::from_str(text).unwrap_or_default(), &mut terms);
    }
    terms
});

fn collect_terms(definition: &Value, terms: &mut HashSet<String>) {
    let Some(Value::Object(context)) = definition.get("@context") else { return };
    for (term, definition) in context {
        if !term.starts_with('@') {
            terms.insert(term.clone());
        }
        collect_terms(definition, terms);
    }
}

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

/// Returns the RDF of a document in its canonical form (RDFC-1.0).
fn canonical(document: &Value) -> Result<String, String> {
    let read: Result<Vec<_>, _> = NQuadsParser::new().for_slice(meaning(document)?.concat().as_bytes()).collect();
    let read = read.map_err(|_| "The document has an address that is none.")?;
    let options = CanonicalizationOptions { hndq_call_limit: Some(MOST_COMPARISONS) };
    canonicalize_quads_with::<Sha256>(&read, &options)
        .map_err(|_| "The document has too many parts that look alike.".to_owned())
}

/// Returns the RDF of a document: its statements as N-Quads, each as often as the document makes it.
fn meaning(document: &Value) -> Result<Vec<String>, String> {
    let text = document.to_string();
    let load = |url: &str, _: &_| -> Result<JsonLdRemoteDocument, Box<dyn Error + Send + Sync>> {
        let (_, text) = CONTEXTS.iter().find(|(known, _)| *known == url).ok_or("The context is not known.")?;
        Ok(JsonLdRemoteDocument { document: text.as_bytes().to_vec(), document_url: url.to_owned() })
    };
    let quads = JsonLdParser::new().for_slice(&text).with_load_document_callback(load);
    let statements: Result<_, _> = quads.map(|quad| quad.map(|quad| format!("{quad} .\n"))).collect();
    statements.map_err(|_| "The document is no JSON-LD that its contexts describe.".to_owned())
}

/// Checks that a document, and the options of its proof, mean what they say.
pub fn check_form(document: &Value, options: &Value) -> Result<(), String> {
    let contexts = match &document["@context"] {
        Value::Array(contexts) => contexts.as_slice(),
        one => std::slice::from_ref(one),
    };
    for context in contexts {
        let is_known = context.as_str().is_some_and(|url| CONTEXTS.iter().any(|(known, _)| *known == url));
        if !is_known {
            return Err(format!("The context {context} is not known.").chars().take(300).collect());
        }
    }
    let mut walk = Walk { values: 0, texts: HashMap::new() };
    for part in [document, options] {
        let fields = part.as_object().ok_or("The document is no object.")?;
        walk.fields(fields.iter().filter(|(name, _)| *name != "@context"), 0)?;
    }
    let mut described = vec![&document["id"]];
    match &document["credentialStatus"] {
        Value::Array(entries) => described.extend(entries.iter().map(|entry| &entry["id"])),
        one => described.push(&one["id"]),
    }
    let is_repeated = |id: &&Value| id.as_str().is_some_and(|id| walk.texts.get(id).is_some_and(|count| *count > 1));
    if let Some(id) = described.into_iter().find(is_repeated) {
        return Err(format!("{id} is described in more than one place."));
    }
    let mut options = options.clone();
    options["@context"] = document["@context"].clone();
    check_covered(&options)?;
    check_head(document, &check_covered(document)?)
}

/// Checks that a document would mean less without any one of its fields; returns its statements.
fn check_covered(document: &Value) -> Result<Vec<String>, String> {
    let whole = meaning(document)?;
    let mut pointers = vec![];
    collect_fields(document, "", &mut pointers);
    if pointers.len() > MOST_FIELDS {
        return Err("The document is too large for a proof of its meaning.".to_owned());
    }
    for (node, name) in pointers {
        let mut without = document.clone();
        without.pointer_mut(&node).and_then(Value::as_object_mut).and_then(|fields| fields.remove(&name));
        if meaning(&without)?.len() >= whole.len() {
            return Err(format!("The proof does not cover the field {node}/{name}.").chars().take(300).collect());
        }
    }
    Ok(whole)
}

/// Collects the fields of a document, each by its node. Identifiers name the nodes and state nothing.
fn collect_fields(value: &Value, at: &str, pointers: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields.iter().filter(|(name, _)| !matches!(name.as_str(), "@context" | "id")) {
                pointers.push((at.to_owned(), name.clone()));
                collect_fields(value, &format!("{at}/{name}"), pointers);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect_fields(item, &format!("{at}/{index}"), pointers);
            }
        }
        _ => {}
    }
}

/// Checks that the statements begin where the document does: it is a credential, and has an issuer.
fn check_head(document: &Value, statements: &[String]) -> Result<(), String> {
    let issuer = document.pointer("/issuer/id").unwrap_or(&document["issuer"]);
    let (Some(id), Some(issuer)) = (document["id"].as_str(), issuer.as_str()) else {
        return Err("The document has no address, or no issuer.".to_owned());
    };
    let says = |predicate: &str, object: &str| {
        statements.iter().any(|one| *one == format!("<{id}> <{predicate}> <{object}> .\n"))
    };
    let is_credential = says(
        "http://www.w3.org/1999/02/22-rdf-syntax-ns#type",
        "https://www.w3.org/2018/credentials#VerifiableCredential",
    );
    if is_credential && says("https://www.w3.org/2018/credentials#issuer", issuer) {
        return Ok(());
    }
    Err("The document does not say that it is a credential of its issuer.".to_owned())
}

/// A walk through a document.
struct Walk<'a> {
    values: usize,
    /// Number of occurrences of each text.
    texts: HashMap<&'a str, usize>,
}

impl<'a> Walk<'a> {
    fn fields(&mut self, fields: impl Iterator<Item = (&'a String, &'a Value)>, depth: usize) -> Result<(), String> {
        for (name, value) in fields {
            if !TERMS.contains(name) {
                return Err(format!("No context defines the field {name}.").chars().take(300).collect());
            }
            let many = std::slice::from_ref(value);
            for one in value.as_array().map_or(many, Vec::as_slice) {
                self.value(name, one, depth)?;
            }
        }
        Ok(())
    }

    fn value(&mut self, name: &str, value: &'a Value, depth: usize) -> Result<(), String> {
        self.values += 1;
        if depth > DEEPEST || self.values > MOST_VALUES {
            return Err("The document is too large for a proof of its meaning.".to_owned());
        }
        match value {
            Value::Array(_) => return Err(format!("The field {name} has a list within a list.")),
            Value::Object(fields) => return self.fields(fields.iter(), depth + 1),
            Value::String(text) => {
                *self.texts.entry(text).or_default() += 1;
                // An address that is none would be left out with everything that is said of it.
                let is_right = match name {
                    "id" => Iri::parse(text.as_str()).is_ok(),
                    "type" => TERMS.contains(text),
                    _ => true,
                };
                if !is_right {
                    return Err(format!("The {name} {text} is none that is known.").chars().take(300).collect());
                }
            }
            _ if matches!(name, "id" | "type") => return Err(format!("The field {name} is no text.")),
            _ => {}
        }
        Ok(())
    }
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
mod tests {
    use milepost_domain::ledger::hex;

    use super::*;

    /// The credential of 1EdTech's test vector for Open Badges 3.0 (certification suite, linked data proof), signed.
    fn published() -> Value {
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

    fn key() -> Vec<u8> {
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

    /// Each has the same RDF as the signed document, or leaves out what nobody signed.
    #[test]
    fn what_could_mean_something_else_is_refused() {
        let (signed, proof) = split(&published()).expect("a proof");
        let changed = |change: fn(&mut Value)| {
            let mut document = signed.clone();
            change(&mut document);
            check_form(&document, &proof).err().unwrap_or_default()
        };
        for (expected, found) in [
            ("No context defines the field awardedBy.", changed(|one| one["awardedBy"] = json!("anybody"))),
            (
                "No context defines the field @included.",
                changed(|one| one["@included"] = json!([{ "id": "https://x" }])),
            ),
            (
                "No context defines the field https://schema.org/name.",
                changed(|one| {
                    let name = one.as_object_mut().and_then(|fields| fields.remove("name")).expect("a name");
                    one["https://schema.org/name"] = name;
                }),
            ),
            (
                "No context defines the field @context.",
                changed(|one| one["issuer"]["@context"] = json!({ "title": "https://schema.org/name" })),
            ),
            (
                "The field credentialStatus has a list",
                changed(|one| one["credentialStatus"] = json!([[{ "id": "https://x" }]])),
            ),
            ("The id somewhere is none", changed(|one| one["issuer"]["id"] = json!("somewhere"))),
            ("The id _:b0 is none", changed(|one| one["issuer"]["id"] = json!("_:b0"))),
            ("The type Imagined is none", changed(|one| one["type"] = json!(["VerifiableCredential", "Imagined"]))),
            (
                "\"http://example.com/credentials/3527\" is described",
                changed(|one| one["issuer"]["image"] = json!({ "id": "http://example.com/credentials/3527" })),
            ),
            (
                "\"https://x/1\" is described",
                changed(|one| {
                    one["credentialStatus"] = json!({ "id": "https://x/1", "type": "BitstringStatusListEntry" });
                    one["issuer"]["image"] = json!({ "id": "https://x/1" });
                }),
            ),
            // Each is dropped with all that is said of it, and leaves what was signed.
            ("The id :x is none", changed(|one| one["issuer"]["id"] = json!(":x"))),
            (
                "The id https://x/< is none",
                changed(|one| one["evidence"] = json!({ "id": "https://x/<", "type": ["Evidence"] })),
            ),
            // Terms that are defined elsewhere, values without a meaning, and another spelling of a type.
            (
                "The proof does not cover the field /issuer/statusPurpose.",
                changed(|one| one["issuer"]["statusPurpose"] = json!("message")),
            ),
            ("The proof does not cover the field /evidence.", changed(|one| one["evidence"] = json!([]))),
            ("The proof does not cover the field /validUntil.", changed(|one| one["validUntil"] = Value::Null)),
            (
                "The type https://www.w3.org/2018/credentials#VerifiableCredential is none",
                changed(|one| one["type"][0] = json!("https://www.w3.org/2018/credentials#VerifiableCredential")),
            ),
            (
                "The document has no address",
                changed(|one| drop(one.as_object_mut().and_then(|fields| fields.remove("id")))),
            ),
            ("The context {\"@vocab\"", changed(|one| one["@context"][1] = json!({ "@vocab": "https://x#" }))),
            (
                "The context \"https://example.com/context\"",
                changed(|one| one["@context"][1] = json!("https://example.com/context")),
            ),
        ] {
            assert!(found.starts_with(expected), "{expected} {found}");
        }
    }

    /// A genuine credential as the evidence of another one, whose own statements are dropped because its addresses are none: the same RDF.
    #[test]
    fn nobody_wraps_a_credential() {
        let (signed, proof) = split(&published()).expect("a proof");
        let mut inner = signed.clone();
        inner.as_object_mut().and_then(|fields| fields.remove("@context")).expect("contexts");
        let wrapped = |id: &str, subject: &str| {
            json!({
                "@context": signed["@context"], "id": id, "type": ["VerifiableCredential", "OpenBadgeCredential"],
                "issuer": { "id": signed["issuer"]["id"] }, "validFrom": "2020-01-01T00:00:00Z",
                "credentialSubject": { "id": subject, "type": ["AchievementSubject"] }, "evidence": [inner],
            })
        };
        assert_eq!(is_sealed_by(&wrapped(":x", ":s"), &proof, &key()), Ok(true), "so the form must be looked at");
        assert!(check_form(&wrapped(":x", ":s"), &proof).is_err());
        let honest = wrapped("https://example.org/x", "https://example.org/s");
        assert_eq!(is_sealed_by(&honest, &proof, &key()), Ok(false));
    }

    #[test]
    fn a_hostile_graph_ends() {
        // Nodes that cannot be told apart, so that their order is looked for by trying.
        let alike = |count: usize| {
            let (mut document, _) = split(&published()).expect("a proof");
            document["evidence"] = json!(vec![json!({ "type": ["Evidence"] }); count]);
            document
        };
        let (_, proof) = split(&published()).expect("a proof");
        assert_eq!(is_sealed_by(&alike(30), &proof, &key()), Ok(false));
        assert!(
            is_sealed_by(&alike(MOST_COMPARISONS + 1), &proof, &key()).is_err_and(|reason| reason.contains("alike"))
        );
        assert!(check_form(&alike(MOST_VALUES), &proof).is_err_and(|reason| reason.contains("too large")));
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
