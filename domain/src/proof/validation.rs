//! Validation by people: what a policy asks for, who may decide, and what follows from the decisions.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::ToSchema;
use uuid::Uuid;

use super::rule::ProofRule;
use crate::rule::{Rule as _, Violations, all_kept};
use crate::values::rule::ValueRule;
use crate::values::text::Label;

/// Kind of validation.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Display, EnumString, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ValidationKind {
    /// Attestation by the person's manager of the day.
    ManagerAttestation,
    /// Review by a peer.
    PeerReview,
    /// Evaluation by an expert.
    ExpertEvaluation,
    /// Feedback of somebody who is affected.
    StakeholderFeedback,
    /// Reference of a customer.
    CustomerReference,
    /// Interview for a success story.
    SuccessStory,
    /// Review of a portfolio by a rubric.
    PortfolioReview,
    /// Verification of a return on investment.
    RoiVerification,
}

/// Need of a policy: a number of people who approve in a certain way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ValidationNeed, example = json!({"kind": "peer_review", "quorum": 2}))]
pub struct Need {
    /// Kind of validation.
    pub kind: ValidationKind,
    /// Number of people who have to approve. Defaults to 1.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 12)]
    pub quorum: u32,
}

const fn one() -> u32 {
    1
}

/// Checks that a policy names no kind twice.
pub fn check_needs(needs: &[Need]) -> Result<(), Violations> {
    let is_repeated = |index: &usize| needs[..*index].iter().any(|other| other.kind == needs[*index].kind);
    let repeated = (0..needs.len()).filter(is_repeated);
    let repeated = repeated.map(|index| {
        let key = needs[index].kind.to_string();
        ValueRule::RepeatedKey { key }.at(format!("/needs/{index}/kind"))
    });
    all_kept(repeated.collect())
}

/// Decision of a validator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schema(as = ValidationDecision)]
pub enum Decision {
    /// It is shown.
    Approve,
    /// It is not shown. One rejection ends the validation.
    Reject,
    /// More evidence is needed before a decision.
    AskForMore,
}

/// State of a validation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ValidationState {
    /// It waits for decisions.
    Pending,
    /// It waits for more evidence.
    MoreNeeded,
    /// Everybody whose approval is needed has approved.
    Approved,
    /// Somebody has rejected it.
    Rejected,
    /// It was taken back.
    Withdrawn,
}

impl ValidationState {
    /// Returns whether decisions can still be made.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::MoreNeeded)
    }
}

/// Score by one criterion of a rubric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RubricScore, example = json!({"criterion": "Clarity", "points": 4, "of": 5}))]
pub struct Score {
    /// Criterion of the rubric.
    pub criterion: Label,
    /// Points.
    #[schema(minimum = 0, maximum = 1000)]
    pub points: f64,
    /// Largest number of points.
    #[schema(minimum = 1, maximum = 1000)]
    pub of: f64,
}

/// Returns the result of a rubric: of each criterion the mean of the points that people gave who approved, in the order in which they come first.
/// Those of another largest number are converted to the first.
pub fn rubric_result<'a>(scores: impl IntoIterator<Item = &'a Score>) -> Vec<Score> {
    let mut results: Vec<(Score, f64)> = vec![];
    for score in scores {
        match results.iter_mut().find(|(known, _)| known.criterion == score.criterion) {
            Some((known, count)) => {
                known.points += score.points * known.of / score.of;
                *count += 1.0;
            }
            None => results.push((score.clone(), 1.0)),
        }
    }
    // Hundredths say as much as a rubric can.
    let mean = |(sum, count): (Score, f64)| Score { points: (sum.points / count * 100.0).round() / 100.0, ..sum };
    results.into_iter().map(mean).collect()
}

impl Score {
    /// Checks that there are not more points than there can be.
    pub fn check(&self) -> Result<(), ProofRule> {
        if self.points <= self.of { Ok(()) } else { Err(ProofRule::BeyondFullMarks) }
    }
}

/// Somebody who was asked for a validation, with what they have decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Kind of validation.
    pub kind: ValidationKind,
    /// Person who was asked; `None` once they were erased.
    pub person_id: Option<Uuid>,
    /// Decision; `None` if there is none yet.
    pub decision: Option<Decision>,
    /// Day of the decision.
    pub decided_on: Option<NaiveDate>,
}

/// An approval: its kind and its day.
pub type Approval = (ValidationKind, NaiveDate);

/// A submission of a milestone: its state, and who was asked.
pub type Submission = (ValidationState, Vec<Asked>);

/// Returns the approvals that count. Nobody counts twice for one kind, such as after a merge of two people; those who were erased count as
/// people of their own.
pub fn approvals(asked: &[Asked]) -> Vec<Approval> {
    let mut seen = BTreeSet::new();
    let given = asked.iter().filter(|one| one.decision == Some(Decision::Approve));
    let given = given.filter(|one| one.person_id.is_none_or(|id| seen.insert((one.kind, id))));
    given.filter_map(|one| Some((one.kind, one.decided_on?))).collect()
}

/// Returns the number of approvals that a policy can use, and the number that it needs.
pub fn count(needs: &[Need], given: &[Approval]) -> (u32, u32) {
    let used = |need: &Need| {
        let own = given.iter().filter(|(kind, _)| *kind == need.kind).count();
        u32::try_from(own).unwrap_or(u32::MAX).min(need.quorum)
    };
    (needs.iter().map(used).sum(), needs.iter().map(|need| need.quorum).sum())
}

/// Returns the approvals that speak for a milestone now, by its submissions in their order. The last submission alone does: one that was
/// rejected or taken back does not bring those before it back.
pub fn in_force(submissions: &[Submission]) -> Vec<Approval> {
    match submissions.last() {
        Some((state, asked)) if state.is_open() || *state == ValidationState::Approved => approvals(asked),
        _ => vec![],
    }
}

/// Checks that a milestone can be submitted for validation: it is open in a plan under way, and its last submission is neither open, nor approved
/// and still of use. What was approved before somebody reopened the milestone no longer is.
pub fn may_submit(is_open: bool, was_reopened: bool, last: Option<ValidationState>) -> Result<(), ProofRule> {
    let counts = last.is_some_and(|last| last.is_open() || (last == ValidationState::Approved && !was_reopened));
    match (is_open, counts) {
        (false, _) => Err(ProofRule::MilestoneNotOpen),
        (true, true) => Err(ProofRule::ValidationOpen),
        (true, false) => Ok(()),
    }
}

/// Returns the state that follows from the decisions. One rejection is enough; what was approved stays approved when somebody leaves.
pub fn state(needs: &[Need], asked: &[Asked]) -> ValidationState {
    let has = |decision| asked.iter().any(|one| one.decision == Some(decision));
    let (given, needed) = count(needs, &approvals(asked));
    if has(Decision::Reject) {
        ValidationState::Rejected
    } else if given >= needed {
        ValidationState::Approved
    } else if has(Decision::AskForMore) {
        ValidationState::MoreNeeded
    } else {
        ValidationState::Pending
    }
}

/// Facts about somebody who is to be asked, or who decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Person.
    pub person_id: Uuid,
    /// Person whose achievement it is.
    pub subject_id: Option<Uuid>,
    /// Manager of that person on the day.
    pub manager_id: Option<Uuid>,
    /// Whether the candidate has left.
    pub has_left: bool,
}

/// Checks that somebody may validate in a certain way on a day: nobody validates their own achievement, only the manager of the day attests
/// as one, and whoever has left decides nothing any more.
pub fn may_validate(kind: ValidationKind, who: Candidate) -> Result<(), ProofRule> {
    if who.subject_id == Some(who.person_id) {
        return Err(ProofRule::OwnProof);
    }
    if who.has_left {
        return Err(ProofRule::ValidatorHasLeft);
    }
    if kind == ValidationKind::ManagerAttestation && who.manager_id != Some(who.person_id) {
        return Err(ProofRule::NotTheManager);
    }
    Ok(())
}

/// Checks that somebody can be asked: the policy needs the kind, nobody is asked twice in the same way, nor, where the policy wants different
/// people, in two.
pub fn may_ask(
    needs: &[Need],
    are_different: bool,
    asked: &[Asked],
    kind: ValidationKind,
    who: Candidate,
) -> Result<(), ProofRule> {
    if !needs.iter().any(|need| need.kind == kind) {
        return Err(ProofRule::KindNotNeeded);
    }
    may_validate(kind, who)?;
    let own = || asked.iter().filter(|one| one.person_id == Some(who.person_id));
    if own().any(|one| one.kind == kind) {
        return Err(ProofRule::AskedAlready);
    }
    if are_different && own().next().is_some() {
        return Err(ProofRule::SamePerson);
    }
    Ok(())
}

/// Days after which whoever was asked is reminded for the first time, and then again.
const REMINDERS_AFTER_DAYS: (i64, i64) = (3, 7);

/// Returns whether whoever was asked is to be reminded.
pub fn is_reminder_due(asked_at: DateTime<Utc>, reminded_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    let (first, next) = REMINDERS_AFTER_DAYS;
    match reminded_at {
        Some(at) => (now - at).num_days() >= next,
        None => (now - asked_at).num_days() >= first,
    }
}

/// Returns whether somebody can be reminded by hand: once a day.
pub fn may_remind(reminded_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    reminded_at.is_none_or(|at| (now - at).num_days() >= 1)
}

/// Checks that somebody outside the organization can be invited: the policy needs the kind, and it is not the manager's attestation.
pub fn may_invite(needs: &[Need], kind: ValidationKind) -> Result<(), ProofRule> {
    if !needs.iter().any(|need| need.kind == kind) {
        return Err(ProofRule::KindNotNeeded);
    }
    if kind == ValidationKind::ManagerAttestation { Err(ProofRule::NotTheManager) } else { Ok(()) }
}

/// Checks that whoever was asked can pass the question on to somebody: they have not decided, and the other one can be asked in their place.
pub fn may_delegate(
    needs: &[Need],
    are_different: bool,
    asked: &[Asked],
    from: usize,
    who: Candidate,
) -> Result<(), ProofRule> {
    let own = asked.get(from).ok_or(ProofRule::NotAsked)?;
    if own.decision.is_some() {
        return Err(ProofRule::DecidedAlready);
    }
    let others: Vec<Asked> = asked.iter().enumerate().filter(|(at, _)| *at != from).map(|(_, one)| *one).collect();
    may_ask(needs, are_different, &others, own.kind, who)
}

/// Returns the first day on which a policy was met by dated approvals, each with its kind.
pub fn approved_on(needs: &[Need], approvals: &[Approval]) -> Option<NaiveDate> {
    let met = |need: &Need| {
        let mut days: Vec<NaiveDate> =
            approvals.iter().filter(|(kind, _)| *kind == need.kind).map(|(_, on)| *on).collect();
        days.sort_unstable();
        days.get(usize::try_from(need.quorum).ok()?.checked_sub(1)?).copied()
    };
    let days: Option<Vec<NaiveDate>> = needs.iter().map(met).collect();
    days?.into_iter().max()
}

#[cfg(test)]
mod tests {
    use super::Decision::{Approve, AskForMore, Reject};
    use super::ValidationKind::{ManagerAttestation, PeerReview};
    use super::*;

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn asked(kind: ValidationKind, person: u128, decision: impl Into<Option<Decision>>) -> Asked {
        let decided_on = NaiveDate::from_ymd_opt(2026, 5, 4);
        Asked { kind, person_id: (person > 0).then(|| id(person)), decision: decision.into(), decided_on }
    }

    const NEEDS: [Need; 2] = [Need { kind: ManagerAttestation, quorum: 1 }, Need { kind: PeerReview, quorum: 2 }];

    #[test]
    fn reminders_come_after_days() {
        let at = |day, hour| {
            NaiveDate::from_ymd_opt(2026, 5, day)
                .and_then(|on| on.and_hms_opt(hour, 0, 0))
                .expect("an instant")
                .and_utc()
        };
        let cases = [
            (None, at(4, 11), false),
            (None, at(4, 12), true),
            (Some(at(4, 12)), at(11, 11), false),
            (Some(at(4, 12)), at(11, 12), true),
        ];
        for (reminded_at, now, expected) in cases {
            assert_eq!(is_reminder_due(at(1, 12), reminded_at, now), expected, "{reminded_at:?} {now}");
        }
        assert!(may_remind(None, at(1, 12)) && may_remind(Some(at(1, 12)), at(2, 12)));
        assert!(!may_remind(Some(at(1, 12)), at(2, 11)), "once a day");
    }

    #[test]
    fn outsiders_are_no_managers() {
        assert_eq!(may_invite(&NEEDS, PeerReview), Ok(()));
        assert_eq!(may_invite(&NEEDS, ManagerAttestation), Err(ProofRule::NotTheManager));
        assert_eq!(may_invite(&NEEDS, ValidationKind::CustomerReference), Err(ProofRule::KindNotNeeded));
    }

    #[test]
    fn a_question_is_passed_on_once() {
        let who = |number, subject| Candidate {
            person_id: id(number),
            subject_id: Some(id(subject)),
            manager_id: Some(id(1)),
            has_left: false,
        };
        let all = [asked(PeerReview, 2, None), asked(PeerReview, 3, Approve), asked(ManagerAttestation, 1, None)];
        let to = |from, number| may_delegate(&NEEDS, false, &all, from, who(number, 9));
        assert_eq!(to(0, 4), Ok(()));
        assert_eq!(to(0, 3), Err(ProofRule::AskedAlready));
        assert_eq!(to(0, 9), Err(ProofRule::OwnProof));
        assert_eq!(to(1, 4), Err(ProofRule::DecidedAlready));
        assert_eq!(to(2, 4), Err(ProofRule::NotTheManager), "an attestation is not passed on");
        assert_eq!(to(7, 4), Err(ProofRule::NotAsked));
        assert_eq!(may_delegate(&NEEDS, true, &all, 0, who(1, 9)), Err(ProofRule::SamePerson));
    }

    #[test]
    fn the_state_follows_from_the_decisions() {
        let manager = asked(ManagerAttestation, 1, Approve);
        let peer = |person, decision: Option<Decision>| asked(PeerReview, person, decision);
        let cases = [
            (vec![], ValidationState::Pending, 0),
            (vec![manager], ValidationState::Pending, 1),
            (vec![manager, peer(2, Some(Approve)), peer(3, None)], ValidationState::Pending, 2),
            (vec![manager, peer(2, Some(Approve)), peer(3, Some(AskForMore))], ValidationState::MoreNeeded, 2),
            (
                vec![manager, peer(2, Some(Approve)), peer(3, Some(Approve)), peer(4, None)],
                ValidationState::Approved,
                3,
            ),
            (vec![peer(2, Some(Approve)), peer(3, Some(Approve)), peer(4, Some(Approve))], ValidationState::Pending, 2),
            (vec![manager, peer(2, Some(Approve)), peer(2, Some(Approve))], ValidationState::Pending, 2),
            (vec![manager, peer(0, Some(Approve)), peer(0, Some(Approve))], ValidationState::Approved, 3),
            (vec![manager, peer(2, Some(Approve)), peer(3, Some(Reject))], ValidationState::Rejected, 2),
        ];
        for (asked, expected, given) in cases {
            assert_eq!((state(&NEEDS, &asked), count(&NEEDS, &approvals(&asked))), (expected, (given, 3)), "{asked:?}");
        }
    }

    #[test]
    fn the_last_submission_speaks() {
        use ValidationState::{Approved, Pending, Rejected, Withdrawn};
        let given = || vec![asked(PeerReview, 2, Approve)];
        let count = |states: &[ValidationState]| {
            let submissions: Vec<_> = states.iter().map(|state| (*state, given())).collect();
            in_force(&submissions).len()
        };
        assert_eq!([count(&[]), count(&[Pending]), count(&[Rejected, Approved])], [0, 1, 1]);
        assert_eq!(
            [count(&[Approved, Rejected]), count(&[Approved, Withdrawn])],
            [0, 0],
            "what was does not come back"
        );
    }

    #[test]
    fn what_can_be_submitted() {
        use ValidationState::{Approved, MoreNeeded, Rejected};
        assert_eq!(may_submit(true, false, Some(Rejected)), Ok(()));
        assert_eq!(may_submit(false, false, None), Err(ProofRule::MilestoneNotOpen));
        assert_eq!(may_submit(true, false, Some(Approved)), Err(ProofRule::ValidationOpen));
        assert_eq!(may_submit(true, true, Some(Approved)), Ok(()));
        assert_eq!(may_submit(true, true, Some(MoreNeeded)), Err(ProofRule::ValidationOpen));
    }

    #[test]
    fn who_may_validate() {
        let who = Candidate { person_id: id(2), subject_id: Some(id(1)), manager_id: Some(id(3)), has_left: false };
        assert_eq!(may_validate(PeerReview, who), Ok(()));
        assert_eq!(may_validate(ManagerAttestation, who), Err(ProofRule::NotTheManager));
        assert_eq!(may_validate(ManagerAttestation, Candidate { person_id: id(3), ..who }), Ok(()));
        assert_eq!(may_validate(PeerReview, Candidate { person_id: id(1), ..who }), Err(ProofRule::OwnProof));
        assert_eq!(may_validate(PeerReview, Candidate { has_left: true, ..who }), Err(ProofRule::ValidatorHasLeft));
    }

    #[test]
    fn who_can_be_asked() {
        let who = Candidate { person_id: id(2), subject_id: Some(id(1)), manager_id: Some(id(2)), has_left: false };
        let before = [asked(ManagerAttestation, 2, None)];
        let ask = |kind, are_different| may_ask(&NEEDS, are_different, &before, kind, who);
        assert_eq!(ask(PeerReview, false), Ok(()));
        assert_eq!(ask(PeerReview, true), Err(ProofRule::SamePerson));
        assert_eq!(ask(ManagerAttestation, false), Err(ProofRule::AskedAlready));
        assert_eq!(ask(ValidationKind::SuccessStory, false), Err(ProofRule::KindNotNeeded));
    }

    #[test]
    fn the_last_needed_approval_dates_it() {
        let on = |day| NaiveDate::from_ymd_opt(2026, 5, day).expect("a date");
        let given = [(PeerReview, on(9)), (ManagerAttestation, on(4)), (PeerReview, on(6)), (PeerReview, on(20))];
        assert_eq!(approved_on(&NEEDS, &given), Some(on(9)));
        assert_eq!(approved_on(&NEEDS, &given[..2]), None);
    }

    #[test]
    fn the_result_of_a_rubric_is_the_mean() {
        let score =
            |criterion: &str, points, of| Score { criterion: Label::parse(criterion).expect("a label"), points, of };
        let given = [
            score("Clarity", 4.0, 5.0),
            score("Depth", 3.0, 5.0),
            score("Clarity", 10.0, 10.0),
            score("Clarity", 4.0, 5.0),
        ];
        assert_eq!(rubric_result(&given), [score("Clarity", 4.33, 5.0), score("Depth", 3.0, 5.0)]);
        assert_eq!(rubric_result(&[]), []);
    }
}
