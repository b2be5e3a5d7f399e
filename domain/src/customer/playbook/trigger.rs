//! Triggers of playbooks: conditions on a customer's situation on a day.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::ToSchema;

use crate::customer::health::band::Band;
use crate::customer::risk::Level;
use crate::plan::schedule::Status;
use crate::recognition::badge::BadgeTier;
use crate::recognition::signal::{Signal, SignalKind, currencies_with};
use crate::values::text::{Currency, Key};

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
    /// `no_event` and `never_activated`: number of days without a usage event. `milestone_early`: number of days before
    /// the planned date, in the plan's calendar. `renewal_due`: number of days before the renewal date. `factor_drop`
    /// and `factor_rise`: number of days back to the day of comparison.
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
    /// `champion`: lowest tier that triggers the playbook.
    #[serde(default)]
    pub tier: Option<BadgeTier>,
    /// `verified_impact`: amount for a year that triggers the playbook, in the smallest unit of the currency.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1_000_000_000_000_i64)]
    pub at_least_minor: Option<i64>,
    /// `verified_impact`: currency of the amount.
    #[serde(default)]
    pub currency: Option<Currency>,
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
    /// Somebody at the customer holds a badge of the given tier or a higher one.
    Champion,
    /// All of the customer's people in a program, at least two, have finished a level.
    TeamLevel,
    /// Verified impact of the customer's people adds up to the amount or more.
    VerifiedImpact,
    /// Somebody at the customer was granted a reward of which none is left to claim.
    EntitlementLimit,
}

impl TriggerKind {
    /// Returns whether the trigger is about what a customer's people have achieved.
    pub const fn is_about_people(self) -> bool {
        matches!(self, Self::Champion | Self::TeamLevel | Self::VerifiedImpact | Self::EntitlementLimit)
    }
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
    /// Sub-score of each factor.
    pub sub_scores: Vec<SubScore>,
    /// Signals from what the customer's people have achieved.
    pub signals: Vec<Signal>,
    /// Plans that are not archived at the end of that day.
    pub plans: Vec<PlanSituation>,
}

/// Key and sub-score of a factor; `None` if it has no sub-score.
pub type SubScore = (String, Option<f64>);

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

impl Trigger {
    /// Returns the number of days back that the trigger compares with, if it compares at all.
    pub fn compares_with(&self) -> Option<u32> {
        self.days.filter(|_| matches!(self.kind, TriggerKind::FactorDrop | TriggerKind::FactorRise))
    }

    /// Returns the subjects for which the trigger holds: milestones, plans, factors, or the customer itself (an empty
    /// string). `earlier` are the sub-scores [`Self::compares_with`] days before.
    pub fn holds_for(&self, now: &Situation, earlier: Option<&[SubScore]>) -> Vec<String> {
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
            TriggerKind::Champion => subjects(now, SignalKind::Champion, |signal| signal.tier >= self.tier),
            TriggerKind::TeamLevel => subjects(now, SignalKind::TeamLevel, |_| true),
            TriggerKind::EntitlementLimit => subjects(now, SignalKind::EntitlementLimit, |_| true),
            TriggerKind::VerifiedImpact => {
                let least = self.at_least_minor.unwrap_or(i64::MAX);
                currencies_with(&now.signals, self.currency.as_deref(), least)
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

    fn changed(&self, now: &Situation, earlier: Option<&[SubScore]>, change: fn(f64, f64) -> f64) -> Vec<String> {
        let (Some(earlier), Some(points)) = (earlier, self.points) else { return vec![] };
        let has_changed = |(key, worth): &&SubScore| {
            let is_meant = self.factor.as_ref().is_none_or(|wanted| wanted.as_str() == key);
            let before = earlier.iter().find(|(own, _)| own == key).and_then(|(_, worth)| *worth);
            is_meant && before.zip(*worth).is_some_and(|(before, now)| change(before, now) >= points)
        };
        now.sub_scores.iter().filter(has_changed).map(|(key, _)| key.clone()).collect()
    }
}

/// The subjects of a situation's signals of a kind that are meant.
fn subjects(now: &Situation, kind: SignalKind, is_meant: impl Fn(&Signal) -> bool) -> Vec<String> {
    now.signals.iter().filter(|one| one.kind == kind && is_meant(one)).map(|one| one.subject.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customer::playbook::samples::trigger;

    fn signals() -> Vec<Signal> {
        let signal = |kind, subject: &str, tier, amount| Signal {
            kind,
            subject: subject.to_owned(),
            on: chrono::NaiveDate::MIN,
            person_id: None,
            tier,
            name: "".into(),
            amount,
        };
        let usd = |minor| Some(("USD".to_owned(), minor));
        vec![
            signal(SignalKind::Champion, "ana", Some(BadgeTier::Silver), None),
            signal(SignalKind::Champion, "ben", Some(BadgeTier::Gold), None),
            signal(SignalKind::TeamLevel, "level", None, None),
            signal(SignalKind::VerifiedImpact, "USD", None, usd(300)),
            signal(SignalKind::VerifiedImpact, "USD", None, usd(200)),
            signal(SignalKind::EntitlementLimit, "seat", None, None),
        ]
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
            signals: signals(),
            plans: vec![PlanSituation { id: "p".to_owned(), spi: Some(0.8), milestones }],
        }
    }

    #[test]
    fn each_trigger() {
        let earlier = [("usage".to_owned(), Some(70.0)), ("pulse".to_owned(), Some(90.0))];
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
            (Trigger { tier: Some(BadgeTier::Silver), ..base(TriggerKind::Champion) }, vec!["ana", "ben"]),
            (Trigger { tier: Some(BadgeTier::Gold), ..base(TriggerKind::Champion) }, vec!["ben"]),
            (base(TriggerKind::TeamLevel), vec!["level"]),
            (Trigger { at_least_minor: Some(500), ..base(TriggerKind::VerifiedImpact) }, vec!["USD"]),
            (Trigger { at_least_minor: Some(501), ..base(TriggerKind::VerifiedImpact) }, vec![]),
            (base(TriggerKind::EntitlementLimit), vec!["seat"]),
        ] {
            assert_eq!(trigger.holds_for(&situation(), Some(&earlier)), expected, "{trigger:?}");
        }
    }
}
