//! Kinds of activity that usage events report.
//!
//! The prefix of an event's type determines its kind: `training.` (learning), `attempt.` (an attempt; `attempt.failed`
//! is a failed one), `community.`, and `support.` (`support.escalated` is an escalation). All other events are plain
//! use, unless the organization says what its own types mean.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::values::text::Name;

/// Kind of activity that an event reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = EventMeaningKind)]
pub enum Deed {
    /// Learning.
    Learning,
    /// Attempt.
    Attempt,
    /// Failed attempt.
    FailedAttempt,
    /// Participation in the community.
    Community,
    /// Support request.
    Support,
    /// Escalated support request.
    Escalation,
    /// Any other use.
    Use,
}

impl Deed {
    /// Returns the kind of activity for the type of an event.
    pub fn of(kind: &str) -> Self {
        match kind {
            "attempt.failed" => Self::FailedAttempt,
            "support.escalated" => Self::Escalation,
            _ if kind.starts_with("training.") => Self::Learning,
            _ if kind.starts_with("attempt.") => Self::Attempt,
            _ if kind.starts_with("community.") => Self::Community,
            _ if kind.starts_with("support.") => Self::Support,
            _ => Self::Use,
        }
    }

    /// Returns the kind of activity for the type of an event, by what the organization says that it means or else by its name.
    pub fn meant_by(kind: &str, meanings: &[EventMeaning]) -> Self {
        Self::of(standard_type(kind, meanings).as_deref().unwrap_or(kind))
    }
}

/// Meaning of an organization's own type of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"event_type": "lesson_*", "meaning": "learning"}))]
pub struct EventMeaning {
    /// Event type. A type that ends in `*` stands for every type with that prefix.
    pub event_type: Name,
    /// Kind of activity that such an event reports.
    pub meaning: Deed,
}

/// Returns the standard type of an event of an organization's own type, such as `training.lesson_done` for a
/// `lesson_done` that means learning: the first meaning that admits it decides. `None` if none does.
pub fn standard_type(kind: &str, meanings: &[EventMeaning]) -> Option<String> {
    let admits = |one: &&EventMeaning| {
        let own = one.event_type.as_str();
        own.strip_suffix('*').map_or(own == kind, |prefix| kind.starts_with(prefix))
    };
    Some(match meanings.iter().find(admits)?.meaning {
        Deed::Learning => format!("training.{kind}"),
        Deed::Attempt => format!("attempt.{kind}"),
        Deed::FailedAttempt => "attempt.failed".to_owned(),
        Deed::Community => format!("community.{kind}"),
        Deed::Support => format!("support.{kind}"),
        Deed::Escalation => "support.escalated".to_owned(),
        Deed::Use => format!("use.{kind}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_tell_what_they_are_of() {
        for (kind, deed) in [
            ("training.completed", Deed::Learning),
            ("attempt.failed", Deed::FailedAttempt),
            ("attempt.started", Deed::Attempt),
            ("community.post", Deed::Community),
            ("support.ticket", Deed::Support),
            ("support.escalated", Deed::Escalation),
            ("trainings", Deed::Use),
        ] {
            assert_eq!(Deed::of(kind), deed, "{kind}");
        }
    }

    #[test]
    fn own_names_have_a_meaning() {
        let meaning =
            |event_type: &str, meaning| EventMeaning { event_type: Name::parse(event_type).expect("a name"), meaning };
        let meanings = [
            meaning("lesson_failed", Deed::FailedAttempt),
            meaning("lesson_*", Deed::Learning),
            meaning("ticket", Deed::Support),
            meaning("support.chat", Deed::Use),
        ];
        for (kind, expected) in [
            ("lesson_failed", Deed::FailedAttempt),
            ("lesson_done", Deed::Learning),
            ("ticket", Deed::Support),
            ("tickets", Deed::Use),
            ("training.done", Deed::Learning),
            ("support.chat", Deed::Use),
        ] {
            assert_eq!(Deed::meant_by(kind, &meanings), expected, "{kind}");
        }
    }
}
