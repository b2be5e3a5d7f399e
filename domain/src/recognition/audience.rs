//! Audiences: who sees what somebody has achieved.

use uuid::Uuid;

use super::award::AwardState;
use super::deed::RecognitionConsent;
use super::rule::RecognitionRule;

/// Those who look at achievements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Audience {
    /// The world.
    World,
    /// The organization.
    Organization,
    /// Participants of a customer.
    Participants {
        /// Identifier of the customer.
        of: Uuid,
    },
}

impl Audience {
    /// Returns whether an audience sees the achievements of somebody who belongs to a customer, or to none. Participants see those of the same
    /// customer.
    pub fn sees(self, consent: RecognitionConsent, customer_id: Option<Uuid>) -> bool {
        match self {
            Self::World => consent == RecognitionConsent::Public,
            Self::Organization => consent != RecognitionConsent::Private,
            Self::Participants { of } => consent != RecognitionConsent::Private && customer_id == Some(of),
        }
    }
}

/// Returns whether a portfolio shows an award: one that counts or has expired, and to the world only one that its holder has published.
pub fn shows_award(audience: Audience, state: AwardState, is_published: bool) -> bool {
    let is_held = matches!(state, AwardState::Active | AwardState::Expired);
    is_held && (is_published || audience != Audience::World)
}

/// Checks that an award can be shown to the world: people decide for themselves, and others may for whoever shows achievements at all.
pub fn may_publish(consent: RecognitionConsent, is_own: bool) -> Result<(), RecognitionRule> {
    if is_own || consent != RecognitionConsent::Private { Ok(()) } else { Err(RecognitionRule::OptedOut) }
}

/// Checks that somebody can congratulate: once, and nobody themselves.
pub fn may_congratulate(is_own: bool, has_congratulated: bool) -> Result<(), RecognitionRule> {
    match (is_own, has_congratulated) {
        (true, _) => Err(RecognitionRule::OwnCelebration),
        (false, true) => Err(RecognitionRule::CongratulatedAlready),
        (false, false) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sees_what() {
        use RecognitionConsent::{Organization, Private, Public};
        let (own, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        for (consent, customer_id, world, organization, participants) in [
            (Private, Some(own), false, false, false),
            (Organization, Some(own), false, true, true),
            (Organization, Some(other), false, true, false),
            (Organization, None, false, true, false),
            (Public, Some(own), true, true, true),
            (Public, None, true, true, false),
        ] {
            let audiences = [Audience::World, Audience::Organization, Audience::Participants { of: own }];
            let seen = audiences.map(|audience| audience.sees(consent, customer_id));
            assert_eq!(seen, [world, organization, participants], "{consent} {customer_id:?}");
        }
    }

    #[test]
    fn awards_in_portfolios() {
        use AwardState::{Active, Expired, Revoked, Suspended};
        for (state, is_published, world, organization) in [
            (Active, true, true, true),
            (Active, false, false, true),
            (Expired, true, true, true),
            (Suspended, true, false, false),
            (Revoked, true, false, false),
        ] {
            let seen =
                [Audience::World, Audience::Organization].map(|audience| shows_award(audience, state, is_published));
            assert_eq!(seen, [world, organization], "{state} {is_published}");
        }
    }

    #[test]
    fn who_publishes_and_congratulates() {
        use RecognitionConsent::{Organization, Private};
        assert_eq!([may_publish(Private, true), may_publish(Organization, false)], [Ok(()), Ok(())]);
        assert_eq!(may_publish(Private, false), Err(RecognitionRule::OptedOut));
        assert_eq!(may_congratulate(false, false), Ok(()));
        assert_eq!(may_congratulate(true, true), Err(RecognitionRule::OwnCelebration));
        assert_eq!(may_congratulate(false, true), Err(RecognitionRule::CongratulatedAlready));
    }
}
