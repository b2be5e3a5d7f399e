//! Reporting lines: who reports to whom, from which day on.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::people::chart::{Chart, ReportingLine};
use milepost_domain::values::text::Name;
use serde::Serialize;
use sqlx::QueryBuilder;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::author::Author;
use crate::many::{ROWS_PER_INSERT, push_ids};
use crate::row::{self, Column as _, Condition};
use crate::{Conn, columns, on, table};

/// Statement of whom a person reports to, from a day on.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = ReportingLine, example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "person_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11",
    "manager_id": "0199f0a2-9999-7d52-b1a4-0c8a3e0f9d11", "manager_name": "Ben Okafor", "from_on": "2026-05-04",
    "author": {"type": "api_client", "id": "0199f0a2-7777-7d52-b1a4-0c8a3e0f9d11"}, "recorded_at": "2026-05-04T09:00:00Z"
}))]
pub struct LineRow {
    /// Identifier.
    pub id: Uuid,
    /// Identifier of the person.
    pub person_id: Uuid,
    /// Identifier of the manager; null if the person reports to nobody.
    pub manager_id: Option<Uuid>,
    /// Name of the manager.
    pub manager_name: Option<Name>,
    /// First day on which this holds.
    pub from_on: NaiveDate,
    /// Author of the record.
    pub author: Author,
    /// Time of recording.
    pub recorded_at: DateTime<Utc>,
}

columns!(LineRow { id, person_id, manager_id, from_on, author, recorded_at; manager_name: MANAGER_NAME });
table!(LineRow, "reporting_lines");

impl From<&LineRow> for ReportingLine {
    fn from(row: &LineRow) -> Self {
        Self { person_id: row.person_id, manager_id: row.manager_id, from_on: row.from_on }
    }
}

/// The lines of some people, and of all managers above them on any day.
pub async fn above(conn: &mut Conn, organization_id: Uuid, people: &[Uuid]) -> sqlx::Result<Chart> {
    let people = reached(conn, organization_id, people, "person_id", |row| row.manager_id).await?;
    chart_of(conn, organization_id, &people).await
}

/// The lines of a manager, and of all who report to them on any day, directly or through others.
pub async fn below(conn: &mut Conn, organization_id: Uuid, manager_id: Uuid) -> sqlx::Result<Chart> {
    // Lines that name a manager say who may report to them; only all lines of these people say when.
    let people = reached(conn, organization_id, &[manager_id], "manager_id", |row| Some(row.person_id)).await?;
    chart_of(conn, organization_id, &people).await
}

/// Deletes the lines of a person.
pub async fn forget(conn: &mut Conn, organization_id: Uuid, person_id: Uuid) -> sqlx::Result<()> {
    const SQL: &str = "DELETE FROM reporting_lines WHERE organization_id = $1 AND person_id = $2";
    on!(conn, db => sqlx::query(SQL).bind(organization_id).bind(person_id).execute(db).await.map(|_| ()))
}

/// Makes lines that name some managers name nobody.
pub async fn part_from(conn: &mut Conn, organization_id: Uuid, managers: &[Uuid]) -> sqlx::Result<()> {
    for some in managers.chunks(ROWS_PER_INSERT) {
        on!(&mut *conn, db => {
            let mut query = QueryBuilder::new("UPDATE reporting_lines SET manager_id = NULL WHERE organization_id = ");
            query.push_bind(organization_id);
            push_ids(&mut query, "manager_id", Some(some));
            query.build().execute(db).await.map(|_| ())
        })?;
    }
    Ok(())
}

async fn chart_of(conn: &mut Conn, organization_id: Uuid, people: &[Uuid]) -> sqlx::Result<Chart> {
    let mut rows = of(conn, organization_id, "person_id", people).await?;
    rows.sort_by_key(|row| (row.recorded_at, row.id));
    Ok(Chart::of(rows.iter().map(ReportingLine::from)))
}

async fn of(conn: &mut Conn, organization_id: Uuid, column: &'static str, ids: &[Uuid]) -> sqlx::Result<Vec<LineRow>> {
    let mut found = vec![];
    for some in ids.chunks(ROWS_PER_INSERT) {
        let conditions = [Condition::OneOf(column, some.iter().map(Uuid::to_value).collect())];
        found.extend(row::all::<LineRow>(conn, organization_id, &conditions, "id").await?);
    }
    Ok(found)
}

/// The people that lines lead to, step by step, with those that they lead from.
async fn reached(
    conn: &mut Conn,
    organization_id: Uuid,
    from: &[Uuid],
    column: &'static str,
    next: impl Fn(&LineRow) -> Option<Uuid>,
) -> sqlx::Result<Vec<Uuid>> {
    let mut all: BTreeSet<Uuid> = from.iter().copied().collect();
    let mut newest: Vec<Uuid> = all.iter().copied().collect();
    while !newest.is_empty() {
        let rows = of(conn, organization_id, column, &newest).await?;
        newest = rows.iter().filter_map(&next).filter(|id| all.insert(*id)).collect();
    }
    Ok(all.into_iter().collect())
}
