//! Storage of risk models.

use chrono::{DateTime, Utc};
use sqlx::QueryBuilder;
use sqlx::types::Text;
use uuid::Uuid;

use crate::author::Author;
use crate::from_row::from_row;
use crate::keyset::{Slice, push_slice};
use crate::{Conn, on};

/// Row of a fitted risk model.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct RiskModelRow {
    pub id: Uuid,
    pub content: String,
    pub author: Text<Author>,
    pub fitted_at: DateTime<Utc>,
}

from_row!(RiskModelRow { id, content, author, fitted_at });

/// Adds a risk model.
pub async fn insert(conn: &mut Conn, organization_id: Uuid, model: &RiskModelRow) -> sqlx::Result<()> {
    const SQL: &str =
        "INSERT INTO risk_models (organization_id, id, content, author, fitted_at) VALUES ($1, $2, $3, $4, $5)";
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(model.id).bind(&model.content).bind(&model.author).bind(model.fitted_at)
        .execute(db).await.map(|_| ()))
}

/// Returns the last risk model that had been fitted by an instant.
pub async fn latest(
    conn: &mut Conn,
    organization_id: Uuid,
    known_at: DateTime<Utc>,
) -> sqlx::Result<Option<RiskModelRow>> {
    const SQL: &str = "SELECT id, content, author, fitted_at FROM risk_models WHERE organization_id = $1 AND fitted_at <= $2 \
                       ORDER BY id DESC LIMIT 1";
    on!(conn, db => sqlx::query_as(SQL).bind(organization_id).bind(known_at).fetch_optional(db).await)
}

/// Returns a page of risk models.
pub async fn list(conn: &mut Conn, organization_id: Uuid, slice: &Slice) -> sqlx::Result<Vec<RiskModelRow>> {
    on!(conn, db => {
        let mut query = QueryBuilder::new("SELECT id, content, author, fitted_at FROM risk_models WHERE organization_id = ");
        query.push_bind(organization_id);
        push_slice(&mut query, slice);
        query.build_query_as().fetch_all(db).await
    })
}
