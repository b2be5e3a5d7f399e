//! The command that verifies ledgers.

use clap::{Args, Subcommand};

use super::{Failure, print};
use crate::config::Storage;
use crate::handlers::ledger::verify::verification;
use crate::serve::open_database;
use crate::store::organizations;

/// A command for ledgers.
#[derive(Debug, Subcommand)]
pub enum Ledger {
    /// Verify the ledgers of all organizations, or of one. Fails if any ledger is broken.
    Verify(Verify),
}

/// Selection of the ledgers to verify.
#[derive(Debug, Args)]
pub struct Verify {
    #[command(flatten)]
    storage: Storage,
    /// Name of the organization. Defaults to all organizations.
    #[arg(long)]
    organization: Option<String>,
}

/// Runs the verification.
pub async fn run(ledger: Ledger) -> Result<(), Failure> {
    let Ledger::Verify(verify) = ledger;
    let db = open_database(&verify.storage).await?;
    let mut conn = db.snapshot().await?;
    let ids = match &verify.organization {
        None => organizations::ids(&mut conn).await?,
        Some(name) => {
            let found = organizations::find_by_name(&mut conn, name).await?;
            if found.is_empty() {
                return Err(Failure::new(format!("there is no organization named '{name}'")));
            }
            found.iter().map(|one| one.id).collect()
        }
    };
    let mut broken = 0;
    for id in ids {
        let outcome = verification(&mut conn, id).await?;
        let verdict = outcome.detail.unwrap_or_else(|| "intact".to_owned());
        print(&format!("{id}: {} entries verified, {verdict}\n", outcome.verified_entries))?;
        broken += usize::from(!outcome.intact);
    }
    drop(conn);
    db.close().await;
    if broken == 0 { Ok(()) } else { Err(Failure::new(format!("broken ledgers: {broken}"))) }
}
