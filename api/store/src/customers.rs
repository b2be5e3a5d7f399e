//! Customers.

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::values::text::{ExternalRef, Label, Name, folded};
use serde::Serialize;
use sqlx::{FromRow, QueryBuilder};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::keyset::{Slice, containing, push_slice};
use crate::milestones::{ROWS_PER_INSERT, push_ids};
use crate::{Conn, on};

/// An account the organization serves.
#[derive(Debug, Clone, PartialEq, FromRow, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "external_ref": "crm-4711", "name": "Northwind", "segment": "Enterprise",
    "owner": "Ana", "since_on": "2025-11-03", "annual_revenue_minor": 2_400_000, "parent_id": null, "archived_at": null, "version": 1, "created_at": "2026-03-02T09:00:00Z", "updated_at": "2026-03-02T09:00:00Z"
}))]
pub struct Customer {
    /// Its id.
    pub id: Uuid,
    /// What the CRM calls it, unique in the organization.
    #[schema(value_type = Option<ExternalRef>)]
    pub external_ref: Option<String>,
    /// Its name.
    #[schema(value_type = Name)]
    pub name: String,
    /// The group it belongs to, such as a size or an industry.
    #[schema(value_type = Option<Label>)]
    pub segment: Option<String>,
    /// Who looks after it.
    #[schema(value_type = Option<Label>)]
    pub owner: Option<String>,
    /// Since when it is a customer; unknown if left out.
    pub since_on: Option<NaiveDate>,
    /// What it pays in a year, in the smallest unit of the organization's money.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000_i64)]
    pub annual_revenue_minor: Option<i64>,
    /// The customer that it is a part of.
    pub parent_id: Option<Uuid>,
    /// When it was archived, if it is.
    pub archived_at: Option<DateTime<Utc>>,
    /// Goes up with every change; the value of `ETag`.
    #[schema(minimum = 1)]
    pub version: i64,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// Which customers a list wants.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Name contains this text, without regard to case.
    pub search: Option<String>,
    /// Exactly this segment.
    pub segment: Option<String>,
    /// Exactly this owner.
    pub owner: Option<String>,
    /// Archived ones, or those that are not.
    pub archived: bool,
}

macro_rules! columns {
    () => {
        "id, external_ref, name, segment, owner, since_on, annual_revenue_minor, parent_id, archived_at, version, created_at, updated_at"
    };
}

/// By id.
pub async fn find(conn: &mut Conn, organization_id: Uuid, id: Uuid) -> sqlx::Result<Option<Customer>> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM customers WHERE organization_id = $1 AND id = $2");
    on!(conn, db => sqlx::query_as(SQL).bind(organization_id).bind(id).fetch_optional(db).await)
}

/// By what the CRM calls it.
pub async fn find_by_ref(conn: &mut Conn, organization_id: Uuid, external_ref: &str) -> sqlx::Result<Option<Customer>> {
    const SQL: &str =
        concat!("SELECT ", columns!(), " FROM customers WHERE organization_id = $1 AND external_ref = $2");
    on!(conn, db => sqlx::query_as(SQL).bind(organization_id).bind(external_ref).fetch_optional(db).await)
}

/// A page of customers.
pub async fn list(
    conn: &mut Conn,
    organization_id: Uuid,
    filter: &Filter,
    slice: &Slice,
) -> sqlx::Result<Vec<Customer>> {
    on!(conn, db => {
        let mut query = QueryBuilder::new(concat!("SELECT ", columns!(), " FROM customers WHERE organization_id = "));
        query.push_bind(organization_id);
        query.push(if filter.archived { " AND archived_at IS NOT NULL" } else { " AND archived_at IS NULL" });
        if let Some(search) = &filter.search {
            query.push(" AND name_folded LIKE ").push_bind(containing(&folded(search))).push(" ESCAPE '\\'");
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

/// Adds one; `false` if its `external_ref` is taken.
pub async fn insert(conn: &mut Conn, organization_id: Uuid, customer: &Customer) -> sqlx::Result<bool> {
    const SQL: &str = "INSERT INTO customers (organization_id, id, external_ref, name, name_folded, segment, owner, archived_at, \
                       version, created_at, updated_at, since_on, annual_revenue_minor, parent_id) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
                       ON CONFLICT (organization_id, external_ref) DO NOTHING";
    let c = customer;
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(c.id).bind(&c.external_ref).bind(&c.name).bind(folded(&c.name)).bind(&c.segment)
        .bind(&c.owner).bind(c.archived_at).bind(c.version).bind(c.created_at).bind(c.updated_at)
        .bind(c.since_on).bind(c.annual_revenue_minor).bind(c.parent_id)
        .execute(db).await.map(|done| done.rows_affected() == 1))
}

/// Saves a change; `false` if its `external_ref` is another's.
pub async fn update(conn: &mut Conn, organization_id: Uuid, customer: &Customer) -> sqlx::Result<bool> {
    const SQL: &str = "UPDATE customers SET external_ref = $3, name = $4, name_folded = $5, segment = $6, owner = $7, \
                       archived_at = $8, version = $9, updated_at = $10, since_on = $11, annual_revenue_minor = $12, parent_id = $13 WHERE organization_id = $1 AND id = $2 AND NOT EXISTS \
                       (SELECT 1 FROM customers WHERE organization_id = $1 AND external_ref = $3 AND id <> $2)";
    let c = customer;
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(c.id).bind(&c.external_ref).bind(&c.name).bind(folded(&c.name)).bind(&c.segment)
        .bind(&c.owner).bind(c.archived_at).bind(c.version).bind(c.updated_at)
        .bind(c.since_on).bind(c.annual_revenue_minor).bind(c.parent_id)
        .execute(db).await.map(|done| done.rows_affected() == 1))
}

/// Whether plans or people refer to it.
pub async fn is_referenced(conn: &mut Conn, organization_id: Uuid, id: Uuid) -> sqlx::Result<bool> {
    const SQL: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM plans WHERE organization_id = $1 AND customer_id = $2 \
                       UNION ALL SELECT 1 FROM people WHERE organization_id = $1 AND customer_id = $2 \
                       UNION ALL SELECT 1 FROM customers WHERE organization_id = $1 AND parent_id = $2 \
                       UNION ALL SELECT 1 FROM customer_pulses WHERE organization_id = $1 AND customer_id = $2 \
                       UNION ALL SELECT 1 FROM health_overrides WHERE organization_id = $1 AND customer_id = $2 \
                       UNION ALL SELECT 1 FROM interventions WHERE organization_id = $1 AND customer_id = $2 \
                       UNION ALL SELECT 1 FROM customer_outcomes WHERE organization_id = $1 AND customer_id = $2) AS referring";
    let count: i64 = on!(conn, db => sqlx::query_scalar(SQL).bind(organization_id).bind(id).fetch_one(db).await)?;
    Ok(count > 0)
}

/// Removes one that nothing refers to, and what was computed of it.
pub async fn delete(conn: &mut Conn, organization_id: Uuid, id: Uuid) -> sqlx::Result<()> {
    const SQL: [&str; 3] = [
        "DELETE FROM customer_health WHERE organization_id = $1 AND customer_id = $2",
        "DELETE FROM playbook_states WHERE organization_id = $1 AND customer_id = $2",
        "DELETE FROM customers WHERE organization_id = $1 AND id = $2",
    ];
    for sql in SQL {
        on!(conn, db => sqlx::query(sql).bind(organization_id).bind(id).execute(db).await.map(|_| ()))?;
    }
    Ok(())
}

/// The customers that name some customers as their parents, but for archived ones.
pub async fn parts_of(conn: &mut Conn, organization_id: Uuid, ids: &[Uuid]) -> sqlx::Result<Vec<Customer>> {
    let mut parts = vec![];
    for some in ids.chunks(ROWS_PER_INSERT) {
        let found: Vec<Customer> = on!(conn, db => {
            let mut query = QueryBuilder::new(concat!("SELECT ", columns!(), " FROM customers WHERE organization_id = "));
            query.push_bind(organization_id).push(" AND archived_at IS NULL");
            push_ids(&mut query, "parent_id", Some(some));
            query.build_query_as().fetch_all(db).await
        })?;
        parts.extend(found);
    }
    Ok(parts)
}

/// All customers, archived ones too, in the order in which they were created.
pub async fn all(conn: &mut Conn, organization_id: Uuid) -> sqlx::Result<Vec<Customer>> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM customers WHERE organization_id = $1 ORDER BY id");
    on!(conn, db => sqlx::query_as(SQL).bind(organization_id).fetch_all(db).await)
}
