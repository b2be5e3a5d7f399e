//! The command line of `milepost`.

pub mod backup;
pub mod demo;
pub mod key;
pub mod ledger;
pub mod serve;

use clap::{Parser, Subcommand};

use crate::config::{Settings, Storage};

/// Milestone plans, earned value and customer health over a JSON API.
#[derive(Debug, Parser)]
#[command(name = "milepost", version)]
pub struct CommandLine {
    #[command(subcommand)]
    #[expect(missing_docs, reason = "documented by its variants")]
    pub command: Command,
}

/// A command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the API after bringing the database schema up to date. The first line of output is the address.
    Serve(Box<serve::Serve>),
    /// Bring the database schema up to date and exit.
    Migrate(Storage),
    /// Manage API keys.
    #[command(subcommand)]
    Key(key::Key),
    /// Manage the keys that sign tokens.
    #[command(subcommand)]
    SigningKey(key::SigningKey),
    /// Verify ledgers.
    #[command(subcommand)]
    Ledger(ledger::Ledger),
    /// Write a consistent copy of the database file, also while a server uses it, and verify it. A plain copy of the file
    /// loses what was committed last.
    Backup(backup::Backup),
    /// Put a backup in the place of the database file.
    Restore(backup::Restore),
    /// Load the demo plans into a running server.
    Demo(demo::Demo),
    /// Print the OpenAPI document as YAML.
    Openapi,
}

/// Failure of a command, with a text for the person at the terminal.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Failure(String);

impl Failure {
    /// Creates a failure with a text.
    pub fn new(text: impl std::fmt::Display) -> Self {
        Self(text.to_string())
    }
}

impl From<crate::database::StartError> for Failure {
    fn from(error: crate::database::StartError) -> Self {
        Self::new(error)
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self(format!("the database failed: {error}"))
    }
}

impl From<crate::error::ApiError> for Failure {
    fn from(error: crate::error::ApiError) -> Self {
        Self(error.cause().map_or_else(|| error.to_string(), ToOwned::to_owned))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(error)
    }
}

/// Runs a command.
pub async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(serve) => serve::run(*serve).await,
        Command::Migrate(storage) => {
            crate::database::open_database(&storage).await?.close().await;
            Ok(())
        }
        Command::Key(key) => key::run(key).await,
        Command::SigningKey(key) => key::run_signing(key).await,
        Command::Ledger(ledger) => ledger::run(ledger).await,
        Command::Backup(options) => backup::run(options).await,
        Command::Restore(options) => backup::restore(options).await,
        Command::Demo(demo) => demo::run(demo).await,
        Command::Openapi => print(crate::document::CHECKED_IN),
    }
}

/// Writes to standard output. All output that scripts read is written by this function.
pub fn print(text: &str) -> Result<(), Failure> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Returns the default settings of a server, for tests and tools that start a server in their own process.
pub fn default_settings() -> Settings {
    let parsed = CommandLine::parse_from(["milepost", "serve"]);
    match parsed.command {
        Command::Serve(serve) => serve.settings,
        _ => unreachable!("the line says serve"),
    }
}
