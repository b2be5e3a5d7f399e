//! Form of documents with embedded proofs: whether they mean what they say.
//!
//! A proof signs the RDF that a document means, and whoever reads the document reads its JSON. The two say the same only where the JSON is
//! written as its contexts want it (Data Integrity 1.0, section 2.4.1). So what could mean something else than it says is refused: addresses
//! that are none, nodes that are described in two places, other spellings of types, and fields without which the document would mean the same.

use std::collections::HashMap;

use oxiri::Iri;
use serde_json::Value;

use super::json_ld::{CONTEXTS, TERMS, meaning};

/// Deepest nesting of a document.
const DEEPEST: usize = 24;
/// Most values of a document.
const MOST_VALUES: usize = 2_000;
/// Most fields of a document: its meaning is looked at without each of them.
const MOST_FIELDS: usize = 300;

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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::data_integrity::tests::{key, published};
    use super::super::data_integrity::{is_sealed_by, split};
    use super::super::json_ld::MOST_COMPARISONS;
    use super::*;

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
}
