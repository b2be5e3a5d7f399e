//! The command that verifies ledgers. It never writes, and works on a copy that cannot be written to.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use jsonwebtoken::jwk::JwkSet;
use milepost_domain::ledger::Point;
use serde::Deserialize;
use uuid::Uuid;

use super::{Failure, print};
use crate::auth::claims::KeySet;
use crate::auth::external::usable_key;
use crate::auth::issuer;
use crate::checkpoints::Statement;
use crate::config::Storage;
use crate::database::open_read_only;
use crate::store::{Conn, organizations};
use crate::verification::{Wanted, verify};

/// A command for ledgers.
#[derive(Debug, Subcommand)]
pub enum Ledger {
    /// Verify the ledgers of all organizations, or of one. Fails if any ledger is broken. Nothing is written, so a
    /// read-only copy can be verified, too.
    Verify(Verify),
}

/// Selection of the ledgers to verify, and what is known of them from elsewhere.
#[derive(Debug, Args)]
pub struct Verify {
    #[command(flatten)]
    storage: Storage,
    /// Name of the organization. Defaults to all organizations.
    #[arg(long)]
    organization: Option<String>,
    /// Entry that the ledger must have, as SEQUENCE:HASH.
    #[arg(long, requires = "organization")]
    expect: Option<Point>,
    /// File with checkpoints that were kept elsewhere: one on each line, as JSON or as the token alone. Every one of them
    /// must be in its ledger.
    #[arg(long)]
    checkpoints: Option<PathBuf>,
    /// File with the public keys (JWK set) that signed the checkpoints. Defaults to those in the database.
    #[arg(long)]
    keys: Option<PathBuf>,
    /// Compare rows with their last entries, too.
    #[arg(long)]
    deep: bool,
}

/// A line of a file of checkpoints.
#[derive(Deserialize)]
struct Line {
    token: String,
}

/// Runs the verification.
pub async fn run(ledger: Ledger) -> Result<(), Failure> {
    let Ledger::Verify(options) = ledger;
    let db = open_read_only(&options.storage).await?;
    let mut conn = db.snapshot().await?;
    let keys = match &options.keys {
        Some(file) => {
            let set: JwkSet = serde_json::from_slice(&std::fs::read(file)?).map_err(Failure::new)?;
            KeySet::of(set.keys.iter().filter_map(usable_key))
        }
        None => issuer::public_keys(&mut conn).await?,
    };
    let mut points = match &options.checkpoints {
        Some(file) => read_checkpoints(&std::fs::read_to_string(file)?, &keys)?,
        None => BTreeMap::new(),
    };
    let mut broken = 0;
    for id in selected(&mut conn, options.organization.as_deref()).await? {
        let mut points = points.remove(&id).unwrap_or_default();
        points.extend(options.expect);
        let found = verify(&mut conn, id, &keys, Wanted { points, is_deep: options.deep }).await?;
        broken += usize::from(!found.intact);
        let verdict = found.detail.unwrap_or_else(|| "intact".to_owned());
        let rows = found.verified_rows.map(|rows| format!(", {rows} rows")).unwrap_or_default();
        print(&format!(
            "{id}: {} entries, {} checkpoints{rows} verified, {verdict}\n  head {}:{}\n",
            found.verified_entries, found.verified_checkpoints, found.head_sequence, found.head_hash
        ))?;
    }
    if options.organization.is_none() {
        for id in points.keys() {
            print(&format!("{id}: there are checkpoints of this organization, but it does not exist\n"))?;
            broken += 1;
        }
    }
    drop(conn);
    db.close().await;
    if broken == 0 { Ok(()) } else { Err(Failure::new(format!("broken ledgers: {broken}"))) }
}

async fn selected(conn: &mut Conn, organization: Option<&str>) -> Result<Vec<Uuid>, Failure> {
    let Some(name) = organization else { return Ok(organizations::ids(conn).await?) };
    let found = organizations::find_by_name(conn, name).await?;
    if found.is_empty() {
        return Err(Failure::new(format!("there is no organization named '{name}'")));
    }
    Ok(found.iter().map(|one| one.id).collect())
}

/// Reads checkpoints by organization. One that no key has signed is an error, because it says nothing.
fn read_checkpoints(text: &str, keys: &KeySet) -> Result<BTreeMap<Uuid, Vec<Point>>, Failure> {
    let mut points: BTreeMap<Uuid, Vec<Point>> = BTreeMap::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let token = serde_json::from_str::<Line>(line).map_or_else(|_| line.trim().to_owned(), |line| line.token);
        let said = Statement::read(&token, keys).and_then(|said| Some((said.organization_id, said.point()?)));
        let Some((organization_id, point)) = said else {
            let number = number + 1;
            return Err(Failure::new(format!("line {number} of the checkpoints is not signed by a known key")));
        };
        points.entry(organization_id).or_default().push(point);
    }
    Ok(points)
}
