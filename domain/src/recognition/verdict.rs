//! Verdicts on credentials: what can be said of one without asking anybody.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::status_list::StatusPurpose;

/// Seconds by which clocks may differ.
const LEEWAY_SECONDS: i64 = 60;

/// Check of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CredentialCheck)]
pub enum Check {
    /// The text has the form of a credential.
    Format,
    /// The signature's algorithm is one that is taken.
    Algorithm,
    /// It is an Open Badges 3.0 credential.
    Type,
    /// The key is the issuer's.
    Key,
    /// The signature belongs to the text and the key.
    Signature,
    /// The claims of the JWT are those of the credential.
    Claims,
    /// Every field of a credential with an embedded proof is one that the proof covers.
    Fields,
    /// It is valid at present.
    Validity,
    /// It was not revoked.
    Revocation,
    /// It is not suspended.
    Suspension,
}

/// Outcome of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = CredentialFinding, example = json!({"check": "signature", "passed": true, "detail": "The signature is that of the issuer's key."}))]
pub struct Finding {
    /// Check.
    pub check: Check,
    /// Whether it passed; null if it could not be made.
    pub passed: Option<bool>,
    /// Outcome in words.
    #[schema(max_length = 1000)]
    pub detail: String,
}

impl Finding {
    /// Returns the outcome of a check that was made.
    pub fn of(check: Check, passed: bool, good: &str, bad: &str) -> Self {
        Self { check, passed: Some(passed), detail: if passed { good } else { bad }.to_owned() }
    }

    /// Returns a check that could not be made, with the reason.
    pub fn open(check: Check, reason: &str) -> Self {
        Self { check, passed: None, detail: reason.to_owned() }
    }
}

/// Returns whether a credential is valid: every check was made and passed.
pub fn is_valid(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.passed == Some(true))
}

/// Entry of a credential in a list of its issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listing<'a> {
    /// Bit of a status list (W3C Bitstring Status List 1.0).
    Bit {
        /// Address of the list.
        list: &'a str,
        /// Index of the bit; `None` if it cannot be read.
        index: Option<usize>,
    },
    /// List of revoked credentials (Open Badges 3.0, `1EdTechRevocationList`).
    Revoked {
        /// Address of the list.
        list: &'a str,
    },
}

/// Returns the entries of a credential that say whether a purpose holds, or why they cannot be told: one of a type that is not known may be of any
/// purpose, and one without a purpose is looked at for each.
pub fn listings(credential: &Value, purpose: StatusPurpose) -> Result<Vec<Listing<'_>>, &'static str> {
    let entries = match &credential["credentialStatus"] {
        Value::Array(entries) => entries.as_slice(),
        Value::Null => &[],
        one => std::slice::from_ref(one),
    };
    let mut found = vec![];
    for entry in entries {
        let text = |name: &str| entry[name].as_str();
        if has_type(entry, "BitstringStatusListEntry") {
            if text("statusPurpose").is_some_and(|own| own != purpose.to_string()) {
                continue;
            }
            if !entry["statusSize"].is_null() && entry["statusSize"] != 1 {
                return Err("The status list has more than one bit for each credential.");
            }
            let index = text("statusListIndex").and_then(|index| index.parse().ok());
            found.push(Listing::Bit { list: text("statusListCredential").unwrap_or_default(), index });
        } else if has_type(entry, "1EdTechRevocationList") {
            if purpose == StatusPurpose::Revocation {
                found.push(Listing::Revoked { list: text("id").unwrap_or_default() });
            }
        } else {
            return Err("The credential names a list of a type that is not known.");
        }
    }
    Ok(found)
}

/// Returns whether a list of revoked credentials names a credential; `None` if it is no such list.
pub fn is_revoked_by(list: &Value, credential: &Value) -> Option<bool> {
    let names = |one: &Value| one["id"] == credential["id"] && one["revoked"] != false;
    Some(list["revokedCredential"].as_array()?.iter().any(names))
}

fn has_type(value: &Value, name: &str) -> bool {
    match &value["type"] {
        Value::Array(types) => types.iter().any(|one| one == name),
        one => one == name,
    }
}

/// Checks that a document is an Open Badges 3.0 credential (section B.1.11): its types, and its first context.
pub fn check_type(credential: &Value) -> Finding {
    let has = |name: &str| has_type(credential, name);
    let is_badge = has("VerifiableCredential") && (has("OpenBadgeCredential") || has("AchievementCredential"));
    let contexts = credential["@context"].as_array().map_or(&[][..], Vec::as_slice);
    let is_known = contexts.first().is_some_and(|first| first == "https://www.w3.org/ns/credentials/v2")
        && contexts.iter().skip(1).any(|one| {
            one.as_str().is_some_and(|one| one.starts_with("https://purl.imsglobal.org/spec/ob/v3p0/context"))
        });
    let bad = if is_badge {
        "The contexts are not those of Open Badges 3.0."
    } else {
        "It is no Open Badges 3.0 credential."
    };
    Finding::of(Check::Type, is_badge && is_known, "It is an Open Badges 3.0 credential.", bad)
}

/// Checks that the claims of a JWT repeat the credential (Open Badges 3.0, section 8.2.4.1).
pub fn check_claims(payload: &Value) -> Finding {
    let issuer = payload.pointer("/issuer/id").unwrap_or(&payload["issuer"]);
    let subject = payload.pointer("/credentialSubject/id").unwrap_or(&Value::Null);
    let seconds = |field: &str| instant(&payload[field]).map(|at| at.timestamp());
    let wrong = [
        ("iss", payload["iss"] == *issuer && !issuer.is_null()),
        ("jti", payload["jti"] == payload["id"]),
        ("sub", payload["sub"] == *subject),
        ("nbf", payload["nbf"].as_i64().is_some() && payload["nbf"].as_i64() == seconds("validFrom")),
        ("exp", payload["exp"].as_i64() == seconds("validUntil")),
    ];
    let wrong: Vec<&str> = wrong.into_iter().filter(|(_, is_right)| !is_right).map(|(name, _)| name).collect();
    let bad = format!("These claims differ from the credential: {}.", wrong.join(", "));
    Finding::of(Check::Claims, wrong.is_empty(), "The claims are those of the credential.", &bad)
}

/// Checks that a credential is valid at an instant.
pub fn check_validity(credential: &Value, now: DateTime<Utc>) -> Finding {
    let leeway = chrono::Duration::seconds(LEEWAY_SECONDS);
    let (from, until) = (instant(&credential["validFrom"]), instant(&credential["validUntil"]));
    let bad = match (from, until) {
        (None, _) => "It does not say from when it is valid.",
        (Some(from), _) if from > now + leeway => "It is not valid yet.",
        (_, Some(until)) if until <= now - leeway => "It has expired.",
        (_, None) if !credential["validUntil"].is_null() => "It does not say until when it is valid.",
        _ => "",
    };
    Finding::of(Check::Validity, bad.is_empty(), "It is valid at present.", bad)
}

fn instant(value: &Value) -> Option<DateTime<Utc>> {
    value.as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok()).map(|at| at.to_utc())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn whole() -> Value {
        json!({
            "@context": ["https://www.w3.org/ns/credentials/v2", "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"],
            "id": "https://x/1", "type": ["VerifiableCredential", "OpenBadgeCredential"], "issuer": { "id": "https://x" },
            "validFrom": "2026-05-04T00:00:00Z", "validUntil": "2026-06-04T00:00:00Z", "credentialSubject": { "id": "mailto:a@x" },
            "iss": "https://x", "jti": "https://x/1", "sub": "mailto:a@x", "nbf": 1_777_852_800, "exp": 1_780_531_200,
        })
    }

    /// The checks that a credential fails.
    fn failed(credential: &Value, at: &str) -> Vec<Check> {
        let now = instant(&json!(at)).expect("a time");
        let findings = [check_type(credential), check_claims(credential), check_validity(credential, now)];
        findings.into_iter().filter(|finding| finding.passed != Some(true)).map(|finding| finding.check).collect()
    }

    #[test]
    fn what_is_wrong_is_found() {
        let day = "2026-05-10T00:00:00Z";
        assert_eq!(failed(&whole(), day), vec![]);
        assert_eq!(failed(&whole(), "2026-05-03T00:00:00Z"), vec![Check::Validity]);
        assert_eq!(failed(&whole(), "2026-06-04T00:02:00Z"), vec![Check::Validity]);
        for (field, value, expected) in [
            ("type", json!("VerifiableCredential"), vec![Check::Type]),
            ("@context", json!(["https://example.com/other"]), vec![Check::Type]),
            ("iss", json!("https://y"), vec![Check::Claims]),
            ("jti", json!("https://x/2"), vec![Check::Claims]),
            ("sub", Value::Null, vec![Check::Claims]),
            ("nbf", json!(1), vec![Check::Claims]),
            ("exp", Value::Null, vec![Check::Claims]),
            ("validUntil", json!("soon"), vec![Check::Claims, Check::Validity]),
            ("validFrom", Value::Null, vec![Check::Claims, Check::Validity]),
        ] {
            let mut credential = whole();
            credential[field] = value;
            assert_eq!(failed(&credential, day), expected, "{field}");
        }
    }

    #[test]
    fn entries_that_say_whether_a_credential_counts() {
        use StatusPurpose::{Revocation, Suspension};
        let bit = |purpose: Value, more: Value| {
            let mut entry = json!({ "type": "BitstringStatusListEntry", "statusPurpose": purpose, "statusListIndex": "7",
                "statusListCredential": "https://x/1" });
            for (name, value) in more.as_object().expect("fields") {
                entry[name] = value.clone();
            }
            entry
        };
        let revoked = json!({ "id": "https://x/2", "type": ["1EdTechRevocationList"] });
        let plain = |purpose: &str| bit(json!(purpose), json!({}));
        let (of_bit, of_list) =
            (Listing::Bit { list: "https://x/1", index: Some(7) }, Listing::Revoked { list: "https://x/2" });
        for (status, purpose, expected) in [
            (Value::Null, Revocation, Some(vec![])),
            (plain("revocation"), Revocation, Some(vec![of_bit.clone()])),
            (plain("revocation"), Suspension, Some(vec![])),
            (json!([revoked, plain("revocation")]), Revocation, Some(vec![of_list, of_bit.clone()])),
            (json!([revoked]), Suspension, Some(vec![])),
            (json!([plain("revocation"), plain("revocation")]), Revocation, Some(vec![of_bit.clone(), of_bit.clone()])),
            (bit(json!(["revocation"]), json!({})), Suspension, Some(vec![of_bit.clone()])),
            (bit(json!("revocation"), json!({ "statusSize": 1 })), Revocation, Some(vec![of_bit])),
            (bit(json!("revocation"), json!({ "statusSize": 2 })), Revocation, None),
            (json!([plain("revocation"), { "type": "Imagined", "statusPurpose": "message" }]), Suspension, None),
            (json!(["https://x/1"]), Revocation, None),
            (json!([[plain("revocation")]]), Revocation, None),
        ] {
            let credential = json!({ "credentialStatus": status });
            assert_eq!(listings(&credential, purpose).ok(), expected, "{credential} {purpose}");
        }
    }

    #[test]
    fn a_list_of_revoked_credentials() {
        let credential = json!({ "id": "https://x/1" });
        for (list, expected) in [
            (json!({ "revokedCredential": [{ "id": "https://x/1" }] }), Some(true)),
            (json!({ "revokedCredential": [{ "id": "https://x/1", "revoked": false }] }), Some(false)),
            (json!({ "revokedCredential": [{ "id": "https://x/2", "revoked": true }] }), Some(false)),
            (json!({}), None),
        ] {
            assert_eq!(is_revoked_by(&list, &credential), expected, "{list}");
        }
    }

    #[test]
    fn what_was_not_checked_does_not_pass() {
        let good = Finding::of(Check::Format, true, "good", "bad");
        assert!(is_valid(std::slice::from_ref(&good)));
        assert!(!is_valid(&[good.clone(), Finding::open(Check::Revocation, "away")]));
        assert!(!is_valid(&[good, Finding::of(Check::Type, false, "good", "bad")]));
    }
}
