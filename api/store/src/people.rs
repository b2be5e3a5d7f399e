//! People: employees, coaches, and customers' participants.

use chrono::{DateTime, Utc};
use milepost_domain::values::text::{Email, ExternalRef, Label, Name, folded};
use serde::{Deserialize, Serialize};
use sqlx::types::Text;
use sqlx::{FromRow, QueryBuilder};
use strum::{Display, EnumString};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::keyset::{Slice, containing, push_slice};
use crate::{Conn, on};

/// What a person is to the organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum PersonKind {
    /// Works for the organization.
    Employee,
    /// Coaches others.
    Coach,
    /// Belongs to a customer.
    Participant,
}

/// A human.
#[derive(Debug, Clone, PartialEq, FromRow, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "external_ref": "hr-17", "name": "Ana Petrova", "kind": "employee",
    "email": "ana@example.com", "customer_id": null, "segment": null, "owner": null, "archived_at": null, "version": 1,
    "created_at": "2026-03-02T09:00:00Z", "updated_at": "2026-03-02T09:00:00Z"
}))]
pub struct Person {
    /// Their id.
    pub id: Uuid,
    /// What another system calls them, unique in the organization.
    #[schema(value_type = Option<ExternalRef>)]
    pub external_ref: Option<String>,
    /// Their name.
    #[schema(value_type = Name)]
    pub name: String,
    /// What they are to the organization.
    #[schema(value_type = PersonKind)]
    #[serde(serialize_with = "as_inner")]
    pub kind: Text<PersonKind>,
    /// Their e-mail address.
    #[schema(value_type = Option<Email>)]
    pub email: Option<String>,
    /// The customer they belong to.
    pub customer_id: Option<Uuid>,
    /// The group they belong to.
    #[schema(value_type = Option<Label>)]
    pub segment: Option<String>,
    /// Who looks after them.
    #[schema(value_type = Option<Label>)]
    pub owner: Option<String>,
    /// When they were archived, if they are.
    pub archived_at: Option<DateTime<Utc>>,
    /// Goes up with every change; the value of `ETag`.
    #[schema(minimum = 1)]
    pub version: i64,
    /// When the record was created.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

fn as_inner<T: Serialize, S: serde::Serializer>(text: &Text<T>, serializer: S) -> Result<S::Ok, S::Error> {
    text.0.serialize(serializer)
}

/// Which people a list wants.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Name contains this text, without regard to case.
    pub search: Option<String>,
    /// Only of this kind.
    pub kind: Option<PersonKind>,
    /// Only of this customer.
    pub customer_id: Option<Uuid>,
    /// Exactly this segment.
    pub segment: Option<String>,
    /// Exactly this owner.
    pub owner: Option<String>,
    /// Archived ones, or those that are not.
    pub archived: bool,
}

macro_rules! columns {
    () => {
        "id, external_ref, name, kind, email, customer_id, segment, owner, archived_at, version, created_at, updated_at"
    };
}

/// By id.
pub async fn find(conn: &mut Conn, organization_id: Uuid, id: Uuid) -> sqlx::Result<Option<Person>> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM people WHERE organization_id = $1 AND id = $2");
    on!(conn, db => sqlx::query_as(SQL).bind(organization_id).bind(id).fetch_optional(db).await)
}

/// By what the other system calls them.
pub async fn find_by_ref(conn: &mut Conn, organization_id: Uuid, external_ref: &str) -> sqlx::Result<Option<Person>> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM people WHERE organization_id = $1 AND external_ref = $2");
    on!(conn, db => sqlx::query_as(SQL).bind(organization_id).bind(external_ref).fetch_optional(db).await)
}

/// A page of people.
pub async fn list(conn: &mut Conn, organization_id: Uuid, filter: &Filter, slice: &Slice) -> sqlx::Result<Vec<Person>> {
    on!(conn, db => {
        let mut query = QueryBuilder::new(concat!("SELECT ", columns!(), " FROM people WHERE organization_id = "));
        query.push_bind(organization_id);
        query.push(if filter.archived { " AND archived_at IS NOT NULL" } else { " AND archived_at IS NULL" });
        if let Some(search) = &filter.search {
            query.push(" AND name_folded LIKE ").push_bind(containing(&folded(search))).push(" ESCAPE '\\'");
        }
        if let Some(kind) = filter.kind {
            query.push(" AND kind = ").push_bind(Text(kind));
        }
        if let Some(customer_id) = filter.customer_id {
            query.push(" AND customer_id = ").push_bind(customer_id);
        }
        if let Some(segment) = &filter.segment {
            query.push(" AND segment = ").push_bind(segment);
        }
        if let Some(owner) = &filter.owner {
            query.push(" AND owner = ").push_bind(owner);
        }
        push_slice(&mut query, slice);
        query.build_query_as().fetch_all(db).await
    })
}

/// Adds one; `false` if the `external_ref` is taken.
pub async fn insert(conn: &mut Conn, organization_id: Uuid, person: &Person) -> sqlx::Result<bool> {
    const SQL: &str = "INSERT INTO people (organization_id, id, external_ref, name, name_folded, kind, email, customer_id, segment, \
                       owner, archived_at, version, created_at, updated_at) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
                       ON CONFLICT (organization_id, external_ref) DO NOTHING";
    let p = person;
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(p.id).bind(&p.external_ref).bind(&p.name).bind(folded(&p.name)).bind(p.kind).bind(&p.email)
        .bind(p.customer_id).bind(&p.segment).bind(&p.owner).bind(p.archived_at).bind(p.version).bind(p.created_at)
        .bind(p.updated_at)
        .execute(db).await.map(|done| done.rows_affected() == 1))
}

/// Saves a change; `false` if the `external_ref` is another's.
pub async fn update(conn: &mut Conn, organization_id: Uuid, person: &Person) -> sqlx::Result<bool> {
    const SQL: &str = "UPDATE people SET external_ref = $3, name = $4, name_folded = $5, kind = $6, email = $7, customer_id = $8, \
                       segment = $9, owner = $10, archived_at = $11, version = $12, updated_at = $13 \
                       WHERE organization_id = $1 AND id = $2 AND NOT EXISTS \
                       (SELECT 1 FROM people WHERE organization_id = $1 AND external_ref = $3 AND id <> $2)";
    let p = person;
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(p.id).bind(&p.external_ref).bind(&p.name).bind(folded(&p.name)).bind(p.kind).bind(&p.email)
        .bind(p.customer_id).bind(&p.segment).bind(&p.owner).bind(p.archived_at).bind(p.version).bind(p.updated_at)
        .execute(db).await.map(|done| done.rows_affected() == 1))
}

/// Whether plans refer to them.
pub async fn is_referenced(conn: &mut Conn, organization_id: Uuid, id: Uuid) -> sqlx::Result<bool> {
    const SQL: &str = "SELECT COUNT(*) FROM plans WHERE organization_id = $1 AND person_id = $2";
    let count: i64 = on!(conn, db => sqlx::query_scalar(SQL).bind(organization_id).bind(id).fetch_one(db).await)?;
    Ok(count > 0)
}

/// Removes one that nothing refers to.
pub async fn delete(conn: &mut Conn, organization_id: Uuid, id: Uuid) -> sqlx::Result<()> {
    const SQL: &str = "DELETE FROM people WHERE organization_id = $1 AND id = $2";
    on!(conn, db => sqlx::query(SQL).bind(organization_id).bind(id).execute(db).await.map(|_| ()))
}
