//! Awards: the life of a badge that somebody was given.

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::ToSchema;

use super::rule::RecognitionRule;
use crate::values::text::{Name, WebAddress};

/// State of an award on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum AwardState {
    /// It counts.
    Active,
    /// Its time is over. It stays visible and counts for nothing.
    Expired,
    /// It does not count for now.
    Suspended,
    /// It was taken back for good.
    Revoked,
}

/// Evidence that an award was earned. It is public with a published award.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Recording of the demonstration", "url": "https://example.com/demo"}))]
pub struct AwardEvidence {
    /// Name.
    pub name: Name,
    /// Address.
    pub url: Option<WebAddress>,
}

/// Way in which a published award names its holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Publication {
    /// By the salted hash of the e-mail address.
    Hashed,
    /// By the e-mail address.
    Email,
}

/// Dates of an award, and what was done to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// Day of the award.
    pub awarded_on: NaiveDate,
    /// First day on which it no longer counts; `None` if it never expires.
    pub expires_on: Option<NaiveDate>,
    /// Whether it is suspended.
    pub is_suspended: bool,
    /// Whether it is revoked.
    pub is_revoked: bool,
}

impl Life {
    /// Returns the state on a day. What somebody did to an award goes before its expiry.
    pub fn state(&self, on: NaiveDate) -> AwardState {
        match (self.is_revoked, self.is_suspended, self.expires_on) {
            (true, _, _) => AwardState::Revoked,
            (_, true, _) => AwardState::Suspended,
            (_, _, Some(expires_on)) if expires_on <= on => AwardState::Expired,
            _ => AwardState::Active,
        }
    }

    /// Returns whether the award counts on a day: it is active, and not in the future.
    pub fn counts(&self, on: NaiveDate) -> bool {
        self.awarded_on <= on && self.state(on) == AwardState::Active
    }

    /// Returns whether the person holds the award on a day: it is active or suspended.
    pub fn is_held(&self, on: NaiveDate) -> bool {
        matches!(self.state(on), AwardState::Active | AwardState::Suspended)
    }

    /// Checks that an award can be suspended or revoked. Revoking what is suspended is possible.
    pub fn check_may_end(&self) -> Result<(), RecognitionRule> {
        if self.is_revoked { Err(RecognitionRule::AwardRevoked) } else { Ok(()) }
    }

    /// Checks that an award can be restored: a suspension ends, a revocation does not.
    pub fn check_may_be_restored(&self) -> Result<(), RecognitionRule> {
        self.check_may_end()?;
        if self.is_suspended { Ok(()) } else { Err(RecognitionRule::NotSuspended) }
    }

    /// Checks that an award can be renewed: it expires, and nobody has taken it back.
    pub fn check_may_be_renewed(&self) -> Result<(), RecognitionRule> {
        self.check_may_end()?;
        match (self.is_suspended, self.expires_on) {
            (true, _) => Err(RecognitionRule::AwardSuspended),
            (_, None) => Err(RecognitionRule::NeverExpires),
            _ => Ok(()),
        }
    }
}

/// Returns the first day on which an award no longer counts: as asked for, or else the badge's number of days after the award.
pub fn expires_on(
    awarded_on: NaiveDate,
    asked: Option<NaiveDate>,
    valid_days: Option<i64>,
) -> Result<Option<NaiveDate>, RecognitionRule> {
    let usual = || awarded_on.checked_add_days(Days::new(valid_days?.unsigned_abs()));
    match asked.or_else(usual) {
        Some(on) if on <= awarded_on => Err(RecognitionRule::ExpiresTooEarly { awarded_on }),
        expires_on => Ok(expires_on),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 5, day).expect("a date")
    }

    fn life() -> Life {
        Life { awarded_on: on(4), expires_on: Some(on(10)), is_suspended: false, is_revoked: false }
    }

    #[test]
    fn states() {
        for (life, day, expected) in [
            (life(), 9, AwardState::Active),
            (life(), 10, AwardState::Expired),
            (Life { expires_on: None, ..life() }, 31, AwardState::Active),
            (Life { is_suspended: true, ..life() }, 10, AwardState::Suspended),
            (Life { is_suspended: true, is_revoked: true, ..life() }, 9, AwardState::Revoked),
        ] {
            assert_eq!(life.state(on(day)), expected, "{life:?} {day}");
            let is_held = [AwardState::Active, AwardState::Suspended].contains(&expected);
            assert_eq!(life.is_held(on(day)), is_held, "{life:?} {day}");
        }
    }

    #[test]
    fn what_may_be_done() {
        use RecognitionRule::{AwardRevoked, AwardSuspended, NeverExpires, NotSuspended};
        let suspended = Life { is_suspended: true, ..life() };
        let revoked = Life { is_revoked: true, ..suspended };
        let lasting = Life { expires_on: None, ..life() };
        for (life, end, restore, renew) in [
            (life(), Ok(()), Err(NotSuspended), Ok(())),
            (suspended, Ok(()), Ok(()), Err(AwardSuspended)),
            (revoked, Err(AwardRevoked), Err(AwardRevoked), Err(AwardRevoked)),
            (lasting, Ok(()), Err(NotSuspended), Err(NeverExpires)),
        ] {
            assert_eq!(life.check_may_end(), end, "{life:?}");
            assert_eq!(life.check_may_be_restored(), restore, "{life:?}");
            assert_eq!(life.check_may_be_renewed(), renew, "{life:?}");
        }
    }

    #[test]
    fn expiry_is_asked_for_or_usual() {
        let early = Err(RecognitionRule::ExpiresTooEarly { awarded_on: on(4) });
        for (asked, valid_days, expected) in [
            (None, None, Ok(None)),
            (None, Some(6), Ok(Some(on(10)))),
            (Some(on(8)), Some(6), Ok(Some(on(8)))),
            (Some(on(5)), None, Ok(Some(on(5)))),
            (Some(on(4)), None, early),
        ] {
            assert_eq!(expires_on(on(4), asked, valid_days), expected, "{asked:?} {valid_days:?}");
        }
    }
}
