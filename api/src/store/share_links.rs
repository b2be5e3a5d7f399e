//! Storage of share links, through which clients see plans.

use chrono::{DateTime, Utc};
use milepost_domain::share::Visibility;
use sqlx::FromRow;
use uuid::Uuid;

use super::json_text::JsonText;
use super::{Conn, on};

/// Row of a share link, without its token.
#[derive(Debug, Clone, FromRow)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct ShareLinkRow {
    pub id: Uuid,
    pub plan_id: Uuid,
    pub name: Option<String>,
    pub secret_hash: Vec<u8>,
    #[sqlx(try_from = "String")]
    pub visibility: JsonText<Visibility>,
    pub expires_at: DateTime<Utc>,
    pub revoked_at: Option<DateTime<Utc>>,
    pub author: String,
    pub created_at: DateTime<Utc>,
}

macro_rules! columns {
    () => {
        "id, plan_id, name, secret_hash, visibility, expires_at, revoked_at, author, created_at"
    };
}

/// Adds a share link.
pub async fn insert(conn: &mut Conn, organization_id: Uuid, row: &ShareLinkRow) -> sqlx::Result<()> {
    const SQL: &str = concat!(
        "INSERT INTO share_links (organization_id, ",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    );
    let r = row;
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(r.id).bind(r.plan_id).bind(&r.name).bind(&r.secret_hash).bind(r.visibility.to_text())
        .bind(r.expires_at).bind(r.revoked_at).bind(&r.author).bind(r.created_at)
        .execute(db).await.map(|_| ()))
}

/// Finds a share link.
pub async fn find(conn: &mut Conn, organization_id: Uuid, id: Uuid) -> sqlx::Result<Option<ShareLinkRow>> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM share_links WHERE organization_id = $1 AND id = $2");
    on!(conn, db => sqlx::query_as(SQL).bind(organization_id).bind(id).fetch_optional(db).await)
}

/// Returns a plan's newest share links, oldest first.
pub async fn of_plan(conn: &mut Conn, organization_id: Uuid, plan_id: Uuid) -> sqlx::Result<Vec<ShareLinkRow>> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM share_links WHERE organization_id = $1 AND plan_id = $2 ORDER BY id DESC LIMIT 200"
    );
    let newest: Vec<ShareLinkRow> =
        on!(conn, db => sqlx::query_as(SQL).bind(organization_id).bind(plan_id).fetch_all(db).await)?;
    Ok(newest.into_iter().rev().collect())
}

/// Revokes a share link.
pub async fn revoke(conn: &mut Conn, organization_id: Uuid, id: Uuid, at: DateTime<Utc>) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE share_links SET revoked_at = $3 WHERE organization_id = $1 AND id = $2";
    on!(conn, db => sqlx::query(SQL).bind(organization_id).bind(id).bind(at).execute(db).await.map(|_| ()))
}
