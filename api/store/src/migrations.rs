//! Migrations of the database schema, in one folder for both engines.

use sqlx::migrate::{MigrateError, Migrator};

use crate::Db;

static ALL: Migrator = sqlx::migrate!("../../migrations");

/// Brings the schema up to date. Servers that start at the same time take turns.
pub async fn run(db: &Db) -> Result<(), MigrateError> {
    match db {
        Db::Sqlite { writer, .. } => for_engine("_pg_only").run(writer).await,
        Db::Postgres(pool) => for_engine("_sqlite_only").run(pool).await,
    }
}

/// Returns all migrations except those for the other engine only.
fn for_engine(excluded: &str) -> Migrator {
    let wanted = ALL.iter().filter(|migration| !migration.description.ends_with(&excluded.replace('_', " "))).cloned();
    Migrator::with_migrations(wanted.collect())
}
