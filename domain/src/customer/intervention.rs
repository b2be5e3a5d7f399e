//! Interventions: tasks opened for customers, with their kinds, escalations, statuses and outcomes.
//!
//! This module does no I/O and reads no clock.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::customer::rule::CustomerRule;
use crate::rule::{Rule as _, Violations};
use crate::values::dates::days_between;
use crate::values::rule::ValueRule;
use crate::values::text::{ExternalRef, Name};

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
    /// Offer of more, to a customer that is ready for it.
    Expansion,
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
    /// Low: when there is time.
    Low,
    /// Normal: in its turn.
    #[default]
    Normal,
    /// Before others.
    High,
    /// Before everything else.
    Urgent,
}

/// Tier of escalation for an intervention that is not done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EscalationTier, example = json!({"after_days": 3, "to_name": "Head of customer success"}))]
pub struct Tier {
    /// Number of days after opening. Must be greater than in the previous tier.
    #[schema(minimum = 1, maximum = 365)]
    pub after_days: u32,
    /// Identifier of the person that the intervention is escalated to.
    pub to_id: Option<Uuid>,
    /// External reference or e-mail address of that person.
    pub to_ref: Option<ExternalRef>,
    /// Name of that person, or of a role or somebody outside. Required unless a person is named.
    #[serde(alias = "to")]
    pub to_name: Option<Name>,
}

impl Tier {
    /// Returns a tier that names a role or somebody outside.
    pub const fn to_name(after_days: u32, name: Name) -> Self {
        Self { after_days, to_id: None, to_ref: None, to_name: Some(name) }
    }

    /// Returns whether the tier names a person, or somebody outside.
    pub const fn names_somebody(&self) -> bool {
        self.to_id.is_some() || self.to_name.is_some()
    }
}

/// Status of an intervention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schema(as = InterventionStatus)]
pub enum Status {
    /// Still to be done.
    Open,
    /// Put off until a later date.
    Snoozed,
    /// Finished.
    Done,
}

/// Outcome of an intervention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schema(as = InterventionOutcome)]
pub enum Outcome {
    /// The intervention helped.
    Succeeded,
    /// The intervention did not help.
    Failed,
    /// The intervention was not needed after all.
    NotNeeded,
}

/// Cause for which an intervention ended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schema(as = InterventionEnd)]
pub enum EndedBy {
    /// The trigger of its playbook no longer holds for anything that it was opened for.
    NoLongerHolds,
    /// Its customer was archived.
    CustomerArchived,
}

impl EndedBy {
    /// Returns the note on the outcome of an intervention that was opened for the given subjects.
    pub fn note(self, subjects: &[String]) -> String {
        let named: Vec<&str> = subjects.iter().map(String::as_str).filter(|subject| !subject.is_empty()).collect();
        match self {
            Self::NoLongerHolds if named.is_empty() => "The trigger no longer holds for the customer.".to_owned(),
            Self::NoLongerHolds => format!("The trigger no longer holds for {}.", named.join(", ")),
            Self::CustomerArchived => "The customer was archived.".to_owned(),
        }
    }
}

/// Returns the status of an intervention on a day.
pub fn status(done_on: Option<NaiveDate>, snoozed_until: Option<NaiveDate>, today: NaiveDate) -> Status {
    match (done_on, snoozed_until) {
        (Some(_), _) => Status::Done,
        (None, Some(until)) if today < until => Status::Snoozed,
        (None, _) => Status::Open,
    }
}

/// Checks that each tier comes later than the previous tier and names somebody.
pub fn check_tiers(tiers: &[Tier], at: &str) -> Violations {
    let pairs = tiers.windows(2).enumerate().filter(|(_, pair)| pair[1].after_days <= pair[0].after_days);
    let order =
        pairs.map(|(index, _)| CustomerRule::TiersOutOfOrder.at(format!("{at}/escalations/{}/after_days", index + 1)));
    let is_nobody = |tier: &Tier| tier.to_id.is_none() && tier.to_ref.is_none() && tier.to_name.is_none();
    let nobody = tiers.iter().enumerate().filter(|(_, tier)| is_nobody(tier)).map(|(index, _)| {
        ValueRule::Required { what: "whom to escalate to" }.at(format!("{at}/escalations/{index}/to_name"))
    });
    order.chain(nobody).collect()
}

/// Returns the recipient that an open intervention has been escalated to: that of the last tier whose days have passed. One that is
/// snoozed escalates to nobody.
pub fn escalated_to(
    tiers: &[Tier],
    opened_on: NaiveDate,
    snoozed_until: Option<NaiveDate>,
    today: NaiveDate,
) -> Option<&Tier> {
    if snoozed_until.is_some_and(|until| today < until) {
        return None;
    }
    tiers.iter().rfind(|tier| days_between(opened_on, today) >= i64::from(tier.after_days))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_off_comes_back() {
        let day = |day| NaiveDate::from_ymd_opt(2026, 5, day).expect("a date");
        assert_eq!(status(None, None, day(4)), Status::Open);
        assert_eq!(status(None, Some(day(6)), day(5)), Status::Snoozed);
        assert_eq!(status(None, Some(day(6)), day(6)), Status::Open);
        assert_eq!(status(Some(day(4)), Some(day(6)), day(4)), Status::Done);
    }

    #[test]
    fn tiers_by_the_days_since_opening() {
        let day = |day| NaiveDate::from_ymd_opt(2026, 5, day).expect("a date");
        let tiers =
            [(2, "A"), (5, "B")].map(|(after_days, to)| Tier::to_name(after_days, Name::parse(to).expect("a name")));
        let to = |on| escalated_to(&tiers, day(1), None, day(on)).and_then(|tier| tier.to_name.as_deref());
        assert_eq!([2, 3, 6].map(to), [None, Some("A"), Some("B")]);
        assert_eq!(escalated_to(&tiers, day(1), Some(day(8)), day(7)), None, "while it is snoozed");
    }
}
