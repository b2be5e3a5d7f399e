//! Playbooks: rules that react to changes of a customer's health, plans and usage by opening an intervention. This
//! module evaluates the rules only: it reads no data and opens nothing itself.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::ToSchema;

use crate::customer::health::band::Band;
use crate::customer::risk::Level;
use crate::customer::rule::CustomerRule;
use crate::plan::schedule::Status;
use crate::rule::{Rule as _, Violations, all_kept};
use crate::values::dates::days_between;
use crate::values::rule::ValueRule;
use crate::values::text::{Key, Label, Name, Note};

/// Content of a playbook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlaybookContent, example = json!({
    "name": "Rescue", "trigger": {"kind": "band_entered", "bands": ["critical"]}, "conditions": {"segments": ["Enterprise"]},
    "action": {"kind": "coaching", "title": "Call the sponsor", "due_in_days": 2, "escalations": [{"after_days": 3, "to": "Head of customer success"}]},
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

/// Trigger of a playbook. The playbook reacts when the trigger's condition starts to hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlaybookTrigger, example = json!({"kind": "milestone_missed", "milestone": "first-value", "grace_days": 3}))]
pub struct Trigger {
    /// Kind of trigger. It determines the fields that are required or allowed.
    pub kind: TriggerKind,
    /// `band_entered`: bands that trigger the playbook.
    #[serde(default)]
    #[schema(max_items = 4)]
    pub bands: Vec<Band>,
    /// `milestone_…`: key of the milestone, in any plan. If omitted, any milestone triggers the playbook.
    #[serde(default)]
    pub milestone: Option<Key>,
    /// `milestone_missed`: number of days of grace after the planned date. Defaults to 0.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 365)]
    pub grace_days: Option<u32>,
    /// `spi_below`: threshold for the schedule performance index (SPI).
    #[serde(default)]
    #[schema(minimum = 0, maximum = 10)]
    pub below: Option<f64>,
    /// `risk_level`: lowest risk level that triggers the playbook.
    #[serde(default)]
    pub level: Option<Level>,
    /// `no_event` and `never_activated`: number of days without a usage event. `milestone_early`: number of days before the planned date, in
    /// the plan's calendar. `renewal_due`: number of days before the renewal date. `factor_drop` and `factor_rise`: number of days back to
    /// the day of comparison.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 365)]
    pub days: Option<u32>,
    /// `factor_drop` and `factor_rise`: key of the factor. If omitted, any factor triggers the playbook.
    #[serde(default)]
    pub factor: Option<Key>,
    /// `factor_drop` and `factor_rise`: minimum change of the factor's sub-score, in points.
    #[serde(default)]
    #[schema(minimum = 0.1, maximum = 100)]
    pub points: Option<f64>,
}

/// Kind of trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schema(as = PlaybookTriggerKind)]
pub enum TriggerKind {
    /// Customer's band is one of the given bands.
    BandEntered,
    /// Milestone's planned date and its days of grace have passed.
    MilestoneMissed,
    /// Milestone is at risk or delayed.
    MilestoneAtRisk,
    /// Milestone is achieved.
    MilestoneAchieved,
    /// Milestone is achieved or expected at least the given number of days before its planned date.
    MilestoneEarly,
    /// Plan's schedule performance index (SPI) is below the threshold.
    SpiBelow,
    /// Customer's risk is at the given level or higher.
    RiskLevel,
    /// No usage event for the given number of days. Customers without any usage event never match: see `never_activated`.
    NoEvent,
    /// No usage event at all, for the given number of days since the customer became one or the organization began to report usage.
    NeverActivated,
    /// Factor's sub-score has dropped by at least the given number of points compared with an earlier day.
    FactorDrop,
    /// Customer's renewal date is at most the given number of days ahead, or today.
    RenewalDue,
    /// Factor's sub-score has risen by at least the given number of points compared with an earlier day.
    FactorRise,
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
#[schema(as = PlaybookAction, example = json!({"kind": "coaching", "title": "Call the sponsor", "owner": "Ana", "due_in_days": 2,
    "escalations": [{"after_days": 3, "to": "Head of customer success"}]}))]
pub struct Action {
    /// Kind of intervention.
    pub kind: InterventionKind,
    /// Task to be done.
    pub title: Name,
    /// Owner: the person responsible. Defaults to the customer's owner.
    pub owner: Option<Label>,
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

/// A playbook: a rule that reacts to a change of customers' health and opens interventions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlaybookDraft, example = json!({
    "key": "rescue", "content": {
        "name": "Rescue", "description": null, "trigger": {"kind": "band_entered", "bands": ["critical"]}, "conditions": {"segments": []},
        "action": {"kind": "coaching", "title": "Call the sponsor", "owner": null, "follows_owner": true, "priority": "high", "due_in_days": 2,
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

/// Tier of escalation for an intervention that is not done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EscalationTier, example = json!({"after_days": 3, "to": "Head of customer success"}))]
pub struct Tier {
    /// Number of days after opening. Must be greater than in the previous tier.
    #[schema(minimum = 1, maximum = 365)]
    pub after_days: u32,
    /// Person or role that the intervention is escalated to.
    pub to: Label,
}

/// Kind of intervention for a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum InterventionKind {
    /// Coaching and guidance toward a milestone.
    Coaching,
    /// Additional material and training.
    Resources,
    /// Help from a peer mentor.
    PeerMentor,
    /// Session with an expert.
    ExpertSession,
    /// Adjustment of the plan.
    PlanAdjustment,
    /// Faster route through the milestones.
    FastTrack,
    /// Intensive support for a limited time.
    IntensiveSupport,
    /// Advanced material that other customers do not get.
    AdvancedResources,
    /// Help with implementation ahead of other customers.
    PriorityImplementation,
    /// Recognition earlier than usual.
    ExpeditedRecognition,
    /// Any other intervention.
    Other,
}

/// Priority of an intervention.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schema(as = InterventionPriority)]
pub enum Priority {
    /// When there is time.
    Low,
    /// In its turn.
    #[default]
    Normal,
    /// Before others.
    High,
    /// Before everything else.
    Urgent,
}

/// A customer's situation on a day, reduced to the facts that playbooks use.
#[derive(Debug, Clone, PartialEq)]
pub struct Situation {
    /// Health band.
    pub band: Band,
    /// Risk level.
    pub risk: Level,
    /// Days since the last usage event; `None` if there was none.
    pub days_since_event: Option<i64>,
    /// Days for which it could have begun to use the product and has not; `None` if it has, or if nobody would know.
    pub days_without_activation: Option<i64>,
    /// Days until the renewal date; `None` if it is not known or has passed.
    pub days_to_renewal: Option<i64>,
    /// Key and sub-score of each factor; `None` for a factor without a sub-score.
    pub sub_scores: Vec<(String, Option<f64>)>,
    /// Plans that are not archived at the end of that day.
    pub plans: Vec<PlanSituation>,
}

/// A plan's situation on a day.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanSituation {
    /// Identifier of the plan.
    pub id: String,
    /// Schedule performance index (SPI), if it is defined.
    pub spi: Option<f64>,
    /// Milestones.
    pub milestones: Vec<MilestoneSituation>,
}

/// A milestone's situation on a day.
#[derive(Debug, Clone, PartialEq)]
pub struct MilestoneSituation {
    /// Key.
    pub key: String,
    /// Status.
    pub status: Status,
    /// Number of days by which it is overdue, if it is open and overdue.
    pub overdue_days: Option<i64>,
    /// Reckoned date minus planned date, in days of the plan's calendar; negative means early.
    pub variance_days: i64,
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
        need(&changes, "factor", trigger.factor.is_some(), "");
        need(&changes, "points", trigger.points.is_some(), "the number of points");
        if self.action.follows_owner && self.action.owner.is_some() {
            violations.push(ValueRule::Unused { unless: "owner is left out" }.at("/action/follows_owner"));
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

impl Trigger {
    /// Returns the number of days back that the trigger compares with, if it compares at all.
    pub fn compares_with(&self) -> Option<u32> {
        self.days.filter(|_| matches!(self.kind, TriggerKind::FactorDrop | TriggerKind::FactorRise))
    }

    /// Returns the subjects for which the trigger holds: milestones, plans, factors, or the customer itself (an empty
    /// string). `earlier` is the situation [`Self::compares_with`] days before.
    pub fn holds_for(&self, now: &Situation, earlier: Option<&Situation>) -> Vec<String> {
        let whole = |holds: bool| if holds { vec![String::new()] } else { vec![] };
        match self.kind {
            TriggerKind::BandEntered => whole(self.bands.contains(&now.band)),
            TriggerKind::RiskLevel => whole(self.level.is_some_and(|level| now.risk >= level)),
            TriggerKind::NoEvent => whole(self.is_over(now.days_since_event)),
            TriggerKind::NeverActivated => whole(self.is_over(now.days_without_activation)),
            TriggerKind::SpiBelow => {
                let is_below = |plan: &&PlanSituation| plan.spi.zip(self.below).is_some_and(|(spi, below)| spi < below);
                now.plans.iter().filter(is_below).map(|plan| plan.id.clone()).collect()
            }
            TriggerKind::MilestoneMissed => {
                let grace_days = self.grace_days.map_or(0, i64::from);
                self.milestones(now, |one| one.overdue_days.is_some_and(|days| days > grace_days))
            }
            TriggerKind::MilestoneAtRisk => {
                self.milestones(now, |one| matches!(one.status, Status::AtRisk | Status::Delayed))
            }
            TriggerKind::MilestoneAchieved => self.milestones(now, |one| one.status == Status::Achieved),
            TriggerKind::MilestoneEarly => {
                let least = self.days.map_or(i64::MAX, i64::from);
                let is_meant = |status| matches!(status, Status::Achieved | Status::OnTrack);
                self.milestones(now, |one| is_meant(one.status) && -one.variance_days >= least)
            }
            TriggerKind::RenewalDue => {
                let most = self.days.map_or(-1, i64::from);
                whole(now.days_to_renewal.is_some_and(|days| days <= most))
            }
            TriggerKind::FactorDrop => self.changed(now, earlier, |before, now| before - now),
            TriggerKind::FactorRise => self.changed(now, earlier, |before, now| now - before),
        }
    }

    fn is_over(&self, days: Option<i64>) -> bool {
        days.is_some_and(|days| self.days.is_some_and(|least| days >= i64::from(least)))
    }

    fn milestones(&self, now: &Situation, holds: impl Fn(&MilestoneSituation) -> bool) -> Vec<String> {
        let is_meant = |key: &str| self.milestone.as_ref().is_none_or(|wanted| wanted.as_str() == key);
        let of = |plan: &PlanSituation| {
            let own = plan.milestones.iter().filter(|one| is_meant(&one.key) && holds(one));
            own.map(|one| format!("{}/{}", plan.id, one.key)).collect::<Vec<_>>()
        };
        now.plans.iter().flat_map(of).collect()
    }

    fn changed(&self, now: &Situation, earlier: Option<&Situation>, change: fn(f64, f64) -> f64) -> Vec<String> {
        let (Some(earlier), Some(points)) = (earlier, self.points) else { return vec![] };
        let has_changed = |(key, worth): &&(String, Option<f64>)| {
            let is_meant = self.factor.as_ref().is_none_or(|wanted| wanted.as_str() == key);
            let before = earlier.sub_scores.iter().find(|(own, _)| own == key).and_then(|(_, worth)| *worth);
            is_meant && before.zip(*worth).is_some_and(|(before, now)| change(before, now) >= points)
        };
        now.sub_scores.iter().filter(has_changed).map(|(key, _)| key.clone()).collect()
    }
}

/// Checks that each tier comes later than the previous tier.
pub fn check_tiers(tiers: &[Tier], at: &str) -> Violations {
    let pairs = tiers.windows(2).enumerate().filter(|(_, pair)| pair[1].after_days <= pair[0].after_days);
    pairs
        .map(|(index, _)| CustomerRule::TiersOutOfOrder.at(format!("{at}/escalations/{}/after_days", index + 1)))
        .collect()
}

/// Returns the recipient that an open intervention has been escalated to: that of the last tier whose days have passed. One that is
/// snoozed escalates to nobody.
pub fn escalated_to(
    tiers: &[Tier],
    opened_on: NaiveDate,
    snoozed_until: Option<NaiveDate>,
    today: NaiveDate,
) -> Option<&Label> {
    if snoozed_until.is_some_and(|until| today < until) {
        return None;
    }
    tiers.iter().rfind(|tier| days_between(opened_on, today) >= i64::from(tier.after_days)).map(|tier| &tier.to)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trigger(kind: TriggerKind) -> Trigger {
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
        }
    }

    fn playbook(trigger: Trigger) -> Playbook {
        let text = |text: &str| Name::parse(text).expect("a name");
        let action = Action {
            kind: InterventionKind::Coaching,
            title: text("Call"),
            owner: None,
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

    fn situation() -> Situation {
        let milestones =
            [("a", Status::Achieved, None, -5), ("b", Status::AtRisk, Some(3), 3), ("c", Status::OnTrack, None, -2)];
        let milestones = milestones
            .map(|(key, status, overdue_days, variance_days)| MilestoneSituation {
                key: key.to_owned(),
                status,
                overdue_days,
                variance_days,
            })
            .to_vec();
        Situation {
            band: Band::AtRisk,
            risk: Level::High,
            days_since_event: Some(12),
            days_without_activation: Some(20),
            days_to_renewal: Some(30),
            sub_scores: vec![("usage".to_owned(), Some(40.0)), ("pulse".to_owned(), None)],
            plans: vec![PlanSituation { id: "p".to_owned(), spi: Some(0.8), milestones }],
        }
    }

    #[test]
    fn each_trigger() {
        let earlier = Situation {
            sub_scores: vec![("usage".to_owned(), Some(70.0)), ("pulse".to_owned(), Some(90.0))],
            ..situation()
        };
        let base = trigger;
        for (trigger, expected) in [
            (Trigger { bands: vec![Band::AtRisk, Band::Critical], ..base(TriggerKind::BandEntered) }, vec![""]),
            (Trigger { bands: vec![Band::Healthy], ..base(TriggerKind::BandEntered) }, vec![]),
            (Trigger { level: Some(Level::Medium), ..base(TriggerKind::RiskLevel) }, vec![""]),
            (Trigger { level: Some(Level::Critical), ..base(TriggerKind::RiskLevel) }, vec![]),
            (Trigger { days: Some(12), ..base(TriggerKind::NoEvent) }, vec![""]),
            (Trigger { days: Some(13), ..base(TriggerKind::NoEvent) }, vec![]),
            (Trigger { days: Some(5), ..base(TriggerKind::MilestoneEarly) }, vec!["p/a"]),
            (Trigger { days: Some(2), ..base(TriggerKind::MilestoneEarly) }, vec!["p/a", "p/c"]),
            (Trigger { days: Some(30), ..base(TriggerKind::RenewalDue) }, vec![""]),
            (Trigger { days: Some(29), ..base(TriggerKind::RenewalDue) }, vec![]),
            (Trigger { days: Some(20), ..base(TriggerKind::NeverActivated) }, vec![""]),
            (Trigger { days: Some(21), ..base(TriggerKind::NeverActivated) }, vec![]),
            (Trigger { days: Some(7), points: Some(1.0), ..base(TriggerKind::FactorRise) }, vec![]),
            (Trigger { below: Some(0.9), ..base(TriggerKind::SpiBelow) }, vec!["p"]),
            (Trigger { below: Some(0.8), ..base(TriggerKind::SpiBelow) }, vec![]),
            (base(TriggerKind::MilestoneMissed), vec!["p/b"]),
            (Trigger { grace_days: Some(3), ..base(TriggerKind::MilestoneMissed) }, vec![]),
            (base(TriggerKind::MilestoneAtRisk), vec!["p/b"]),
            (base(TriggerKind::MilestoneAchieved), vec!["p/a"]),
            (Trigger { milestone: Key::parse("b").ok(), ..base(TriggerKind::MilestoneAchieved) }, vec![]),
            (Trigger { days: Some(7), points: Some(30.0), ..base(TriggerKind::FactorDrop) }, vec!["usage"]),
            (Trigger { days: Some(7), points: Some(30.5), ..base(TriggerKind::FactorDrop) }, vec![]),
        ] {
            assert_eq!(trigger.holds_for(&situation(), Some(&earlier)), expected, "{trigger:?}");
        }
    }

    #[test]
    fn what_a_playbook_must_be() {
        let broken = |trigger: Trigger| {
            let found = playbook(trigger).check().err().unwrap_or_default();
            found.into_iter().map(|violation| (violation.at, violation.code)).collect::<Vec<_>>()
        };
        let at = |place: &str, code| (place.to_owned(), code);
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
        let to = Label::parse("Head").expect("a label");
        tiers.action.escalations = [5, 5].map(|after_days| Tier { after_days, to: to.clone() }).to_vec();
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
        let tiers =
            [(2, "A"), (5, "B")].map(|(after_days, to)| Tier { after_days, to: Label::parse(to).expect("a label") });
        let to = |on| escalated_to(&tiers, day(1), None, day(on)).map(Label::as_str);
        assert_eq!([2, 3, 6].map(to), [None, Some("A"), Some("B")]);
        assert_eq!(escalated_to(&tiers, day(1), Some(day(8)), day(7)), None, "while it is snoozed");
    }
}
