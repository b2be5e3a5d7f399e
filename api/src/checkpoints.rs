//! Checkpoints: signed statements of where an organization's ledger stood. Kept elsewhere, they show later that entries were
//! cut off, that history was rewritten, or that an older copy was put back.

use std::fs::OpenOptions;
use std::io::Write;

use chrono::{DateTime, SubsecRound, Utc};
use milepost_domain::ledger::{Point, hex};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::claims::{KeySet, read_statement};
use crate::error::ApiError;
use crate::state::App;
use crate::store::ledger;
use crate::store::ledger_checkpoints::{self, CheckpointRow};

/// `typ` of a checkpoint's token.
const TOKEN_TYPE: &str = "ledger-checkpoint+jwt";

/// A checkpoint of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "organization_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "sequence": 1204,
    "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "made_at": "2026-03-02T09:00:00Z",
    "key_id": "0199f0a27c1e7d52b1a40c8a3e0f9d11", "token": "eyJhbGciOiJFZERTQSJ9.eyJzZXF1ZW5jZSI6MTIwNH0.c2ln"
}))]
pub struct Checkpoint {
    /// Identifier of the organization.
    pub organization_id: Uuid,
    /// Sequence number of the ledger's last entry.
    #[schema(minimum = 1)]
    pub sequence: i64,
    /// Hash of that entry, in hexadecimal.
    #[schema(min_length = 64, max_length = 64)]
    pub hash: String,
    /// Time at which the checkpoint was made.
    pub made_at: DateTime<Utc>,
    /// Identifier of the key that signed it, one of `/.well-known/jwks.json`.
    #[schema(max_length = 64)]
    pub key_id: String,
    /// Signed statement of the same (JWS in compact form, Ed25519), which can be verified without this server.
    #[schema(max_length = 4000)]
    pub token: String,
}

/// Content of a checkpoint's token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// The organization.
    pub organization_id: Uuid,
    /// Number of the last entry.
    pub sequence: i64,
    /// Hash of it, in hexadecimal.
    pub hash: String,
    /// Time, in seconds since 1970.
    pub iat: i64,
}

impl Statement {
    /// Reads a token that one of the keys has signed.
    pub fn read(token: &str, keys: &KeySet) -> Option<Self> {
        read_statement(token, TOKEN_TYPE, keys)
    }

    /// Returns the point of the chain.
    pub fn point(&self) -> Option<Point> {
        format!("{}:{}", self.sequence, self.hash).parse().ok()
    }
}

impl Checkpoint {
    /// Returns the resource of a row.
    pub fn of(organization_id: Uuid, row: CheckpointRow) -> Self {
        let CheckpointRow { sequence, hash, made_at, key_id, token } = row;
        Self { organization_id, sequence, hash: hex(&hash), made_at, key_id, token }
    }
}

/// Makes a checkpoint of an organization's ledger as it is, unless the last one is of the same entry. Returns it, and
/// whether it is new.
pub async fn make(app: &App, organization_id: Uuid) -> Result<(Checkpoint, bool), ApiError> {
    let mut conn = app.db.begin().await?;
    let head = ledger::head(&mut conn, organization_id).await?.ok_or_else(ApiError::not_found)?;
    let last = ledger_checkpoints::list(&mut conn, organization_id, None, 1).await?.pop();
    if let Some(last) = last.filter(|last| last.sequence >= head.sequence) {
        return Ok((Checkpoint::of(organization_id, last), false));
    }
    let made_at = app.clock.now().trunc_subsecs(0);
    let statement =
        Statement { organization_id, sequence: head.sequence, hash: hex(&head.hash), iat: made_at.timestamp() };
    let (key_id, token) = app.issuer.state(TOKEN_TYPE, &statement, &app.db).await?;
    let row = CheckpointRow { sequence: head.sequence, hash: head.hash, made_at, key_id, token };
    let is_new = ledger_checkpoints::insert(&mut conn, organization_id, &row).await?;
    let checkpoint = Checkpoint::of(organization_id, row);
    if is_new {
        // Before the commit: a line too many is true and harmless, a missing one is what an attacker wants.
        keep_in_file(app, &checkpoint)?;
    }
    conn.commit().await?;
    Ok((checkpoint, is_new))
}

/// Appends a checkpoint to the configured file.
fn keep_in_file(app: &App, checkpoint: &Checkpoint) -> Result<(), ApiError> {
    let Some(path) = &app.settings.checkpoint_file else { return Ok(()) };
    let mut line = serde_json::to_string(checkpoint)?;
    line.push('\n');
    let file = OpenOptions::new().append(true).create(true).open(path);
    file.and_then(|mut file| {
        file.write_all(line.as_bytes())?;
        file.sync_data()
    })
    .map_err(ApiError::internal)
}
