//! Keys from the command line: for the first API client, and for signing.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use milepost_domain::access::Scope;
use milepost_domain::values::text::Name;
use strum::VariantArray;

use super::{Failure, print};
use crate::auth::issuer;
use crate::clock::Clock;
use crate::config::Storage;
use crate::provisioning::create_key;
use crate::serve::open_database;

/// What to do with API keys.
#[derive(Debug, Subcommand)]
pub enum Key {
    /// Make an API client with a key, and print only the key. The organization is created if there is none of this name.
    Create(Create),
}

/// For whom, and what it may do.
#[derive(Debug, Args)]
pub struct Create {
    #[command(flatten)]
    storage: Storage,
    /// Name of the organization.
    #[arg(long)]
    organization: String,
    /// What the key may do, such as admin or plans:read,plans:write.
    #[arg(long, value_delimiter = ',', required = true, value_parser = scope_parser())]
    scopes: Vec<Scope>,
}

/// Names every scope, in the help and in the refusal of a wrong one.
fn scope_parser() -> impl TypedValueParser<Value = Scope> {
    let names = Scope::VARIANTS.iter().map(|scope| PossibleValue::new(<&str>::from(scope)));
    PossibleValuesParser::new(names).try_map(|name| name.parse::<Scope>())
}

/// What to do with signing keys.
#[derive(Debug, Subcommand)]
pub enum SigningKey {
    /// Sign with a new key from now on. Running servers notice within a minute; tokens signed before stay valid.
    Rotate(Storage),
}

/// Makes a key.
pub async fn run(key: Key) -> Result<(), Failure> {
    let Key::Create(create) = key;
    let organization =
        Name::parse(&create.organization).map_err(|rule| Failure::new(format!("--organization {rule}")))?;
    let db = open_database(&create.storage).await?;
    let key = create_key(&db, &Clock::system(), &organization, &create.scopes).await?;
    db.close().await;
    print(&format!("{}\n", key.secret.unwrap_or_default()))
}

/// Rotates the signing key.
pub async fn run_signing(key: SigningKey) -> Result<(), Failure> {
    let SigningKey::Rotate(storage) = key;
    let db = open_database(&storage).await?;
    let id = issuer::rotate(&db, &Clock::system()).await?;
    db.close().await;
    print(&format!("{id}\n"))
}
