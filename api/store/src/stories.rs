//! Success stories of people.

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::recognition::deed::RecognitionConsent;
use milepost_domain::recognition::story::{StoryContent, StoryState};
use milepost_domain::values::text::{Name, Reason};
use serde::Serialize;
use utoipa::ToSchema;

use crate::author::Author;
use crate::columns;
use crate::kept::{Content, Kept, Stamp};

/// A story.
pub type Story = Kept<StoryContent, Told>;

columns!(StoryContent { person_id, title, text, quote, impact_ids; person_ref: PERSON_REF });

impl Content for StoryContent {
    const TABLE: &'static str = "stories";
    const UNIQUE: Option<&'static str> = None;
}

/// State, version and times of a story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({
    "state": "published", "shown_to": "organization", "submitted_by": {"type": "person", "id": "0199f0a2-6666-7d52-b1a4-0c8a3e0f9d11"},
    "published_on": "2026-05-06", "reason": null, "person_name": "Ana Petrova", "version": 4, "created_at": "2026-05-04T12:00:00Z",
    "updated_at": "2026-05-06T12:00:00Z"
}))]
pub struct Told {
    /// State.
    pub state: StoryState,
    /// Circle to which the person agreed; null while they have not.
    pub shown_to: Option<RecognitionConsent>,
    /// Whoever submitted it last; null for one that was never submitted.
    pub submitted_by: Option<Author>,
    /// Day of the publication; null while there is none.
    pub published_on: Option<NaiveDate>,
    /// Reason for which it came back or was taken back; null if it did not.
    pub reason: Option<Reason>,
    /// Version. Increases by one with every change; the value of `ETag`.
    #[schema(minimum = 1)]
    pub version: i64,
    /// Time of creation.
    pub created_at: DateTime<Utc>,
    /// Time of the last change.
    pub updated_at: DateTime<Utc>,
    /// Name of the person.
    pub person_name: Option<Name>,
}

columns!(Told {
    state, shown_to, submitted_by, published_on, reason, version, created_at, updated_at;
    person_name: PERSON_NAME
});

impl Stamp for Told {
    fn begin(now: DateTime<Utc>) -> Self {
        Self {
            state: StoryState::Draft,
            shown_to: None,
            submitted_by: None,
            published_on: None,
            reason: None,
            version: 1,
            created_at: now,
            updated_at: now,
            person_name: None,
        }
    }

    fn touch(&mut self, now: DateTime<Utc>) {
        self.version += 1;
        self.updated_at = now;
    }

    fn version(&self) -> i64 {
        self.version
    }
}
