//! Text types with rules. A text is parsed once at the edge of the service and then carried as a type. Equal texts have
//! equal bytes (Unicode NFC).

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use crate::values::rule::ValueRule;

/// Declares a text type with its documentation, maximum length in characters, example, pattern and own rule.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident, max $max:literal, example $example:literal, pattern $pattern:expr, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// Maximum length, in characters.
            pub const MAX_CHARS: usize = $max;

            /// Parses a text: removes surrounding white space and normalizes the rest to NFC.
            pub fn parse(raw: &str) -> Result<Self, ValueRule> {
                let text: String = raw.trim().nfc().collect();
                if text.is_empty() {
                    return Err(ValueRule::Blank);
                }
                if text.chars().count() > Self::MAX_CHARS {
                    return Err(ValueRule::TooLong { max: Self::MAX_CHARS });
                }
                let check: fn(&str) -> Result<(), ValueRule> = $check;
                check(&text)?;
                Ok(Self(text))
            }

            /// A text that was parsed before it was stored, taken as it is.
            pub const fn trusted(text: String) -> Self {
                Self(text)
            }

            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::ops::Deref for $name {
            type Target = str;
            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = ValueRule;
            fn try_from(raw: String) -> Result<Self, ValueRule> {
                Self::parse(&raw)
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> String {
                text.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some(concat!("Text such as `", $example, "`.")))
                    .min_length(Some(1))
                    .max_length(Some($max))
                    .pattern(Some($pattern))
                    .examples([$example])
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
        }
    };
}

/// Pattern of one line: at least one visible character and no control characters.
const ONE_LINE: &str = r"^[^\x00-\x1F\x7F-\x9F]*[^\s\x00-\x1F\x7F-\x9F][^\x00-\x1F\x7F-\x9F]*$";
/// Pattern of several lines: like [`ONE_LINE`], but line breaks and tabs are allowed.
const MANY_LINES: &str =
    r"^[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*[^\s\x00-\x1F\x7F-\x9F][^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*$";
/// Pattern of a reason: like [`MANY_LINES`], with at least six letters or digits, so that it says something.
const REASON: &str = r"^(?:[^0-9A-Za-z\u00C0-\u02FF\u0370-\uFFFD\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*[0-9A-Za-z\u00C0-\u02FF\u0370-\uFFFD]){6}[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*$";
/// Pattern of a key. Keys are used in URLs and in dependency lists.
const KEY: &str = r"^[A-Za-z0-9][A-Za-z0-9._-]*$";
/// Pattern of a currency code: three capital letters.
const CURRENCY: &str = r"^[A-Z]{3}$";
/// Pattern of an email address: one `@` with text on both sides. Deliverability is not checked.
const EMAIL: &str = r"^[^\s@\x00-\x1F\x7F]+@[^\s@\x00-\x1F\x7F]+$";

/// Pattern of a time zone's name.
const ZONE: &str = r"^[A-Za-z][A-Za-z0-9_+/-]*$";
/// Pattern of a language tag: a language of two or three letters, and what narrows it down.
const LANGUAGE: &str = r"^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*$";

/// Pattern of an address in the web.
const WEB_ADDRESS: &str = r"^https?://[^\s\x00-\x1F\x7F]+$";

/// Pattern of a logo: a `data:` URL of a picture, in base64.
const LOGO: &str = r"^data:image/(?:png|jpeg|webp|svg\+xml);base64,[A-Za-z0-9+/]+=*$";

text!(
    /// Name of a customer, person, plan or milestone: one line.
    Name, max 200, example "Northwind rollout", pattern ONE_LINE, one_line
);
text!(
    /// Short label that groups or names things, such as an owner, a phase, a segment or a unit.
    Label, max 100, example "Data preparation", pattern ONE_LINE, one_line
);
text!(
    /// Reason, note or criterion: a few paragraphs at most.
    Note, max 4000, example "The client moved the review by a week.", pattern MANY_LINES, many_lines
);
text!(
    /// Reason for a change: a few words at least, because others must understand it later.
    Reason, max 4000, example "The client moved the review by a week.", pattern REASON, reason
);
text!(
    /// Key that people type, such as that of a milestone within a plan or of a template within an organization.
    Key, max 100, example "data-pipeline", pattern KEY, key
);
text!(
    /// External reference: the identifier of a customer or person in the calling system, such as a CRM.
    ExternalRef, max 200, example "crm-4711", pattern ONE_LINE, one_line
);
text!(
    /// Currency (ISO 4217).
    Currency, max 3, example "EUR", pattern CURRENCY, currency
);
text!(
    /// Email address.
    Email, max 254, example "ana@example.com", pattern EMAIL, email
);

text!(
    /// Logo: a picture in a `data:` URL.
    Logo, max 60_000, example "data:image/png;base64,iVBORw0KGgo=", pattern LOGO, logo
);

text!(
    /// Name of an IANA time zone. Whether there is such a zone is asked with [`TimeZone::check`].
    TimeZone, max 50, example "Europe/Berlin", pattern ZONE, zone
);
text!(
    /// Language tag (BCP 47). Whether it is well-formed is asked with [`Language::check`].
    Language, max 35, example "pt-BR", pattern LANGUAGE, language
);

text!(
    /// Address in the web.
    WebAddress, max 500, example "https://login.example.com", pattern WEB_ADDRESS, web_address
);

/// Returns the requirement of a pattern in words.
pub fn pattern_in_words(pattern: &str) -> &'static str {
    match pattern {
        ONE_LINE => "must be one line of visible text, without NUL or other control characters",
        MANY_LINES => "must be visible text, without NUL or other control characters",
        REASON => "must be a few words of visible text: at least six letters or digits, without control characters",
        KEY => "must start with a letter or digit and contain only letters, digits, '.', '_' and '-'",
        CURRENCY => "must be a three-letter ISO 4217 currency code such as EUR",
        LOGO => "must be a PNG, JPEG, WebP or SVG image in a data: URL in base64, such as data:image/png;base64,…",
        EMAIL => "must be an e-mail address such as name@example.com",
        ZONE => "must be an IANA time zone such as Europe/Berlin",
        LANGUAGE => "must be a language tag (BCP 47) such as de or pt-BR",
        _ if pattern.starts_with("^https?://") => "must be an address that begins with http:// or https://",
        _ => "does not have the documented form",
    }
}

fn one_line(text: &str) -> Result<(), ValueRule> {
    if text.chars().any(char::is_control) { Err(ValueRule::ControlCharacter) } else { Ok(()) }
}

fn many_lines(text: &str) -> Result<(), ValueRule> {
    let welcome = |c: char| matches!(c, '\n' | '\r' | '\t');
    if text.chars().any(|c| c.is_control() && !welcome(c)) { Err(ValueRule::ControlCharacter) } else { Ok(()) }
}

impl From<Reason> for Note {
    fn from(reason: Reason) -> Self {
        Self(reason.0)
    }
}

/// Number of letters and digits that a reason contains at least.
const REASON_LETTERS: usize = 6;

fn reason(text: &str) -> Result<(), ValueRule> {
    many_lines(text)?;
    let speaks =
        |c: &char| matches!(c, '0'..='9' | 'A'..='Z' | 'a'..='z' | '\u{C0}'..='\u{2FF}' | '\u{370}'..='\u{FFFD}');
    let is_reason = text.chars().filter(speaks).take(REASON_LETTERS).count() == REASON_LETTERS;
    if is_reason { Ok(()) } else { Err(ValueRule::NotAReason) }
}

fn key(text: &str) -> Result<(), ValueRule> {
    let mut bytes = text.bytes();
    let starts_well = bytes.next().is_some_and(|b| b.is_ascii_alphanumeric());
    let goes_on_well = bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    if starts_well && goes_on_well { Ok(()) } else { Err(ValueRule::NotAKey) }
}

fn currency(text: &str) -> Result<(), ValueRule> {
    let is_code = text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase());
    if is_code { Ok(()) } else { Err(ValueRule::NotACurrency) }
}

fn logo(text: &str) -> Result<(), ValueRule> {
    let data = ["png", "jpeg", "webp", "svg+xml"]
        .iter()
        .find_map(|kind| text.strip_prefix("data:image/")?.strip_prefix(kind)?.strip_prefix(";base64,"));
    let data = data.map(|data| data.trim_end_matches('='));
    let is_base64 =
        |data: &str| !data.is_empty() && data.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/".contains(&b));
    if data.is_some_and(is_base64) { Ok(()) } else { Err(ValueRule::NotALogo) }
}

fn web_address(text: &str) -> Result<(), ValueRule> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_address = rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace));
    one_line(text).and(if is_address { Ok(()) } else { Err(ValueRule::NotHttps) })
}

impl WebAddress {
    /// Returns whether only its owner can answer for it: `https`, or this machine.
    pub fn is_safe(&self) -> bool {
        let host = self.strip_prefix("http://").map(|rest| rest.split(['/', ':']).next().unwrap_or_default());
        host.is_none_or(|host| matches!(host, "localhost" | "127.0.0.1"))
    }
}

fn zone(text: &str) -> Result<(), ValueRule> {
    let is_name = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+/-".contains(&b))
        && text.starts_with(|c: char| c.is_ascii_alphabetic());
    if is_name { Ok(()) } else { Err(ValueRule::UnknownTimeZone) }
}

impl TimeZone {
    /// Checks that there is such a zone.
    pub fn check(&self) -> Result<(), ValueRule> {
        self.parse::<chrono_tz::Tz>().map(|_| ()).map_err(|_| ValueRule::UnknownTimeZone)
    }
}

fn language(text: &str) -> Result<(), ValueRule> {
    let mut parts = text.split('-');
    let is_part = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    let begins = parts
        .next()
        .is_some_and(|first| matches!(first.len(), 2 | 3) && first.bytes().all(|b| b.is_ascii_alphabetic()));
    if begins && parts.all(is_part) { Ok(()) } else { Err(ValueRule::NotALanguage) }
}

impl Language {
    /// Checks that the tag is well-formed: its parts are of kinds that exist, in their order.
    pub fn check(&self) -> Result<(), ValueRule> {
        oxilangtag::LanguageTag::parse(self.as_str()).map(|_| ()).map_err(|_| ValueRule::NotALanguage)
    }
}

fn email(text: &str) -> Result<(), ValueRule> {
    let well_formed = |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c == '@');
    one_line(text)?;
    match text.split_once('@') {
        Some((local, host)) if well_formed(local) && well_formed(host) => Ok(()),
        _ => Err(ValueRule::NotAnEmail),
    }
}

/// Returns the form in which names are searched and sorted: NFC, ignoring case (Unicode default case folding).
pub fn folded(text: &str) -> String {
    caseless::default_case_fold_str(&text.nfc().collect::<String>()).nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: fmt::Display>(cases: &[(&str, Result<&str, ValueRule>)], parse: fn(&str) -> Result<T, ValueRule>) {
        for (raw, expected) in cases {
            let parsed = parse(raw).map(|text| text.to_string());
            assert_eq!(parsed.as_deref(), expected.as_ref().copied(), "{raw:?}");
        }
    }

    #[test]
    fn names() {
        check(
            &[
                ("  Acme  ", Ok("Acme")),
                ("e\u{301}", Ok("\u{e9}")),
                ("", Err(ValueRule::Blank)),
                (" \t ", Err(ValueRule::Blank)),
                ("a\0b", Err(ValueRule::ControlCharacter)),
                ("a\nb", Err(ValueRule::ControlCharacter)),
                (&"x".repeat(201), Err(ValueRule::TooLong { max: 200 })),
            ],
            Name::parse,
        );
    }

    #[test]
    fn keys_currencies_emails() {
        check(
            &[("v1.19.0", Ok("v1.19.0")), ("-a", Err(ValueRule::NotAKey)), ("a b", Err(ValueRule::NotAKey))],
            Key::parse,
        );
        check(
            &[("EUR", Ok("EUR")), ("eur", Err(ValueRule::NotACurrency)), ("EU", Err(ValueRule::NotACurrency))],
            Currency::parse,
        );
        check(
            &[("a@b", Ok("a@b")), ("a@", Err(ValueRule::NotAnEmail)), ("a@b@c", Err(ValueRule::NotAnEmail))],
            Email::parse,
        );
        check(
            &[
                ("late data", Ok("late data")),
                ("客户推迟了发布", Ok("客户推迟了发布")),
                (".", Err(ValueRule::NotAReason)),
                ("- - -", Err(ValueRule::NotAReason)),
                ("late", Err(ValueRule::NotAReason)),
                ("", Err(ValueRule::Blank)),
                ("late\0 data", Err(ValueRule::ControlCharacter)),
            ],
            Reason::parse,
        );
        let png = "data:image/png;base64,iVBORw0KGgo=";
        let page = "data:text/html;base64,PGI+";
        check(
            &[(png, Ok(png)), (page, Err(ValueRule::NotALogo)), ("data:image/png;base64,=", Err(ValueRule::NotALogo))],
            Logo::parse,
        );
        check(&[("one\ntwo", Ok("one\ntwo")), ("nul\0", Err(ValueRule::ControlCharacter))], Note::parse);
    }

    #[test]
    fn zones_and_languages() {
        let zone = |text: &str| TimeZone::parse(text).and_then(|zone| zone.check().map(|()| zone));
        let unknown = Err(ValueRule::UnknownTimeZone);
        check(&[("Asia/Tokyo", Ok("Asia/Tokyo")), ("Mars/Olympus", unknown.clone()), ("+01:00", unknown)], zone);
        let language = |text: &str| Language::parse(text).and_then(|language| language.check().map(|()| language));
        let wrong = Err(ValueRule::NotALanguage);
        check(
            &[("de", Ok("de")), ("zh-Hant-TW", Ok("zh-Hant-TW")), ("german", wrong.clone()), ("de-a", wrong)],
            language,
        );
    }

    #[test]
    fn folding_forgets_case_and_composition() {
        assert_eq!(folded("STRASSE"), folded("straße"));
        assert_eq!(folded("E\u{301}t\u{e9}"), folded("\u{e9}te\u{301}"));
    }
}
