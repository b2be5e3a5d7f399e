//! Messages that were refused on arrival.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::keyset::containing;
use crate::{Conn, columns, on, table};

/// Way on which a message came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schema(as = RejectedMessageChannel)]
pub enum Channel {
    /// `POST /v1/events`, as plain JSON.
    Events,
    /// `POST /v1/events`, as a CloudEvent.
    CloudEvents,
    /// Batch of a Segment library.
    SegmentBatch,
    /// `track` message of a Segment library.
    SegmentTrack,
    /// `identify` message of a Segment library.
    SegmentIdentify,
    /// `group` message of a Segment library.
    SegmentGroup,
    /// `page` message of a Segment library.
    SegmentPage,
    /// `screen` message of a Segment library.
    SegmentScreen,
}

impl Channel {
    /// Returns the channel of a call of Segment's libraries.
    pub fn of_segment(call: &str) -> Self {
        match call {
            "track" => Self::SegmentTrack,
            "identify" => Self::SegmentIdentify,
            "group" => Self::SegmentGroup,
            "page" => Self::SegmentPage,
            "screen" => Self::SegmentScreen,
            _ => Self::SegmentBatch,
        }
    }

    /// Returns the call of Segment's libraries, or `None` for other events.
    pub const fn segment_call(self) -> Option<&'static str> {
        match self {
            Self::Events | Self::CloudEvents => None,
            Self::SegmentBatch => Some("batch"),
            Self::SegmentTrack => Some("track"),
            Self::SegmentIdentify => Some("identify"),
            Self::SegmentGroup => Some("group"),
            Self::SegmentPage => Some("page"),
            Self::SegmentScreen => Some("screen"),
        }
    }
}

/// A message that was refused.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct RejectedRow {
    pub id: Uuid,
    pub channel: Channel,
    pub content: String,
    pub is_cut: bool,
    pub code: String,
    pub pointer: Option<String>,
    pub detail: String,
    pub source: Option<String>,
    pub sent_at: Option<DateTime<Utc>>,
    pub received_at: DateTime<Utc>,
}

columns!(RejectedRow { id, channel, content, is_cut, code, pointer, detail, source, sent_at, received_at });
table!(RejectedRow, "rejected_messages");

/// Deletes messages that were received before an instant, and all but the newest ones.
pub async fn prune(conn: &mut Conn, organization_id: Uuid, before: DateTime<Utc>, most: i64) -> sqlx::Result<()> {
    const OLD: &str = "DELETE FROM rejected_messages WHERE organization_id = $1 AND received_at < $2";
    const EXCESS: &str = "DELETE FROM rejected_messages WHERE organization_id = $1 AND id <= \
                          (SELECT id FROM rejected_messages WHERE organization_id = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)";
    on!(conn, db => sqlx::query(OLD).bind(organization_id).bind(before).execute(db).await.map(|_| ()))?;
    on!(conn, db => sqlx::query(EXCESS).bind(organization_id).bind(most).execute(db).await.map(|_| ()))
}

/// Deletes messages that contain a text; returns their number.
pub async fn forget(conn: &mut Conn, organization_id: Uuid, text: &str) -> sqlx::Result<u64> {
    const SQL: &str = "DELETE FROM rejected_messages WHERE organization_id = $1 AND content LIKE $2 ESCAPE '\\'";
    let pattern = containing(text);
    on!(conn, db => sqlx::query(SQL).bind(organization_id).bind(&pattern).execute(db).await.map(|done| done.rows_affected()))
}
