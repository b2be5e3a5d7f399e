//! Congratulations.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use milepost_domain::recognition::celebration::Reaction;
use milepost_domain::values::text::{Name, Note};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::row::{self, Column as _, Condition};
use crate::{Conn, columns, table};

/// Congratulation of somebody on a celebration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "celebration_id": "8f14e45f-ceea-867a-9a36-dedd4bea2543",
    "person_id": "0199f0a2-9999-7d52-b1a4-0c8a3e0f9d11", "sender_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "reaction": "applause",
    "message": "Well done, Ana!", "sent_at": "2026-05-04T12:00:00Z", "sender_name": "Ben Ito"
}))]
pub struct Congratulation {
    /// Identifier.
    pub id: Uuid,
    /// Identifier of the celebration.
    pub celebration_id: Uuid,
    /// Identifier of the person who is congratulated.
    pub person_id: Uuid,
    /// Identifier of the person who congratulates.
    pub sender_id: Uuid,
    /// Reaction.
    pub reaction: Reaction,
    /// Message.
    pub message: Option<Note>,
    /// Time at which it was sent.
    pub sent_at: DateTime<Utc>,
    /// Name of the person who congratulates.
    pub sender_name: Option<Name>,
}

columns!(Congratulation { id, celebration_id, person_id, sender_id, reaction, message, sent_at; sender_name: SENDER_NAME });
table!(Congratulation, "congratulations");

/// The reactions to some celebrations, by celebration.
pub async fn reactions(
    conn: &mut Conn,
    organization_id: Uuid,
    celebrations: &[Uuid],
) -> sqlx::Result<HashMap<Uuid, Vec<Reaction>>> {
    let of = [Condition::OneOf("celebration_id", celebrations.iter().map(Uuid::to_value).collect())];
    let mut found: HashMap<Uuid, Vec<Reaction>> = HashMap::new();
    for one in row::all::<Congratulation>(conn, organization_id, &of, "id").await? {
        found.entry(one.celebration_id).or_default().push(one.reaction);
    }
    Ok(found)
}
