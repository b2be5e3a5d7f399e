//! References, of customers and of people alike, whose events were removed or changed, so that sums over them that are kept elsewhere
//! begin anew. Where a customer and a person share a reference, one of them begins anew without need.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::many::ROWS_PER_INSERT;
use crate::usage_events::take_numbers;
use crate::{Conn, on};

/// Notes that events of some references were removed or changed. It takes a number of its own, as an event does, so whoever follows
/// the numbers learns of it.
pub async fn note(conn: &mut Conn, organization_id: Uuid, subjects: &[String], now: DateTime<Utc>) -> sqlx::Result<()> {
    const SQL: &str = "INSERT INTO usage_rewrites (organization_id, subject, sequence) VALUES ($1, $2, $3) \
                       ON CONFLICT (organization_id, subject) DO UPDATE SET sequence = excluded.sequence";
    if subjects.is_empty() {
        return Ok(());
    }
    let (before, _) = take_numbers(conn, organization_id, 1, now).await?;
    for subject in subjects {
        on!(&mut *conn, db => sqlx::query(SQL).bind(organization_id).bind(subject).bind(before + 1).execute(db).await.map(|_| ()))?;
    }
    Ok(())
}

/// Returns the number by which the events of each subject were last removed or changed, for those where they were.
pub async fn of_subjects(
    conn: &mut Conn,
    organization_id: Uuid,
    subjects: &[&str],
) -> sqlx::Result<HashMap<String, i64>> {
    let mut found = HashMap::new();
    for some in subjects.chunks(ROWS_PER_INSERT) {
        let rows: Vec<(String, i64)> = on!(&mut *conn, db => {
            let mut query = QueryBuilder::new("SELECT subject, sequence FROM usage_rewrites WHERE organization_id = ");
            query.push_bind(organization_id).push(" AND subject IN (");
            let mut list = query.separated(", ");
            for subject in some {
                list.push_bind(*subject);
            }
            query.push(")");
            query.build_query_as().fetch_all(db).await
        })?;
        found.extend(rows);
    }
    Ok(found)
}

/// Returns the subjects of which events were removed or changed after a number.
pub async fn since(conn: &mut Conn, organization_id: Uuid, sequence: i64) -> sqlx::Result<Vec<String>> {
    const SQL: &str = "SELECT subject FROM usage_rewrites WHERE organization_id = $1 AND sequence > $2";
    on!(conn, db => sqlx::query_scalar(SQL).bind(organization_id).bind(sequence).fetch_all(db).await)
}
