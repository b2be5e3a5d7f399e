//! Keeping of what is refused on arrival. Libraries that send usage events do not read the answer, so without this a mistake in one of
//! them would be noticed by nobody.

use chrono::{DateTime, Utc};

use crate::context::Context;
use crate::error::ApiError;
use crate::store::rejected_messages::{Channel, RejectedRow};
use crate::store::row;

/// Number of days for which refused messages are kept.
pub const KEPT_DAYS: i64 = 30;
/// Maximum number of refused messages that an organization keeps. The oldest ones go first.
pub const MOST_KEPT: i64 = 5_000;
/// Maximum number of bytes that are kept of a message. What is longer is cut, and has to be sent whole to be taken again.
const MOST_KEPT_BYTES: usize = 32 * 1024;
/// Maximum number of refused messages of one request that are kept.
pub const MOST_AT_ONCE: usize = 200;

/// Reason of a refusal.
#[derive(Debug, Clone)]
pub struct Reason {
    /// Code.
    pub code: String,
    /// JSON pointer to the cause within the message.
    pub pointer: Option<String>,
    /// Explanation.
    pub detail: String,
}

/// Way on which messages came, with what was said of all of them.
#[derive(Debug, Clone)]
pub struct Way {
    /// Channel.
    pub channel: Channel,
    /// Source of their events, if it is not in the messages.
    pub source: Option<String>,
    /// Time of sending by the clock of the sender.
    pub sent_at: Option<DateTime<Utc>>,
}

impl Way {
    /// A way on which messages say everything themselves.
    pub const fn plain(channel: Channel) -> Self {
        Self { channel, source: None, sent_at: None }
    }
}

/// Keeps refused messages with their reasons, as they came.
pub async fn keep(cx: &Context, way: &Way, refused: Vec<(&[u8], Reason)>) -> Result<(), ApiError> {
    if refused.is_empty() {
        return Ok(());
    }
    let mut conn = cx.app.db.begin().await?;
    for (message, reason) in refused.into_iter().take(MOST_AT_ONCE) {
        let kept = &message[..message.len().min(MOST_KEPT_BYTES)];
        let row = RejectedRow {
            id: cx.app.clock.new_id(),
            channel: way.channel,
            source: way.source.clone(),
            sent_at: way.sent_at,
            // Not every database can store NUL, nor what is not UTF-8.
            content: String::from_utf8_lossy(kept).replace('\0', "\u{fffd}"),
            is_cut: kept.len() < message.len(),
            code: reason.code,
            pointer: reason.pointer.map(|pointer| pointer.replace('\0', "\u{fffd}")),
            detail: reason.detail.replace('\0', "\u{fffd}"),
            received_at: cx.now,
        };
        row::insert(&mut conn, cx.organization_id(), &row).await?;
    }
    Ok(conn.commit().await?)
}
