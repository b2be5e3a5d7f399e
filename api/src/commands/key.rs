//! Commands for keys: creation of the first API key and rotation of the signing key.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use milepost_domain::access::Scope;
use milepost_domain::values::text::Name;
use strum::VariantArray;

use super::{Failure, print};
use crate::auth::issuer;
use crate::auth::vault::Vault;
use crate::clock::Clock;
use crate::config::Storage;
use crate::database::open_database;
use crate::provisioning::create_key;

/// A command for API keys.
#[derive(Debug, Subcommand)]
pub enum Key {
    /// Create an API client with a key, and print only the key. The organization is created if it does not exist.
    Create(Create),
}

/// Organization and scopes of the new key.
#[derive(Debug, Args)]
pub struct Create {
    #[command(flatten)]
    storage: Storage,
    /// Name of the organization.
    #[arg(long)]
    organization: String,
    /// Scopes of the key, separated by commas, such as admin or plans:read,plans:write.
    #[arg(long, value_delimiter = ',', required = true, value_parser = scope_parser())]
    scopes: Vec<Scope>,
}

/// Returns a parser that lists every scope in the help text and in the error message for an unknown scope.
fn scope_parser() -> impl TypedValueParser<Value = Scope> {
    let names = Scope::VARIANTS.iter().map(|scope| PossibleValue::new(<&str>::from(scope)));
    PossibleValuesParser::new(names).try_map(|name| name.parse::<Scope>())
}

/// A command for signing keys.
#[derive(Debug, Subcommand)]
pub enum SigningKey {
    /// Create a new signing key and use it from now on. Running servers notice within a minute. Tokens that were signed
    /// before stay valid.
    Rotate(Storage),
}

/// Creates a key.
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
    let vault = Vault::of(&storage).map_err(Failure::new)?;
    let db = open_database(&storage).await?;
    let id = issuer::rotate(&db, &Clock::system(), &vault).await?;
    db.close().await;
    print(&format!("{id}\n"))
}
