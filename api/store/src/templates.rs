//! Storage of templates and their versions.

use chrono::{DateTime, Utc};
use milepost_domain::plan::Kind;
use milepost_domain::plan::template::MilestoneDefinition;
use sqlx::types::Text;
use sqlx::{FromRow, QueryBuilder};
use uuid::Uuid;

use crate::json_text::JsonText;
use crate::keyset::{Slice, push_slice};
use crate::{Conn, on};

/// Row of a template: the key under which its versions are found.
#[derive(Debug, Clone, FromRow)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct Template {
    pub id: Uuid,
    pub key: String,
    pub created_at: DateTime<Utc>,
}

/// Row of a version of a template.
#[derive(Debug, Clone, FromRow)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct Version {
    pub template_id: Uuid,
    pub number: i64,
    pub name: String,
    pub kind: Text<Kind>,
    pub description: Option<String>,
    #[sqlx(try_from = "String")]
    pub milestones: JsonText<Vec<MilestoneDefinition>>,
    pub published_at: Option<DateTime<Utc>>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

macro_rules! columns {
    () => {
        "template_id, number, name, kind, description, milestones, published_at, version, created_at, updated_at"
    };
}

/// Finds a template by key.
pub async fn find(conn: &mut Conn, organization_id: Uuid, key: &str) -> sqlx::Result<Option<Template>> {
    const SQL: &str = "SELECT id, key, created_at FROM templates WHERE organization_id = $1 AND key = $2";
    on!(conn, db => sqlx::query_as(SQL).bind(organization_id).bind(key).fetch_optional(db).await)
}

/// Returns a page of templates.
pub async fn list(conn: &mut Conn, organization_id: Uuid, slice: &Slice) -> sqlx::Result<Vec<Template>> {
    on!(conn, db => {
        let mut query = QueryBuilder::new("SELECT id, key, created_at FROM templates WHERE organization_id = ");
        query.push_bind(organization_id);
        push_slice(&mut query, slice);
        query.build_query_as().fetch_all(db).await
    })
}

/// Adds a template; returns `false` if the key is taken.
pub async fn insert(conn: &mut Conn, organization_id: Uuid, template: &Template) -> sqlx::Result<bool> {
    const SQL: &str = "INSERT INTO templates (organization_id, id, key, created_at) VALUES ($1, $2, $3, $4) \
                       ON CONFLICT (organization_id, key) DO NOTHING";
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(template.id).bind(&template.key).bind(template.created_at)
        .execute(db).await.map(|done| done.rows_affected() == 1))
}

/// Returns all versions of the given templates, by number.
pub async fn versions(conn: &mut Conn, organization_id: Uuid, template_ids: &[Uuid]) -> sqlx::Result<Vec<Version>> {
    if template_ids.is_empty() {
        return Ok(vec![]);
    }
    on!(conn, db => {
        let mut query = QueryBuilder::new(concat!("SELECT ", columns!(), " FROM template_versions WHERE organization_id = "));
        query.push_bind(organization_id).push(" AND template_id IN (");
        let mut ids = query.separated(", ");
        for id in template_ids {
            ids.push_bind(*id);
        }
        query.push(") ORDER BY template_id, number");
        query.build_query_as().fetch_all(db).await
    })
}

/// Adds a version.
pub async fn insert_version(conn: &mut Conn, organization_id: Uuid, version: &Version) -> sqlx::Result<()> {
    const SQL: &str = concat!(
        "INSERT INTO template_versions (organization_id, ",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
    );
    let v = version;
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(v.template_id).bind(v.number).bind(&v.name).bind(v.kind).bind(&v.description)
        .bind(v.milestones.to_text()).bind(v.published_at).bind(v.version).bind(v.created_at).bind(v.updated_at)
        .execute(db).await.map(|_| ()))
}

/// Saves a change of a draft or its publication. Has no effect on a published version.
pub async fn update_version(conn: &mut Conn, organization_id: Uuid, version: &Version) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE template_versions SET name = $4, kind = $5, description = $6, milestones = $7, published_at = $8, \
                       version = $9, updated_at = $10 \
                       WHERE organization_id = $1 AND template_id = $2 AND number = $3 AND published_at IS NULL";
    let v = version;
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(v.template_id).bind(v.number).bind(&v.name).bind(v.kind).bind(&v.description)
        .bind(v.milestones.to_text()).bind(v.published_at).bind(v.version).bind(v.updated_at)
        .execute(db).await.map(|_| ()))
}
