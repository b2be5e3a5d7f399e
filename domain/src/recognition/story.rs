//! Success stories: what somebody has achieved, told at length, with their consent and after somebody else has read it.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::ToSchema;
use uuid::Uuid;

use super::rule::RecognitionRule;
use crate::rule::{Rule as _, Violations, all_kept};
use crate::values::rule::ValueRule;
use crate::values::text::{ExternalRef, Name, Note};

/// State of a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum StoryState {
    /// It is being written.
    Draft,
    /// The person whom it is about has to agree.
    AwaitingConsent,
    /// Somebody else has to read it.
    AwaitingReview,
    /// It is shown.
    Published,
    /// It was taken back.
    Withdrawn,
}

/// Step of a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display)]
#[strum(serialize_all = "snake_case")]
pub enum StoryStep {
    /// Whoever writes it is done. Of one's own story, this is the consent.
    Submit,
    /// The person agrees.
    Agree,
    /// The person does not agree: it is written again.
    Disagree,
    /// The reader agrees.
    Publish,
    /// The reader does not agree: it is written again.
    Return,
    /// It is taken back.
    Withdraw,
}

/// Whoever takes a step with a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Teller {
    /// Whether the story is about them.
    pub is_subject: bool,
    /// Whether they submitted it.
    pub has_submitted: bool,
}

/// Returns the state that a step leads to. Nobody agrees for somebody else, and nobody publishes their own story or one that they submitted.
pub fn take(from: StoryState, step: StoryStep, by: Teller) -> Result<StoryState, RecognitionRule> {
    use StoryState::{AwaitingConsent, AwaitingReview, Draft, Published, Withdrawn};
    let to = match (from, step) {
        (Draft, StoryStep::Submit) if by.is_subject => AwaitingReview,
        (Draft, StoryStep::Submit) => AwaitingConsent,
        (AwaitingConsent, StoryStep::Agree) => AwaitingReview,
        (AwaitingConsent, StoryStep::Disagree) | (AwaitingReview, StoryStep::Return) => Draft,
        (AwaitingReview, StoryStep::Publish) => Published,
        (Draft | AwaitingConsent | AwaitingReview | Published, StoryStep::Withdraw) => Withdrawn,
        _ => return Err(RecognitionRule::NotTheNextStep { state: from.to_string() }),
    };
    match step {
        StoryStep::Agree | StoryStep::Disagree if !by.is_subject => Err(RecognitionRule::ConsentOfOther),
        StoryStep::Publish | StoryStep::Return if by.is_subject || by.has_submitted => Err(RecognitionRule::OwnStory),
        _ => Ok(to),
    }
}

/// Most impacts of a story.
const MOST_IMPACTS: usize = 10;

/// A story as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "person_id": "0199f0a2-9999-7d52-b1a4-0c8a3e0f9d11", "person_ref": null, "title": "How invoices came to be read by an agent",
    "text": "Two days a week went into typing invoices. Ana let an agent read them, and checks what it finds unclear.",
    "quote": "I check, and no longer type.", "impact_ids": ["0199f0a2-7777-7d52-b1a4-0c8a3e0f9d11"]
}))]
pub struct StoryContent {
    /// Identifier of the person whom it is about: the one in the path.
    #[serde(default)]
    pub person_id: Option<Uuid>,
    /// External reference or e-mail address of the person.
    #[serde(default)]
    pub person_ref: Option<ExternalRef>,
    /// Title.
    pub title: Name,
    /// Text.
    pub text: Note,
    /// Words of the person.
    #[serde(default)]
    pub quote: Option<Note>,
    /// Identifiers of impacts of the person. Their figures are shown while they are verified.
    #[serde(default)]
    #[schema(max_items = 10)]
    pub impact_ids: Vec<Uuid>,
}

impl StoryContent {
    /// Checks the rules that concern more than one character.
    pub fn check(&self) -> Result<(), Violations> {
        let mut violations = Violations::new();
        for (index, id) in self.impact_ids.iter().enumerate().take(MOST_IMPACTS) {
            if self.impact_ids[..index].contains(id) {
                violations.push(ValueRule::RepeatedKey { key: id.to_string() }.at(format!("/impact_ids/{index}")));
            }
        }
        all_kept(violations)
    }

    /// Checks that all impacts that it names are among those that are verified.
    pub fn check_figures(&self, verified: &[Uuid]) -> Result<(), Violations> {
        let missing = self.impact_ids.iter().enumerate().filter(|(_, id)| !verified.contains(id));
        all_kept(missing.map(|(at, _)| RecognitionRule::NotVerified.at(format!("/impact_ids/{at}"))).collect())
    }
}

impl StoryState {
    /// Checks that a story can be written.
    pub fn check_may_change(self) -> Result<(), RecognitionRule> {
        if self == Self::Draft { Ok(()) } else { Err(RecognitionRule::NotADraft { state: self.to_string() }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_step_after_another() {
        use StoryState::{AwaitingConsent, AwaitingReview, Draft, Published, Withdrawn};
        use StoryStep::{Agree, Disagree, Publish, Return, Submit, Withdraw};
        let states = [Draft, AwaitingConsent, AwaitingReview, Published, Withdrawn];
        let subject = Teller { is_subject: true, has_submitted: false };
        let other = Teller { is_subject: false, has_submitted: false };
        for (step, by, expected) in [
            (Submit, subject, [Some(AwaitingReview), None, None, None, None]),
            (Submit, other, [Some(AwaitingConsent), None, None, None, None]),
            (Agree, subject, [None, Some(AwaitingReview), None, None, None]),
            (Disagree, subject, [None, Some(Draft), None, None, None]),
            (Publish, other, [None, None, Some(Published), None, None]),
            (Return, other, [None, None, Some(Draft), None, None]),
            (Withdraw, other, [Some(Withdrawn), Some(Withdrawn), Some(Withdrawn), Some(Withdrawn), None]),
            (Agree, other, [None; 5]),
            (Publish, subject, [None; 5]),
            (Publish, Teller { has_submitted: true, ..other }, [None; 5]),
        ] {
            assert_eq!(states.map(|from| take(from, step, by).ok()), expected, "{step} {by:?}");
        }
        assert_eq!(take(AwaitingConsent, Agree, other), Err(RecognitionRule::ConsentOfOther));
        assert_eq!(take(AwaitingReview, Publish, subject), Err(RecognitionRule::OwnStory));
        assert_eq!(take(Draft, Publish, other), Err(RecognitionRule::NotTheNextStep { state: "draft".to_owned() }));
    }

    #[test]
    fn what_a_story_may_be() {
        let story = |ids: &[u128]| StoryContent {
            person_id: None,
            person_ref: None,
            title: Name::parse("T").expect("a name"),
            text: Note::parse("t").expect("a note"),
            quote: None,
            impact_ids: ids.iter().map(|id| Uuid::from_u128(*id)).collect(),
        };
        assert_eq!(story(&[1, 2]).check(), Ok(()));
        assert_eq!(story(&[1]).check_figures(&[Uuid::from_u128(1)]), Ok(()));
        let found = story(&[1, 2]).check_figures(&[Uuid::from_u128(1)]).err().unwrap_or_default();
        assert_eq!(
            found.iter().map(|one| (one.at.as_str(), one.code)).collect::<Vec<_>>(),
            [("/impact_ids/1", "not_verified")]
        );
        let found = story(&[1, 2, 1]).check().err().unwrap_or_default();
        assert_eq!(found.iter().map(|one| one.at.as_str()).collect::<Vec<_>>(), ["/impact_ids/2"]);
        assert_eq!(
            [StoryState::Draft, StoryState::Published].map(|state| state.check_may_change().is_ok()),
            [true, false]
        );
    }
}
