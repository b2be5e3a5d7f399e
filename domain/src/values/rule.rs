//! Rules of single values: texts, numbers and days.

use chrono::NaiveDate;
use strum::{IntoStaticStr, VariantNames};

use crate::rule::{About, Rule};

/// A rule that a single value broke. The text of each variant is its documentation.
#[derive(Debug, Clone, PartialEq, thiserror::Error, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "each variant's text is its documentation")]
pub enum ValueRule {
    #[error("must not be blank")]
    Blank,
    #[error("must have at most {max} characters")]
    TooLong { max: usize },
    #[error("must not contain NUL or other control characters")]
    ControlCharacter,
    #[error("must start with a letter or digit and contain only letters, digits, '.', '_' and '-'")]
    NotAKey,
    #[error("must be a PNG, JPEG, WebP or SVG image in a data: URL in base64")]
    NotALogo,
    #[error("must be a few words: at least six letters or digits")]
    NotAReason,
    #[error("must be a date such as 2026-03-31")]
    NotADate,
    #[error("must be a three-letter ISO 4217 currency code such as EUR")]
    NotACurrency,
    #[error("must be an e-mail address such as name@example.com")]
    NotAnEmail,
    #[error("must be a number from {min} to {max}")]
    WeightOutOfRange { min: f64, max: f64 },
    #[error("must be a number from 0 to 100")]
    PercentOutOfRange,
    #[error("must be a whole number from 0 to {max}")]
    DaysOutOfRange { max: u32 },
    #[error("must be one of {options}")]
    NotAnOption { options: String },
    #[error("must not be in the future: today is {today}")]
    InTheFuture { today: NaiveDate },
    #[error("must not be in the past: today is {today}")]
    InThePast { today: NaiveDate },
    #[error("must not be after {last}")]
    BeyondCalendar { last: NaiveDate },
    #[error("must not be before the previous entry of {previous_on}")]
    OutOfOrder { previous_on: NaiveDate },
    #[error("the key '{key}' is used twice")]
    RepeatedKey { key: String },
    #[error("must give {what}")]
    Required { what: &'static str },
    #[error("must be left out unless {unless}")]
    Unused { unless: &'static str },
    #[error("must not be itself or a part of itself")]
    ParentCycle,
    #[error("must not put more than {most} above one another")]
    TooDeep { most: usize },
    #[error("must be an address that begins with https://, or with http:// and this machine's name")]
    NotHttps,
    #[error("must be an IANA time zone such as Europe/Berlin")]
    UnknownTimeZone,
    #[error("must be a language tag (BCP 47) such as de or pt-BR")]
    NotALanguage,
    #[error("this has already been recorded")]
    AlreadyRecorded,
}

impl Rule for ValueRule {
    fn code(&self) -> &'static str {
        self.into()
    }

    fn about(&self) -> About {
        match self {
            Self::AlreadyRecorded => About::State,
            Self::Blank
            | Self::TooLong { .. }
            | Self::ControlCharacter
            | Self::NotAKey
            | Self::NotAReason
            | Self::NotALogo
            | Self::NotADate
            | Self::NotACurrency
            | Self::NotAnEmail
            | Self::WeightOutOfRange { .. }
            | Self::PercentOutOfRange
            | Self::DaysOutOfRange { .. }
            | Self::NotAnOption { .. }
            | Self::InTheFuture { .. }
            | Self::InThePast { .. }
            | Self::BeyondCalendar { .. }
            | Self::OutOfOrder { .. }
            | Self::RepeatedKey { .. }
            | Self::Required { .. }
            | Self::ParentCycle
            | Self::TooDeep { .. }
            | Self::NotHttps
            | Self::UnknownTimeZone
            | Self::NotALanguage
            | Self::Unused { .. } => About::Input,
        }
    }
}
