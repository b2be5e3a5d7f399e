//! Credentials: awards as Open Badges 3.0 (1EdTech) writes them, on the data model of Verifiable Credentials 2.0 (W3C).
//!
//! Fields without a value are left out: null and empty arrays break verifiers that expand the document.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use strum::VariantArray as _;
use uuid::Uuid;

use super::badge::{BadgeContent, BadgeTier};
use super::status_list::StatusPurpose;
use crate::ledger::hex;
use crate::proof::validation::Score;
use crate::values::text::{Name, WebAddress};

/// Contexts of a credential.
pub const CONTEXTS: [&str; 2] =
    ["https://www.w3.org/ns/credentials/v2", "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"];

/// Whoever was awarded, as a credential names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recipient<'a> {
    /// By the salted hash of their e-mail address: whoever knows the address can compare it, nobody can read it.
    Hashed {
        /// E-mail address.
        email: &'a str,
        /// Salt.
        salt: &'a str,
    },
    /// By their e-mail address in the clear.
    Email(&'a str),
    /// By an identifier that means nothing elsewhere.
    Identifier(Uuid),
}

/// Evidence that an award was earned.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// Name.
    pub name: &'a Name,
    /// Address.
    pub url: Option<&'a WebAddress>,
}

/// Entry of a credential in the lists of its issuer.
#[derive(Debug, Clone, Copy)]
pub struct StatusEntry<'a> {
    /// Address of the issuer's lists, to which the purpose and the number are added.
    pub lists: &'a str,
    /// Number of the list.
    pub list: i64,
    /// Index of the bit.
    pub index: i64,
}

impl StatusEntry<'_> {
    /// Returns the address of the list of a purpose.
    pub fn list(&self, purpose: StatusPurpose) -> String {
        format!("{}/{purpose}/{}", self.lists, self.list)
    }
}

/// Everything that a credential says.
#[derive(Debug, Clone, Copy)]
pub struct Statement<'a> {
    /// Address of the credential.
    pub id: &'a str,
    /// Address of the issuer.
    pub issuer_id: &'a str,
    /// Name of the issuer.
    pub issuer_name: &'a str,
    /// Address of the badge.
    pub badge_id: &'a str,
    /// Badge, as it was when it was awarded.
    pub badge: &'a BadgeContent,
    /// Version of the badge.
    pub badge_version: i64,
    /// Results: points by the criteria of a rubric.
    pub results: &'a [Score],
    /// Address of the badge's picture.
    pub picture: &'a str,
    /// Whoever was awarded.
    pub recipient: Recipient<'a>,
    /// Time of the first award; a renewal keeps it.
    pub awarded_at: DateTime<Utc>,
    /// Time from which the credential is valid.
    pub valid_from: DateTime<Utc>,
    /// Time until which the credential is valid.
    pub valid_until: Option<DateTime<Utc>>,
    /// Evidence that the award was earned.
    pub evidence: &'a [Evidence<'a>],
    /// Entry in the issuer's lists.
    pub status: StatusEntry<'a>,
}

/// Returns a badge as an achievement (section B.1.1), with its address and that of its picture.
pub fn achievement(badge: &BadgeContent, version: i64, id: &str, picture: &str) -> Map<String, Value> {
    let mut achievement = object(json!({
        "id": id, "type": ["Achievement"], "name": badge.name, "description": badge.description,
        "criteria": { "narrative": badge.criteria }, "achievementType": badge.achievement_type.to_string(),
        "image": { "id": picture, "type": "Image", "caption": badge.name }, "version": version.to_string(),
    }));
    if badge.design.tier.is_some() {
        let tiers: Vec<&str> = BadgeTier::VARIANTS.iter().map(|tier| tier.name()).collect();
        let tier = json!([{ "id": result_id(id, 0), "type": ["ResultDescription"], "name": "Tier",
            "resultType": "PerformanceLevel", "allowedValue": tiers }]);
        achievement.insert("resultDescription".to_owned(), tier);
    }
    put(&mut achievement, "tag", badge.tags.iter().map(|tag| json!(tag)).collect());
    let alignment = |one: &super::badge::Alignment| {
        let mut alignment = object(json!({ "type": ["Alignment"], "targetName": one.name, "targetUrl": one.url }));
        alignment.extend(one.code.as_ref().map(|code| ("targetCode".to_owned(), json!(code))));
        alignment.extend(one.framework.as_ref().map(|name| ("targetFramework".to_owned(), json!(name))));
        Value::Object(alignment)
    };
    put(&mut achievement, "alignment", badge.alignments.iter().map(alignment).collect());
    achievement
}

/// Returns the credential.
pub fn credential(statement: &Statement<'_>) -> Value {
    let badge = statement.badge;
    let mut achievement = achievement(badge, statement.badge_version, statement.badge_id, statement.picture);
    let results = results(statement, &mut achievement);
    let mut subject = object(json!({ "type": ["AchievementSubject"], "achievement": achievement }));
    put(&mut subject, "result", results);
    match statement.recipient {
        Recipient::Hashed { email, salt } => {
            let identifier = json!([{
                "type": "IdentityObject", "hashed": true, "identityHash": identity_hash(email, salt),
                "identityType": "emailAddress", "salt": salt,
            }]);
            subject.insert("identifier".to_owned(), identifier);
        }
        Recipient::Email(email) => drop(subject.insert("id".to_owned(), json!(format!("mailto:{email}")))),
        Recipient::Identifier(id) => drop(subject.insert("id".to_owned(), json!(format!("urn:uuid:{id}")))),
    }
    let entry = |purpose: &StatusPurpose| {
        let list = statement.status.list(*purpose);
        let StatusEntry { index, .. } = statement.status;
        json!({
            "id": format!("{list}#{index}"), "type": "BitstringStatusListEntry", "statusPurpose": purpose.to_string(),
            "statusListIndex": index.to_string(), "statusListCredential": list,
        })
    };
    let status: Vec<Value> = StatusPurpose::VARIANTS.iter().map(entry).collect();
    let mut whole = object(json!({
        "@context": CONTEXTS, "id": statement.id, "type": ["VerifiableCredential", "OpenBadgeCredential"], "name": badge.name,
        "issuer": { "id": statement.issuer_id, "type": ["Profile"], "name": statement.issuer_name },
        "validFrom": instant(statement.valid_from), "awardedDate": instant(statement.awarded_at),
        "credentialSubject": subject, "credentialStatus": status,
    }));
    whole.extend(statement.valid_until.map(|at| ("validUntil".to_owned(), json!(instant(at)))));
    let evidence = |one: &Evidence<'_>| {
        let mut evidence = object(json!({ "type": ["Evidence"], "name": one.name }));
        evidence.extend(one.url.map(|url| ("id".to_owned(), json!(url))));
        Value::Object(evidence)
    };
    put(&mut whole, "evidence", statement.evidence.iter().map(evidence).collect());
    Value::Object(whole)
}

/// Returns the results (section B.1.19): the tier, and the points of a rubric, whose descriptions are added to the achievement.
fn results(statement: &Statement<'_>, achievement: &mut Map<String, Value>) -> Vec<Value> {
    let result = |number: usize, value: String| json!({ "type": ["Result"], "resultDescription": result_id(statement.badge_id, number), "value": value });
    let mut results: Vec<Value> =
        statement.badge.design.tier.iter().map(|tier| result(0, tier.name().to_owned())).collect();
    let mut descriptions = match achievement.remove("resultDescription") {
        Some(Value::Array(descriptions)) => descriptions,
        _ => vec![],
    };
    for (number, score) in (1..).zip(statement.results) {
        descriptions.push(json!({ "id": result_id(statement.badge_id, number), "type": ["ResultDescription"],
            "name": score.criterion, "resultType": "RubricScore", "valueMin": "0", "valueMax": score.of.to_string() }));
        results.push(result(number, score.points.to_string()));
    }
    put(achievement, "resultDescription", descriptions);
    results
}

/// Returns the address of a result of a badge: the tier has the number 0, criteria of a rubric have those that follow.
fn result_id(badge_id: &str, number: usize) -> String {
    format!("{badge_id}#result-{number}")
}

/// Returns the credential of a status list, to be signed like any other.
pub fn status_list_credential(
    id: &str,
    issuer_id: &str,
    purpose: StatusPurpose,
    encoded_list: &str,
    (valid_from, valid_until): (DateTime<Utc>, DateTime<Utc>),
) -> Value {
    json!({
        "@context": [CONTEXTS[0]], "id": id, "type": ["VerifiableCredential", "BitstringStatusListCredential"], "issuer": issuer_id,
        "validFrom": instant(valid_from), "validUntil": instant(valid_until),
        "credentialSubject": {
            "id": format!("{id}#list"), "type": "BitstringStatusList", "statusPurpose": purpose.to_string(), "encodedList": encoded_list,
        },
    })
}

/// Returns the claims of a credential's JWT (Open Badges 3.0, section 8.2.4): those of the credential itself, repeated where JWT has its
/// own names for them.
pub fn claims(credential: &Value) -> Value {
    let mut claims = object(credential.clone());
    let issuer = credential.pointer("/issuer/id").unwrap_or(&credential["issuer"]);
    let seconds = |field: &str| {
        let at = DateTime::parse_from_rfc3339(credential[field].as_str()?).ok()?;
        Some(json!(at.timestamp()))
    };
    let own = [
        ("iss", Some(issuer.clone())),
        ("jti", credential.get("id").cloned()),
        ("sub", credential.pointer("/credentialSubject/id").cloned()),
        ("nbf", seconds("validFrom")),
        ("exp", seconds("validUntil")),
    ];
    claims.extend(own.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    Value::Object(claims)
}

/// Returns the hash of an e-mail address with a salt, as an identity object has it (Open Badges 3.0, section B.1.14): SHA-256 of the
/// address in lower case followed by the salt.
pub fn identity_hash(email: &str, salt: &str) -> String {
    let digest = Sha256::new().chain_update(email.to_lowercase()).chain_update(salt).finalize();
    format!("sha256${}", hex(&digest))
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Adds a list, unless it is empty.
fn put(to: &mut Map<String, Value>, name: &str, list: Vec<Value>) {
    if !list.is_empty() {
        to.insert(name.to_owned(), Value::Array(list));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recognition::badge::{AchievementType, Alignment, BadgeDesign};
    use crate::values::text::{Key, Label, Note};

    fn badge() -> BadgeContent {
        BadgeContent {
            key: Key::parse("b").expect("a key"),
            name: Name::parse("Certified").expect("a name"),
            description: Note::parse("d").expect("a note"),
            criteria: Note::parse("c").expect("a note"),
            achievement_type: AchievementType::Certification,
            tags: vec![],
            alignments: vec![],
            valid_days: None,
            earned_by: None,
            design: BadgeDesign::default(),
            archived: false,
        }
    }

    fn statement<'a>(badge: &'a BadgeContent, recipient: Recipient<'a>) -> Statement<'a> {
        let at = DateTime::from_timestamp(1_777_852_800, 0).expect("a time");
        Statement {
            id: "https://x.org/credentials/1",
            issuer_id: "https://x.org/issuers/1",
            issuer_name: "X",
            badge_id: "https://x.org/badges/1",
            badge,
            badge_version: 3,
            results: &[],
            picture: "https://x.org/badges/1.svg",
            recipient,
            awarded_at: at,
            valid_from: at,
            valid_until: None,
            evidence: &[],
            status: StatusEntry { lists: "https://x.org/lists", list: 1, index: 94_567 },
        }
    }

    #[test]
    fn nothing_is_null_or_empty() {
        fn check(value: &Value, at: &str) {
            match value {
                Value::Null => panic!("{at} is null"),
                Value::Array(items) => {
                    assert!(!items.is_empty(), "{at} is empty");
                    for item in items {
                        check(item, at);
                    }
                }
                Value::Object(fields) => {
                    for (name, value) in fields {
                        check(value, &format!("{at}/{name}"));
                    }
                }
                _ => {}
            }
        }
        let plain = badge();
        let full = BadgeContent {
            tags: vec![Label::parse("t").expect("a label")],
            alignments: vec![Alignment {
                name: Name::parse("n").expect("a name"),
                url: WebAddress::parse("https://esco.example").expect("an address"),
                code: None,
                framework: None,
            }],
            ..badge()
        };
        for (badge, is_full) in [(&plain, false), (&full, true)] {
            for recipient in [
                Recipient::Identifier(Uuid::nil()),
                Recipient::Email("a@x"),
                Recipient::Hashed { email: "a@x", salt: "s" },
            ] {
                let credential = credential(&statement(badge, recipient));
                check(&credential, "");
                check(&claims(&credential), "");
                let achievement = &credential["credentialSubject"]["achievement"];
                assert_eq!(achievement.get("tag").is_some() && achievement.get("alignment").is_some(), is_full);
                assert!(credential["credentialStatus"][0]["statusListIndex"].is_string());
            }
        }
    }

    #[test]
    fn tiers_and_points_are_results() {
        let design = BadgeDesign { tier: Some(BadgeTier::Gold), ..BadgeDesign::default() };
        let badge = BadgeContent { design, ..badge() };
        let scores = [Score { criterion: Label::parse("Clarity").expect("a label"), points: 4.5, of: 5.0 }];
        let statement = Statement { results: &scores, ..statement(&badge, Recipient::Email("a@x")) };
        let subject = &credential(&statement)["credentialSubject"];
        let (results, described) = (&subject["result"], &subject["achievement"]["resultDescription"]);
        let values = [0, 1].map(|at| (&results[at]["value"], &described[at]["name"], &described[at]["resultType"]));
        assert_eq!(
            values,
            [
                (&json!("Gold"), &json!("Tier"), &json!("PerformanceLevel")),
                (&json!("4.5"), &json!("Clarity"), &json!("RubricScore"))
            ]
        );
        for at in [0, 1] {
            assert_eq!(results[at]["resultDescription"], described[at]["id"]);
        }
        assert_eq!((&described[0]["allowedValue"][2], &described[1]["valueMax"]), (&json!("Gold"), &json!("5")));
        assert_eq!(subject["achievement"]["version"], "3");
    }

    #[test]
    fn claims_repeat_the_credential() {
        let badge = badge();
        let until = DateTime::from_timestamp(1_777_939_200, 0);
        let statement = Statement { valid_until: until, ..statement(&badge, Recipient::Email("ana@x.org")) };
        let claims = claims(&credential(&statement));
        assert_eq!(claims["iss"], claims["issuer"]["id"]);
        assert_eq!(claims["jti"], claims["id"]);
        assert_eq!(claims["sub"], "mailto:ana@x.org");
        assert_eq!((&claims["nbf"], &claims["exp"]), (&json!(1_777_852_800), &json!(1_777_939_200)));
        assert_eq!(
            (&claims["validFrom"], &claims["awardedDate"]),
            (&json!("2026-05-04T00:00:00Z"), &json!("2026-05-04T00:00:00Z"))
        );
        let hashed =
            super::claims(&credential(&super::tests::statement(&badge, Recipient::Hashed { email: "a@x", salt: "s" })));
        assert_eq!((hashed.get("sub"), hashed.get("exp")), (None, None));
    }

    /// As Python has it: `hashlib.sha256(b"mayze@example.orgdeadsea").hexdigest()`.
    #[test]
    fn an_identity_hash() {
        let expected = "sha256$c8d32d06746899d78eefe21857f5f8327c15f5f4fe7999d42c5c65fcd71e050e";
        assert_eq!(identity_hash("mayze@example.org", "deadsea"), expected);
        assert_eq!(identity_hash("Mayze@Example.org", "deadsea"), expected);
    }
}
