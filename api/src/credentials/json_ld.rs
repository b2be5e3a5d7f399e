//! JSON-LD of credentials as RDF, with contexts that are in the program; none is fetched.

use std::collections::HashSet;
use std::error::Error;
use std::sync::LazyLock;

use oxjsonld::{JsonLdParser, JsonLdRemoteDocument};
use oxttl::NQuadsParser;
use rdf_canon::{CanonicalizationOptions, canonicalize_quads_with};
use serde_json::Value;
use sha2::Sha256;

/// Contexts that are known, by their addresses.
pub const CONTEXTS: [(&str, &str); 6] = [
    ("https://www.w3.org/ns/credentials/v2", include_str!("contexts/credentials-v2.json")),
    ("https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json", include_str!("contexts/open-badges-3.0.3.json")),
    ("https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.2.json", include_str!("contexts/open-badges-3.0.2.json")),
    ("https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.1.json", include_str!("contexts/open-badges-3.0.1.json")),
    ("https://purl.imsglobal.org/spec/ob/v3p0/extensions.json", include_str!("contexts/open-badges-extensions.json")),
    ("https://w3id.org/security/data-integrity/v2", include_str!("contexts/data-integrity-v2.json")),
];

/// Most comparisons of nodes that look alike, so that no document can be made to cost more.
pub const MOST_COMPARISONS: usize = 500;

/// Terms that the contexts define.
pub static TERMS: LazyLock<HashSet<String>> = LazyLock::new(|| {
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

/// Returns the RDF of a document in its canonical form (RDFC-1.0).
pub fn canonical(document: &Value) -> Result<String, String> {
    let read: Result<Vec<_>, _> = NQuadsParser::new().for_slice(meaning(document)?.concat().as_bytes()).collect();
    let read = read.map_err(|_| "The document has an address that is none.")?;
    let options = CanonicalizationOptions { hndq_call_limit: Some(MOST_COMPARISONS) };
    canonicalize_quads_with::<Sha256>(&read, &options)
        .map_err(|_| "The document has too many parts that look alike.".to_owned())
}

/// Returns the RDF of a document: its statements as N-Quads, each as often as the document makes it.
pub fn meaning(document: &Value) -> Result<Vec<String>, String> {
    let text = document.to_string();
    let load = |url: &str, _: &_| -> Result<JsonLdRemoteDocument, Box<dyn Error + Send + Sync>> {
        let (_, text) = CONTEXTS.iter().find(|(known, _)| *known == url).ok_or("The context is not known.")?;
        Ok(JsonLdRemoteDocument { document: text.as_bytes().to_vec(), document_url: url.to_owned() })
    };
    let quads = JsonLdParser::new().for_slice(&text).with_load_document_callback(load);
    let statements: Result<_, _> = quads.map(|quad| quad.map(|quad| format!("{quad} .\n"))).collect();
    statements.map_err(|_| "The document is no JSON-LD that its contexts describe.".to_owned())
}
