//! Storage of health models, their versions and their activations.

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::customer::health::model::ModelContent;
use sqlx::FromRow;
use uuid::Uuid;

use crate::json_text::JsonText;
use crate::{Conn, on};

/// Row of a health model: the key under which its versions are found.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct ModelRow {
    pub id: Uuid,
    pub key: String,
    pub created_at: DateTime<Utc>,
}

/// Row of a version of a health model.
#[derive(Debug, Clone, FromRow)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct ModelVersion {
    pub model_id: Uuid,
    pub number: i64,
    #[sqlx(try_from = "String")]
    pub content: JsonText<ModelContent>,
    pub published_at: Option<DateTime<Utc>>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Activation of a version of a health model. Without a number: deactivation of the model.
#[derive(Debug, Clone, Copy, FromRow)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Activation {
    pub id: Uuid,
    pub model_id: Uuid,
    pub number: Option<i64>,
    pub activated_at: DateTime<Utc>,
    pub activated_on: NaiveDate,
}

macro_rules! version_columns {
    () => {
        "model_id, number, content, published_at, version, created_at, updated_at"
    };
}

/// Returns all models by key. An organization has only a few.
pub async fn all(conn: &mut Conn, organization_id: Uuid) -> sqlx::Result<Vec<ModelRow>> {
    const SQL: &str = "SELECT id, key, created_at FROM health_models WHERE organization_id = $1 ORDER BY key";
    on!(conn, db => sqlx::query_as(SQL).bind(organization_id).fetch_all(db).await)
}

/// Finds a model by identifier or key.
pub async fn find(conn: &mut Conn, organization_id: Uuid, id_or_key: &str) -> sqlx::Result<Option<ModelRow>> {
    const BY_ID: &str = "SELECT id, key, created_at FROM health_models WHERE organization_id = $1 AND id = $2";
    const BY_KEY: &str = "SELECT id, key, created_at FROM health_models WHERE organization_id = $1 AND key = $2";
    if let Ok(id) = id_or_key.parse::<Uuid>() {
        let found: Option<ModelRow> =
            on!(conn, db => sqlx::query_as(BY_ID).bind(organization_id).bind(id).fetch_optional(db).await)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    on!(conn, db => sqlx::query_as(BY_KEY).bind(organization_id).bind(id_or_key).fetch_optional(db).await)
}

/// Adds a model; returns `false` if the key is taken.
pub async fn insert(conn: &mut Conn, organization_id: Uuid, model: &ModelRow) -> sqlx::Result<bool> {
    const SQL: &str = "INSERT INTO health_models (organization_id, id, key, created_at) VALUES ($1, $2, $3, $4) \
                       ON CONFLICT (organization_id, key) DO NOTHING";
    on!(conn, db => sqlx::query(SQL).bind(organization_id).bind(model.id).bind(&model.key).bind(model.created_at)
        .execute(db).await.map(|done| done.rows_affected() == 1))
}

/// Returns all versions of one model or of all models, by number.
pub async fn versions(
    conn: &mut Conn,
    organization_id: Uuid,
    model_id: Option<Uuid>,
) -> sqlx::Result<Vec<ModelVersion>> {
    const SQL: &str = concat!(
        "SELECT ",
        version_columns!(),
        " FROM health_model_versions WHERE organization_id = $1 AND ($2 IS NULL OR model_id = $2) ORDER BY model_id, number"
    );
    on!(conn, db => sqlx::query_as(SQL).bind(organization_id).bind(model_id).fetch_all(db).await)
}

/// Adds a version.
pub async fn insert_version(conn: &mut Conn, organization_id: Uuid, version: &ModelVersion) -> sqlx::Result<()> {
    const SQL: &str = concat!(
        "INSERT INTO health_model_versions (organization_id, ",
        version_columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
    );
    let v = version;
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(v.model_id).bind(v.number).bind(v.content.to_text()).bind(v.published_at).bind(v.version)
        .bind(v.created_at).bind(v.updated_at).execute(db).await.map(|_| ()))
}

/// Saves a change of a draft or its publication. Has no effect on a published version.
pub async fn update_version(conn: &mut Conn, organization_id: Uuid, version: &ModelVersion) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE health_model_versions SET content = $4, published_at = $5, version = $6, updated_at = $7 \
                       WHERE organization_id = $1 AND model_id = $2 AND number = $3 AND published_at IS NULL";
    let v = version;
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(v.model_id).bind(v.number).bind(v.content.to_text()).bind(v.published_at).bind(v.version)
        .bind(v.updated_at).execute(db).await.map(|_| ()))
}

/// Returns all activations in order.
pub async fn activations(conn: &mut Conn, organization_id: Uuid) -> sqlx::Result<Vec<Activation>> {
    const SQL: &str = "SELECT id, model_id, number, activated_at, activated_on FROM health_model_activations \
                       WHERE organization_id = $1 ORDER BY id";
    on!(conn, db => sqlx::query_as(SQL).bind(organization_id).fetch_all(db).await)
}

/// Adds an activation.
pub async fn insert_activation(conn: &mut Conn, organization_id: Uuid, activation: &Activation) -> sqlx::Result<()> {
    const SQL: &str = "INSERT INTO health_model_activations (organization_id, id, model_id, number, activated_at, activated_on) \
                       VALUES ($1, $2, $3, $4, $5, $6)";
    let a = activation;
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(a.id).bind(a.model_id).bind(a.number).bind(a.activated_at).bind(a.activated_on)
        .execute(db).await.map(|_| ()))
}
