//! The schema's history: one folder for both engines.

use sqlx::migrate::{MigrateError, Migrator};

use crate::Db;

static ALL: Migrator = sqlx::migrate!("../../migrations");

/// Brings the schema up to date. Several servers starting at once take turns.
pub async fn run(db: &Db) -> Result<(), MigrateError> {
    match db {
        Db::Sqlite { writer, .. } => for_engine("_pg_only").run(writer).await,
        Db::Postgres(pool) => for_engine("_sqlite_only").run(pool).await,
    }
}

/// Every migration but those made for the other engine.
fn for_engine(excluded: &str) -> Migrator {
    let wanted = ALL.iter().filter(|migration| !migration.description.ends_with(&excluded.replace('_', " "))).cloned();
    Migrator::with_migrations(wanted.collect())
}
