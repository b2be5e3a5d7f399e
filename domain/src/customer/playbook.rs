//! Playbooks: rules that react to changes of a customer's health, plans and usage by opening an intervention. This
//! module evaluates the rules only: it reads no data and opens nothing itself.

pub mod trigger;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use self::trigger::{Trigger, TriggerKind};
use crate::customer::intervention::{InterventionKind, Priority, Tier, check_tiers};
use crate::rule::{Rule as _, Violations, all_kept};
use crate::values::rule::ValueRule;
use crate::values::text::{ExternalRef, Key, Label, Name, Note};

/// Content of a playbook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlaybookContent, example = json!({
    "name": "Rescue", "trigger": {"kind": "band_entered", "bands": ["critical"]}, "conditions": {"segments": ["Enterprise"]},
    "action": {"kind": "coaching", "title": "Call the sponsor", "due_in_days": 2, "escalations": [{"after_days": 3,
    "to_name": "Head of customer success"}]},
    "cooldown_days": 14, "active": true
}))]
pub struct Playbook {
    /// Name.
    pub name: Name,
    /// Purpose of the playbook.
    pub description: Option<Note>,
    /// Trigger: the condition that the playbook reacts to.
    pub trigger: Trigger,
    /// Conditions that limit the playbook to certain customers.
    #[serde(default)]
    pub conditions: Conditions,
    /// Action that the playbook takes.
    pub action: Action,
    /// Cooldown: number of days after the playbook opens an intervention for a customer during which it opens no other
    /// for that customer, or for that milestone if the trigger is about milestones. Defaults to 14.
    #[serde(default = "usual_cooldown")]
    #[schema(minimum = 0, maximum = 365, default = 14)]
    pub cooldown_days: u32,
    /// Whether nothing is opened for what an intervention of the playbook that is not done was opened for. Defaults to true.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub one_at_a_time: bool,
    /// Whether an intervention ends by itself, as not needed, once the trigger no longer holds for anything that it was opened for.
    /// Defaults to false.
    #[serde(default)]
    pub ends_when_over: bool,
    /// Whether the playbook is active. Defaults to true.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub active: bool,
}

const fn usual_cooldown() -> u32 {
    14
}

const fn yes() -> bool {
    true
}

/// Conditions that limit a playbook to certain customers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = PlaybookConditions, example = json!({"segments": ["Enterprise"], "minimum_annual_revenue_minor": 1_000_000}))]
pub struct Conditions {
    /// Segments that the playbook applies to. If empty, every customer matches, with or without a segment.
    #[schema(max_items = 100)]
    pub segments: Vec<Label>,
    /// Minimum annual revenue of the customer, in the smallest unit of the organization's currency. Customers without a
    /// recorded revenue do not match.
    #[schema(minimum = 0)]
    pub minimum_annual_revenue_minor: Option<i64>,
}

/// Action of a playbook: the intervention that it opens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlaybookAction, example = json!({"kind": "coaching", "title": "Call the sponsor", "owner_name": "Ana", "due_in_days": 2,
    "escalations": [{"after_days": 3, "to_name": "Head of customer success"}]}))]
pub struct Action {
    /// Kind of intervention.
    pub kind: InterventionKind,
    /// Task to be done.
    pub title: Name,
    /// Identifier of the owner, where a person is responsible.
    pub owner_id: Option<Uuid>,
    /// External reference of the owner. An e-mail address is taken, too.
    pub owner_ref: Option<ExternalRef>,
    /// Name of the owner: the person's, or free text for somebody outside. Has no effect where a person is named. Defaults to the
    /// customer's owner.
    #[serde(alias = "owner")]
    pub owner_name: Option<Name>,
    /// Whether the owner of the intervention changes with the customer's owner until it is done. Not allowed together with `owner`.
    /// Defaults to false.
    #[serde(default)]
    pub follows_owner: bool,
    /// Priority of the intervention. Defaults to `normal`.
    #[serde(default)]
    pub priority: Priority,
    /// Number of days from opening until the intervention is due.
    #[schema(minimum = 0, maximum = 365)]
    pub due_in_days: u32,
    /// Escalation tiers for an intervention that is not done, in order of increasing `after_days`.
    #[serde(default)]
    #[schema(max_items = 10)]
    pub escalations: Vec<Tier>,
}

impl Action {
    /// Returns the people who are given interventions, or to whom these are escalated.
    pub fn people(&self) -> impl Iterator<Item = Uuid> {
        self.owner_id.into_iter().chain(self.escalations.iter().filter_map(|tier| tier.to_id))
    }
}

/// A playbook: a rule that reacts to a change of customers' health and opens interventions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlaybookDraft, example = json!({
    "key": "rescue", "content": {
        "name": "Rescue", "description": null, "trigger": {"kind": "band_entered", "bands": ["critical"]}, "conditions": {"segments": []},
        "action": {"kind": "coaching", "title": "Call the sponsor", "owner_name": null, "follows_owner": true, "priority": "high",
        "due_in_days": 2,
            "escalations": []},
        "cooldown_days": 14, "one_at_a_time": true, "ends_when_over": false, "active": true
    }
}))]
pub struct KeyedPlaybook {
    /// Key. Unique within the organization.
    pub key: Key,
    /// Content of the playbook.
    pub content: Playbook,
}

impl Playbook {
    /// Checks the rules that a schema cannot express.
    pub fn check(&self) -> Result<(), Violations> {
        let mut violations = Violations::new();
        let trigger = &self.trigger;
        let mut need = |kinds: &[TriggerKind], name: &str, is_given: bool, what: &'static str| {
            let is_needed = kinds.contains(&trigger.kind);
            let at = format!("/trigger/{name}");
            if is_needed && !is_given && !what.is_empty() {
                violations.push(ValueRule::Required { what }.at(at));
            } else if !is_needed && is_given {
                violations.push(ValueRule::Unused { unless: "the trigger's kind uses it" }.at(at));
            }
        };
        let milestones = [
            TriggerKind::MilestoneMissed,
            TriggerKind::MilestoneAtRisk,
            TriggerKind::MilestoneAchieved,
            TriggerKind::MilestoneEarly,
        ];
        need(&[TriggerKind::BandEntered], "bands", !trigger.bands.is_empty(), "at least one band");
        need(&milestones, "milestone", trigger.milestone.is_some(), "");
        need(&[TriggerKind::MilestoneMissed], "grace_days", trigger.grace_days.is_some(), "");
        need(&[TriggerKind::SpiBelow], "below", trigger.below.is_some(), "the threshold");
        need(&[TriggerKind::RiskLevel], "level", trigger.level.is_some(), "the level");
        let changes = [TriggerKind::FactorDrop, TriggerKind::FactorRise];
        let timed = [
            TriggerKind::NoEvent,
            TriggerKind::NeverActivated,
            TriggerKind::MilestoneEarly,
            TriggerKind::RenewalDue,
            TriggerKind::FactorDrop,
            TriggerKind::FactorRise,
        ];
        need(&timed, "days", trigger.days.is_some(), "the number of days");
        need(&[TriggerKind::Champion], "tier", trigger.tier.is_some(), "the tier");
        let impact = [TriggerKind::VerifiedImpact];
        need(&impact, "at_least_minor", trigger.at_least_minor.is_some(), "the amount");
        need(&impact, "currency", trigger.currency.is_some(), "the currency");
        need(&changes, "factor", trigger.factor.is_some(), "");
        need(&changes, "points", trigger.points.is_some(), "the number of points");
        let has_owner =
            self.action.owner_name.is_some() || self.action.owner_id.is_some() || self.action.owner_ref.is_some();
        if self.action.follows_owner && has_owner {
            violations.push(ValueRule::Unused { unless: "owner_name is left out" }.at("/action/follows_owner"));
        }
        violations.extend(check_tiers(&self.action.escalations, "/action"));
        all_kept(violations)
    }

    /// Whether the playbook applies to a customer with the given segment and annual revenue.
    pub fn admits(&self, segment: Option<&str>, annual_revenue_minor: Option<i64>) -> bool {
        let Conditions { segments, minimum_annual_revenue_minor } = &self.conditions;
        let is_of_segment =
            segments.is_empty() || segment.is_some_and(|own| segments.iter().any(|one| one.as_str() == own));
        is_of_segment
            && minimum_annual_revenue_minor.is_none_or(|least| annual_revenue_minor.is_some_and(|own| own >= least))
    }
}

/// Playbooks for tests.
#[cfg(test)]
pub(super) mod samples {
    use super::*;

    /// Returns a trigger of a kind, with nothing else.
    pub fn trigger(kind: TriggerKind) -> Trigger {
        Trigger {
            kind,
            bands: vec![],
            milestone: None,
            grace_days: None,
            below: None,
            level: None,
            days: None,
            factor: None,
            points: None,
            tier: None,
            at_least_minor: None,
            currency: None,
        }
    }

    /// Returns a playbook with a trigger.
    pub fn playbook(trigger: Trigger) -> Playbook {
        let text = |text: &str| Name::parse(text).expect("a name");
        let action = Action {
            kind: InterventionKind::Coaching,
            title: text("Call"),
            owner_id: None,
            owner_ref: None,
            owner_name: None,
            follows_owner: false,
            priority: Priority::Normal,
            due_in_days: 2,
            escalations: vec![],
        };
        Playbook {
            name: text("P"),
            description: None,
            trigger,
            conditions: Conditions::default(),
            action,
            cooldown_days: 14,
            one_at_a_time: true,
            ends_when_over: false,
            active: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::samples::{playbook, trigger};
    use super::*;

    #[test]
    fn what_a_playbook_must_be() {
        let broken = |trigger: Trigger| {
            let found = playbook(trigger).check().err().unwrap_or_default();
            found.into_iter().map(|violation| (violation.at, violation.code)).collect::<Vec<_>>()
        };
        let at = |place: &str, code| (place.to_owned(), code);
        assert_eq!(broken(trigger(TriggerKind::Champion)), [at("/trigger/tier", "required")]);
        assert_eq!(
            broken(trigger(TriggerKind::VerifiedImpact)),
            [at("/trigger/at_least_minor", "required"), at("/trigger/currency", "required")]
        );
        assert_eq!(broken(trigger(TriggerKind::BandEntered)), [at("/trigger/bands", "required")]);
        assert_eq!(
            broken(trigger(TriggerKind::FactorDrop)),
            [at("/trigger/days", "required"), at("/trigger/points", "required")]
        );
        assert_eq!(
            broken(Trigger { below: Some(1.0), ..trigger(TriggerKind::MilestoneMissed) }),
            [at("/trigger/below", "unused")]
        );
        let mut tiers = playbook(trigger(TriggerKind::MilestoneMissed));
        let to = Name::parse("Head").expect("a label");
        tiers.action.escalations = [5, 5].map(|after_days| Tier::to_name(after_days, to.clone())).to_vec();
        assert_eq!(tiers.check().expect_err("out of order")[0].at, "/action/escalations/1/after_days");
    }

    #[test]
    fn conditions_and_cooldown() {
        let mut one = playbook(trigger(TriggerKind::MilestoneMissed));
        assert!(one.admits(None, None));
        one.conditions = Conditions {
            segments: vec![Label::parse("SMB").expect("a label")],
            minimum_annual_revenue_minor: Some(100),
        };
        assert!(one.admits(Some("SMB"), Some(100)) && !one.admits(Some("SMB"), None) && !one.admits(None, Some(100)));
        let day = |day| NaiveDate::from_ymd_opt(2026, 5, day).expect("a date");
        assert!(one.is_cool(None, day(1)) && !one.is_cool(Some(day(1)), day(15)) && one.is_cool(Some(day(1)), day(16)));
    }
}
