//! The history of the schema: one folder for both engines.

use std::borrow::Cow;

use sqlx::SqlStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use crate::{Db, on};

/// Number, description and text of every migration, as listed by the build script.
const ALL: &[(i64, &str, &str)] = &include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// Brings the schema up to date. Several servers that start at once take turns.
pub async fn run(db: &Db) -> Result<(), MigrateError> {
    match db {
        Db::Sqlite(pools) => for_engine(" pg only").run(&pools.writers.pool).await,
        Db::Postgres(pools) => for_engine(" sqlite only").run(&pools.writers.pool).await,
    }
}

/// Returns whether the schema has every migration.
pub async fn is_current(db: &Db) -> sqlx::Result<bool> {
    const SQL: &str = "SELECT MAX(version) FROM _sqlx_migrations";
    let conn = &mut db.read().await?;
    let last: Option<i64> = on!(conn, db => sqlx::query_scalar(SQL).fetch_one(db).await)?;
    Ok(last == ALL.iter().map(|(number, ..)| *number).max())
}

/// Every migration except those made for the other engine, whose descriptions end in `excluded`.
fn for_engine(excluded: &str) -> Migrator {
    let wanted = ALL.iter().filter(|(_, description, _)| !description.ends_with(excluded));
    let migration = |(number, description, text): &(i64, &'static str, &'static str)| {
        Migration::new(*number, Cow::Borrowed(*description), MigrationType::Simple, SqlStr::from_static(text), false)
    };
    Migrator::with_migrations(wanted.map(migration).collect())
}
