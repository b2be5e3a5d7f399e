//! Subjects with events that belonged to no customer when they came. Some may belong to one by now: what is listed as held is looked for
//! among these, and each event decides for itself.

use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::many::ROWS_PER_INSERT;
use crate::{Conn, on};

/// Adds subjects.
pub async fn add(conn: &mut Conn, organization_id: Uuid, subjects: &[&str]) -> sqlx::Result<()> {
    for some in subjects.chunks(ROWS_PER_INSERT) {
        on!(&mut *conn, db => {
            let mut query = QueryBuilder::new("INSERT INTO unknown_subjects (organization_id, subject) ");
            query.push_values(some, |mut row, subject| {
                row.push_bind(organization_id).push_bind(*subject);
            });
            query.push(" ON CONFLICT (organization_id, subject) DO NOTHING");
            query.build().execute(db).await.map(|_| ())
        })?;
    }
    Ok(())
}

/// Returns the first subjects, up to a number.
pub async fn first(conn: &mut Conn, organization_id: Uuid, number: i64) -> sqlx::Result<Vec<String>> {
    const SQL: &str = "SELECT subject FROM unknown_subjects WHERE organization_id = $1 ORDER BY subject LIMIT $2";
    on!(conn, db => sqlx::query_scalar(SQL).bind(organization_id).bind(number).fetch_all(db).await)
}

/// Removes a subject of which all events belong to a customer.
pub async fn remove(conn: &mut Conn, organization_id: Uuid, subject: &str) -> sqlx::Result<()> {
    const SQL: &str = "DELETE FROM unknown_subjects WHERE organization_id = $1 AND subject = $2";
    on!(conn, db => sqlx::query(SQL).bind(organization_id).bind(subject).execute(db).await.map(|_| ()))
}
