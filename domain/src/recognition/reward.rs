//! Rewards: what an achievement grants, from the grant to its use.

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::ToSchema;

use super::rule::RecognitionRule;
use crate::rule::{Rule as _, Violations, all_kept};
use crate::values::rule::ValueRule;
use crate::values::text::{Currency, Key, Name, Note};

/// Kind of reward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum RewardKind {
    /// Use of a feature.
    FeatureAccess,
    /// Support before others.
    PrioritySupport,
    /// Invitation to an event.
    EventInvitation,
    /// Slot to speak at an event.
    SpeakingSlot,
    /// Role as a mentor.
    MentorRole,
    /// Seat on an advisory board.
    AdvisoryBoard,
    /// Share of revenue.
    RevenueShare,
    /// Reward of your own.
    #[default]
    Other,
}

/// Reward that people can be granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "key": "summit-ticket", "name": "Ticket to the summit", "description": "Two days in June, travel included.", "kind": "event_invitation",
    "cost_minor": 90_000, "currency": "EUR", "stock": 20, "valid_days": 90, "is_immediate": false, "is_repeatable": false,
    "for_badges": ["innovator"], "archived": false
}))]
pub struct RewardContent {
    /// Key.
    pub key: Key,
    /// Name.
    pub name: Name,
    /// Description.
    pub description: Option<Note>,
    /// Kind. Defaults to `other`.
    #[serde(default)]
    pub kind: RewardKind,
    /// Cost of one, in the smallest unit of the currency. What costs is approved by somebody before it is fulfilled.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    pub cost_minor: Option<i64>,
    /// Currency of the cost.
    pub currency: Option<Currency>,
    /// Number that can be claimed in all; null for any number.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    pub stock: Option<i64>,
    /// Number of days after which a grant expires; null if it never does.
    #[schema(minimum = 1, maximum = 36_500)]
    pub valid_days: Option<i64>,
    /// Whether it can be used as soon as it is granted: nobody claims or fulfils it. Not for what costs. Defaults to `false`.
    #[serde(default)]
    pub is_immediate: bool,
    /// Whether the same person can have it more than once at a time. Defaults to `false`.
    #[serde(default)]
    pub is_repeatable: bool,
    /// Keys of badges: whoever is awarded one of them is granted the reward.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub for_badges: Vec<Key>,
    /// Whether the reward is archived: nobody is granted it any more.
    #[serde(default)]
    pub archived: bool,
}

impl RewardContent {
    /// Returns a reward that costs nothing and has no limits.
    pub const fn named(key: Key, name: Name, kind: RewardKind) -> Self {
        Self {
            key,
            name,
            description: None,
            kind,
            cost_minor: None,
            currency: None,
            stock: None,
            valid_days: None,
            is_immediate: false,
            is_repeatable: false,
            for_badges: vec![],
            archived: false,
        }
    }

    /// Returns whether somebody has to approve it.
    pub fn needs_approval(&self) -> bool {
        self.cost_minor.is_some_and(|cost| cost > 0)
    }

    /// Checks the reward as a whole.
    pub fn check(&self) -> Result<(), Violations> {
        let mut violations = vec![];
        match (self.cost_minor.is_some(), self.currency.is_some()) {
            (true, false) => violations.push(ValueRule::Required { what: "the currency of the cost" }.at("/currency")),
            (false, true) => violations.push(ValueRule::Unused { unless: "cost_minor is given" }.at("/currency")),
            _ => {}
        }
        if self.is_immediate && self.needs_approval() {
            violations.push(RecognitionRule::CostsSomething.at("/is_immediate"));
        }
        for (index, key) in self.for_badges.iter().enumerate() {
            if self.for_badges[..index].contains(key) {
                violations.push(ValueRule::RepeatedKey { key: key.to_string() }.at(format!("/for_badges/{index}")));
            }
        }
        all_kept(violations)
    }

    /// Returns the first day on which a grant no longer counts.
    pub fn expires_on(&self, granted_on: NaiveDate) -> Option<NaiveDate> {
        granted_on.checked_add_days(Days::new(self.valid_days?.unsigned_abs()))
    }
}

/// Step of a grant that was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum GrantStep {
    /// The person can claim it.
    Granted,
    /// The person has claimed it, and somebody has to approve it.
    Claimed,
    /// It waits for being fulfilled.
    Approved,
    /// The person has it.
    Fulfilled,
    /// It was taken back, or not approved.
    Canceled,
}

/// State of a grant on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum GrantState {
    /// The person can claim it.
    Granted,
    /// The person has claimed it, and somebody has to approve it.
    Claimed,
    /// It waits for being fulfilled.
    Approved,
    /// The person has it.
    Fulfilled,
    /// Its time is over.
    Expired,
    /// It was taken back, or not approved.
    Canceled,
}

/// Action on a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display)]
#[strum(serialize_all = "snake_case")]
pub enum GrantAction {
    /// The person wants it.
    Claim,
    /// Somebody agrees to its cost.
    Approve,
    /// Somebody hands it over.
    Fulfill,
    /// Somebody takes it back, or does not agree.
    Cancel,
}

/// Returns the state on a day: what is not canceled expires.
pub fn state(step: GrantStep, expires_on: Option<NaiveDate>, on: NaiveDate) -> GrantState {
    match step {
        GrantStep::Canceled => GrantState::Canceled,
        _ if expires_on.is_some_and(|expires_on| expires_on <= on) => GrantState::Expired,
        GrantStep::Granted => GrantState::Granted,
        GrantStep::Claimed => GrantState::Claimed,
        GrantStep::Approved => GrantState::Approved,
        GrantStep::Fulfilled => GrantState::Fulfilled,
    }
}

/// Returns the step that an action leads to. What costs something waits for approval once it is claimed.
pub fn step(from: GrantState, action: GrantAction, needs_approval: bool) -> Result<GrantStep, RecognitionRule> {
    match (from, action) {
        (GrantState::Granted, GrantAction::Claim) if needs_approval => Ok(GrantStep::Claimed),
        (GrantState::Granted, GrantAction::Claim) | (GrantState::Claimed, GrantAction::Approve) => {
            Ok(GrantStep::Approved)
        }
        (GrantState::Approved, GrantAction::Fulfill) => Ok(GrantStep::Fulfilled),
        (GrantState::Expired | GrantState::Canceled, _) => Err(RecognitionRule::GrantOver { state: from.to_string() }),
        (_, GrantAction::Cancel) => Ok(GrantStep::Canceled),
        _ => Err(RecognitionRule::NotTheNextStep { state: from.to_string() }),
    }
}

/// Checks that somebody may take a step with a grant: nobody approves their own.
pub fn check_actor(action: GrantAction, is_own: bool) -> Result<(), RecognitionRule> {
    if is_own && action == GrantAction::Approve { Err(RecognitionRule::OwnReward) } else { Ok(()) }
}

/// Checks that one more can be claimed of a stock from which some were taken.
pub fn check_stock(stock: Option<i64>, taken: i64) -> Result<(), RecognitionRule> {
    if stock.is_some_and(|stock| taken >= stock) { Err(RecognitionRule::OutOfStock) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn on(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 5, day).expect("a date")
    }

    #[test]
    fn rewards_hang_together() {
        for (more, expected) in [
            (json!({}), vec![]),
            (json!({ "cost_minor": 5 }), vec![("/currency", "required")]),
            (json!({ "currency": "EUR" }), vec![("/currency", "unused")]),
            (
                json!({ "cost_minor": 5, "currency": "EUR", "is_immediate": true }),
                vec![("/is_immediate", "costs_something")],
            ),
            (json!({ "cost_minor": 0, "currency": "EUR", "is_immediate": true }), vec![]),
            (json!({ "for_badges": ["a", "b", "a"] }), vec![("/for_badges/2", "repeated_key")]),
        ] {
            let mut all = json!({ "key": "k", "name": "N" });
            all.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            let reward: RewardContent = serde_json::from_value(all).expect("a reward");
            let found = reward.check().err().unwrap_or_default();
            assert_eq!(found.iter().map(|one| (one.at.as_str(), one.code)).collect::<Vec<_>>(), expected, "{more}");
        }
    }

    #[test]
    fn what_is_granted_expires() {
        let expires = Some(on(10));
        assert_eq!(state(GrantStep::Granted, expires, on(9)), GrantState::Granted);
        assert_eq!(state(GrantStep::Fulfilled, expires, on(10)), GrantState::Expired);
        assert_eq!(state(GrantStep::Canceled, expires, on(10)), GrantState::Canceled);
        assert_eq!(state(GrantStep::Approved, None, on(31)), GrantState::Approved);
    }

    #[test]
    fn one_step_after_another() {
        use GrantAction::{Approve, Cancel, Claim, Fulfill};
        use GrantState::{Approved, Canceled, Claimed, Expired, Fulfilled, Granted};
        let all = [Granted, Claimed, Approved, Fulfilled, Expired, Canceled];
        let table = [
            (Claim, false, [Some(GrantStep::Approved), None, None, None, None, None]),
            (Claim, true, [Some(GrantStep::Claimed), None, None, None, None, None]),
            (Approve, true, [None, Some(GrantStep::Approved), None, None, None, None]),
            (Fulfill, true, [None, None, Some(GrantStep::Fulfilled), None, None, None]),
            (Cancel, true, [Some(GrantStep::Canceled); 6]),
        ];
        for (action, needs_approval, expected) in table {
            for (from, expected) in all.into_iter().zip(expected) {
                let is_over = matches!(from, Expired | Canceled);
                let found = step(from, action, needs_approval);
                assert_eq!(found.clone().ok(), expected.filter(|_| !is_over), "{from} {action}");
                if is_over {
                    assert_eq!(found, Err(RecognitionRule::GrantOver { state: from.to_string() }));
                }
            }
        }
    }

    #[test]
    fn nobody_approves_their_own() {
        assert_eq!(check_actor(GrantAction::Approve, true), Err(RecognitionRule::OwnReward));
        let others = [(GrantAction::Approve, false), (GrantAction::Claim, true), (GrantAction::Cancel, true)];
        assert!(others.into_iter().all(|(action, is_own)| check_actor(action, is_own).is_ok()));
    }

    #[test]
    fn a_stock_runs_out() {
        assert_eq!([check_stock(None, 9), check_stock(Some(2), 1)], [Ok(()), Ok(())]);
        assert_eq!(check_stock(Some(2), 2), Err(RecognitionRule::OutOfStock));
    }
}
